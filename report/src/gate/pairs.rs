//! What the pairs of a gate show, and which cells need more of them.

use super::sequential::{self, LOOKS, Look, REPORTED_PAIRS};
use super::{Cost, FigureResult, Gate, GateFigure, Pair, Side, Stage, State};

impl Pair {
    /// The logarithm of head ÷ base: above zero the head is worse. For throughput it is the ratio of wall times, since
    /// both made the same requests.
    fn log_ratio(&self, figure: GateFigure) -> Option<f64> {
        let of = |cost: &Cost| match figure {
            GateFigure::Throughput => Some(cost.wall_ns),
            GateFigure::Cpu => Some(cost.cpu_ns),
            GateFigure::Memory => Some(cost.peak_memory_bytes),
            GateFigure::TargetCpu => cost.target.map(|target| target.cpu_ns_per_response),
            GateFigure::TargetLateness => cost.target.map(|target| target.lateness_p99_ns),
            GateFigure::TargetMemory => cost.target.map(|target| target.memory_per_connection_bytes),
            _ => None,
        };
        let ratio = (of(&self.head)? / of(&self.base)?).ln();
        ratio.is_finite().then_some(ratio)
    }
}

impl Gate {
    /// The pairs of a cell that are judged, in the order in which they were made.
    pub(super) fn judged_pairs(&self, cell: usize) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |pair| pair.cell == cell && pair.stage != Stage::WarmUp)
    }

    /// The logarithm of head ÷ base in each pair that has the figure.
    pub(super) fn differences(&self, cell: usize, figure: GateFigure) -> Vec<f64> {
        self.judged_pairs(cell).filter_map(|pair| pair.log_ratio(figure)).collect()
    }

    /// The A/A control that shows the noise of a figure of `cell`: the one with the same workload.
    pub(super) fn control_of(&self, cell: usize, figure: GateFigure) -> Option<usize> {
        let workload = &self.cells[cell];
        self.cells.iter().position(|control| {
            control.control && control.has_workload_of(workload) && control.figures.contains(&figure)
        })
    }

    /// What the pairs of a timed figure show.
    pub(super) fn look(&self, cell: usize, figure: GateFigure) -> Option<Look> {
        let control = self.control_of(cell, figure).map(|control| self.differences(control, figure));
        sequential::decide(&self.differences(cell, figure), &control.unwrap_or_default(), self.tests())
    }

    /// The number of tests for being worse: an A/A control is tested on both sides.
    pub(super) fn tests(&self) -> usize {
        let timed = self.judged().filter(|(_, _, figure)| figure.is_measured());
        timed.map(|(_, cell, _)| if cell.control { 2 } else { 1 }).sum()
    }

    /// The figures in which an A/A control differs from itself.
    pub(super) fn biased(&self) -> Vec<GateFigure> {
        let timed = self.judged().filter(|(_, cell, figure)| cell.control && figure.is_measured());
        let differs = |cell, figure| sequential::is_biased(&self.differences(cell, figure), self.tests());
        timed.filter(|(cell, _, figure)| differs(*cell, *figure)).map(|(_, _, figure)| figure).collect()
    }

    /// Whether the target limited the wall time of a build: in half of its runs or more, as for a contender in
    /// [`comparison`](crate::comparison::Row::is_target_limited).
    pub(super) fn is_target_limited(&self, cell: usize, side: Side) -> bool {
        let limited: f64 = self.judged_pairs(cell).map(|pair| pair.cost(side).target_limited).sum();
        limited > 0.0 && 2.0 * limited >= self.judged_pairs(cell).count() as f64
    }

    /// The cells, other than A/A controls, for which another pair is worth its time: a required figure is undecided, or
    /// another one that has had few pairs.
    pub fn open_cells(&self) -> Vec<usize> {
        let [first, .., most] = LOOKS;
        let is_open = |cell: usize, figure: GateFigure| {
            let pairs = self.judged_pairs(cell).count();
            if !figure.is_measured() {
                // Connections are counted in the runs of pairs; other counts need none.
                return figure == GateFigure::Connections && pairs < first as usize;
            }
            let is_limited = figure == GateFigure::Throughput && self.is_target_limited(cell, Side::Head);
            let enough = if self.cells[cell].requires(figure) { most as usize } else { REPORTED_PAIRS };
            let is_decided = || self.look(cell, figure).is_some_and(|look| look.is_decided());
            pairs < first as usize || pairs < enough && !is_limited && !is_decided()
        };
        let mut cells: Vec<usize> = self
            .judged()
            .filter(|(at, cell, figure)| !cell.control && is_open(*at, *figure))
            .map(|(at, ..)| at)
            .collect();
        cells.dedup();
        cells
    }

    /// Whether a figure is certainly worse.
    pub fn has_regression(&self) -> bool {
        FigureResult::tested(self).iter().any(FigureResult::is_worse)
    }

    /// How many figures are decided, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        let rows = FigureResult::tested(self);
        let own =
            || rows.iter().filter(|row| !self.cells[row.cell].control && row.state != State::NotOffered);
        (own().filter(|row| row.is_decided()).count(), own().count())
    }
}
