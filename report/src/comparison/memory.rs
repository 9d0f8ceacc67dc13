//! Memory per request in flight: the slope of peak memory between concurrencies of one contender.
//!
//! Most of a contender's peak memory does not depend on the requests in flight: the program, its runtime, its
//! samples. Only the difference between concurrencies belongs to the requests.

use serde::Serialize;

use super::build::interval;
use super::{Interval, Row, Spread};
use crate::record::{Budget, MemoryMethod};

/// The slope of peak memory over requests in flight, of contenders that differ in nothing else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemorySlope {
    /// What they have in common: `MODEL+CLIENT`, or `MODEL, 8 processes`.
    pub name: String,
    /// Their names, the fewest requests in flight first.
    pub contenders: Vec<String>,
    /// The fewest requests in flight among them, over all processes.
    pub least_in_flight: u64,
    /// The most requests in flight among them: no more than there are URLs.
    pub most_in_flight: u64,
    /// Rounds in which two or more of these numbers in flight have a valid run.
    pub rounds: u32,
    /// Bytes per request in flight: the slope of the least-squares line through the peaks of a round, and of these
    /// the median of all rounds.
    pub memory_per_in_flight_bytes: Spread<f64>,
    /// What `low` and `high` of it mean.
    pub interval: Interval,
    /// How often such an interval contains the true median, at least.
    pub interval_confidence: f64,
    /// How the peaks were measured; where they differ, the least exact method.
    pub peak_memory_method: MemoryMethod,
}

impl MemorySlope {
    /// One slope for each group of `contenders` that share model, client and processes and have at least two
    /// different numbers of requests in flight.
    pub(super) fn all(contenders: &[Row], urls: u64, budget: Option<Budget>) -> Vec<MemorySlope> {
        let mut groups: Vec<Vec<&Row>> = Vec::new();
        for row in contenders.iter().filter(|row| row.measured.is_some()) {
            let alike = |group: &&mut Vec<&Row>| kind(group[0]) == kind(row);
            match groups.iter_mut().find(alike) {
                Some(group) => group.push(row),
                None => groups.push(vec![row]),
            }
        }
        groups.into_iter().filter_map(|group| MemorySlope::of(group, urls, budget)).collect()
    }

    fn of(mut group: Vec<&Row>, urls: u64, budget: Option<Budget>) -> Option<MemorySlope> {
        group.sort_by_key(|row| row.in_flight);
        let numbers = || group.iter().map(|row| row.possibly_in_flight(urls));
        let mut rounds: Vec<u32> = group.iter().flat_map(|row| &row.runs).map(|run| run.round).collect();
        rounds.sort_unstable();
        rounds.dedup();
        let slopes: Vec<f64> =
            rounds.into_iter().filter_map(|round| slope(&points(&group, round, urls))).collect();
        let interval = interval(budget, slopes.len());
        Some(MemorySlope {
            name: group[0].name_of_sweep(),
            contenders: group.iter().map(|row| row.name.clone()).collect(),
            least_in_flight: numbers().min()?,
            most_in_flight: numbers().max()?,
            rounds: slopes.len() as u32,
            interval_confidence: interval.confidence,
            interval: interval.into(),
            memory_per_in_flight_bytes: Spread::of(slopes, interval)?,
            peak_memory_method: group
                .iter()
                .filter_map(|row| Some(row.measured.as_ref()?.peak_memory_method))
                .max()?,
        })
    }
}

fn kind(row: &Row) -> (&str, &str, u32) {
    (&row.model, &row.client, row.processes)
}

/// Requests in flight and peak memory of the valid runs of `round`.
fn points(group: &[&Row], round: u32, urls: u64) -> Vec<(f64, f64)> {
    let of_row = |row: &&Row| {
        let run = row.runs.iter().find(|run| run.round == round && run.verdict.is_valid())?;
        let peak_bytes = run.figures.as_ref()?.peak_memory_bytes;
        Some((row.possibly_in_flight(urls) as f64, peak_bytes as f64))
    };
    group.iter().filter_map(of_row).collect()
}

/// The slope of the least-squares line; `None` where all points have the same x.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let squares: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let products: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (squares > 0.0).then(|| products / squares)
}

impl Row {
    /// Requests that its processes can have in flight together: none has more than its share of `urls`.
    fn possibly_in_flight(&self, urls: u64) -> u64 {
        let (processes, in_flight) = (u64::from(self.processes), u64::from(self.in_flight));
        let (share, with_one_more) = (urls / processes, urls % processes);
        with_one_more * in_flight.min(share + 1) + (processes - with_one_more) * in_flight.min(share)
    }

    /// The part of its name that it shares with the contenders that differ from it in the number in flight alone.
    pub(crate) fn name_of_sweep(&self) -> String {
        let shared = self.name.rsplit_once(':').map_or(self.name.as_str(), |(shared, _)| shared);
        match self.processes {
            1 => shared.to_owned(),
            processes => format!("{shared}, {processes} processes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Comparison;
    use crate::example::{self, invalid};
    use crate::record::{RateFacts, ReasonKind, Record};

    fn only_slope(record: &Record) -> MemorySlope {
        let slopes = Comparison::of(record).memory_slopes;
        assert_eq!(slopes.len(), 1, "{slopes:?}");
        slopes.into_iter().next().unwrap()
    }

    #[test]
    fn a_slope_is_the_median_of_the_rounds() {
        let record = example::record_of_sweep(9, |round, in_flight| {
            7_000_000 * u64::from(round) + u64::from(round) * 100 * in_flight
        });
        let slope = only_slope(&record);
        assert_eq!(slope.contenders, ["threads:100", "threads:1000", "threads:5000"]);
        assert_eq!((slope.name.as_str(), slope.rounds), ("threads", 9));
        assert_eq!((slope.least_in_flight, slope.most_in_flight), (100, 1_000), "there are no more URLs");
        let Spread { median, low, high } = slope.memory_per_in_flight_bytes;
        assert!((median - 500.0).abs() < 1e-6, "{median}");
        assert!(low > 100.0 && low < 500.0 && high < 900.0 && high > 500.0, "{low} to {high}");
    }

    #[test]
    fn of_few_rounds_a_slope_has_its_range() {
        let slope =
            only_slope(&example::record_of_sweep(3, |round, in_flight| u64::from(round) * 100 * in_flight));
        assert_eq!((slope.rounds, slope.interval), (3, Interval::MinMax));
        let Spread { median, low, high } = slope.memory_per_in_flight_bytes;
        assert_eq!([low, median, high].map(f64::round), [100.0, 200.0, 300.0]);
    }

    #[test]
    fn without_two_numbers_in_flight_there_is_no_slope() {
        assert_eq!(Comparison::of(&example::record_of_rounds(9)).memory_slopes, []);
        let mut record = example::record_of_sweep(9, |_, in_flight| in_flight);
        record.keep_only(&["threads:1000".to_owned(), "threads:5000".to_owned()]).unwrap();
        assert_eq!(Comparison::of(&record).memory_slopes, [], "both have all URLs in flight");
    }

    #[test]
    fn rounds_with_one_valid_concurrency_do_not_count() {
        let mut record = example::record_of_sweep(9, |_, in_flight| 100 * in_flight);
        for run in record.runs.iter_mut().filter(|run| run.round > 3 && run.contender == "threads:100") {
            run.verdict = invalid(ReasonKind::TargetLate, "late");
        }
        assert_eq!(only_slope(&record).rounds, 3);
    }

    #[test]
    fn a_slope_is_of_the_selected_contenders_and_none_in_an_open_loop() {
        let mut record = example::record_of_sweep(9, |_, in_flight| 100 * in_flight);
        let some = Comparison::of(&record).only(&["threads:100".to_owned(), "threads:1000".to_owned()]);
        assert_eq!(some.memory_slopes[0].contenders, ["threads:100", "threads:1000"]);
        assert_eq!(some.only(&["threads:100".to_owned()]).memory_slopes, []);
        record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
        assert_eq!(Comparison::of(&record).memory_slopes, []);
    }

    #[test]
    fn no_process_has_more_in_flight_than_its_share() {
        let comparison = Comparison::of(&example::record());
        let of = |processes, in_flight, urls| {
            Row { processes, in_flight, ..comparison.contenders[0].clone() }.possibly_in_flight(urls)
        };
        assert_eq!([of(1, 128, 1_000), of(1, 5_000, 1_000), of(8, 64, 1_000)], [128, 1_000, 512]);
        assert_eq!([of(3, 4, 10), of(3, 3, 10), of(3, 2, 2), of(3, 2, 0)], [10, 9, 2, 0]);
    }
}
