//! CPU of one process.

use std::io;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::proc::Stat;

/// A tick of `/proc/PID/stat`: USER_HZ is 100 on every architecture that Linux runs on today.
pub(super) const TICK_NS: u64 = 10_000_000;

/// CPU of `pid`, its ended threads and its waited-for children, in nanoseconds.
///
/// `/proc/PID/stat` counts in ticks of 10 ms; the CPU-time clock of the process
/// (clock_getcpuclockid(3)) is the scheduler's sum in nanoseconds. Only the children that are gone
/// have no such clock any more.
pub(super) fn used_ns(pid: u32) -> io::Result<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    let own_ns = nanoseconds(clock_gettime(clock)?);
    Ok(own_ns + Stat::read(pid)?.reaped_ticks * TICK_NS)
}

/// CPU that the calling thread has used so far, in nanoseconds; 0 where the system does not tell.
pub(super) fn of_this_thread_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, nanoseconds)
}

/// CPU that this process has used so far, in nanoseconds; 0 where the system does not tell.
pub(super) fn of_this_process_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(0, nanoseconds)
}

/// CPU of this process's children that ended and were waited for, in nanoseconds; 0 where the system does not
/// tell.
pub(crate) fn of_children_ns() -> u64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| {
        let micros = |time: TimeVal| time.num_microseconds().cast_unsigned();
        (micros(usage.user_time()) + micros(usage.system_time())) * 1_000
    })
}

fn nanoseconds(time: TimeSpec) -> u64 {
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}
