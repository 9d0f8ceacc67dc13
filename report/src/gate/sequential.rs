//! The sequential decision on a timed figure: pairs are added until it is known to be worse, known not to be worse, or
//! the budget is spent.
//!
//! After each of [`LOOKS`] pairs two bounds of the ratio are computed, both by inverting Wilcoxon's signed-rank test. The
//! figure is worse where the lower one is above the [`MARGIN`], and not worse where the upper one is below [`LOSS`].
//! Each look spends a part of the error that is allowed in all: alpha spending, K. K. G. Lan and D. L. DeMets, "Discrete
//! Sequential Boundaries for Clinical Trials", Biometrika 70 (3), 1983, pages 659 to 663. The parts are added up (the
//! union bound), not combined through the joint distribution of the looks: so the error rates hold at every stopping
//! time, however looks, figures and cells depend on each other.

use crate::stats::hodges_lehmann;

/// The numbers of pairs after which a timed figure is tested. The first is enough to count connections, too.
pub const LOOKS: [u32; 8] = [8, 12, 16, 24, 32, 48, 64, 96];

/// The pairs after which a figure that is not required gets no more.
pub(super) const REPORTED_PAIRS: usize = 24;

/// The smallest regression of interest: as the logarithm of a ratio, 1 %. Two builds of the same source mostly differ
/// by less.
pub(super) const MARGIN: f64 = 0.00995;

/// The loss that is excluded where a figure is not worse: as the logarithm of a ratio, a drop of 5 %.
pub(super) const LOSS: f64 = 0.05129;

/// The chance that a gate reports a regression though nothing is worse by more than the margin.
pub(super) const ALPHA: f64 = 0.01;

/// The chance that a figure is called not worse though it is worse by the loss or more.
pub(super) const BETA: f64 = 0.05;

/// The part of [`BETA`] that is spent at the first look. Each later look spends this part of the rest, so that most
/// figures of an unchanged build are decided early.
const FIRST_PART: f64 = 1.0 / 3.0;

/// The confidence of the interval that a spread is computed from, and its normal quantile.
const SPREAD_CONFIDENCE: f64 = 0.90;
const SPREAD_QUANTILE: f64 = 1.645;

/// What the pairs of a figure show at a look, as logarithms of head ÷ base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// The number of pairs.
    pub(super) pairs: usize,
    /// The estimate of Hodges and Lehmann.
    pub(super) estimate: f64,
    /// The ratio is at least this, at the level of all tests of the gate. `None` where there are too few pairs.
    pub(super) at_least: Option<f64>,
    /// The ratio lies in this interval, each end at the level of this figure. `None` where there are too few pairs.
    pub(super) interval: Option<(f64, f64)>,
}

impl Look {
    pub(super) fn is_worse(&self) -> bool {
        self.at_least.is_some_and(|ratio| ratio > MARGIN)
    }

    pub(super) fn is_not_worse(&self) -> bool {
        !self.is_worse() && self.interval.is_some_and(|(_, most)| most < LOSS)
    }

    pub(super) fn is_decided(&self) -> bool {
        self.is_worse() || self.is_not_worse()
    }

    /// How many pairs would about decide it: a bound approaches the estimate with the square root of their number.
    /// `None` where the estimate lies so near to both limits that more than ten times as many were needed.
    pub(super) fn pairs_to_decide(&self) -> Option<u32> {
        let to_exclude = self.interval.map(|(_, most)| (most - self.estimate) / (LOSS - self.estimate));
        let to_find = self.at_least.map(|least| (self.estimate - least) / (self.estimate - MARGIN));
        let factor = [to_exclude, to_find].into_iter().flatten().filter(|times| *times > 0.0);
        let factor = factor.map(|times| times * times).fold(f64::INFINITY, f64::min).max(1.0);
        (factor <= 10.0).then(|| (factor * self.pairs as f64).ceil() as u32)
    }
}

/// Goes through the looks that `differences` are enough for, up to the one that decides; the last of them, or what there
/// is before the first. `None` without any pair.
///
/// `control` are the A/A control's differences of the same figure, in the order of measurement; they show the noise under
/// the load of the time. `tests` is the number of figures that can be found worse.
pub(super) fn decide(differences: &[f64], control: &[f64], tests: usize) -> Option<Look> {
    let mut looks = LOOKS.iter().enumerate().filter(|(_, pairs)| **pairs as usize <= differences.len());
    let mut last = None;
    for (at, &pairs) in &mut looks {
        let pairs = pairs as usize;
        let look = look(&differences[..pairs], &control[..pairs.min(control.len())], at, tests);
        last = look;
        if look.is_some_and(|look| look.is_decided()) {
            break;
        }
    }
    last.or_else(|| {
        let estimate = hodges_lehmann(differences, SPREAD_CONFIDENCE)?.estimate;
        Some(Look { pairs: differences.len(), estimate, at_least: None, interval: None })
    })
}

fn look(differences: &[f64], control: &[f64], at: usize, tests: usize) -> Option<Look> {
    let pairs = differences.len();
    let estimate = hodges_lehmann(differences, SPREAD_CONFIDENCE)?.estimate;
    // Where the A/A control varies more than the pairs themselves, they are judged as if they varied as much.
    let widening = (spread(control) / spread(differences)).max(1.0);
    let widening = if widening.is_finite() { widening } else { 1.0 };
    let widened: Vec<f64> =
        differences.iter().map(|difference| estimate + widening * (difference - estimate)).collect();
    let bounds = |level: f64| {
        let reached = 0.5_f64.powf(pairs as f64) <= level;
        hodges_lehmann(&widened, 1.0 - 2.0 * level).filter(|_| reached)
    };
    let at_least = bounds(worse_level(tests)).map(|location| location.low);
    let interval = bounds(not_worse_level(at)).map(|location| (location.low, location.high));
    Some(Look { pairs, estimate, at_least, interval })
}

/// Whether the differences of an A/A control are known to lie beyond the margin, on either side: the machine favours one
/// of two equal programs.
pub(super) fn is_biased(control: &[f64], tests: usize) -> bool {
    let mirrored: Vec<f64> = control.iter().map(|difference| -difference).collect();
    [control, &mirrored].into_iter().any(|side| {
        let looks = LOOKS.iter().filter(|pairs| **pairs as usize <= side.len()).enumerate();
        let mut looks = looks.filter_map(|(at, pairs)| look(&side[..*pairs as usize], &[], at, tests));
        looks.any(|look| look.is_worse())
    })
}

/// The level of each test for being worse: an equal part for each look of each figure.
fn worse_level(tests: usize) -> f64 {
    ALPHA / (tests.max(1) * LOOKS.len()) as f64
}

/// The level of the test for being not worse, at a look.
fn not_worse_level(at: usize) -> f64 {
    BETA * FIRST_PART * (1.0 - FIRST_PART).powf(at as f64)
}

/// The standard deviation of a difference, from the interval of their centre, which is robust against single outliers.
fn spread(differences: &[f64]) -> f64 {
    hodges_lehmann(differences, SPREAD_CONFIDENCE).map_or(0.0, |location| {
        (location.high - location.low) / 2.0 / SPREAD_QUANTILE * (differences.len() as f64).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_match_their_percentages() {
        assert!((MARGIN.exp() - 1.01).abs() < 1e-5);
        assert!(((-LOSS).exp() - 0.95).abs() < 1e-5);
    }

    #[test]
    fn the_looks_spend_no_more_than_is_allowed() {
        let spent: f64 = (0..LOOKS.len()).map(not_worse_level).sum();
        assert!(spent <= BETA && spent > 0.9 * BETA, "{spent}");
        assert!((worse_level(7) * 7.0 * LOOKS.len() as f64 - ALPHA).abs() < 1e-12);
    }

    /// As even as the quantiles of a normal distribution (here: of a triangle) with this deviation, large and small ones
    /// in turn.
    fn differences(count: usize, centre: f64, deviation: f64) -> Vec<f64> {
        let one = |at: usize| {
            let share = (((at * 37) % count) as f64 + 0.5) / count as f64 * 2.0 - 1.0;
            centre + deviation * 6_f64.sqrt() * share.signum() * (1.0 - (1.0 - share.abs()).sqrt())
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn an_equal_build_is_decided_at_the_first_look() {
        let look = decide(&differences(96, 0.0, 0.02), &[], 12).unwrap();
        assert!(look.is_not_worse() && look.pairs == 8, "{look:?}");
        assert!(look.estimate.abs() < 0.02 && look.interval.unwrap().1 > look.estimate, "{look:?}");
    }

    #[test]
    fn a_loss_is_found_once_there_are_enough_pairs() {
        let loss = differences(96, LOSS, 0.02);
        assert!(!decide(&loss[..8], &[], 12).unwrap().is_decided());
        let look = decide(&loss, &[], 12).unwrap();
        assert!(look.is_worse() && look.pairs < 48, "{look:?}");
        assert!(look.at_least.unwrap() > MARGIN && look.at_least.unwrap() < look.estimate, "{look:?}");
    }

    #[test]
    fn a_loss_below_the_margin_is_not_found() {
        assert!(decide(&differences(96, 0.009, 0.01), &[], 1).unwrap().is_not_worse());
    }

    #[test]
    fn noise_of_the_control_widens_the_bounds() {
        let steady = differences(96, LOSS, 0.01);
        let busy = differences(96, 0.0, 0.2);
        assert!(decide(&steady, &differences(96, 0.0, 0.01), 12).unwrap().is_worse());
        let look = decide(&steady, &busy, 12).unwrap();
        assert!(!look.is_decided() && look.pairs == 96, "{look:?}");
        assert!(look.interval.unwrap().1 > 0.1, "{look:?}");
    }

    #[test]
    fn the_pairs_to_decide_grow_with_the_spread() {
        let needed =
            |deviation| decide(&differences(96, 0.0, deviation), &[], 12).unwrap().pairs_to_decide().unwrap();
        let (few, many) = (needed(0.2), needed(0.3));
        assert!(96 < few && few < many, "{few} {many}");
        assert_eq!(decide(&differences(96, LOSS, 1.0), &[], 12).unwrap().pairs_to_decide(), None);
    }

    #[test]
    fn few_pairs_decide_nothing() {
        let look = decide(&differences(7, 0.5, 0.001), &[], 1).unwrap();
        assert_eq!((look.pairs, look.at_least, look.interval), (7, None, None));
        assert_eq!(decide(&[], &[], 1), None);
    }

    #[test]
    fn a_biased_control_is_found_on_either_side() {
        for centre in [-0.05, 0.05] {
            assert!(is_biased(&differences(32, centre, 0.005), 2), "{centre}");
        }
        assert!(!is_biased(&differences(32, 0.0, 0.02), 2));
    }
}
