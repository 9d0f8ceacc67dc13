//! A gate: two builds of the same contenders held against each other, pair by pair, and what that says.
//!
//! A [`Gate`] is what was measured, as it is saved: one JSON file, written once and never changed. What it
//! says is worked out from it whenever it is read, by [`Judgement::of`].

mod counts;
#[cfg(test)]
pub(crate) mod example;
pub mod exports;
mod judgement;
mod candidates;
mod file;
pub mod summary;

use serde::{Deserialize, Serialize};

use crate::record::{Machine, Noise};

pub use counts::COUNTS;
pub use judgement::{Judgement, GateOutcome, Row, State};
pub use candidates::{CONFIRM_PAIRS, SCREEN_PAIRS, Candidate};
pub use file::{GateError, read, read_all, save};

/// The version of the saved format that this crate writes and reads.
pub const GATE_FORMAT: u32 = 1;

/// All that a gate measured, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Version of the saved format, [`GATE_FORMAT`].
    pub gate_format: u32,
    /// The version of Inflight that ran it.
    pub inflight_version: String,
    /// The command line that runs such a gate again.
    pub command: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// What measuring all pairs took, in nanoseconds.
    pub took_ns: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// What the machine did besides in that time.
    pub noise: Noise,
    /// What is held against.
    pub base: Build,
    /// What is judged.
    pub head: Build,
    /// Seed of the order of pairs and cells.
    pub seed: u64,
    /// What was measured. Where anything but counts is, the last is the hidden one, of the base against itself.
    pub cells: Vec<Cell>,
    /// In the order in which they were measured.
    pub pairs: Vec<Pair>,
    /// Counts of single runs, in the order in which they were made.
    pub counts: Vec<Count>,
    /// Counts that were asked for and cannot be had on this machine, each with the reason.
    pub not_offered: Vec<(GateFigure, String)>,
    /// Cells that were asked for and of which one build lacks the contender: nothing of them is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<Unmatched>,
}

/// A cell whose contender only one of the builds has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// The cell, as [`Cell::name`] has it.
    pub cell: String,
    /// The build that has its contender: it is new where that is the head, and gone where it is the base.
    pub only_in: Side,
}

/// One of the two that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// What it is called: a revision or a file.
    pub name: String,
    /// What tells it from every other: a digest of the program.
    pub digest: String,
}

/// A contender and what it is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The contender, as on the command line.
    pub contender: String,
    /// The preset that the scenario is made from.
    pub preset: String,
    /// Its number of URLs.
    pub urls: u64,
    /// Runs of each build in a pair: their mean is one measurement.
    pub runs: u32,
    /// What of it is judged.
    pub figures: Vec<GateFigure>,
    /// Whether both builds are the base: what such a cell shows is noise.
    pub control: bool,
}

impl Cell {
    /// As it is called in tables: `tokio:128, sprint`.
    pub fn name(&self) -> String {
        format!("{}, {}", self.contender, self.preset)
    }
}

/// What is judged of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateFigure {
    /// Requests a second: by the wall of the same requests.
    Throughput,
    /// CPU time.
    Cpu,
    /// Peak memory.
    Memory,
    /// Instructions in user space between `go` and `done`.
    Instructions,
    /// Calls that allocate memory, between `go` and `done`.
    Allocations,
    /// System calls between `go` and `done`.
    SystemCalls,
    /// Connections opened.
    Connections,
}

impl GateFigure {
    /// All there are.
    pub const ALL: [GateFigure; 7] = [
        GateFigure::Throughput,
        GateFigure::Cpu,
        GateFigure::Memory,
        GateFigure::Instructions,
        GateFigure::Allocations,
        GateFigure::SystemCalls,
        GateFigure::Connections,
    ];

    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            GateFigure::Throughput => "throughput",
            GateFigure::Cpu => "CPU",
            GateFigure::Memory => "peak memory",
            GateFigure::Instructions => "instructions",
            GateFigure::Allocations => "allocations",
            GateFigure::SystemCalls => "system calls",
            GateFigure::Connections => "connections",
        }
    }

    /// Whether it varies from run to run as time does, so that only many pairs can tell; else it is a count
    /// that hardly does.
    pub fn is_measured(self) -> bool {
        matches!(self, GateFigure::Throughput | GateFigure::Cpu | GateFigure::Memory)
    }
}

/// What a pair or a count is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// To make machine and target warm: judged by nobody.
    WarmUp,
    /// To find candidates among all cells.
    Screen,
    /// To hear the candidates again.
    Confirm,
}

/// Which of the two builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What is held against.
    Base,
    /// What is judged.
    Head,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Base => Side::Head,
            Side::Head => Side::Base,
        }
    }
}

/// Base and head back to back, in fresh processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Index of the cell.
    pub cell: usize,
    /// What it is for.
    pub stage: Stage,
    /// Which of the two ran first.
    pub first: Side,
    /// What the base cost.
    pub base: Cost,
    /// What the head cost.
    pub head: Cost,
    /// How often both were run once more since the target had been late or out of CPU in a run of either.
    #[serde(default)]
    pub repeated: u32,
}

/// What a build cost in a pair: the mean of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Wall, in nanoseconds.
    pub wall_ns: f64,
    /// CPU time of the workers, in nanoseconds.
    pub cpu_ns: f64,
    /// Peak memory of the workers, in bytes.
    pub peak_memory_bytes: f64,
    /// Connections that the target accepted.
    pub connections: f64,
    /// The part of its runs in which the target was the limit of the wall: see
    /// [`TargetLimit`](crate::record::TargetLimit). A gate that was saved before this was measured has zero.
    #[serde(default)]
    pub target_limited: f64,
}

impl Pair {
    /// What a build cost.
    pub fn cost(&self, side: Side) -> &Cost {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
    }

    /// How much more the head costs than the base, as the logarithm of their ratio: above zero it is worse.
    /// Of throughput it is that of the walls, the same requests having been made.
    fn worse(&self, figure: GateFigure) -> Option<f64> {
        let of = |cost: &Cost| match figure {
            GateFigure::Throughput => Some(cost.wall_ns),
            GateFigure::Cpu => Some(cost.cpu_ns),
            GateFigure::Memory => Some(cost.peak_memory_bytes),
            _ => None,
        };
        let ratio = (of(&self.head)? / of(&self.base)?).ln();
        ratio.is_finite().then_some(ratio)
    }
}

/// What was counted of one run of a build. Absent is what was not asked for, or cannot be had here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Index of the cell.
    pub cell: usize,
    /// What it is for.
    pub stage: Stage,
    /// Whose run it was.
    pub side: Side,
    /// Instructions in user space a request.
    pub instructions: Option<f64>,
    /// Allocations a request.
    pub allocations: Option<f64>,
    /// System calls a request.
    pub system_calls: Option<f64>,
}

impl Gate {
    /// By how much the head is worse in each pair of a stage, where both have the figure.
    ///
    /// Of a twin neither is the head: it is the one that looked worse in the first stage, so that a machine which
    /// favours either is found out.
    fn differences(&self, cell: usize, figure: GateFigure, stage: Stage) -> Vec<f64> {
        let of_stage = |stage| {
            let pairs = self.pairs.iter().filter(move |pair| pair.cell == cell && pair.stage == stage);
            pairs.filter_map(move |pair| pair.worse(figure))
        };
        let favours_head = || of_stage(Stage::Screen).map(f64::signum).sum::<f64>() < 0.0;
        let sign = if self.cells[cell].control && favours_head() { -1.0 } else { 1.0 };
        of_stage(stage).map(|difference| sign * difference).collect()
    }

    /// Whether the wall of a build is the target's and not its own: in half of its runs in a stage or more, as a
    /// contender in [`comparison`](crate::comparison::Row::is_target_limited).
    fn is_target_limited(&self, cell: usize, stage: Stage, side: Side) -> bool {
        let pairs = || self.pairs.iter().filter(|pair| pair.cell == cell && pair.stage == stage);
        let limited: f64 = pairs().map(|pair| pair.cost(side).target_limited).sum();
        limited > 0.0 && 2.0 * limited >= pairs().count() as f64
    }

    /// Every cell with each of its figures.
    fn judged(&self) -> impl Iterator<Item = (usize, &Cell, GateFigure)> {
        let cells = self.cells.iter().enumerate();
        cells.flat_map(|(index, cell)| cell.figures.iter().map(move |figure| (index, cell, *figure)))
    }
}

#[cfg(test)]
mod tests;
