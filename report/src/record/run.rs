//! One run: its verdict, figures and samples.

use serde::{Deserialize, Serialize};

use super::{
    CpuMethod, HarnessLateness, Header, Latencies, Noise, Reason, SamplingStats, Schedule, Usage, Verdict,
};
use crate::stats::Sorted;

/// One contender executing the workload once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The contender's name, as in the header.
    pub contender: String,
    /// The round, from 1; 0 where it is a warm-up.
    pub round: u32,
    /// Its place within the round, from 1.
    pub position: u32,
    /// A warm-up: saved, and in no figure.
    #[serde(default, skip_serializing_if = "is_false")]
    pub warm_up: bool,
    /// What the run took of the total time, in nanoseconds: from before its workers were spawned until it was
    /// verified.
    #[serde(default)]
    pub took_ns: u64,
    /// Whether its figures count.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Earlier attempts at this run that were disturbed: in no figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbed_attempts: Vec<Attempt>,
    /// What a reader should know, though it does not make the run invalid.
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
    /// Its requests. [`Writer`](super::Writer) documents of which runs they are saved, and how many.
    pub samples: Samples,
    /// CPU and memory during the run, coarse: for pictures only.
    pub timeline: Vec<TimePoint>,
}

/// A run that was disturbed and repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The disturbances.
    pub reasons: Vec<Reason>,
    /// Its wall time, in nanoseconds, where it got that far.
    pub wall_ns: Option<u64>,
}

impl Run {
    /// This run in place of `disturbed`, with the time of both.
    #[must_use]
    pub fn in_place_of(mut self, disturbed: &Run) -> Run {
        self.took_ns += disturbed.took_ns;
        self.disturbed_attempts.push(Attempt {
            reasons: disturbed.verdict.reasons().to_vec(),
            wall_ns: disturbed.figures.as_ref().map(|figures| figures.wall_ns),
        });
        self
    }

    /// Why this run cannot be saved or read under `header`, if so.
    pub(super) fn flaw(&self, header: &Header) -> Option<String> {
        let Some(facts) = header.contenders.iter().find(|facts| facts.name == self.contender) else {
            return Some(format!("the header has no contender {:?}", self.contender));
        };
        let Samples { id, process, due_ns, start_ns, end_ns, planned_ns, errors, .. } = &self.samples;
        let lengths = [process.len(), start_ns.len(), end_ns.len(), planned_ns.len()];
        let all_due = due_ns.is_empty() || due_ns.len() == id.len();
        // JSON has no such numbers: they would be saved as null, and the record could not be read.
        let rate = |f: &Figures| f.schedule.and_then(|schedule| schedule.achieved_per_second);
        let is_finite = |f: &Figures| f.cpu_us_per_request.is_finite() && rate(f).is_none_or(f64::is_finite);
        let all_finite = self.figures.iter().all(is_finite)
            && self.timeline.iter().all(|point| point.cpu_percent.is_finite());
        let flaws = [
            (lengths != [id.len(); 4] || !all_due, "the columns of the samples differ in length"),
            (
                process.iter().any(|process| *process >= facts.processes),
                "a request was made by a process that the contender does not have",
            ),
            (errors.iter().any(|(index, _)| *index >= id.len()), "an error belongs to no sample"),
            (self.verdict.is_valid() && self.figures.is_none(), "a valid run has no figures"),
            (!all_finite, "a figure is not a finite number"),
        ];
        flaws.into_iter().find(|(is_so, _)| *is_so).map(|(_, flaw)| flaw.to_owned())
    }
}

/// The measured figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// From `go` to the last worker's `done`, by the harness's monotonic clock.
    pub wall_ns: u64,
    /// User and system time of the worker tree between `go` and `done`.
    pub cpu_ns: u64,
    /// How `cpu_ns` was measured.
    #[serde(default)]
    pub cpu_method: CpuMethod,
    /// `cpu_ns` over the number of URLs, in microseconds.
    pub cpu_us_per_request: f64,
    /// Largest memory of the worker tree between `go` and `done`.
    pub peak_memory_bytes: u64,
    /// How `peak_memory_bytes` was measured.
    pub peak_memory_method: MemoryMethod,
    /// An upper bound of the tree's peak: the sum of every process's own high-water mark, since `go` where it can be
    /// reset.
    pub peak_memory_bound_bytes: u64,
    /// Memory of the worker tree when all were ready, before the first request.
    pub ready_memory_bytes: u64,
    /// From spawning the workers until all were ready.
    pub startup_ns: u64,
    /// From `go` until the target first had as many requests in flight as the concurrency and the URLs allow;
    /// absent where that never happened.
    #[serde(default)]
    pub ramp_ns: Option<u64>,
    /// Durations of the samples; absent where no request succeeded.
    #[serde(default)]
    pub latency_ns: Option<Quantiles>,
    /// Durations of the samples less each URL's planned delay; absent where no request succeeded. May be a
    /// little below zero where a worker's and the target's reading of the clock differ.
    #[serde(default)]
    pub added_latency_ns: Option<Quantiles>,
    /// How well the schedule of an open loop was kept; absent in a closed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What else the worker tree used.
    #[serde(default)]
    pub usage: Usage,
    /// How densely the worker tree was sampled.
    #[serde(default, alias = "watching")]
    pub sampling: SamplingStats,
    /// Other load on the machine.
    #[serde(default)]
    pub noise: Noise,
    /// How late the harness itself was.
    #[serde(default)]
    pub harness: HarnessLateness,
    /// The target's own figures of this run.
    pub target: TargetFigures,
}

/// How peak memory was measured, the most exact method first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryMethod {
    /// The kernel's high-water mark of the one process, reset at `go`: exact.
    HighWaterMark,
    /// The same where it cannot be reset: since the start of the program, so that it includes memory that only the
    /// setup used. In records of format 2 and before, `high-water-mark` means this.
    HighWaterMarkSinceStart,
    /// The largest of several readings of the whole tree since `go`, what its processes share counted
    /// once: a lower bound.
    SampledTree,
}

impl MemoryMethod {
    /// The sign before such a peak, as a bound of the peak between `go` and `done`.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            MemoryMethod::HighWaterMark => "",
            MemoryMethod::HighWaterMarkSinceStart => "≤ ",
            MemoryMethod::SampledTree => "≥ ",
        }
    }
}

/// The target's own figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetFigures {
    /// Its CPU between `go` and `done`.
    pub cpu_ns: u64,
    /// How late it answered: actual less planned delay.
    pub lateness_ns: Quantiles,
    /// Whether it ran with real-time priority.
    pub realtime: bool,
    /// Its event loops, each on its own thread.
    #[serde(default = "one")]
    pub shards: u32,
    /// Connections it accepted.
    pub connections: u64,
    /// The most requests it ever had in flight at once.
    pub most_in_flight: u64,
    /// The figures of each event loop, between `go` and `done`; empty in records made before this was measured.
    #[serde(default)]
    pub loops: Vec<LoopFigures>,
    /// How long requests waited in their sockets before they were read; absent where the system has no receive
    /// timestamps.
    #[serde(default)]
    pub unread_ns: Option<Quantiles>,
    /// How long due responses waited while their loop was busy with others: a part of the lateness.
    #[serde(default)]
    pub queueing_ns: Option<Quantiles>,
    /// Residence time, summed over all requests: their wait to be read and their lateness, in nanoseconds. Planned
    /// delays are not in it.
    #[serde(default)]
    pub residence_ns: u64,
    /// Why the target limited wall time and throughput, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<TargetLimit>,
}

/// What one event loop of the target used in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopFigures {
    /// User and system time of its thread, in nanoseconds.
    pub cpu_ns: u64,
    /// How long its thread was runnable and waited for a core, in nanoseconds; absent where the system does not
    /// report it.
    pub run_queue_ns: Option<u64>,
    /// Requests that it handled.
    pub requests: u64,
}

/// How the target limited a run: wall time and throughput are not the contender's own. CPU and memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetLimit {
    /// An event loop ran, or waited for a core, all the time.
    Loop,
    /// Target and workers together used all the cores that they share, and the target a notable part.
    Machine,
    /// Requests spent a notable part of their time waiting for the target, beyond what was planned.
    Residence,
}

/// Quantiles of a distribution, in nanoseconds.
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
    /// The quantiles of `values`; `None` where there are none.
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
    /// Later requests of the run, by their starts, that were not saved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

impl Samples {
    /// How long a request took, in nanoseconds: in an open loop since it was due, so that its wait for a slot counts as
    /// it does for a user, else since it started. Leaving that wait out is what Gil Tene calls coordinated omission
    /// ("How NOT to Measure Latency", 2013).
    pub fn latency_ns(&self, index: usize) -> u64 {
        let since_ns = self.due_ns.get(index).unwrap_or(&self.start_ns[index]);
        self.end_ns[index].saturating_sub(*since_ns)
    }

    /// The first `most` of them.
    pub(super) fn truncated(&self, most: usize) -> Samples {
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

impl TimePoint {
    /// No picture shows more points of one run.
    const MOST: usize = 120;

    /// At most 120 points: neighbours are merged to their mean CPU and largest memory, at the time of the last.
    pub fn thinned(points: &[TimePoint]) -> Vec<TimePoint> {
        let together = points.len().div_ceil(TimePoint::MOST).max(1);
        let merge = |neighbours: &[TimePoint]| TimePoint {
            at_ns: neighbours.last().map_or(0, |point| point.at_ns),
            cpu_percent: neighbours.iter().map(|point| point.cpu_percent).sum::<f32>()
                / neighbours.len() as f32,
            memory_bytes: neighbours.iter().map(|point| point.memory_bytes).max().unwrap_or(0),
        };
        points.chunks(together).map(merge).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_timeline_is_thinned() {
        let points: Vec<TimePoint> = (1..=1_000)
            .map(|at_ns| TimePoint { at_ns, cpu_percent: 2.0 * (at_ns % 2) as f32, memory_bytes: at_ns })
            .collect();
        let thin = TimePoint::thinned(&points);
        assert!(thin.len() <= TimePoint::MOST && thin.len() > TimePoint::MOST / 2, "{}", thin.len());
        assert_eq!((thin[0].at_ns, thin[0].memory_bytes), (9, 9));
        assert!((thin[1].cpu_percent - 1.0).abs() < 0.3);
        assert_eq!(thin.last().unwrap().at_ns, 1_000);
        assert_eq!(TimePoint::thinned(&points[..5]), points[..5]);
    }
}
