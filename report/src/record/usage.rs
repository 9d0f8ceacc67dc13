//! What a run cost besides time and memory, and how well its meters looked.

use serde::{Deserialize, Serialize};

/// How the CPU of the worker tree was learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuMethod {
    /// The account of a control group that holds the workers and whatever they start: exact to 1 µs,
    /// whoever outlives whom.
    Group,
    /// The scheduler's clock of every living process, and of children that ended and were waited for
    /// what the kernel passes on to their parents, in ticks of 10 ms. A process that outlives its parent
    /// is missed, and so are children that nobody waited for.
    #[default]
    ProcessClocks,
}

/// What the worker tree used between `go` and `done`. Absent is what the machine does not offer or what
/// is not known; nothing is guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// The CPU's part in user space, in nanoseconds, and the one in the kernel. They add up to the CPU, which is
    /// exact; how it is split, the kernel samples. Known of a control group alone.
    pub user_ns: Option<u64>,
    /// See `user_ns`.
    pub system_ns: Option<u64>,
    /// Times that a thread gave up its core to wait for something. Absent where threads ended during the
    /// run that had more than 1 % of its CPU: they took their count with them.
    pub voluntary_switches: Option<u64>,
    /// Times that a thread was made to give up its core. Absent as above.
    pub involuntary_switches: Option<u64>,
    /// System calls. Counted in runs that count for nothing else, since to count them slows down each.
    pub system_calls: Option<u64>,
    /// Instructions in user space. Counted as system calls are, in runs of their own.
    pub instructions: Option<u64>,
    /// Calls of the functions that allocate memory. Counted with the instructions.
    pub allocations: Option<u64>,
    /// Page faults that took no reading from a disk.
    pub minor_faults: Option<u64>,
    /// Page faults that did.
    pub major_faults: Option<u64>,
    /// The most threads that a look found: a lower bound.
    pub threads_at_peak: Option<u64>,
    /// The most open descriptors that a look found: a lower bound.
    pub descriptors_at_peak: Option<u64>,
    /// Bytes that the target received: heads and bodies of requests, before encryption.
    pub sent_bytes: Option<u64>,
    /// Bytes that the target sent: heads and bodies of responses, before encryption.
    pub received_bytes: Option<u64>,
}

/// How the tree was watched for what is not counted but sampled: peaks, and pictures over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingStats {
    /// Looks, the one before `go` and the one at `done` included.
    pub looks: u64,
    /// The longest time between two of them, in nanoseconds: what comes and goes within it may be missed.
    pub longest_gap_ns: u64,
    /// The most that the memory of several processes grew from one look to the next, in bytes; 0 where
    /// there is one process, whose peak the kernel keeps.
    pub largest_step_bytes: u64,
    /// CPU that watching took between `go` and `done`, in nanoseconds. It is in no other figure.
    pub cpu_ns: u64,
}
