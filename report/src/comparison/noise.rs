//! A contender against its hidden twin: the noise of a record, and what it could have hidden.

use serde::Serialize;

use super::pairs::{Ratio, Readings, log_ratios};
use super::{Figure, Row, Testing};
use crate::stats::{signed_rank, smallest_detectable_shift};

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
    /// The test puts one of the two behind the other: something is wrong with this record.
    pub told_apart: bool,
    /// The smallest part by which the figure could have been larger and be found with a power of [`POWER`], by
    /// drawing from the ratios of the two: 0.02 is 2 %. Absent where there were too few rounds for any
    /// difference to be found.
    pub smallest_detectable: Option<f64>,
}

impl NoiseFloor {
    /// The two are tested as contenders are, at the level of the strictest comparison of the record.
    pub(super) fn of(
        figure: Figure,
        contender: &Row,
        twin: &Row,
        testing: &Testing,
        seed: u64,
    ) -> NoiseFloor {
        let noise = log_ratios(&Readings::of(figure, contender), &Readings::of(figure, twin));
        let level = testing.strictest_level();
        let turned: Vec<f64> = noise.iter().map(|ratio| -ratio).collect();
        let p = signed_rank::greater(&noise).min(signed_rank::greater(&turned));
        NoiseFloor {
            contender: contender.name.clone(),
            figure,
            twin_valid_runs: twin.valid_runs,
            twin_void_runs: twin.void_runs,
            rounds: noise.len() as u32,
            ratio: Ratio::of(figure, contender, twin),
            told_apart: p <= level,
            // Of a test for both directions it is half the level that either has.
            smallest_detectable: smallest_detectable_shift(&noise, 2.0 * level, POWER, seed).map(f64::exp_m1),
        }
    }
}
