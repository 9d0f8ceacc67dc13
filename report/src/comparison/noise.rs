//! A contender against its hidden twin: the noise of a record, and what it could have hidden.

use serde::Serialize;

use super::pairs::{Figure, Pair, Ratio, Testing, log_ratios};
use super::{ALPHA, Row};
use crate::stats::smallest_detectable_shift;

/// Where a difference counts as one that a record finds: in four of five such records.
pub const POWER: f64 = 0.8;

/// What a contender that was raced twice under two names says of a record. Both are the same, so whatever
/// lies between them is noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseFloor {
    /// The contender that had a twin.
    pub contender: String,
    /// What the two are compared by.
    pub figure: Figure,
    /// Valid runs of the twin.
    pub twin_valid_runs: u32,
    /// Void runs of the twin: in none of these figures.
    pub twin_void_runs: u32,
    /// Rounds in which both have a valid run.
    pub rounds: u32,
    /// The twin's figure over the contender's, within rounds; absent where they share no round.
    pub ratio: Option<Ratio>,
    /// The test told the two apart: something is wrong with this record.
    pub told_apart: bool,
    /// The smallest part by which the figure could have been larger and be found with a power of [`POWER`], by
    /// drawing from the ratios of the two: 0.02 is 2 %. Absent where there were too few rounds for any
    /// difference to be found.
    pub smallest_detectable: Option<f64>,
}

impl NoiseFloor {
    /// `pair` is that of `contender` and `twin`, judged.
    pub(super) fn of(contender: &Row, twin: &Row, pair: &Pair, testing: &Testing, seed: u64) -> NoiseFloor {
        let noise = log_ratios(pair.figure, contender, twin);
        let shift = smallest_detectable_shift(&noise, testing.strictest_level(), POWER, seed);
        NoiseFloor {
            contender: contender.name.clone(),
            figure: pair.figure,
            twin_valid_runs: twin.valid_runs,
            twin_void_runs: twin.void_runs,
            rounds: pair.rounds,
            ratio: pair.ratio,
            told_apart: pair.adjusted_p.is_some_and(|p| p <= ALPHA),
            smallest_detectable: shift.map(f64::exp_m1),
        }
    }
}
