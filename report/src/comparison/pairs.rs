//! Which contenders can be told apart: every pair of them, within rounds, under one level for all.
//!
//! Who is fastest is learnt from the same runs that the tests are made on, so any pair might have become
//! the one that is reported. Therefore all pairs count, those of wall and those of CPU, and Holm's
//! adjustment is over all of them. Two kinds need no test and are not counted: a pair that the bound
//! settles, since it cannot be a pair of equals; and a pair of so few rounds that no result of its test
//! could be called a difference (R. E. Tarone, "A Modified Bonferroni Method for Discrete Data",
//! Biometrics 46 (2), 1990).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Row;
use crate::record::Figures;
use crate::stats::{hodges_lehmann, holm, signed_rank};

/// The chance that a record of equals is said to hold any difference at all. It is half of the one in a
/// hundred that we promise; the other half is for noise that is not as even as the test supposes.
pub const ALPHA: f64 = 0.005;

/// The confidence of every interval that is shown, each by itself, at least.
pub const CONFIDENCE: f64 = 0.95;

/// Two contenders and one figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// What they are compared by.
    pub figure: Figure,
    /// The contender with the lower median, or the one asked for first where they are equal.
    pub lower: String,
    /// The other.
    pub higher: String,
    /// Rounds in which both have a valid run.
    pub rounds: u32,
    /// How many times as much the higher has, within rounds; absent where they share no round.
    pub ratio: Option<Ratio>,
    /// The p-value of the two-sided signed-rank test of that ratio; absent where nothing was tested.
    pub p: Option<f64>,
    /// The same, adjusted for all that were tested.
    pub adjusted_p: Option<f64>,
    /// What this comes to.
    pub finding: Finding,
}

/// A figure that contenders are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// [`Figures::wall_ns`].
    WallNs,
    /// [`Figures::cpu_ns`].
    CpuNs,
}

/// The Hodges–Lehmann estimate of a ratio, on the scale of logarithms, and the interval that inverts the
/// signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The estimate.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// Its confidence: [`CONFIDENCE`] or a little more, or less where so few rounds cannot have it; then the
    /// interval is the whole range of the rounds' ratios.
    pub confidence: f64,
}

/// What is known of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The higher cannot be as low as the lower was in each of its runs: its shape has to wait longer.
    Bound,
    /// The test tells them apart.
    Apart,
    /// The test does not tell them apart. That a meter read the same of both in most rounds is a case of this:
    /// more rounds of the same would not change it.
    NotDetected,
    /// No readings in so few rounds could have made the test tell them apart.
    TooFewRounds,
}

impl Finding {
    /// Whether the lower is known to be lower.
    pub fn is_difference(self) -> bool {
        matches!(self, Finding::Bound | Finding::Apart)
    }
}

/// Under which conditions the pairs were tested.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Testing {
    /// [`ALPHA`].
    pub alpha: f64,
    /// Tests that were made and adjusted for: of wall and of CPU, those of a twin among them.
    pub tests: u32,
    /// Rounds with which a test of every pair could find a difference.
    pub enough_rounds: u32,
}

impl Testing {
    /// The level that the strictest test of all is held to.
    pub fn strictest_level(&self) -> f64 {
        self.alpha / f64::from(self.tests.max(1))
    }
}

impl Figure {
    fn of(self, figures: &Figures) -> u64 {
        match self {
            Figure::WallNs => figures.wall_ns,
            Figure::CpuNs => figures.cpu_ns,
        }
    }

    /// The median of a row; none where the figure is the target's and not the contender's own.
    pub(crate) fn median(self, row: &Row) -> Option<u64> {
        let measured = row.measured.as_ref()?;
        match self {
            Figure::WallNs => (!row.is_target_limited()).then_some(measured.wall_ns.median),
            Figure::CpuNs => Some(measured.cpu_ns.median),
        }
    }

    /// No run of a row's shape has less than this. Processor time has no bound that follows from the
    /// workload.
    fn bound(self, row: &Row, total_delay_ns: u64) -> u64 {
        match self {
            Figure::WallNs => total_delay_ns / row.slots().max(1),
            Figure::CpuNs => 0,
        }
    }
}

/// Every pair of `rows` that have valid runs, by one of `figures` after the other, not judged yet.
pub(super) fn all(rows: &[Row], figures: &[Figure], total_delay_ns: u64) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for &figure in figures {
        let mut order: Vec<(u64, &Row)> =
            rows.iter().filter_map(|row| Some((figure.median(row)?, row))).collect();
        order.sort_by_key(|(median, _)| *median);
        for (at, (_, lower)) in order.iter().enumerate() {
            for (_, higher) in &order[at + 1..] {
                let mut pair = Pair::of(figure, lower, higher);
                let most = lower.valid_figures().map(|figures| figure.of(figures)).max();
                if most.is_some_and(|most| most < figure.bound(higher, total_delay_ns)) {
                    pair.finding = Finding::Bound;
                }
                pairs.push(pair);
            }
        }
    }
    pairs
}

impl Pair {
    /// What the rounds say of two rows, not judged yet.
    pub(super) fn of(figure: Figure, lower: &Row, higher: &Row) -> Pair {
        let ratios = log_ratios(figure, lower, higher);
        let location = hodges_lehmann(&ratios, CONFIDENCE);
        Pair {
            figure,
            lower: lower.name.clone(),
            higher: higher.name.clone(),
            rounds: ratios.len() as u32,
            ratio: location.map(|location| Ratio {
                estimate: location.estimate.exp(),
                low: location.low.exp(),
                high: location.high.exp(),
                confidence: location.confidence,
            }),
            p: (!ratios.is_empty()).then(|| signed_rank::two_sided(&ratios)),
            adjusted_p: None,
            finding: Finding::TooFewRounds,
        }
    }

    fn is_tested(&self) -> bool {
        self.finding != Finding::Bound && signed_rank::least_two_sided(self.rounds) <= ALPHA
    }

    /// Rounds in which both read the same count as rounds: that there was nothing to see in them is what the
    /// test was told, and not for want of rounds.
    fn judged(&mut self, adjusted_p: f64, tests: u32) {
        let agrees_with_the_medians = self.ratio.is_some_and(|ratio| ratio.estimate > 1.0);
        self.adjusted_p = Some(adjusted_p);
        self.finding = if adjusted_p <= ALPHA && agrees_with_the_medians {
            Finding::Apart
        } else if signed_rank::least_two_sided(self.rounds) * f64::from(tests) > ALPHA {
            Finding::TooFewRounds
        } else {
            Finding::NotDetected
        };
    }
}

/// The logarithm of `higher` ÷ `lower` in each round in which both have a valid run. A meter that read
/// nothing counts as one nanosecond.
pub(super) fn log_ratios(figure: Figure, lower: &Row, higher: &Row) -> Vec<f64> {
    let by_round = |row: &Row| -> BTreeMap<u32, f64> {
        let valid = row.runs.iter().filter(|run| run.verdict.is_valid());
        let figures = valid.filter_map(|run| Some((run.round, figure.of(run.figures.as_ref()?))));
        figures.map(|(round, figure)| (round, (figure.max(1) as f64).ln())).collect()
    };
    let (lower, higher) = (by_round(lower), by_round(higher));
    lower.iter().filter_map(|(round, lower)| Some(higher.get(round)? - lower)).collect()
}

/// Judges all `pairs` together.
pub(super) fn judge(pairs: &mut [Pair]) -> Testing {
    let open = pairs.iter().filter(|pair| pair.finding != Finding::Bound).count();
    let could_find = |rounds: u32| signed_rank::least_two_sided(rounds) * open as f64 <= ALPHA;
    let enough_rounds = (1..).find(|&rounds| could_find(rounds)).expect("the least p goes to zero");

    let mut tested: Vec<&mut Pair> = pairs.iter_mut().filter(|pair| pair.is_tested()).collect();
    let tests = tested.len() as u32;
    let p: Vec<f64> = tested.iter().map(|pair| pair.p.unwrap_or(1.0)).collect();
    for (pair, adjusted_p) in tested.iter_mut().zip(holm(&p)) {
        pair.judged(adjusted_p, tests);
    }
    for pair in pairs.iter_mut().filter(|pair| pair.adjusted_p.is_none()) {
        pair.p = None;
    }
    Testing { alpha: ALPHA, tests, enough_rounds }
}

#[cfg(test)]
mod tests {
    use super::super::Comparison;
    use super::*;
    use crate::example;
    use crate::record::{Record, Verdict};

    /// Ten rounds of the example, with these walls of threads:32 and tokio:128, in milliseconds. The least
    /// that the shapes allow is 818 ms and 204 ms.
    fn race(threads_ms: [u64; 10], tokio_ms: [u64; 10]) -> Record {
        let mut record = example::record_of_rounds(10);
        record.header.contenders.retain(|facts| ["threads:32", "tokio:128"].contains(&facts.name.as_str()));
        record.runs.retain(|run| ["threads:32", "tokio:128"].contains(&run.contender.as_str()));
        for run in &mut record.runs {
            let walls = if run.contender == "tokio:128" { &tokio_ms } else { &threads_ms };
            run.verdict = Verdict::Valid;
            run.figures.as_mut().unwrap().wall_ns = walls[run.round as usize - 1] * 1_000_000;
        }
        record
    }

    fn wall(record: &Record) -> (Pair, Testing) {
        let comparison = Comparison::of(record);
        let pair = comparison.pair(Figure::WallNs, "threads:32", "tokio:128").unwrap();
        (pair.clone(), comparison.testing)
    }

    const ABOUT_900: [u64; 10] = [900, 901, 902, 903, 904, 905, 906, 907, 908, 909];
    const ABOUT_950: [u64; 10] = [950, 952, 951, 954, 953, 956, 955, 958, 957, 959];

    #[test]
    fn what_the_bound_does_not_settle_is_tested() {
        let (pair, testing) = wall(&race(ABOUT_900, ABOUT_950));
        assert_eq!((pair.lower.as_str(), pair.higher.as_str(), pair.rounds), ("threads:32", "tokio:128", 10));
        // All ten have the same sign: 2⁻⁹ two-sided, once for wall and once for CPU.
        assert_eq!((pair.p, testing.tests, testing.enough_rounds), (Some(1.0 / 512.0), 2, 10));
        assert_eq!((pair.adjusted_p, pair.finding), (Some(1.0 / 256.0), Finding::Apart));
        let ratio = pair.ratio.unwrap();
        assert!((1.05..1.06).contains(&ratio.estimate) && ratio.low > 1.0, "{ratio:?}");
    }

    #[test]
    fn what_the_bound_settles_is_not() {
        let (pair, testing) = wall(&race(ABOUT_900, [300; 10]));
        assert_eq!((pair.lower.as_str(), pair.finding, pair.p), ("tokio:128", Finding::Bound, None));
        assert_eq!(testing.tests, 1, "that of CPU");
        let mut one_slow = [300; 10];
        one_slow[4] = 850;
        assert_eq!(wall(&race(ABOUT_900, one_slow)).0.finding, Finding::Apart, "a run was above the bound");
    }

    #[test]
    fn runs_are_compared_within_their_round_alone() {
        // Both drift in the same way by more than they differ.
        let drifting = |base: u64| std::array::from_fn(|round| base + 40 * round as u64);
        let (pair, _) = wall(&race(drifting(900), drifting(905)));
        assert_eq!(pair.finding, Finding::Apart);

        let mut record = race(drifting(900), drifting(905));
        record.runs[0].verdict = Verdict::Void { reasons: Vec::new() };
        record.runs.swap(2, 9);
        let (pair, testing) = wall(&record);
        assert_eq!((pair.rounds, pair.finding), (9, Finding::TooFewRounds));
        assert_eq!(testing.tests, 2);
    }

    #[test]
    fn a_difference_that_the_medians_deny_is_none() {
        // Threads are ahead in each round that both have, but had bad ones of their own.
        let mut record = race(ABOUT_900, ABOUT_950);
        record.header.contenders.iter_mut().for_each(|facts| facts.rounds = 25);
        let template = record.runs.iter().find(|run| run.contender == "threads:32").unwrap().clone();
        for round in 11..=25 {
            let mut run = template.clone();
            run.round = round;
            run.figures.as_mut().unwrap().wall_ns = 990_000_000;
            record.runs.push(run);
        }
        let (pair, _) = wall(&record);
        assert_eq!((pair.lower.as_str(), pair.finding), ("tokio:128", Finding::NotDetected));
    }

    #[test]
    fn a_meter_that_read_nothing_is_no_difference_from_another() {
        let mut record = race(ABOUT_900, ABOUT_950);
        record.runs.iter_mut().for_each(|run| run.figures.as_mut().unwrap().cpu_ns = 0);
        let comparison = Comparison::of(&record);
        let pair = comparison.pair(Figure::CpuNs, "threads:32", "tokio:128").unwrap();
        assert_eq!((pair.finding, pair.p), (Finding::NotDetected, Some(1.0)));
        assert_eq!(pair.ratio.unwrap().estimate, 1.0);
    }
}
