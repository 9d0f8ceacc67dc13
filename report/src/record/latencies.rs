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
    /// The upper end of each class that is not empty, in nanoseconds, ascending, and the values in it. The last
    /// class ends at the largest value itself.
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
        let runs: Vec<&Latencies> = runs.into_iter().collect();
        Latencies {
            whole: Histogram::pool(runs.iter().map(|run| &run.whole)),
            added: Histogram::pool(runs.iter().map(|run| &run.added)),
            failed: runs.iter().map(|run| run.failed).sum(),
        }
    }
}

impl Histogram {
    /// The histogram of `values`, in nanoseconds.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let (mut hdr, mut max_ns) = (empty(), 0);
        for value in values {
            hdr.saturating_record(value);
            max_ns = max_ns.max(value);
        }
        Histogram::from_hdr(&hdr, max_ns)
    }

    /// The largest value, in nanoseconds; `None` where there are no values.
    pub fn max_ns(&self) -> Option<u64> {
        self.classes.last().map(|(end, _)| *end)
    }

    /// Ends the last class at `max_ns`, where that lies within it. Records were saved whose last class has the
    /// end that all of its kind have.
    pub(super) fn end_at(&mut self, max_ns: u64) {
        let before = self.classes.iter().rev().nth(1).map_or(0, |(end, _)| *end);
        if let Some((end, _)) = self.classes.last_mut()
            && (before..*end).contains(&max_ns)
        {
            *end = max_ns;
        }
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

    /// The points that tables show, each at most 1 % too high and the largest exact; `None` where there are no values.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let at = |share| self.quantile(share).map(u64::cast_signed);
        Some(Quantiles { p50: at(0.5)?, p90: at(0.9)?, p99: at(0.99)?, max: at(1.0)? })
    }

    /// The classes of `hdr`, whose largest value is `max_ns`.
    fn from_hdr(hdr: &Hdr<u64>, max_ns: u64) -> Histogram {
        let classes = hdr.iter_recorded().map(|class| (class.value_iterated_to(), class.count_at_value()));
        let mut classes: Vec<(u64, u64)> = classes.collect();
        if let Some((end, _)) = classes.last_mut() {
            *end = max_ns;
        }
        Histogram { classes }
    }

    fn pool<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
        let (mut hdr, mut max_ns) = (empty(), 0);
        for histogram in histograms {
            for &(value, count) in &histogram.classes {
                hdr.saturating_record_n(value, count);
            }
            max_ns = max_ns.max(histogram.max_ns().unwrap_or(0));
        }
        Histogram::from_hdr(&hdr, max_ns)
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

    /// 1,000,003 ns and 20,000,001 ns lie in classes that end above them.
    #[test]
    fn the_maximum_is_the_largest_value_and_not_the_end_of_its_class() {
        let [first, second] = [[5_u64, 1_000_003], [7, 20_000_001]].map(Histogram::of);
        assert_eq!(first.quantiles().unwrap().max, 1_000_003);
        let latencies = |histogram: &Histogram| Latencies {
            whole: histogram.clone(),
            added: histogram.clone(),
            failed: 0,
        };
        let pooled = Latencies::pool(&[latencies(&second), latencies(&first)]);
        assert_eq!(pooled.whole.quantiles().unwrap().max, 20_000_001);
        assert_eq!(pooled.added.quantile(0.999), Some(20_000_001), "no quantile is above the maximum");
        let saved = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&saved).unwrap().max_ns(), Some(1_000_003));
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
