//! Which contenders can be told apart: every pair of them, within rounds, under one level for all.
//!
//! Who is fastest is learnt from the same runs that the tests are made on, so any pair might have become
//! the one that is reported. Therefore all pairs count, those of wall and those of CPU, and Holm's
//! adjustment is over all of them. Two kinds need no test and are not counted: a pair that the bound
//! settles, since it cannot be a pair of equals; and a pair of so few rounds that no result of its test
//! could be called a difference (R. E. Tarone, "A Modified Bonferroni Method for Discrete Data",
//! Biometrics 46 (2), 1990).

use serde::Serialize;

use super::Row;
use crate::record::Figures;
use crate::stats::{hodges_lehmann, holm, signed_rank};

/// The chance that a record of equals is said to hold any difference at all. It is half of the one in a
/// hundred that we promise; the other half is for noise that is not as even as the test supposes.
pub const ALPHA: f64 = 0.005;

/// The confidence of every interval that is shown, each by itself.
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
    /// The test does not tell them apart.
    NotDetected,
    /// No result of the test could have told them apart.
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
    /// Tests that were made and adjusted for: of wall, of CPU, and of a twin.
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

    /// The median of a row.
    pub(crate) fn median(self, row: &Row) -> Option<u64> {
        let measured = row.measured.as_ref()?;
        Some(match self {
            Figure::WallNs => measured.wall_ns.median,
            Figure::CpuNs => measured.cpu_ns.median,
        })
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

/// Every pair of `rows` that have valid runs, of wall first and then of CPU, not judged yet.
pub(super) fn all(rows: &[Row], total_delay_ns: u64) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for figure in [Figure::WallNs, Figure::CpuNs] {
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
    let of_round = |row: &Row, round: u32| {
        let run = row.runs.iter().find(|run| run.round == round && run.verdict.is_valid())?;
        Some((figure.of(run.figures.as_ref()?).max(1) as f64).ln())
    };
    let mut rounds: Vec<u32> = lower.runs.iter().map(|run| run.round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    rounds.into_iter().filter_map(|round| Some(of_round(higher, round)? - of_round(lower, round)?)).collect()
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
