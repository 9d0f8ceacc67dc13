//! CPU of one process.

use std::io;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::proc::Stat;

/// A tick of `/proc/PID/stat`: USER_HZ is 100 on every architecture that Linux runs on today.
const TICK_NS: u64 = 10_000_000;

/// CPU of `pid`, its ended threads and its waited-for children, in nanoseconds.
///
/// `/proc/PID/stat` counts in ticks of 10 ms; the CPU-time clock of the process
/// (clock_getcpuclockid(3)) is the scheduler's sum in nanoseconds. Only the children that are gone
/// have no such clock any more.
pub(super) fn used_ns(pid: u32) -> io::Result<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    let time = clock_gettime(clock)?;
    let own = time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64;
    Ok(own + Stat::read(pid)?.reaped_ticks * TICK_NS)
}
