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
pub use sampler::{PreparedSampler, Sampler};
pub(crate) use system_calls::SystemCalls;
pub use tree::Tree;

/// The peak of a tree's memory between `go` and `done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The peak, in bytes.
    pub bytes: u64,
    /// How it was measured.
    pub method: MemoryMethod,
    /// The sum of every process's own high-water mark since `go`, or since its start where that is later or
    /// marks cannot be reset, in bytes. The true peak is not above it, unless a process started and ended
    /// between two samples.
    pub bound_bytes: u64,
}

/// What the sampler measured of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The peak of memory.
    pub peak: Peak,
    /// The most threads in a sample.
    pub threads: u64,
    /// The most open descriptors in a sample.
    pub descriptors: Option<u64>,
    /// How often samples were taken, and what they cost.
    pub sampling: SamplingStats,
    /// CPU and memory over time.
    pub timeline: Vec<TimePoint>,
}
