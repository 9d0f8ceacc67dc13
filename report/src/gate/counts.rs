//! Judging counts. They hardly vary from run to run, so that a few runs are enough.

use super::{Count, Gate, GateFigure, LOOKS, Side, Stage};
use crate::figures::GateRule;
use crate::stats::Sorted;

/// Counted runs of each build, and again when the head looks worse.
pub const COUNTS: u32 = 3;

/// The pairs that are enough to judge connections: the chance that all of the head's are above all of the base's where
/// both are alike is 1 in 12,870, the ways to choose 8 of 16.
const CONNECTION_PAIRS: u32 = LOOKS[0];

/// A count is worse only beyond this multiple of its own range from run to run.
const RANGES: f64 = 2.0;

/// A count of base and head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    /// Median of the base.
    pub(super) base: f64,
    /// Median of the head.
    pub(super) head: f64,
    /// The largest increase, relative to the base, that is not detectable.
    pub(super) undetectable: f64,
    /// Whether it is worse: by more than that, and in every run.
    pub(super) worse: bool,
}

impl Counted {
    fn of(figure: GateFigure, base: &Sorted<f64>, head: &Sorted<f64>) -> Counted {
        let GateRule { least_share: share, least_amount: amount, .. } = figure.rule();
        let (base_range, head_range) = (base.high() - base.low(), head.high() - head.low());
        let range = RANGES * base_range.max(head_range);
        // Of connections that all of the head's are above all of the base's is enough, see CONNECTION_PAIRS.
        let allowed = match figure {
            GateFigure::Connections => 0.0,
            _ => (share * base.median()).max(amount).max(range),
        };
        // An increase within the absolute threshold does not matter, however large it is relative to the base.
        let undetectable = if allowed > amount { allowed } else { 0.0 };
        let undetectable =
            if figure == GateFigure::Connections { base_range.max(head_range) } else { undetectable };
        let worse = head.median() - base.median() > allowed && head.low() > base.high();
        let part = |amount: f64| if base.median() > 0.0 { amount / base.median() } else { 0.0 };
        Counted { base: base.median(), head: head.median(), undetectable: part(undetectable), worse }
    }
}

impl Count {
    fn of(&self, figure: GateFigure) -> Option<f64> {
        match figure {
            GateFigure::Instructions => self.instructions,
            GateFigure::Allocations => self.allocations,
            GateFigure::SystemCalls => self.system_calls,
            _ => None,
        }
    }
}

impl Gate {
    /// The counts of a stage, where both builds have enough of them.
    pub(super) fn counted(&self, cell: usize, figure: GateFigure, stage: Stage) -> Option<Counted> {
        let needed = if figure == GateFigure::Connections { CONNECTION_PAIRS } else { COUNTS };
        let of_side = |side| {
            let values = self.values(cell, figure, stage, side);
            Sorted::new(values).filter(|values| values.count() >= needed as usize)
        };
        Some(Counted::of(figure, &of_side(Side::Base)?, &of_side(Side::Head)?))
    }

    fn values(&self, cell: usize, figure: GateFigure, stage: Stage, side: Side) -> Vec<f64> {
        if figure == GateFigure::Connections {
            return self.judged_pairs(cell).map(|pair| pair.cost(side).connections).collect();
        }
        let counts = self.counts.iter();
        let counts = counts.filter(|count| (count.cell, count.stage, count.side) == (cell, stage, side));
        counts.filter_map(|count| count.of(figure)).collect()
    }

    /// The cells whose counts look worse and have to be confirmed.
    pub fn to_count_again(&self) -> Vec<usize> {
        let worse = self.judged().filter(|(cell, _, figure)| {
            // Connections have been counted in every run.
            *figure != GateFigure::Connections
                && self.counted(*cell, *figure, Stage::Measure).is_some_and(|counted| counted.worse)
        });
        let mut cells: Vec<usize> = worse.map(|(cell, _, _)| cell).collect();
        cells.dedup();
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(figure: GateFigure, base: [f64; 3], head: [f64; 3]) -> Counted {
        Counted::of(figure, &Sorted::new(base).unwrap(), &Sorted::new(head).unwrap())
    }

    fn worse(figure: GateFigure, base: [f64; 3], head: [f64; 3]) -> bool {
        counted(figure, base, head).worse
    }

    #[test]
    fn variation_of_a_count_limits_what_is_detectable() {
        let steady = counted(GateFigure::Instructions, [8_000.0, 8_001.0, 8_002.0], [8_000.0; 3]);
        assert_eq!(steady.undetectable, 0.01);
        let noisy = counted(GateFigure::Instructions, [8_000.0, 8_400.0, 8_800.0], [8_000.0; 3]);
        assert!((noisy.undetectable - 1_600.0 / 8_400.0).abs() < 1e-9);
        let tiny = counted(GateFigure::Allocations, [0.01, 0.02, 0.03], [0.01, 0.02, 0.03]);
        assert_eq!(tiny.undetectable, 0.0);
    }

    #[test]
    fn a_count_is_worse_beyond_its_range_and_threshold() {
        let instructions = |head| worse(GateFigure::Instructions, [8_000.0, 8_001.0, 8_002.0], head);
        assert!(!instructions([8_070.0, 8_071.0, 8_072.0]), "by less than 1 %");
        assert!(instructions([8_100.0, 8_101.0, 8_102.0]));
        assert!(!instructions([8_001.0, 8_100.0, 8_200.0]), "within its own range");
        assert!(!instructions([7_000.0, 7_000.0, 7_000.0]), "better");
    }

    #[test]
    fn a_few_more_allocations_in_a_thousand_requests_are_no_regression() {
        assert!(!worse(GateFigure::Allocations, [0.0, 0.0, 0.0], [0.01, 0.01, 0.01]));
        assert!(worse(GateFigure::Allocations, [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]));
        assert!(worse(GateFigure::Allocations, [12.0, 12.0, 12.01], [13.0, 13.0, 13.0]));
    }

    #[test]
    fn one_more_connection_is_a_regression() {
        assert!(worse(GateFigure::Connections, [128.0, 128.0, 128.0], [129.0, 129.0, 129.0]));
        assert!(!worse(GateFigure::Connections, [120.0, 128.0, 128.0], [128.0, 129.0, 129.0]));
    }
}
