//! The stages of a gate: every cell is screened, and candidates are confirmed by new measurements.

use anyhow::Result;
use fastrand::Rng;
use inflight_report::gate::{COUNTS, Cost, Count, Gate, GateFigure, Pair, SCREEN_PAIRS, Side, Stage};

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

    /// Called when each cell has had one more pair: `done` of `rounds` rounds of the stage, and the number of pairs that are
    /// known to come.
    fn end_round(&mut self, stage: &str, done: u32, rounds: u32, to_come: u32);

    /// Called before each measurement with its stage, and the number of pairs that are known to come.
    fn begin_measurement(&mut self, stage: &str, to_come: u32);
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

/// Measures everything that `gate` asks for and adds it there.
///
/// # Errors
/// As [`Bench`] has them.
pub(crate) fn run_stages(gate: &mut Gate, bench: &mut dyn Bench) -> Result<()> {
    let mut random = Rng::with_seed(gate.seed);
    let paired = (0..gate.cells.len()).filter(|cell| is_paired(gate, *cell));
    let all: Vec<(usize, u32)> = paired.map(|cell| (cell, SCREEN_PAIRS)).collect();
    let once: Vec<(usize, u32)> = all.iter().map(|(cell, _)| (*cell, 1)).collect();
    measure(gate, bench, Stage::WarmUp, &once, &mut random)?;
    measure(gate, bench, Stage::Screen, &all, &mut random)?;
    let counted: Vec<usize> = (0..gate.cells.len()).filter(|cell| is_counted(gate, *cell)).collect();
    count(gate, bench, Stage::Screen, &counted)?;

    let candidates = gate.candidates();
    let of = |cell| candidates.iter().filter(move |candidate| candidate.cell == cell);
    let again: Vec<(usize, u32)> = (0..gate.cells.len())
        .filter_map(|cell| Some((cell, of(cell).map(|candidate| candidate.pairs).max()?)))
        .collect();
    // The machine has cooled down while counting.
    let once: Vec<(usize, u32)> = again.iter().map(|(cell, _)| (*cell, 1)).collect();
    measure(gate, bench, Stage::WarmUp, &once, &mut random)?;
    measure(gate, bench, Stage::Confirm, &again, &mut random)?;
    let again = gate.to_count_again();
    count(gate, bench, Stage::Confirm, &again)
}

/// Whether runs of the cell are measured; otherwise they are only counted.
fn is_paired(gate: &Gate, cell: usize) -> bool {
    let figures = &gate.cells[cell].figures;
    figures.iter().any(|figure| figure.is_measured() || *figure == GateFigure::Connections)
}

fn is_counted(gate: &Gate, cell: usize) -> bool {
    let figures = &gate.cells[cell].figures;
    figures.iter().any(|figure| !figure.is_measured() && *figure != GateFigure::Connections)
}

/// Rounds of one pair of each cell, in an order drawn anew for each, until every cell has its number.
fn measure(
    gate: &mut Gate,
    bench: &mut dyn Bench,
    stage: Stage,
    asked: &[(usize, u32)],
    random: &mut Rng,
) -> Result<()> {
    let mut blocks = Blocks { second: vec![None; gate.cells.len()] };
    let mut to_come: u32 = asked.iter().map(|(_, pairs)| pairs).sum();
    let rounds = asked.iter().map(|(_, pairs)| *pairs).max().unwrap_or(0);
    for round in 0..rounds {
        let mut cells: Vec<usize> =
            asked.iter().filter(|(_, pairs)| round < *pairs).map(|(cell, _)| *cell).collect();
        random.shuffle(&mut cells);
        for cell in cells {
            bench.begin_measurement(name(stage), to_come);
            to_come -= 1;
            let first = blocks.next(cell, random);
            if let Some(Measured { base, head, repeated }) = bench.pair(cell, first)? {
                gate.pairs.push(Pair { cell, stage, first, base, head, repeated });
            }
        }
        bench.end_round(name(stage), round + 1, rounds, to_come);
    }
    Ok(())
}

fn count(gate: &mut Gate, bench: &mut dyn Bench, stage: Stage, cells: &[usize]) -> Result<()> {
    for &cell in cells {
        for _ in 0..COUNTS {
            for side in [Side::Base, Side::Head] {
                bench.begin_measurement("counting", 0);
                let Counted { instructions, allocations, system_calls } = bench.count(cell, side)?;
                gate.counts.push(Count { cell, stage, side, instructions, allocations, system_calls });
            }
        }
    }
    Ok(())
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::WarmUp => "warming up",
        Stage::Screen => "screening",
        Stage::Confirm => "confirming",
    }
}

/// Which build comes first, in blocks of two pairs: each once, in an order that is drawn. So the cost of going second
/// affects both alike, and no pattern of the machine can coincide with one of the gate.
struct Blocks {
    /// For each cell, which build comes first in the second pair of a block that has begun.
    second: Vec<Option<Side>>,
}

impl Blocks {
    fn next(&mut self, cell: usize, random: &mut Rng) -> Side {
        if let Some(side) = self.second[cell].take() {
            return side;
        }
        let first = if random.bool() { Side::Base } else { Side::Head };
        self.second[cell] = Some(first.other());
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_build_comes_first_once_in_each_block_at_random() {
        let mut blocks = Blocks { second: vec![None; 2] };
        let mut random = Rng::with_seed(1);
        let firsts: Vec<Side> = (0..400).map(|_| blocks.next(1, &mut random)).collect();
        assert!(firsts.chunks(2).all(|block| block[0] != block[1]));
        let base_first = firsts.chunks(2).filter(|block| block[0] == Side::Base).count();
        assert!((70..130).contains(&base_first), "{base_first} of 200");
        assert_eq!(blocks.second, [None, None]);
    }
}
