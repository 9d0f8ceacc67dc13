//! Changes of a series: its levels, and the steps from one to the next.

use std::cmp::Ordering;

use super::series::{Point, Series};
use crate::numbers::{self, direction};
use crate::stats::{Sorted, change_points};

/// The fewest gates in which changes are searched for: with fewer a test has little power.
pub(super) const LEAST_GATES: usize = 10;

/// The fewest gates between two changes.
const LEAST_BETWEEN: usize = 5;

/// The seed of the permutation test, so that the same gates have the same changes.
const SEED: u64 = 1;

/// A stretch between two changes: its first and its last point, and the median of its ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub first: usize,
    pub last: usize,
    pub ratio: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step<'a> {
    /// The last point before it.
    pub before: &'a Point,
    /// The first one after it.
    pub after: &'a Point,
    /// The level after it ÷ the level before it.
    pub ratio: f64,
    pub way: Way,
}

/// The direction of a change, by the digits that are shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Better,
    Worse,
    /// The level is shown as the same, so the spread around it changed.
    Spread,
}

impl Series {
    /// Its levels between changes.
    pub(super) fn levels(&self) -> Vec<Level> {
        let counted: Vec<usize> = (0..self.points.len()).filter(|at| self.points[*at].counts()).collect();
        if counted.len() < LEAST_GATES {
            return Vec::new();
        }
        let ratios: Vec<f64> = counted.iter().map(|at| self.points[*at].ratio.ln()).collect();
        let changes = change_points(&ratios, LEAST_BETWEEN, SEED);
        let ends: Vec<usize> = [0].into_iter().chain(changes).chain([counted.len()]).collect();
        let levels = ends.windows(2).filter_map(|stretch| {
            let median = Sorted::new(ratios[stretch[0]..stretch[1]].iter().copied())?.median();
            let (first, last) = (counted[stretch[0]], counted[stretch[1] - 1]);
            Some(Level { first, last, ratio: median.exp() })
        });
        levels.collect()
    }

    /// Where it changed, oldest first.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.levels.windows(2).map(|levels| {
            let ratio = levels[1].ratio / levels[0].ratio;
            let way = match (direction(ratio), self.is_better_above()) {
                (Ordering::Equal, _) => Way::Spread,
                (Ordering::Greater, true) | (Ordering::Less, false) => Way::Better,
                (Ordering::Greater, false) | (Ordering::Less, true) => Way::Worse,
            };
            Step { before: &self.points[levels[0].last], after: &self.points[levels[1].first], ratio, way }
        })
    }
}

impl Step<'_> {
    /// By how much it changed, or that its spread did: `−5.6 %`, `spread`.
    pub(super) fn text(&self) -> String {
        match self.way {
            Way::Better | Way::Worse => numbers::change(self.ratio),
            Way::Spread => "spread".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::series::tests::{all, of as series_of};
    use super::*;
    use crate::gate::{GateFigure, example};

    fn of(count: u32, cell: &str, figure: GateFigure) -> Series {
        series_of(&example::gates(count), cell, figure)
    }

    fn ways(series: &Series) -> Vec<Way> {
        series.steps().map(|step| step.way).collect()
    }

    #[test]
    fn a_step_is_found_at_its_gate() {
        let throughput = of(24, example::STEPPED, GateFigure::Throughput);
        let steps: Vec<Step<'_>> = throughput.steps().collect();
        let [Step { before, after, ratio, way }] = steps[..] else { panic!("{steps:?}") };
        assert_eq!((before.gate, after.gate, after.head.as_str()), (12, 13, "head-14"));
        assert!((ratio - 1.0 / example::STEP).abs() < 0.01, "{ratio}");
        assert_eq!(way, Way::Worse);
        assert_eq!(of(24, example::STEADY, GateFigure::Throughput).steps().count(), 0);
    }

    #[test]
    fn higher_cost_is_worse_and_lower_cost_is_better() {
        assert_eq!(ways(&of(24, example::STEPPED, GateFigure::Cpu)), [Way::Worse]);
        assert_eq!(ways(&of(24, example::STEADY, GateFigure::Instructions)), [Way::Better; 2]);
    }

    #[test]
    fn a_change_without_a_new_level_is_one_of_spread() {
        let mut series = of(24, example::STEADY, GateFigure::Throughput);
        for (at, point) in series.points.iter_mut().enumerate() {
            let spread: f64 = if at < 12 { 0.001 } else { 0.1 };
            point.ratio = if at % 2 == 0 { spread.exp() } else { (-spread).exp() };
        }
        series.levels = series.levels();
        let steps: Vec<(usize, String)> = series.steps().map(|step| (step.after.gate, step.text())).collect();
        assert_eq!(steps, [(12, "spread".to_owned())]);
        // A change that is shown as zero has no direction.
        series.levels[1].ratio *= 1.000_4;
        assert_eq!(ways(&series), [Way::Spread]);
    }

    #[test]
    fn few_gates_have_no_changes() {
        assert!(all(&example::gates(9)).iter().all(|series| series.levels.is_empty()));
        let ten = all(&example::gates(10));
        assert!(ten.iter().all(|series| series.points.is_empty() || series.levels.len() == 1));
    }
}
