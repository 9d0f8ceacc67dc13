//! CPU time of processes and threads.

use std::io;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::proc::Stat;

/// CPU time that a tree has used, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// User and system time together.
    pub total_ns: u64,
    /// The part spent in the kernel, where that is known.
    pub system_ns: Option<u64>,
}

impl CpuTime {
    /// The CPU used since `before`: the total, and its user and system parts, which add up to it. `None` where
    /// the total shrank, because a process has left the tree.
    pub(crate) fn since(&self, before: &CpuTime) -> Option<(u64, Option<[u64; 2]>)> {
        let total_ns = self.total_ns.checked_sub(before.total_ns)?;
        let parts = self.system_ns.zip(before.system_ns).map(|(now, then)| {
            let system_ns = now.saturating_sub(then).min(total_ns);
            [total_ns - system_ns, system_ns]
        });
        Some((total_ns, parts))
    }
}

/// A tick of `/proc/PID/stat`: USER_HZ is 100 on every architecture that Linux runs on today.
pub(super) const TICK_NS: u64 = 10_000_000;

/// CPU time of `pid`, its ended threads and its waited-for children, in nanoseconds.
///
/// `/proc/PID/stat` counts in ticks of 10 ms; the CPU-time clock of the process
/// (clock_getcpuclockid(3)) is the scheduler's sum in nanoseconds. Only children that have ended
/// have no clock any more.
pub(super) fn used_ns(pid: u32) -> io::Result<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    let own_ns = nanoseconds(clock_gettime(clock)?);
    Ok(own_ns + Stat::read(pid)?.reaped_ticks * TICK_NS)
}

/// CPU time of the calling thread so far, in nanoseconds; 0 where the system does not report it.
pub(super) fn of_this_thread_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, nanoseconds)
}

/// CPU time of this process so far, in nanoseconds; 0 where the system does not report it.
pub(super) fn of_this_process_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(0, nanoseconds)
}

/// CPU time of this process's children that ended and were waited for, in nanoseconds; 0 where the system
/// does not report it.
pub(crate) fn of_children_ns() -> u64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| {
        let micros = |time: TimeVal| time.num_microseconds().cast_unsigned();
        (micros(usage.user_time()) + micros(usage.system_time())) * 1_000
    })
}

fn nanoseconds(time: TimeSpec) -> u64 {
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_add_up_to_the_total() {
        let at = |total_ns, system_ns| CpuTime { total_ns, system_ns };
        let used = |now: CpuTime, before| now.since(&before);
        assert_eq!(used(at(900, Some(400)), at(500, Some(100))), Some((400, Some([100, 300]))));
        // The kernel splits the sum by sampling, so a part can exceed the whole.
        assert_eq!(used(at(600, Some(400)), at(500, Some(100))), Some((100, Some([0, 100]))));
        assert_eq!(used(at(900, None), at(500, Some(100))), Some((400, None)));
        assert_eq!(used(at(400, None), at(500, None)), None);
    }
}
