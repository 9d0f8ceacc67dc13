//! How long the requests of a run took, as histograms: small enough to be kept for every run.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use super::{Quantiles, Samples};

/// How long the requests of a run took. Failed requests are counted and are in neither histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "SavedLatencies", from = "SavedLatencies")]
pub struct Latencies {
    /// From the start of a request, or in an open loop from when it was due, to the last byte of its body.
    pub whole: Histogram,
    /// The same less the URL's planned delay.
    pub added: Histogram,
    /// Requests that ended in an error.
    pub failed: u64,
}

/// A high-dynamic-range histogram with two significant digits: its buckets are less than 1 % wide (Gil Tene,
/// hdrhistogram.org). Values are nanoseconds. Those below zero, which come from two clocks that differ, count as zero,
/// those above a day as a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "SavedHistogram", try_from = "SavedHistogram")]
pub struct Histogram {
    /// The upper end of each bucket that is not empty, in nanoseconds, ascending, and the values in it. The last
    /// bucket ends at the largest value itself.
    pub buckets: Vec<(u64, u64)>,
}

/// Without planned delays the two histograms are one, and it is saved once.
#[derive(Serialize, Deserialize)]
struct SavedLatencies {
    whole: Histogram,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    added: Option<Histogram>,
    failed: u64,
}

impl From<Latencies> for SavedLatencies {
    fn from(Latencies { whole, added, failed }: Latencies) -> SavedLatencies {
        let added = Some(added).filter(|added| *added != whole);
        SavedLatencies { whole, added, failed }
    }
}

impl From<SavedLatencies> for Latencies {
    fn from(SavedLatencies { whole, added, failed }: SavedLatencies) -> Latencies {
        Latencies { added: added.unwrap_or_else(|| whole.clone()), whole, failed }
    }
}

/// A histogram as a record holds it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SavedHistogram {
    /// HdrHistogram's encoding V2, compressed by DEFLATE, in base 64, as in the histogram logs of its other
    /// libraries. It holds buckets only, so the largest value is saved beside it.
    Encoded { max_ns: u64, hdr_v2_deflate: String },
    /// All histograms of records up to format 2, and empty ones of newer records.
    Buckets(Vec<(u64, u64)>),
}

impl From<Histogram> for SavedHistogram {
    fn from(histogram: Histogram) -> SavedHistogram {
        let Some(max_ns) = histogram.max_ns() else { return SavedHistogram::Buckets(Vec::new()) };
        let mut bytes = Vec::new();
        let hdr = Histogram::sum([&histogram]);
        V2DeflateSerializer::new().serialize(&hdr, &mut bytes).expect("a vector takes all that is written");
        SavedHistogram::Encoded { max_ns, hdr_v2_deflate: BASE64_STANDARD.encode(bytes) }
    }
}

impl TryFrom<SavedHistogram> for Histogram {
    type Error = String;

    fn try_from(saved: SavedHistogram) -> Result<Histogram, String> {
        match saved {
            SavedHistogram::Buckets(buckets) => Ok(Histogram { buckets }),
            SavedHistogram::Encoded { max_ns, hdr_v2_deflate } => {
                let bytes = BASE64_STANDARD.decode(hdr_v2_deflate).map_err(|error| error.to_string())?;
                let hdr = Deserializer::new().deserialize(&mut &bytes[..]);
                let hdr = hdr.map_err(|error| format!("not a histogram: {error}"))?;
                Ok(Histogram::from_hdr(&hdr, max_ns))
            }
        }
    }
}

impl Latencies {
    /// The latencies of `samples`.
    pub fn of(samples: &Samples) -> Latencies {
        let errors: HashSet<usize> = samples.errors.iter().map(|(index, _)| *index).collect();
        let complete = || (0..samples.id.len()).filter(|index| !errors.contains(index));
        let whole = |index: usize| samples.latency_ns(index);
        Latencies {
            whole: Histogram::of(complete().map(whole)),
            added: Histogram::of(
                complete().map(|index| whole(index).saturating_sub(samples.planned_ns[index])),
            ),
            failed: errors.len() as u64,
        }
    }

    /// The latencies of several runs together.
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
        self.buckets.last().map(|(end, _)| *end)
    }

    /// Ends the last bucket at `max_ns`, where that lies within it. In older records the last bucket has its nominal
    /// end.
    pub(super) fn end_at(&mut self, max_ns: u64) {
        let before = self.buckets.iter().rev().nth(1).map_or(0, |(end, _)| *end);
        if let Some((end, _)) = self.buckets.last_mut()
            && (before..*end).contains(&max_ns)
        {
            *end = max_ns;
        }
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The upper end of the bucket that contains the quantile `share`, 0 to 1, in nanoseconds. `None` where there are
    /// no values.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = (share * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = |(_, count): &&(u64, u64)| {
            below += count;
            below >= rank
        };
        self.buckets.iter().find(reached).or(self.buckets.last()).map(|(value, _)| *value)
    }

    /// The quantiles that tables show, each at most 1 % too high and the maximum exact; `None` where there are no
    /// values.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let at = |share| self.quantile(share).map(u64::cast_signed);
        Some(Quantiles { p50: at(0.5)?, p90: at(0.9)?, p99: at(0.99)?, max: at(1.0)? })
    }

    /// The buckets of `hdr`, whose largest value is `max_ns`.
    fn from_hdr(hdr: &Hdr<u64>, max_ns: u64) -> Histogram {
        let buckets = hdr.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()));
        let mut buckets: Vec<(u64, u64)> = buckets.collect();
        if let Some((end, _)) = buckets.last_mut() {
            *end = max_ns;
        }
        Histogram { buckets }
    }

    fn pool<'a>(histograms: impl Iterator<Item = &'a Histogram> + Clone) -> Histogram {
        let max_ns = histograms.clone().filter_map(Histogram::max_ns).max();
        Histogram::from_hdr(&Histogram::sum(histograms), max_ns.unwrap_or(0))
    }

    /// The values of all `histograms`, by their buckets.
    fn sum<'a>(histograms: impl IntoIterator<Item = &'a Histogram>) -> Hdr<u64> {
        let mut hdr = empty();
        for &(value, count) in histograms.into_iter().flat_map(|histogram| &histogram.buckets) {
            hdr.saturating_record_n(value, count);
        }
        hdr
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

    /// 1,000,003 ns and 20,000,001 ns lie in buckets that end above them.
    #[test]
    fn the_maximum_is_the_largest_value_and_not_the_end_of_its_bucket() {
        let [first, second] = [[5_u64, 1_000_003], [7, 20_000_001]].map(Histogram::of);
        assert_eq!(first.quantiles().unwrap().max, 1_000_003);
        let latencies =
            |whole: &Histogram| Latencies { added: whole.clone(), whole: whole.clone(), failed: 0 };
        let pooled = Latencies::pool(&[latencies(&second), latencies(&first)]);
        assert_eq!(pooled.whole.quantiles().unwrap().max, 20_000_001);
        assert_eq!(pooled.added.quantile(0.999), Some(20_000_001), "no quantile is above the maximum");
        let saved = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&saved).unwrap().max_ns(), Some(1_000_003));
    }

    #[test]
    fn histograms_round_trip_and_are_small() {
        let histogram = |step: u64| Histogram::of((0..1_000).map(|i| 40_000 + i * i * step));
        for (whole, added, fields) in [
            (histogram(7), histogram(3), 3),
            (histogram(7), histogram(7), 2),
            (Histogram::of([0]), Histogram::of([u64::MAX]), 3),
            (Histogram::default(), Histogram::default(), 2),
        ] {
            let latencies = Latencies { whole, added, failed: 3 };
            let saved = serde_json::to_value(&latencies).unwrap();
            assert_eq!(saved.as_object().unwrap().len(), fields, "{saved}");
            assert_eq!(serde_json::from_value::<Latencies>(saved).unwrap(), latencies);
        }
        let of_a_run = histogram(7);
        let encoded = serde_json::to_string(&of_a_run).unwrap().len();
        let buckets = serde_json::to_string(&of_a_run.buckets).unwrap().len();
        assert!(encoded * 5 < buckets, "{encoded} of {buckets} bytes");
    }

    #[test]
    fn a_histogram_is_read_from_buckets_and_not_from_broken_encodings() {
        let read = |text: &str| serde_json::from_str::<Histogram>(text);
        assert_eq!(read("[[5,1],[1000003,2]]").unwrap().buckets, [(5, 1), (1_000_003, 2)]);
        for broken in ["SElTVA==", "~"] {
            let saved = format!(r#"{{"max_ns":5,"hdr_v2_deflate":"{broken}"}}"#);
            assert!(read(&saved).is_err(), "{broken}");
        }
    }

    #[test]
    fn pooled_runs_equal_one_run_of_all_values() {
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
        assert_eq!(latencies.whole.buckets, [(20, 1), (40, 1)]);
        assert_eq!(latencies.added.buckets, [(15, 1), (35, 1)]);

        let open = Samples { due_ns: vec![10, 5, 0], ..samples };
        assert_eq!(Latencies::of(&open).whole.buckets, [(20, 1), (45, 1)], "from when they were due");
    }
}
