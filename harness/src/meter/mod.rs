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
    Ok(read_each(roots, &proc::tree(roots), cpu::used_ns)?.iter().sum())
}

/// Memory of the trees below `roots` now, in bytes: resident memory of one process; of
/// several, with the pages that they share counted once.
///
/// # Errors
/// When a root is gone.
pub fn memory_bytes(roots: &[u32]) -> io::Result<u64> {
    match proc::tree(roots).as_slice() {
        [alone] => memory::resident_bytes(*alone),
        many => Ok(memory::of_tree(&read_each(roots, many, memory::Pages::read)?)),
    }
}

/// The peak of a tree's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The peak, in bytes.
    pub bytes: u64,
    /// How it was learnt.
    pub method: MemoryMethod,
    /// The sum of every process's own high-water mark, in bytes: the true peak is not above it, unless
    /// a process came and went unseen.
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

/// Reads something of every process of a tree. One that is not a root may end between being listed and
/// being read, and is then left out: it has been accounted to its parent.
fn read_each<T>(roots: &[u32], tree: &[u32], read: impl Fn(u32) -> io::Result<T>) -> io::Result<Vec<T>> {
    let readings = tree.iter().map(|&pid| (roots.contains(&pid), read(pid)));
    readings.filter(|(root, reading)| *root || !is_gone(reading)).map(|(_, reading)| reading).collect()
}

fn is_gone<T>(reading: &io::Result<T>) -> bool {
    const NO_SUCH_PROCESS: Option<i32> = Some(rustix::io::Errno::SRCH.raw_os_error());
    matches!(reading, Err(error)
        if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == NO_SUCH_PROCESS)
}
