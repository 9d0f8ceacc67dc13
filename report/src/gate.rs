//! The regression gate: two builds of the same contenders compared in pairs of runs, and the judgement.
//!
//! A [`Gate`] holds the measurements as they are saved: one JSON file, written once and never changed. The judgement is
//! computed from it whenever it is read, by [`Judgement::of`].

mod counts;
mod doubts;
#[cfg(test)]
pub(crate) mod example;
pub mod exports;
mod figure;
mod file;
mod judgement;
mod pairs;
mod sequential;
pub mod summary;

use serde::{Deserialize, Serialize};

use crate::printable::printable;
use crate::record::{Machine, Noise};

pub use counts::COUNTS;
pub use figure::GateFigure;
pub use file::{GateError, read, read_all, save};
pub use judgement::{FigureResult, GateOutcome, Judgement, State};
pub use sequential::LOOKS;

/// The version of the saved format that this crate writes. Older ones are still read: format 1 had another name for
/// [`Cell::control`], and format 2 measured in two stages, whose pairs are judged in the order in which they were made.
pub const GATE_FORMAT: u32 = 3;

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
    /// The cells. Where more than counts is measured, the last are A/A controls: the base against itself.
    pub cells: Vec<Cell>,
    /// In the order in which they were measured.
    pub pairs: Vec<Pair>,
    /// Counts of single runs, in the order in which they were made.
    pub counts: Vec<Count>,
    /// Counts that were asked for and that this machine does not offer, each with the reason.
    pub not_offered: Vec<(GateFigure, String)>,
    /// How long measuring might take, in nanoseconds; absent in gates of format 2 and before.
    #[serde(default)]
    pub budget_ns: Option<u64>,
    /// Whether measuring went on after a regression was certain.
    #[serde(default)]
    pub keep_going: bool,
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
    /// Those of them without whose decision the gate is inconclusive. Where none is named, those that are
    /// [required by default](GateFigure::is_required_by_default).
    #[serde(default)]
    pub required: Vec<GateFigure>,
    /// Whether it is the A/A control: both builds are the base, so it shows noise.
    #[serde(alias = "twin")]
    pub control: bool,
    /// Whether the target is under test: each build serves with its own, and the contender is the same for both.
    #[serde(default)]
    pub target: bool,
}

impl Cell {
    /// Its name in tables: `MODEL:128, sprint`, or `target under MODEL:128, quick`.
    pub fn name(&self) -> String {
        format!("{}{}, {}", if self.target { "target under " } else { "" }, self.contender, self.preset)
    }

    /// Whether an A/A control of one of the cells shows the noise of the other.
    pub fn has_workload_of(&self, other: &Cell) -> bool {
        (&self.preset, self.urls, self.target) == (&other.preset, other.urls, other.target)
    }

    /// Whether the gate is inconclusive where this figure is not decided.
    pub fn requires(&self, figure: GateFigure) -> bool {
        if self.required.is_empty() {
            figure.is_required_by_default()
        } else {
            self.required.contains(&figure)
        }
    }
}

/// The stage of a gate that a pair or a count belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Warm-up of machine and target: not judged.
    WarmUp,
    /// Measuring.
    #[serde(alias = "screen")]
    Measure,
    /// Measuring again what looks worse: counts, and in gates of format 2 also pairs.
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
    /// The cost of the target, in a cell where that is under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetCost>,
}

/// The cost of a build's target in a pair.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetCost {
    /// Its CPU time ÷ responses, in nanoseconds.
    pub cpu_ns_per_response: f64,
    /// The 99th percentile of added latency, as the client saw it, in nanoseconds.
    pub lateness_p99_ns: f64,
    /// By how much its peak memory is above that before the first connection, ÷ the most connections at once, in bytes.
    pub memory_per_connection_bytes: f64,
}

impl Pair {
    /// The cost of a build.
    pub fn cost(&self, side: Side) -> &Cost {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
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
    /// Every cell with each of its figures.
    fn judged(&self) -> impl Iterator<Item = (usize, &Cell, GateFigure)> {
        let cells = self.cells.iter().enumerate();
        cells.flat_map(|(index, cell)| cell.figures.iter().map(move |figure| (index, cell, *figure)))
    }
}

#[cfg(test)]
mod tests;
