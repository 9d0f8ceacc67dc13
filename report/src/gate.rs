//! The regression gate: two builds of the same contenders compared in pairs of runs, and the judgement.
//!
//! A [`Gate`] holds the measurements as they are saved: one JSON file, written once and never changed. The judgement is
//! computed from it whenever it is read, by [`Judgement::of`].

mod candidates;
mod counts;
mod doubts;
#[cfg(test)]
pub(crate) mod example;
pub mod exports;
mod file;
mod judgement;
pub mod summary;

use serde::{Deserialize, Serialize};

use crate::figures::{Figure, GateRule};
use crate::printable::printable;
use crate::record::{Machine, Noise};

pub use candidates::{CONFIRM_PAIRS, Candidate, SCREEN_PAIRS};
pub use counts::COUNTS;
pub use file::{GateError, read, read_all, save};
pub use judgement::{FigureResult, GateOutcome, Judgement, State};

/// The version of the saved format that this crate writes. Format 1, which had another name for [`Cell::control`], is
/// still read.
pub const GATE_FORMAT: u32 = 2;

/// The measurements of a gate, and where they were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Version of the saved format, [`GATE_FORMAT`].
    pub gate_format: u32,
    /// The version of Inflight that ran it.
    pub inflight_version: String,
    /// The command line of the gate.
    pub command: String,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// How long measuring all pairs took, in nanoseconds.
    pub took_ns: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// Other load on the machine in that time.
    pub noise: Noise,
    /// The baseline build.
    pub base: Build,
    /// The build under test.
    pub head: Build,
    /// Seed of the order of pairs and cells.
    pub seed: u64,
    /// The cells. Where more than counts is measured, the last is the A/A control: the base against itself.
    pub cells: Vec<Cell>,
    /// In the order in which they were measured.
    pub pairs: Vec<Pair>,
    /// Counts of single runs, in the order in which they were made.
    pub counts: Vec<Count>,
    /// Counts that were asked for and that this machine does not offer, each with the reason.
    pub not_offered: Vec<(GateFigure, String)>,
    /// Cells that were asked for and whose contender one build lacks: they are not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<Unmatched>,
}

/// A cell whose contender only one of the builds has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// The cell, as [`Cell::name`] has it.
    pub cell: String,
    /// The build that has its contender: the contender is new where that is the head, removed where it is the base.
    pub only_in: Side,
}

/// One of the two builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// A revision or a file.
    pub name: String,
    /// A digest of the program, which identifies the build.
    pub digest: String,
}

impl Build {
    /// Its name and the beginning of its digest: `v1.0 (0123456789ab)`.
    pub(crate) fn label(&self) -> String {
        let digest: String = self.digest.chars().take(12).collect();
        format!("{} ({})", printable(&self.name), printable(&digest))
    }
}

/// A contender and its workload.
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
    /// The figures that are judged.
    pub figures: Vec<GateFigure>,
    /// Whether it is the A/A control: both builds are the base, so it shows noise.
    #[serde(alias = "twin")]
    pub control: bool,
}

impl Cell {
    /// Its name in tables: `MODEL:128, sprint`.
    pub fn name(&self) -> String {
        format!("{}, {}", self.contender, self.preset)
    }
}

/// A figure of a cell that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateFigure {
    /// Requests per second, computed from the wall time of the same requests.
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
    /// All figures.
    pub const ALL: [GateFigure; 7] = [
        GateFigure::Throughput,
        GateFigure::Cpu,
        GateFigure::Memory,
        GateFigure::Instructions,
        GateFigure::Allocations,
        GateFigure::SystemCalls,
        GateFigure::Connections,
    ];

    /// Its key in the [table of figures](crate::figures::FIGURES).
    fn key(self) -> &'static str {
        match self {
            GateFigure::Throughput => "throughput_per_second",
            GateFigure::Cpu => "cpu_ns",
            GateFigure::Memory => "peak_memory_bytes",
            GateFigure::Instructions => "instructions",
            GateFigure::Allocations => "allocations",
            GateFigure::SystemCalls => "system_calls",
            GateFigure::Connections => "connections",
        }
    }

    fn rule(self) -> GateRule {
        let figure = Figure::by_key(self.key());
        figure.and_then(|figure| figure.gate).expect("each figure of the gate has a rule in the table")
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// Whether it varies from run to run as time does, so that it needs many pairs. Otherwise it is a count, which
    /// hardly varies.
    pub fn is_measured(self) -> bool {
        self.rule().is_timed
    }
}

/// The stage of a gate that a pair or a count belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Warm-up of machine and target: not judged.
    WarmUp,
    /// Screening: to find candidates among all cells.
    Screen,
    /// Confirmation: to measure the candidates again.
    Confirm,
}

/// Which of the two builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The baseline build.
    Base,
    /// The build under test.
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
    /// Its stage.
    pub stage: Stage,
    /// Which of the two ran first.
    pub first: Side,
    /// The cost of the base.
    pub base: Cost,
    /// The cost of the head.
    pub head: Cost,
    /// How often both were repeated, since the target was late or out of CPU in a run of either.
    #[serde(default)]
    pub repeated: u32,
}

/// The cost of a build in a pair: the mean of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Wall time, in nanoseconds.
    pub wall_ns: f64,
    /// CPU time of the workers, in nanoseconds.
    pub cpu_ns: f64,
    /// Peak memory of the workers, in bytes.
    pub peak_memory_bytes: f64,
    /// Connections that the target accepted.
    pub connections: f64,
    /// The share of its runs whose wall time the target limited: see [`TargetLimit`](crate::record::TargetLimit). Zero in
    /// gates saved before this was measured.
    #[serde(default)]
    pub target_limited: f64,
}

impl Pair {
    /// The cost of a build.
    pub fn cost(&self, side: Side) -> &Cost {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
    }

    /// The logarithm of head ÷ base: above zero the head is worse. For throughput it is the ratio of wall times, since
    /// both made the same requests.
    fn log_ratio(&self, figure: GateFigure) -> Option<f64> {
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

/// The counts of one run of a build. Counts that were not asked for or that the machine does not offer are absent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Index of the cell.
    pub cell: usize,
    /// Its stage.
    pub stage: Stage,
    /// The build.
    pub side: Side,
    /// Instructions in user space per request.
    pub instructions: Option<f64>,
    /// Allocations per request.
    pub allocations: Option<f64>,
    /// System calls per request.
    pub system_calls: Option<f64>,
}

impl Gate {
    /// The logarithm of head ÷ base in each pair of a stage, where both have the figure.
    ///
    /// In an A/A control the side that looked worse in the first stage counts as the head, so that a bias of the
    /// machine towards either side is detected.
    fn differences(&self, cell: usize, figure: GateFigure, stage: Stage) -> Vec<f64> {
        let of_stage = |stage| {
            let pairs = self.pairs.iter().filter(move |pair| pair.cell == cell && pair.stage == stage);
            pairs.filter_map(move |pair| pair.log_ratio(figure))
        };
        let favours_head = || of_stage(Stage::Screen).map(f64::signum).sum::<f64>() < 0.0;
        let sign = if self.cells[cell].control && favours_head() { -1.0 } else { 1.0 };
        of_stage(stage).map(|difference| sign * difference).collect()
    }

    /// Whether the target limited the wall time of a build: in half of its runs in a stage or more, as for a contender in
    /// [`comparison`](crate::comparison::Row::is_target_limited).
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
