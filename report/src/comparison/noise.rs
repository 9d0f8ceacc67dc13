//! A contender and its A/A control: the noise of a record, and the smallest difference detectable in it.

use serde::Serialize;

use super::pairs::{Ratio, Readings, log_ratios};
use super::{RankingFigure, Row, Testing};
use crate::stats::{signed_rank, smallest_detectable_shift};

/// A difference is detectable where a record finds it with this probability.
pub const POWER: f64 = 0.8;

/// The noise of a record: the difference between a contender and its A/A control, which are the same program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseFloor {
    /// The contender that has a control.
    pub contender: String,
    /// What the two are compared by.
    pub figure: RankingFigure,
    /// Valid runs of the control.
    pub control_valid_runs: u32,
    /// Invalid runs of the control: in none of these figures.
    pub control_invalid_runs: u32,
    /// Rounds in which both have a valid run.
    pub rounds: u32,
    /// The control's figure over the contender's, within rounds; absent where they share no round.
    pub ratio: Option<Ratio>,
    /// The test distinguishes the two: something is wrong with this record.
    pub distinguished: bool,
    /// The smallest relative increase of the figure that is found with a power of [`POWER`], by resampling the
    /// ratios of the two: 0.02 is 2 %. Absent where there were too few rounds to find any difference.
    pub smallest_detectable: Option<f64>,
}

impl NoiseFloor {
    /// The two are tested as contenders are, at the level of the strictest comparison of the record.
    pub(super) fn of(
        figure: RankingFigure,
        contender: &Row,
        control: &Row,
        testing: &Testing,
        seed: u64,
    ) -> NoiseFloor {
        let noise = log_ratios(&Readings::of(figure, contender), &Readings::of(figure, control));
        let level = testing.alpha / f64::from(testing.comparisons.max(1));
        let negated: Vec<f64> = noise.iter().map(|ratio| -ratio).collect();
        let p = signed_rank::greater(&noise).min(signed_rank::greater(&negated));
        NoiseFloor {
            contender: contender.name.clone(),
            figure,
            control_valid_runs: control.valid_runs,
            control_invalid_runs: control.invalid_runs,
            rounds: noise.len() as u32,
            ratio: Ratio::of(&noise),
            distinguished: p <= level,
            // Of a test for both directions it is half the level that either has.
            smallest_detectable: smallest_detectable_shift(&noise, 2.0 * level, POWER, seed).map(f64::exp_m1),
        }
    }
}
