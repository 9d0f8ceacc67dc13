//! Candidates: the figures that look worse after screening, and how many new pairs confirm each.

use super::{Gate, GateFigure, Side, Stage};
use crate::stats::{Test, hodges_lehmann};

/// Pairs of every cell in screening.
pub const SCREEN_PAIRS: u32 = 16;

/// The one-sided significance level of screening. A candidate is not a finding.
const SCREEN_LEVEL: f64 = 0.05;

/// The possible numbers of new pairs for a candidate: as few as its spread allows.
pub const CONFIRM_PAIRS: [u32; 3] = [20, 30, 40];

/// The smallest regression of interest: as the logarithm of a ratio, 1 %. Two builds of the same source mostly differ
/// by less.
pub(super) const MARGIN: f64 = 0.00995;

/// The chance that a gate reports a regression though nothing is worse by more than the margin.
pub(super) const ALPHA: f64 = 0.01;

/// The regression that must be found: as the logarithm of a ratio, a drop of 5 %.
pub(super) const MUST_FIND: f64 = 0.05129;

/// The distance from the margin to the regression that must be found, in standard errors, at which confirmation finds
/// it nearly always: the normal quantiles of 1 − 1 % ÷ 4 candidates and of 95 %, together, and 5 % for the efficiency
/// of ranks (E. L. Lehmann, "Nonparametrics", 1975, section 2.4: 3 ÷ π).
const STANDARD_ERRORS: f64 = 4.7;

/// The confidence of the interval that the spread is computed from, and its normal quantile.
const SPREAD_CONFIDENCE: f64 = 0.90;
const SPREAD_QUANTILE: f64 = 1.645;

/// A figure of a cell that looks worse and has to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the cell.
    pub cell: usize,
    /// The figure that looks worse.
    pub figure: GateFigure,
    /// How many new pairs it needs.
    pub pairs: u32,
}

/// The test of screening.
pub(super) fn screen() -> Test {
    Test { differences: SCREEN_PAIRS as usize, level: SCREEN_LEVEL, margin: 0.0 }
}

/// The test that confirms one of `candidates` figures, at the strictest level of Holm's adjustment.
pub(super) fn confirm(pairs: u32, candidates: usize) -> Test {
    Test { differences: pairs as usize, level: ALPHA / candidates.max(1) as f64, margin: MARGIN }
}

/// How many new pairs distinguish the regression that must be found from the margin, by the spread of `differences`.
/// The spread is computed from the interval of their centre, which is robust against single outliers.
pub(super) fn pairs_needed(differences: &[f64]) -> u32 {
    let [_, _, most] = CONFIRM_PAIRS;
    let Some(location) = hodges_lehmann(differences, SPREAD_CONFIDENCE) else { return most };
    let half_width = (location.high - location.low) / 2.0;
    let spread = half_width / SPREAD_QUANTILE * (differences.len() as f64).sqrt();
    let needed = (STANDARD_ERRORS * spread / (MUST_FIND - MARGIN)).powi(2);
    CONFIRM_PAIRS.into_iter().find(|pairs| f64::from(*pairs) >= needed).unwrap_or(most)
}

impl Gate {
    /// The figures that look worse after screening. Throughput is none where the target limited the head's wall time.
    pub fn candidates(&self) -> Vec<Candidate> {
        let is_own = |cell, figure| {
            figure != GateFigure::Throughput || !self.is_target_limited(cell, Stage::Screen, Side::Head)
        };
        let measured =
            self.judged().filter(|(cell, _, figure)| figure.is_measured() && is_own(*cell, *figure));
        let screened =
            measured.map(|(cell, _, figure)| (cell, figure, self.differences(cell, figure, Stage::Screen)));
        let screen = screen();
        let worse = screened.filter(|(_, _, differences)| screen.finds(differences.iter().copied()));
        worse
            .map(|(cell, figure, differences)| Candidate { cell, figure, pairs: pairs_needed(&differences) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_match_their_percentages() {
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
    fn larger_spread_needs_more_pairs() {
        assert_eq!([0.02, 0.038, 0.06].map(|deviation| pairs_needed(&spread(deviation))), CONFIRM_PAIRS);
        assert_eq!(pairs_needed(&[]), 40);
    }

    #[test]
    fn an_outlier_does_not_need_more_pairs() {
        let mut differences = spread(0.01);
        differences[3] = 2.0;
        assert_eq!(pairs_needed(&differences), 20);
    }
}
