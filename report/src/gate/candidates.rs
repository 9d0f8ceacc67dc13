//! What is to be measured next: which cells are candidates, and how many fresh pairs shall hear them.

use super::{GateFigure, Gate, Side, Stage};
use crate::stats::{Test, hodges_lehmann};

/// Pairs of every cell that look for candidates.
pub const SCREEN_PAIRS: u32 = 16;

/// The largest p, one-sided, at which a figure becomes a candidate. Nothing is claimed by it.
const SCREEN_LEVEL: f64 = 0.05;

/// How many fresh pairs may hear a candidate: as few as its spread allows.
pub const CONFIRM_PAIRS: [u32; 3] = [20, 30, 40];

/// What a regression must be beyond: as the logarithm of a ratio, 1 %. What is smaller is nobody's concern,
/// and what two builds of the same source differ by is mostly smaller.
pub(super) const MARGIN: f64 = 0.00995;

/// The chance that a gate names anything though nothing is worse by more than the margin.
pub(super) const ALPHA: f64 = 0.01;

/// What must be found: as the logarithm of a ratio, a drop of 5 %.
pub(super) const MUST_FIND: f64 = 0.05129;

/// The distances from the margin to what must be found, in standard errors, at which the second test finds it
/// nearly always: the normal quantiles of 1 − 1 % ÷ 4 candidates and of 95 %, together, and 5 % for the efficiency
/// of ranks (E. L. Lehmann, "Nonparametrics", 1975, section 2.4: 3 ÷ π).
const STANDARD_ERRORS: f64 = 4.7;

/// How sure the interval is that the spread is read from, and the normal quantile that it has.
const SPREAD_CONFIDENCE: f64 = 0.90;
const SPREAD_QUANTILE: f64 = 1.645;

/// A figure of a cell that looks worse, and the fresh pairs that shall say whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the cell.
    pub cell: usize,
    /// What looks worse.
    pub figure: GateFigure,
    /// How many fresh pairs it needs.
    pub pairs: u32,
}

/// The test that makes candidates.
pub(super) fn screen() -> Test {
    Test { differences: SCREEN_PAIRS as usize, level: SCREEN_LEVEL, margin: 0.0 }
}

/// The test that hears one of `candidates`, without what Holm's adjustment leaves it.
pub(super) fn confirm(pairs: u32, candidates: usize) -> Test {
    Test { differences: pairs as usize, level: ALPHA / candidates.max(1) as f64, margin: MARGIN }
}

/// How many fresh pairs tell a drop that must be found from the margin, going by the spread of
/// `differences`: the interval of their centre is as wide as their spread, and no single one of them makes it
/// so.
pub(super) fn pairs_needed(differences: &[f64]) -> u32 {
    let [_, _, most] = CONFIRM_PAIRS;
    let Some(location) = hodges_lehmann(differences, SPREAD_CONFIDENCE) else { return most };
    let half_width = (location.high - location.low) / 2.0;
    let spread = half_width / SPREAD_QUANTILE * (differences.len() as f64).sqrt();
    let needed = (STANDARD_ERRORS * spread / (MUST_FIND - MARGIN)).powi(2);
    CONFIRM_PAIRS.into_iter().find(|pairs| f64::from(*pairs) >= needed).unwrap_or(most)
}

impl Gate {
    /// The figures that look worse after the first stage. The wall of a head that the target limits says nothing of
    /// the head.
    pub fn candidates(&self) -> Vec<Candidate> {
        let is_own = |cell, figure| {
            figure != GateFigure::Throughput || !self.is_target_limited(cell, Stage::Screen, Side::Head)
        };
        let measured =
            self.judged().filter(|(cell, _, figure)| figure.is_measured() && is_own(*cell, *figure));
        let looked_at =
            measured.map(|(cell, _, figure)| (cell, figure, self.differences(cell, figure, Stage::Screen)));
        let screen = screen();
        let worse = looked_at.filter(|(_, _, differences)| screen.finds(differences.iter().copied()));
        worse
            .map(|(cell, figure, differences)| Candidate { cell, figure, pairs: pairs_needed(&differences) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_percentages_they_are_said_to_be() {
        assert!((MARGIN.exp() - 1.01).abs() < 1e-5);
        assert!(((-MUST_FIND).exp() - 0.95).abs() < 1e-5);
    }

    /// As even as the quantiles of a normal distribution (here: of a triangle) with this deviation.
    fn spread(deviation: f64) -> Vec<f64> {
        let one = |at: u32| {
            let share = (f64::from(at) + 0.5) / 8.0 - 1.0;
            deviation * 6_f64.sqrt() * share.signum() * (1.0 - (1.0 - share.abs()).sqrt())
        };
        (0..16).map(one).collect()
    }

    #[test]
    fn what_spreads_more_is_heard_longer() {
        assert_eq!([0.02, 0.038, 0.06].map(|deviation| pairs_needed(&spread(deviation))), CONFIRM_PAIRS);
        assert_eq!(pairs_needed(&[]), 40);
    }

    #[test]
    fn one_that_stalled_does_not_make_it_so() {
        let mut differences = spread(0.01);
        differences[3] = 2.0;
        assert_eq!(pairs_needed(&differences), 20);
    }
}
