//! Two contenders side by side: their ratio within rounds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{RankingFigure, Row};
use crate::stats::{Location, hodges_lehmann};

/// The confidence of every interval that is shown, each by itself, at least.
pub const CONFIDENCE: f64 = 0.95;

/// A contender compared with the first of the ranking.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairwiseComparison {
    /// What they are compared by.
    pub figure: RankingFigure,
    /// The first of the ranking by this figure.
    pub lower: String,
    /// The contender that is compared with it.
    pub higher: String,
    /// Rounds in which both have a valid run.
    pub rounds: u32,
    /// `higher` ÷ `lower`, within rounds; absent where they share no round.
    pub ratio: Option<Ratio>,
    /// The p-value for `higher` being the best, adjusted for all that were tested. It is not that of this pair
    /// alone, but of the test against the contender with the strongest evidence. Absent where nothing was tested.
    pub adjusted_p: Option<f64>,
    /// What is known of `higher`.
    pub finding: Finding,
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
    /// Its confidence: [`CONFIDENCE`] or a little more. It is less where there are too few rounds for that; then
    /// the interval is the whole range of the rounds' ratios.
    pub confidence: f64,
}

/// What is known of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The lower bound of its wall time is above every run of another.
    Bound,
    /// A test finds it worse than another.
    Significant,
    /// It may be the best: no test finds it worse than another. A figure that was the same in most rounds is
    /// a case of this: more such rounds would not change it.
    NotDetected,
    /// With so few rounds no result could be significant.
    TooFewRounds,
}

impl Ratio {
    /// Of two contenders with these logarithms of ratios within rounds; `None` where they share no round.
    pub(super) fn of(log_ratios: &[f64]) -> Option<Ratio> {
        let Location { estimate, low, high, confidence } = hodges_lehmann(log_ratios, CONFIDENCE)?;
        Some(Ratio { estimate: estimate.exp(), low: low.exp(), high: high.exp(), confidence })
    }
}

/// The logarithms of a figure of the valid runs of a contender, by round.
pub(super) struct Readings(BTreeMap<u32, f64>);

impl Readings {
    /// A reading of zero counts as one nanosecond.
    pub(super) fn of(figure: RankingFigure, row: &Row) -> Readings {
        let valid = row.runs.iter().filter(|run| run.verdict.is_valid());
        let readings =
            valid.filter_map(|run| Some((run.round, (figure.of(run.figures.as_ref()?).max(1) as f64).ln())));
        Readings(readings.collect())
    }
}

/// The logarithm of `higher` ÷ `lower` in each round in which both have a valid run.
pub(super) fn log_ratios(lower: &Readings, higher: &Readings) -> Vec<f64> {
    let of_lower = |(round, reading): (&u32, &f64)| Some(reading - lower.0.get(round)?);
    higher.0.iter().filter_map(of_lower).collect()
}
