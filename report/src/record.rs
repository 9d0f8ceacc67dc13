//! The record: what one invocation measured, as it is saved, one JSON line at a time.
//!
//! A record file is JSON Lines. The first line is the [`Header`]: what was asked, on which machine.
//! Each further line is one [`Run`], appended and flushed the moment the run ends, so that whatever
//! interrupts the race, every finished run is on disk. Nothing is ever rewritten.

mod cost;
mod latencies;
mod load;
mod noise;
mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use crate::stats::Sorted;

pub use cost::{CpuMethod, Usage, Watching};
pub use latencies::{Histogram, Latencies};
pub use load::{PlacementFacts, RateFacts};
pub use noise::{Disturbance, Noise, Settings};
pub use reader::{Record, RecordError, UnknownContender};
pub use writer::Writer;

/// The name of the record's file within a folder of results.
pub const FILE_NAME: &str = "record.jsonl";

/// The version of the saved format that this crate writes.
///
/// Format 1 held every request of every run, and no histograms: it is still read.
pub const FORMAT: u32 = 2;

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
    /// When the race began: RFC 3339, UTC.
    pub started_at: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// What the target was told to do.
    pub scenario: ScenarioFacts,
    /// How fast requests came in an open loop; absent where each waited for one before it, in a closed one.
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
    /// Every contender of the race, in the order in which it was asked for. No name stands twice.
    pub contenders: Vec<ContenderFacts>,
    /// The model whose cost with the common client that of the others is held against.
    #[serde(default)]
    pub cost_base: Option<String>,
    /// Published figures shown beside ours and never mixed into them.
    pub references: Vec<Reference>,
}

/// How the contenders are ordered within each round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Each round shuffled anew, whatever the others were: records made before the balanced order.
    #[default]
    Shuffled,
    /// At random, and over the rounds each contender stands equally often at each place and follows
    /// each other one equally often.
    Balanced,
    /// As the contenders were named, in every round.
    AsGiven,
}

/// The time that decides how many rounds a contender takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The time for all runs together, in nanoseconds.
    pub time_ns: u64,
    /// A contender has enough rounds when the interval of its median wall is narrower than this part
    /// of the median.
    pub precision: f64,
}

/// The machine a record was made on. What could not be learnt is "unknown" or zero.
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
    /// How it is set, and what it does not offer.
    #[serde(default)]
    pub settings: Settings,
}

/// The scenario in plain values: enough to show it and to ask for it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFacts {
    /// The preset's name, where the scenario is one.
    pub preset: Option<String>,
    /// Seed of delays and bodies.
    pub seed: u64,
    /// Number of URLs.
    pub urls: u64,
    /// The latency distribution as it is written on the command line.
    pub latency: String,
    /// Size of a response body, in bytes.
    pub body_bytes: u64,
    /// How fast bodies are sent, as it is written on the command line; as fast as it goes where absent.
    #[serde(default)]
    pub pace: Option<String>,
    /// What goes wrong with how many responses, as it is written on the command line.
    #[serde(default)]
    pub faults: Vec<String>,
    /// Median of the planned delays, in nanoseconds.
    pub median_delay_ns: u64,
    /// Sum of the planned delays, in nanoseconds: what one request at a time must wait.
    pub total_delay_ns: u64,
}

/// One contender and what it was up against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContenderFacts {
    /// As written on the command line, model and shape.
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
    /// Rounds asked of it, the one to warm up not counted; the least of them where there is a budget.
    pub rounds: u32,
    /// The contender that this one is a second time over, raced to see how far apart two of a kind come
    /// out. It is in no table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin_of: Option<String>,
    /// The wall a perfect client would need, in nanoseconds.
    pub floor_ns: u64,
}

impl ContenderFacts {
    /// Requests in flight allowed over all processes.
    pub fn slots(&self) -> u64 {
        u64::from(self.processes) * u64::from(self.in_flight)
    }
}

/// A published table to hold against ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// What it is, in a few words.
    pub title: String,
    /// Who published it, where and when, and what it was measured on.
    pub source: String,
    /// What its floors are computed from.
    #[serde(default)]
    pub floors_from: String,
    /// Its rows.
    pub rows: Vec<ReferenceRow>,
}

/// One row of a published table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceRow {
    /// The approach, in the publication's words.
    pub approach: String,
    /// The shape it used: `8x64`.
    pub shape: String,
    /// Its wall time, in nanoseconds.
    pub wall_ns: u64,
    /// The floor of that shape on the same workload, in nanoseconds, computed by us.
    pub floor_ns: u64,
    /// CPU as published, in per cent.
    pub cpu_percent: f64,
    /// Memory as published, in bytes.
    pub memory_bytes: u64,
    /// The contenders of this record that do the same on the same delays, by name.
    #[serde(default)]
    pub answered_by: Vec<String>,
}

/// One contender carrying out the workload once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The contender's name, as in the header.
    pub contender: String,
    /// The round, from 1; 0 where it is a warm-up.
    pub round: u32,
    /// Its place within the round, from 1.
    pub position: u32,
    /// A run that only made the machine and the target warm: kept, and in no figure.
    #[serde(default, skip_serializing_if = "is_false")]
    pub warm_up: bool,
    /// What the run took from the race's time, in nanoseconds: from before its workers were spawned
    /// until it was verified.
    #[serde(default)]
    pub took_ns: u64,
    /// Whether its figures count.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What a reader should know though it voids nothing.
    pub warnings: Vec<String>,
    /// Runtime and version, as the worker named it.
    pub runtime: String,
    /// Client and version, as the worker named it.
    pub client: String,
    /// What was measured; absent where the run did not get that far.
    pub figures: Option<Figures>,
    /// How long its requests took.
    #[serde(default)]
    pub latencies: Latencies,
    /// Its requests one by one. [`Writer`] says of which runs they are saved, and how many.
    pub samples: Samples,
    /// CPU and memory while the run went on, coarse: for pictures only.
    pub timeline: Vec<TimePoint>,
}

/// Whether a run's figures count. A void run is kept and shown, and never averaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every request was verified and the target was not in the way.
    Valid,
    /// Something was wrong: each reason in one line.
    Void {
        /// Why.
        reasons: Vec<String>,
    },
}

impl Verdict {
    /// True for [`Verdict::Valid`].
    pub fn is_valid(&self) -> bool {
        *self == Verdict::Valid
    }
}

/// What one run cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// From `go` to the last worker's `done`, by the harness's monotonic clock.
    pub wall_ns: u64,
    /// User and system time of the worker tree between `go` and `done`.
    pub cpu_ns: u64,
    /// How `cpu_ns` was learnt.
    #[serde(default)]
    pub cpu_method: CpuMethod,
    /// `cpu_ns` over the number of URLs, in microseconds.
    pub cpu_us_per_request: f64,
    /// Largest memory of the worker tree.
    pub peak_memory_bytes: u64,
    /// How `peak_memory_bytes` was learnt.
    pub peak_memory_method: MemoryMethod,
    /// The sum of every process's own high-water mark: the tree's peak was not above this.
    pub peak_memory_bound_bytes: u64,
    /// Memory of the worker tree when all were ready, before the first request.
    pub ready_memory_bytes: u64,
    /// From spawning the workers until all were ready.
    pub startup_ns: u64,
    /// From `go` until the target first had as many requests in flight as the shape and the URLs allow;
    /// absent where that never happened.
    #[serde(default)]
    pub ramp_ns: Option<u64>,
    /// Durations of the samples.
    pub latency_ns: Quantiles,
    /// Durations of the samples less each URL's planned delay. May be a little below zero where a
    /// worker's and the target's reading of the clock differ.
    pub added_latency_ns: Quantiles,
    /// What else the worker tree used.
    #[serde(default)]
    pub usage: Usage,
    /// How the sampled figures came about.
    #[serde(default)]
    pub watching: Watching,
    /// What disturbed the run.
    #[serde(default)]
    pub noise: Noise,
    /// The target's own account of this run.
    pub target: TargetFigures,
}

/// How the peak of memory was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryMethod {
    /// The kernel's high-water mark of the one process: exact.
    HighWaterMark,
    /// The largest of several readings of the whole tree, what its processes share counted once: a
    /// lower bound.
    SampledTree,
}

/// The target's own account of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetFigures {
    /// Its CPU between `go` and `done`.
    pub cpu_ns: u64,
    /// How late it answered: actual less planned delay.
    pub lateness_ns: Quantiles,
    /// Whether it ran with real-time priority.
    pub realtime: bool,
    /// Its event loops, each a thread: it can use as many cores.
    #[serde(default = "one")]
    pub shards: u32,
    /// Connections it accepted.
    pub connections: u64,
    /// The most requests it ever had in flight at once.
    pub most_in_flight: u64,
}

/// Points of a distribution, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median.
    pub p50: i64,
    /// 90th percentile.
    pub p90: i64,
    /// 99th percentile.
    pub p99: i64,
    /// Largest.
    pub max: i64,
}

impl Quantiles {
    /// The points of `values`; `None` where there are none.
    pub fn of(values: impl IntoIterator<Item = i64>) -> Option<Quantiles> {
        let sorted = Sorted::new(values)?;
        Some(Quantiles {
            p50: sorted.median(),
            p90: sorted.quantile(900),
            p99: sorted.quantile(990),
            max: sorted.high(),
        })
    }
}

/// The requests of a run, as columns of equal length, in the order of their starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// URL ids.
    pub id: Vec<u64>,
    /// The worker process that made the request, from 0.
    pub process: Vec<u32>,
    /// When it was due, nanoseconds since that worker's `go`; empty in a closed loop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due_ns: Vec<u64>,
    /// Start, nanoseconds since that worker's `go`.
    pub start_ns: Vec<u64>,
    /// End, nanoseconds since that worker's `go`.
    pub end_ns: Vec<u64>,
    /// The planned delay of the URL.
    pub planned_ns: Vec<u64>,
    /// Requests that failed: index into the columns, and the kind of error.
    pub errors: Vec<(usize, String)>,
    /// Requests of the run that are not among these: the later ones, by their starts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

impl Samples {
    /// How long a request took, in nanoseconds: in an open loop since it was due, so that what it had to
    /// wait for a slot counts as it does for a user, and else since it started. To leave that wait out is
    /// what Gil Tene calls coordinated omission ("How NOT to Measure Latency", 2013).
    pub fn latency_ns(&self, index: usize) -> u64 {
        let since_ns = self.due_ns.get(index).unwrap_or(&self.start_ns[index]);
        self.end_ns[index].saturating_sub(*since_ns)
    }

    /// The first `most` of them.
    fn truncated(&self, most: usize) -> Samples {
        let most = most.min(self.id.len());
        Samples {
            id: self.id[..most].to_vec(),
            process: self.process[..most].to_vec(),
            due_ns: self.due_ns.iter().take(most).copied().collect(),
            start_ns: self.start_ns[..most].to_vec(),
            end_ns: self.end_ns[..most].to_vec(),
            planned_ns: self.planned_ns[..most].to_vec(),
            errors: self.errors.iter().filter(|(index, _)| *index < most).cloned().collect(),
            left_out: self.left_out + (self.id.len() - most) as u64,
        }
    }
}

/// One coarse reading of the worker tree during a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimePoint {
    /// Nanoseconds since `go`.
    pub at_ns: u64,
    /// CPU since the reading before, per cent of one core.
    pub cpu_percent: f32,
    /// Resident memory, summed over the tree.
    pub memory_bytes: u64,
}

fn one() -> u32 {
    1
}

fn is_false(word: &bool) -> bool {
    !word
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One line of a record file: borrowed where it is written, owned where it is read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<H, R> {
    Header(H),
    Run(R),
}

impl Header {
    /// What makes this header unfit to be saved or read, if anything.
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

impl Run {
    /// What makes this run unfit to be saved or read under `header`, if anything.
    fn flaw(&self, header: &Header) -> Option<String> {
        let samples = &self.samples;
        let requests = samples.id.len();
        let lengths =
            [samples.process.len(), samples.start_ns.len(), samples.end_ns.len(), samples.planned_ns.len()];
        let all_due = samples.due_ns.is_empty() || samples.due_ns.len() == requests;
        // JSON has no such number: it would be saved as null, and the record lost to its readers.
        let all_finite = self.figures.iter().all(|f| f.cpu_us_per_request.is_finite())
            && self.timeline.iter().all(|point| point.cpu_percent.is_finite());

        if !header.contenders.iter().any(|c| c.name == self.contender) {
            Some(format!("the header has no contender {:?}", self.contender))
        } else if lengths != [requests; 4] || !all_due {
            Some("the columns of the samples differ in length".to_owned())
        } else if header.contenders.iter().any(|facts| {
            facts.name == self.contender && samples.process.iter().any(|process| *process >= facts.processes)
        }) {
            Some("a request was made by a process that the shape does not have".to_owned())
        } else if samples.errors.iter().any(|(index, _)| *index >= requests) {
            Some("an error belongs to no sample".to_owned())
        } else if self.verdict.is_valid() && self.figures.is_none() {
            Some("a valid run has no figures".to_owned())
        } else if !all_finite {
            Some("a figure is not a finite number".to_owned())
        } else {
            None
        }
    }
}
