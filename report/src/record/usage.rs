//! The resource usage of a run besides time and memory, and how densely it was sampled.

use serde::{Deserialize, Serialize};

/// How the CPU of the worker tree was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuMethod {
    /// The accounting of a control group that holds the workers and all their descendants: exact to 1 µs, also where
    /// a process outlives its parent.
    Group,
    /// The scheduler's clock of every living process, and of children that ended and were waited for
    /// what the kernel passes on to their parents, in ticks of 10 ms. A process that outlives its parent
    /// is missed, and so are children that were not waited for.
    #[default]
    ProcessClocks,
}

/// What the worker tree used between `go` and `done`. Absent is what the machine does not offer or what
/// is not known; nothing is guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// CPU in user space, in nanoseconds. With `system_ns` it adds up to the CPU, which is exact; the kernel samples how
    /// it is split. Known of a control group alone.
    pub user_ns: Option<u64>,
    /// CPU in the kernel, in nanoseconds. See `user_ns`.
    pub system_ns: Option<u64>,
    /// Voluntary context switches. Absent where threads with more than 1 % of the run's CPU ended during the run,
    /// since their counts are lost.
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches. Absent as above.
    pub involuntary_switches: Option<u64>,
    /// System calls. Counted in separate runs, since counting slows down each call.
    pub system_calls: Option<u64>,
    /// Instructions in user space. Counted in separate runs, as system calls are.
    pub instructions: Option<u64>,
    /// Calls of the functions that allocate memory. Counted with the instructions.
    pub allocations: Option<u64>,
    /// Page faults that needed no disk access.
    pub minor_faults: Option<u64>,
    /// Page faults that needed disk access.
    pub major_faults: Option<u64>,
    /// The most threads in any sample: a lower bound.
    pub threads_at_peak: Option<u64>,
    /// The most open descriptors in any sample: a lower bound.
    pub descriptors_at_peak: Option<u64>,
    /// Bytes that the target received: heads and bodies of requests, before encryption.
    pub sent_bytes: Option<u64>,
    /// Bytes that the target sent: heads and bodies of responses, before encryption.
    pub received_bytes: Option<u64>,
}

/// How densely the worker tree was sampled, for peaks and time series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingStats {
    /// Readings, including the one before `go` and the one at `done`.
    #[serde(alias = "looks")]
    pub readings: u64,
    /// The longest time between two readings, in nanoseconds: shorter peaks may be missed.
    pub longest_gap_ns: u64,
    /// The largest growth of the memory of several processes from one reading to the next, in bytes; 0 where
    /// there is one process, whose peak the kernel keeps.
    pub largest_step_bytes: u64,
    /// CPU of the sampler between `go` and `done`, in nanoseconds. It is in no other figure.
    pub cpu_ns: u64,
}
