//! Where a series changed: its levels, and the steps from one to the next.

use std::cmp::Ordering;

use super::series::{Point, Series};
use crate::numbers::{self, direction};
use crate::stats::{Sorted, change_points};

/// With fewer gates no change is looked for: a test could hardly tell one.
pub const LEAST_GATES: usize = 10;

/// Between two changes there are so many gates at least.
const LEAST_BETWEEN: usize = 5;

/// Of the orders that the test draws, so that the same gates always say the same.
const SEED: u64 = 1;

/// A stretch between two changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Its first point.
    pub first: usize,
    /// Its last one.
    pub last: usize,
    /// The median of its ratios.
    pub ratio: f64,
}

/// A change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// The last point before it.
    pub before: &'a Point,
    /// The first one after it.
    pub after: &'a Point,
    /// The level after it ÷ the level before it.
    pub ratio: f64,
    /// Which way it went.
    pub way: Way,
}

/// Which way a change went, by the digits that are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The level is better.
    Better,
    /// The level is worse.
    Worse,
    /// The level is told to be the same, so that it is the spread around it that changed.
    Spread,
}

impl Series {
    /// What it was between its changes.
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
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
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
    /// By how much it changed, or in what: `−5.6 %`, `spread`.
    pub fn told(&self) -> String {
        match self.way {
            Way::Better | Way::Worse => numbers::change(self.ratio),
            Way::Spread => "spread".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{GateFigure, example};

    fn all(count: u32) -> Vec<Series> {
        Series::all(&example::gates(count).iter().collect::<Vec<_>>())
    }

    fn of(count: u32, cell: &str, figure: GateFigure) -> Series {
        all(count).into_iter().find(|series| series.cell == cell && series.figure == figure).unwrap()
    }

    fn ways(series: &Series) -> Vec<Way> {
        series.steps().map(|step| step.way).collect()
    }

    #[test]
    fn the_step_is_found_at_the_gate_that_made_it() {
        let throughput = of(24, example::STEPPED, GateFigure::Throughput);
        let steps: Vec<Step<'_>> = throughput.steps().collect();
        let [Step { before, after, ratio, way }] = steps[..] else { panic!("{steps:?}") };
        assert_eq!((before.gate, after.gate, after.head.as_str()), (12, 13, "head-14"));
        assert!((ratio - 1.0 / example::STEP).abs() < 0.01, "{ratio}");
        assert_eq!(way, Way::Worse);
        assert_eq!(of(24, example::STEADY, GateFigure::Throughput).steps().count(), 0);
    }

    #[test]
    fn what_costs_more_is_worse_and_what_costs_less_is_better() {
        assert_eq!(ways(&of(24, example::STEPPED, GateFigure::Cpu)), [Way::Worse]);
        assert_eq!(ways(&of(24, example::STEADY, GateFigure::Instructions)), [Way::Better; 2]);
    }

    #[test]
    fn where_the_level_stays_it_is_the_spread_that_changed() {
        let mut series = of(24, example::STEADY, GateFigure::Throughput);
        for (at, point) in series.points.iter_mut().enumerate() {
            let spread: f64 = if at < 12 { 0.001 } else { 0.1 };
            point.ratio = if at % 2 == 0 { spread.exp() } else { (-spread).exp() };
        }
        series.levels = series.levels();
        let steps: Vec<(usize, String)> = series.steps().map(|step| (step.after.gate, step.told())).collect();
        assert_eq!(steps, [(12, "spread".to_owned())]);
        // What is told as nothing has no direction.
        series.levels[1].ratio *= 1.000_4;
        assert_eq!(ways(&series), [Way::Spread]);
    }

    #[test]
    fn with_few_gates_no_change_is_looked_for() {
        assert!(all(9).iter().all(|series| series.levels.is_empty()));
        assert!(all(10).iter().all(|series| series.points.is_empty() || series.levels.len() == 1));
    }
}
