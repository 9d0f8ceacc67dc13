//! The record: what one invocation measured, as it is saved, one JSON line at a time.
//!
//! A record file is JSON Lines. The first line is the [`Header`]: what was asked, on which machine.
//! Each further line is one [`Run`], appended and flushed when the run ends, so that every finished run is on disk
//! however the benchmark is interrupted. Nothing is ever rewritten.

mod latencies;
mod noise;
mod reader;
mod run;
mod schedule;
mod usage;
mod verdict;
mod writer;

use serde::{Deserialize, Serialize};

pub use latencies::{Histogram, Latencies};
pub use noise::{CpuQuota, Disturbance, HarnessLateness, MachineSettings, Noise};
pub use reader::{Record, RecordError, UnknownContender};
pub use run::{
    Attempt, Figures, LoopFigures, MemoryMethod, Quantiles, Run, Samples, TargetFigures, TargetLimit,
    TimePoint,
};
pub use schedule::{LATE_START_NS, Schedule};
pub use usage::{CpuMethod, SamplingStats, Usage};
pub use verdict::{Reason, ReasonKind, Verdict};
pub use writer::Writer;

/// The file name of a record in its results folder.
pub const FILE_NAME: &str = "record.jsonl";

/// The version of the saved format that this crate writes.
///
/// Format 1 held every request of every run, and no histograms. Up to format 2 the high-water mark of memory
/// was that since the start of the program, and the reasons of invalid runs were texts without a kind. Up to format 3
/// some keys had other names, which are aliases now. All of them are still read.
pub const FORMAT: u32 = 4;

/// The name of the client that all models share.
pub const COMMON: &str = "common";

/// What was asked and where it ran: the first line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the saved format, [`FORMAT`] when written by this crate.
    pub format: u32,
    /// The version of Inflight that made the record.
    pub inflight_version: String,
    /// The command line that makes such a record again.
    pub command: String,
    /// When the first run began: RFC 3339, UTC.
    pub started_at: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// The scenario that the target played.
    pub scenario: ScenarioFacts,
    /// The arrival rate of an open loop; absent in a closed loop, where each request waits for an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateFacts>,
    /// Which CPUs target and clients were confined to; absent where they ran on any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<PlacementFacts>,
    /// How the contenders are ordered within each round.
    #[serde(default)]
    pub order: Order,
    /// The seed of that order.
    pub order_seed: u64,
    /// The time that decides how many rounds there are; absent where each contender has its number.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// Every contender, in the order in which it was asked for. Names are unique.
    pub contenders: Vec<ContenderFacts>,
    /// The model that the cost of the others with the common client is compared with.
    #[serde(default)]
    pub cost_base: Option<String>,
    /// Published figures shown beside ours and never mixed into them.
    pub references: Vec<Reference>,
}

/// The arrival rate of an open loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFacts {
    /// Requests per second, over all processes together.
    pub per_second: f64,
    /// Whether arrivals were a Poisson process or evenly spaced.
    pub poisson: bool,
}

/// The CPUs that target and clients were confined to, as lists such as `0,2-3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementFacts {
    /// Those of the target.
    pub target: String,
    /// Those of every worker process.
    pub clients: String,
}

/// How the contenders are ordered within each round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Each round shuffled independently: records made before the balanced order.
    #[default]
    Shuffled,
    /// At random, and balanced over the rounds: each contender has each position equally often and follows
    /// each other contender equally often.
    Balanced,
    /// As the contenders were named, in every round.
    AsGiven,
}

/// The time that decides how many rounds a contender takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The time for all runs together, in nanoseconds.
    pub time_ns: u64,
    /// A contender has enough rounds when the interval of its median wall time is narrower than this part
    /// of the median.
    pub precision: f64,
}

/// The machine a record was made on. What could not be determined is "unknown" or zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the first CPU.
    pub cpu_model: String,
    /// Logical CPUs that this process may use.
    pub cores: u32,
    /// Physical memory, in bytes.
    pub memory_bytes: u64,
    /// Operating system and its version.
    pub os: String,
    /// Kernel version.
    pub kernel: String,
    /// Its settings, and what it does not offer.
    #[serde(default)]
    pub settings: MachineSettings,
}

/// The scenario in plain values: enough to show it and to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFacts {
    /// The preset's name, where the scenario is one.
    pub preset: Option<String>,
    /// Seed of delays and bodies.
    pub seed: u64,
    /// Number of URLs.
    pub urls: u64,
    /// The latency distribution, as on the command line.
    pub latency: String,
    /// Size of a response body, in bytes.
    pub body_bytes: u64,
    /// How fast bodies are sent, as on the command line; without a limit where absent.
    #[serde(default)]
    pub pace: Option<String>,
    /// The injected faults and their shares, as on the command line.
    #[serde(default)]
    pub faults: Vec<String>,
    /// Median of the planned delays, in nanoseconds.
    pub median_delay_ns: u64,
    /// Sum of the planned delays, in nanoseconds: the least wall time with one request in flight.
    pub total_delay_ns: u64,
}

/// One contender and its ideal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContenderFacts {
    /// Model, client and concurrency, as on the command line.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// The client's name: `native` is the one people use with that model, [`COMMON`] the one that all
    /// models share.
    pub client: String,
    /// Worker processes.
    pub processes: u32,
    /// Requests in flight allowed in each process.
    pub in_flight: u32,
    /// Rounds asked of it, warm-ups not counted; the fewest where there is a budget.
    pub rounds: u32,
    /// Where this is an A/A control: the contender that it is a copy of. A control measures noise and is in no
    /// table.
    #[serde(default, alias = "twin_of", skip_serializing_if = "Option::is_none")]
    pub control_of: Option<String>,
    /// The ideal wall time at its concurrency, in nanoseconds: that of a client without any cost of its own; 0 where
    /// nothing is delayed.
    #[serde(alias = "floor_ns")]
    pub ideal_ns: u64,
}

impl ContenderFacts {
    /// Requests in flight allowed over all processes.
    pub fn slots(&self) -> u64 {
        u64::from(self.processes) * u64::from(self.in_flight)
    }
}

/// A published table, shown beside ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// What it is, in a few words.
    pub title: String,
    /// Who published it, where and when, and what it was measured on.
    pub source: String,
    /// What its ideal times are computed from.
    #[serde(default, alias = "floors_from")]
    pub ideals_from: String,
    /// Its rows.
    pub rows: Vec<ReferenceRow>,
}

/// One row of a published table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceRow {
    /// The approach, in the publication's words.
    pub approach: String,
    /// Its concurrency: `8x64`.
    pub shape: String,
    /// Its wall time, in nanoseconds.
    pub wall_ns: u64,
    /// The ideal wall time at that concurrency on the same workload, in nanoseconds, computed by Inflight.
    #[serde(alias = "floor_ns")]
    pub ideal_ns: u64,
    /// CPU as published, in per cent.
    pub cpu_percent: f64,
    /// Memory as published, in bytes.
    pub memory_bytes: u64,
    /// The contenders of this record that correspond to it, with the same delays, by name.
    #[serde(default)]
    pub answered_by: Vec<String>,
}

/// One line of a record file: borrowed where it is written, owned where it is read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<H, R> {
    Header(H),
    Run(R),
}

impl Header {
    /// Why this header cannot be saved or read, if so.
    fn flaw(&self) -> Option<String> {
        let names: Vec<&str> = self.contenders.iter().map(|c| c.name.as_str()).collect();
        // JSON has no number for what is not finite.
        if self.rate.as_ref().is_some_and(|rate| !rate.per_second.is_finite()) {
            return Some("the rate is not a finite number".to_owned());
        }
        let twice = (1..names.len()).find(|&i| names[..i].contains(&names[i]))?;
        Some(format!("the contender {:?} is listed twice", names[twice]))
    }
}
