//! What a tree of processes costs: CPU and memory, from the kernel's own accounting.

mod cpu;
mod memory;
mod proc;
mod watch;

use std::io;

use inflight_report::record::{MemoryMethod, TimePoint};

pub use proc::tree;
pub use watch::Watch;

/// CPU that the trees below `roots` have used so far, in nanoseconds: user and system, threads that
/// ended included.
///
/// Of a living process it is the scheduler's exact account. Of a child that ended and was waited for
/// it is what the kernel passes on to its parent, in clock ticks of 10 ms.
///
/// # Errors
/// When a root is gone.
pub fn cpu_ns(roots: &[u32]) -> io::Result<u64> {
    proc::tree(roots).into_iter().map(cpu::used_ns).filter(|used| !is_gone(used)).sum()
}

/// Resident memory of the trees below `roots` now, in bytes. What several processes share is divided
/// among them where there is more than one.
///
/// # Errors
/// When a root is gone.
pub fn memory_bytes(roots: &[u32]) -> io::Result<u64> {
    match proc::tree(roots).as_slice() {
        [alone] => memory::resident_bytes(*alone),
        many => pss_bytes(many),
    }
}

/// The peak of a tree's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The peak, in bytes.
    pub bytes: u64,
    /// How it was learnt.
    pub method: MemoryMethod,
    /// The sum of every process's own high-water mark, in bytes: the true peak is not above it.
    pub bound_bytes: u64,
}

/// What was seen of a run by the time it was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The peak of memory.
    pub peak: Peak,
    /// CPU and memory over time.
    pub timeline: Vec<TimePoint>,
}

fn pss_bytes(processes: &[u32]) -> io::Result<u64> {
    processes.iter().map(|&pid| memory::proportional_bytes(pid)).filter(|bytes| !is_gone(bytes)).sum()
}

/// A process that ended between being listed and being read has been accounted to its parent.
fn is_gone<T>(read: &io::Result<T>) -> bool {
    const NO_SUCH_PROCESS: Option<i32> = Some(rustix::io::Errno::SRCH.raw_os_error());
    matches!(read, Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == NO_SUCH_PROCESS)
}
