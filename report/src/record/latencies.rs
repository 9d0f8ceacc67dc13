//! How long the requests of a run took, as histograms: small enough to be kept for every run.

use hdrhistogram::Histogram as Hdr;
use serde::{Deserialize, Serialize};

use super::{Quantiles, Samples};

/// How long the requests of a run took. Those that failed are counted, and in neither histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// From the start of a request, or in an open loop from when it was due, to the last byte of its body.
    pub whole: Histogram,
    /// The same less the URL's planned delay.
    pub added: Histogram,
    /// Requests that ended in an error.
    pub failed: u64,
}

/// How many values lie in each of a row of classes, each less than 1 % wide: a high-dynamic-range histogram
/// with two significant digits (Gil Tene, hdrhistogram.org). Values are nanoseconds; those below zero,
/// which come of two clocks that differ, count as zero, those above a day as a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    /// The upper end of each class that is not empty, in nanoseconds, ascending, and the values in it.
    pub classes: Vec<(u64, u64)>,
}

impl Latencies {
    /// Those of `samples`.
    pub fn of(samples: &Samples) -> Latencies {
        let mut errors: Vec<usize> = samples.errors.iter().map(|(index, _)| *index).collect();
        errors.sort_unstable();
        errors.dedup();
        let complete = || (0..samples.id.len()).filter(|index| errors.binary_search(index).is_err());
        let whole = |index: usize| samples.latency_ns(index);
        Latencies {
            whole: Histogram::of(complete().map(whole)),
            added: Histogram::of(
                complete().map(|index| whole(index).saturating_sub(samples.planned_ns[index])),
            ),
            failed: errors.len() as u64,
        }
    }

    /// Those of several runs together.
    pub fn pool<'a>(runs: impl IntoIterator<Item = &'a Latencies>) -> Latencies {
        let (mut whole, mut added, mut failed) = (empty(), empty(), 0);
        for run in runs {
            run.whole.add_to(&mut whole);
            run.added.add_to(&mut added);
            failed += run.failed;
        }
        Latencies { whole: Histogram::from_hdr(&whole), added: Histogram::from_hdr(&added), failed }
    }
}

impl Histogram {
    /// The histogram of `values`, in nanoseconds.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut hdr = empty();
        for value in values {
            hdr.saturating_record(value);
        }
        Histogram::from_hdr(&hdr)
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }

    /// The upper end of the class that the quantile lies in, in nanoseconds: `share` of the values, 0 to 1,
    /// are not above it. `None` where there are no values.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = (share * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = |(_, count): &&(u64, u64)| {
            below += count;
            below >= rank
        };
        self.classes.iter().find(reached).or(self.classes.last()).map(|(value, _)| *value)
    }

    /// The points that tables show, each at most 1 % too high; `None` where there are no values.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let at = |share| self.quantile(share).map(u64::cast_signed);
        Some(Quantiles { p50: at(0.5)?, p90: at(0.9)?, p99: at(0.99)?, max: at(1.0)? })
    }

    fn from_hdr(hdr: &Hdr<u64>) -> Histogram {
        let classes = hdr.iter_recorded().map(|class| (class.value_iterated_to(), class.count_at_value()));
        Histogram { classes: classes.collect() }
    }

    fn add_to(&self, hdr: &mut Hdr<u64>) {
        for &(value, count) in &self.classes {
            hdr.saturating_record_n(value, count);
        }
    }
}

fn empty() -> Hdr<u64> {
    const A_DAY_NS: u64 = 86_400_000_000_000;
    Hdr::new_with_max(A_DAY_NS, 2).expect("it supports two digits and a day of nanoseconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_less_than_one_per_cent_above_the_exact_one() {
        let values: Vec<u64> = (1..=20_000).map(|i| i * i).collect();
        let histogram = Histogram::of(values.iter().copied());
        assert_eq!(histogram.count(), 20_000);
        for (share, exact) in [(0.5, values[9_999]), (0.99, values[19_799]), (1.0, values[19_999])] {
            let found = histogram.quantile(share).unwrap();
            assert!(found >= exact && (found - exact) as f64 <= exact as f64 * 0.01, "{share}: {found}");
        }
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!(Histogram::default().quantiles(), None);
    }

    #[test]
    fn runs_pool_as_if_their_values_had_been_one_run() {
        let run = |values: std::ops::Range<u64>| {
            let histogram = Histogram::of(values.map(|i| i * 7_919));
            Latencies { whole: histogram.clone(), added: histogram, failed: 1 }
        };
        let pooled = Latencies::pool(&[run(0..500), run(500..900)]);
        assert_eq!(pooled, Latencies { failed: 2, ..run(0..900) });
    }

    #[test]
    fn requests_that_failed_are_counted_and_have_no_latency() {
        let samples = Samples {
            id: vec![0, 1, 2],
            process: vec![0; 3],
            due_ns: Vec::new(),
            start_ns: vec![10; 3],
            end_ns: vec![30, 50, 90],
            planned_ns: vec![5, 5, 45],
            errors: vec![(2, "reset".to_owned()), (2, "again".to_owned())],
            left_out: 0,
        };
        let latencies = Latencies::of(&samples);
        assert_eq!(latencies.failed, 1);
        assert_eq!(latencies.whole.classes, [(20, 1), (40, 1)]);
        assert_eq!(latencies.added.classes, [(15, 1), (35, 1)]);

        let open = Samples { due_ns: vec![10, 5, 0], ..samples };
        assert_eq!(Latencies::of(&open).whole.classes, [(20, 1), (45, 1)], "from when they were due");
    }
}
