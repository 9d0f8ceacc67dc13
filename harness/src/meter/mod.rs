//! The cost of a process tree: CPU, memory and the rest, from the kernel's own accounting.
//!
//! The meters take process ids and paths, and know nothing of runs and contenders.

mod callgrind;
mod cgroup;
mod counters;
mod cpu;
mod heartbeat;
mod hierarchies;
mod memory;
mod noise;
mod proc;
mod quota;
mod run_queue;
mod sampler;
mod system_calls;
mod tree;

use inflight_report::record::{MemoryMethod, SamplingStats, TimePoint};

pub use callgrind::Callgrind;
pub use cgroup::Cgroup;
pub(crate) use cgroup::START_LINE;
pub(crate) use counters::Counters;
pub(crate) use cpu::of_children_ns as children_cpu_ns;
pub(crate) use heartbeat::Heartbeat;
pub use memory::reset_not_offered as peak_reset_not_offered;
pub(crate) use noise::Snapshot;
pub use proc::tree;
pub(crate) use quota::{Quotas, Throttled};
pub(crate) use run_queue::RunQueue;
pub(crate) use sampler::Sampler;
pub(crate) use system_calls::SystemCalls;
pub(crate) use tree::Tree;

/// The peak of a tree's memory between `go` and `done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peak {
    pub(crate) bytes: u64,
    pub(crate) method: MemoryMethod,
    /// The sum of every process's own high-water mark since `go`, or since its start where that is later or
    /// marks cannot be reset, in bytes. The true peak is not above it, unless a process started and ended
    /// between two samples.
    pub(crate) bound_bytes: u64,
}

/// What the sampler measured of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sampled {
    pub(crate) peak: Peak,
    /// The most threads in a sample.
    pub(crate) threads: u64,
    /// The most open descriptors in a sample.
    pub(crate) descriptors: Option<u64>,
    /// How often samples were taken, and what they cost.
    pub(crate) sampling: SamplingStats,
    pub(crate) timeline: Vec<TimePoint>,
}
