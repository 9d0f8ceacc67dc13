//! What a tree of processes costs: CPU, memory and the rest, from the kernel's own accounting.

mod callgrind;
mod counters;
mod cpu;
mod group;
mod heartbeat;
mod hierarchies;
mod memory;
mod noise;
mod proc;
mod quota;
mod run_queue;
mod system_calls;
mod tree;
mod watch;

use inflight_report::record::{MemoryMethod, TimePoint, Watching};

pub use callgrind::Callgrind;
pub(crate) use counters::Counters;
pub(crate) use cpu::of_children_ns as children_cpu_ns;
pub use group::Group;
pub(crate) use group::PASS;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use memory::reset_not_offered as peak_reset_not_offered;
pub(crate) use noise::Moment;
pub use proc::tree;
pub(crate) use quota::{Quotas, Throttled};
pub(crate) use run_queue::RunQueue;
pub(crate) use system_calls::SystemCalls;
pub use tree::Tree;
pub use watch::{PreparedWatch, Watch};

/// The peak of a tree's memory between `go` and `done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The peak, in bytes.
    pub bytes: u64,
    /// How it was learnt.
    pub method: MemoryMethod,
    /// The sum of every process's own high-water mark since `go`, or since it was started where that is
    /// later or marks cannot be reset, in bytes: the true peak is not above it, unless a process came and
    /// went unseen.
    pub bound_bytes: u64,
}

/// What was seen of a run by the time it was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The peak of memory.
    pub peak: Peak,
    /// The most threads that a look found.
    pub threads: u64,
    /// The most open descriptors that a look found.
    pub descriptors: Option<u64>,
    /// How well it was looked, and what that took.
    pub watching: Watching,
    /// CPU and memory over time.
    pub timeline: Vec<TimePoint>,
}
