//! The stages of a gate: a warm-up, rounds of pairs until every figure is decided, and counts.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use inflight_report::gate::{COUNTS, Cost, Count, Gate, GateFigure, LOOKS, Pair, Side, Stage};

/// Measures the cells of a gate.
pub(crate) trait Bench {
    /// Measures both builds of a cell back to back, the `first` one first. `None` where the machine disturbed every
    /// attempt.
    ///
    /// # Errors
    /// When one of the builds does not work, or the user asked to stop.
    fn pair(&mut self, cell: usize, first: Side) -> Result<Option<Measured>>;

    /// Counts one run of a build of a cell, as far as the machine offers it.
    ///
    /// # Errors
    /// As [`Bench::pair`].
    fn count(&mut self, cell: usize, side: Side) -> Result<Counted>;

    /// The time since measuring began.
    fn elapsed(&self) -> Duration;

    /// Called before each measurement with its stage.
    fn begin_measurement(&mut self, stage: &str);

    /// Called after the warm-up, each round of pairs that tests figures, and the counts of each cell, with what is `done`
    /// and what is left of the budget.
    fn end_round(&mut self, gate: &Gate, done: &str, left: Duration);
}

/// The cost of a pair.
pub(crate) struct Measured {
    pub(crate) base: Cost,
    pub(crate) head: Cost,
    /// How often both were run once more.
    pub(crate) repeated: u32,
}

/// Counts per request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: Option<f64>,
    pub(crate) system_calls: Option<f64>,
}

/// Measures what `gate` asks for within its budget, and adds it there.
///
/// # Errors
/// As [`Bench`] has them.
pub(crate) fn run_stages(gate: &mut Gate, bench: &mut dyn Bench) -> Result<()> {
    let mut stages = Stages {
        random: Rng::with_seed(gate.seed),
        budget: gate.budget_ns.map_or(Duration::MAX, Duration::from_nanos),
        cells: vec![CellState::default(); gate.cells.len()],
        gate,
        bench,
    };
    stages.warm_up()?;
    stages.measure()?;
    if stages.may_stop() {
        return Ok(());
    }
    let counted = stages.cells_with(is_counted_alone);
    stages.count(Stage::Measure, &counted)?;
    let again = stages.gate.to_count_again();
    stages.count(Stage::Confirm, &again)
}

/// Whether pairs have the figure.
fn is_of_pairs(figure: GateFigure) -> bool {
    figure.is_measured() || figure == GateFigure::Connections
}

/// Whether it needs runs that only count.
fn is_counted_alone(figure: GateFigure) -> bool {
    !is_of_pairs(figure)
}

struct Stages<'a> {
    gate: &'a mut Gate,
    bench: &'a mut dyn Bench,
    random: Rng,
    budget: Duration,
    cells: Vec<CellState>,
}

/// The state of a cell while it is measured.
#[derive(Clone, Default)]
struct CellState {
    /// Measured pairs.
    pairs: u32,
    /// The first build of the last pair, where that began a block of two.
    open_block: Option<Side>,
    /// How often a pair was tried, the warm-up included, and the time that all tries took.
    tries: u32,
    pairs_took: Duration,
    /// The time that one count of its base took.
    count_took: Duration,
}

impl CellState {
    fn pair_takes(&self) -> Duration {
        self.pairs_took / self.tries.max(1)
    }

    /// The time for the counts of both builds.
    fn counts_take(&self) -> Duration {
        self.count_took * (2 * COUNTS)
    }

    /// Which build comes first, in blocks of two pairs: each once, in an order that is drawn. So the cost of going second
    /// affects both alike, and no pattern of the machine can coincide with one of the gate.
    fn first(&self, random: &mut Rng) -> Side {
        match self.open_block {
            Some(first) => first.other(),
            None if random.bool() => Side::Base,
            None => Side::Head,
        }
    }

    fn add_pair(&mut self, first: Side) {
        self.pairs += 1;
        self.open_block = if self.open_block.is_none() { Some(first) } else { None };
    }
}

impl Stages<'_> {
    /// A pair of each cell, which is not judged, and a first count of the base, which shows how long counting takes.
    fn warm_up(&mut self) -> Result<()> {
        for cell in self.cells_with(is_counted_alone) {
            let began = self.bench.elapsed();
            self.count_once(cell, Stage::Measure, Side::Base)?;
            self.cells[cell].count_took = self.bench.elapsed().saturating_sub(began);
        }
        let mut paired = self.cells_with(is_of_pairs);
        self.random.shuffle(&mut paired);
        for cell in paired {
            let first = if self.random.bool() { Side::Base } else { Side::Head };
            self.pair(cell, Stage::WarmUp, first)?;
        }
        self.end_round("warm-up");
        Ok(())
    }

    /// Rounds of one pair of each cell that has something undecided, and of the A/A controls of these, in an order drawn
    /// anew for each. They end when nothing is undecided, when a figure is worse, or when the budget does not hold another
    /// round.
    fn measure(&mut self) -> Result<()> {
        let paired = self.cells_with(is_of_pairs);
        let (controls, cells): (Vec<usize>, Vec<usize>) =
            paired.iter().partition(|cell| self.gate.cells[**cell].control);
        let mut open = cells.clone();
        let reserve = self.reserve();
        for round in 1.. {
            let is_needed = |control: &&usize| {
                let workload = |at: usize| &self.gate.cells[at];
                open.iter().any(|cell| workload(**control).has_workload_of(workload(*cell)))
            };
            let mut order: Vec<usize> =
                open.iter().chain(controls.iter().filter(is_needed)).copied().collect();
            let takes: Duration = order.iter().map(|cell| self.cells[*cell].pair_takes()).sum();
            if open.is_empty() || self.bench.elapsed() + takes + reserve > self.budget {
                break;
            }
            self.random.shuffle(&mut order);
            let mut looks = false;
            for cell in order {
                let first = self.cells[cell].first(&mut self.random);
                if self.pair(cell, Stage::Measure, first)? {
                    self.cells[cell].add_pair(first);
                    looks |= LOOKS.contains(&self.cells[cell].pairs);
                }
            }
            // Figures are tested only after so many pairs: nothing is decided in between.
            if looks {
                self.end_round(&format!("round {round}"));
                if self.may_stop() {
                    break;
                }
                let undecided = self.gate.open_cells();
                let is_open = |cell: &usize| self.cells[*cell].pairs < LOOKS[0] || undecided.contains(cell);
                open = cells.iter().copied().filter(is_open).collect();
            }
        }
        Ok(())
    }

    /// Counts both builds of `cells` as often as needed. A cell that the rest of the budget does not hold is left out.
    fn count(&mut self, stage: Stage, cells: &[usize]) -> Result<()> {
        for (done, &cell) in cells.iter().enumerate() {
            if self.bench.elapsed() + self.cells[cell].counts_take() > self.budget {
                break;
            }
            let both = [Side::Base, Side::Head];
            let sides = (0..COUNTS).flat_map(|_| both);
            // The base has its first count from the warm-up.
            let counted = usize::from(stage == Stage::Measure);
            for side in sides.skip(counted) {
                self.count_once(cell, stage, side)?;
            }
            self.end_round(&format!("counting, {} of {} cells", done + 1, cells.len()));
        }
        Ok(())
    }

    /// The part of the budget that is kept for counting: what is still to be counted, and once more the slowest cell, in
    /// case it looks worse. A quarter is added, since the times vary.
    fn reserve(&self) -> Duration {
        let all: Duration = self.cells.iter().map(CellState::counts_take).sum();
        let slowest = self.cells.iter().map(CellState::counts_take).max().unwrap_or_default();
        (all + slowest) * 5 / 4
    }

    /// Whether the outcome is certain, so that the rest may be left out.
    fn may_stop(&self) -> bool {
        !self.gate.keep_going && self.gate.has_regression()
    }

    /// Measures a pair. Gives whether there is one: the machine may have disturbed it.
    fn pair(&mut self, cell: usize, stage: Stage, first: Side) -> Result<bool> {
        self.bench.begin_measurement(if stage == Stage::WarmUp { "warming up" } else { "measuring" });
        let began = self.bench.elapsed();
        let measured = self.bench.pair(cell, first)?;
        let state = &mut self.cells[cell];
        state.tries += 1;
        state.pairs_took += self.bench.elapsed().saturating_sub(began);
        let is_whole = measured.is_some();
        if let Some(Measured { base, head, repeated }) = measured {
            self.gate.pairs.push(Pair { cell, stage, first, base, head, repeated });
        }
        Ok(is_whole)
    }

    fn count_once(&mut self, cell: usize, stage: Stage, side: Side) -> Result<()> {
        self.bench.begin_measurement("counting");
        let Counted { instructions, allocations, system_calls } = self.bench.count(cell, side)?;
        self.gate.counts.push(Count { cell, stage, side, instructions, allocations, system_calls });
        Ok(())
    }

    fn end_round(&mut self, done: &str) {
        let left = self.budget.saturating_sub(self.bench.elapsed());
        self.bench.end_round(self.gate, done, left);
    }

    /// The cells that have a figure for which `is_so` holds.
    fn cells_with(&self, is_so: fn(GateFigure) -> bool) -> Vec<usize> {
        let cells = self.gate.cells.iter().enumerate();
        cells.filter(|(_, cell)| cell.figures.iter().any(|figure| is_so(*figure))).map(|(at, _)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_build_comes_first_once_in_each_block_at_random() {
        let mut cell = CellState::default();
        let mut random = Rng::with_seed(1);
        let mut next = || {
            let first = cell.first(&mut random);
            cell.add_pair(first);
            first
        };
        let firsts: Vec<Side> = (0..400).map(|_| next()).collect();
        assert!(firsts.chunks(2).all(|block| block[0] != block[1]));
        let base_first = firsts.chunks(2).filter(|block| block[0] == Side::Base).count();
        assert!((70..130).contains(&base_first), "{base_first} of 200");
        assert_eq!(cell.open_block, None);
    }

    #[test]
    fn a_lost_pair_leaves_its_block_as_it_was() {
        let mut cell = CellState::default();
        cell.add_pair(Side::Head);
        let mut random = Rng::with_seed(1);
        assert!((0..20).all(|_| cell.first(&mut random) == Side::Base));
    }
}
