//! The thread of an event loop: its real-time priority, and its CPU time and run-queue delay as the kernel accounts them.

use std::fs::File;

use crate::clock;
use crate::ledger::LoopStats;

/// Requests the real-time priority `SCHED_FIFO` for this thread. Returns whether it was granted.
#[cfg(target_os = "linux")]
pub(super) fn request_realtime() -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };

    /// Above every ordinary thread, and below the kernel's own real-time threads, which have 50.
    const PRIORITY: u8 = 10;

    let Ok(priority) = PRIORITY.try_into() else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
        .is_ok()
}

/// Not supported on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn request_realtime() -> bool {
    false
}

/// Reads the clocks of one thread, from that thread.
pub(super) struct ThreadMeter {
    /// `schedstat` of the thread (proc(5)). Kept open, because opening it takes longer than reading it.
    schedstat: Option<File>,
}

impl ThreadMeter {
    pub(super) fn of_this_thread() -> ThreadMeter {
        ThreadMeter { schedstat: File::open("/proc/thread-self/schedstat").ok() }
    }

    /// What the thread has used so far. Must be called from that thread.
    pub(super) fn read(&self) -> LoopStats {
        LoopStats { cpu_ns: thread_cpu_ns(), run_queue_ns: self.run_queue_ns(), received: 0 }
    }

    #[cfg(target_os = "linux")]
    fn run_queue_ns(&self) -> Option<u64> {
        use std::os::unix::fs::FileExt;

        // Three numbers of at most 20 digits.
        let mut line = [0; 64];
        let length = self.schedstat.as_ref()?.read_at(&mut line, 0).ok()?;
        str::from_utf8(&line[..length]).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn run_queue_ns(&self) -> Option<u64> {
        None
    }
}

#[cfg(unix)]
fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

#[cfg(not(unix))]
fn thread_cpu_ns() -> u64 {
    0
}

/// Busy-waits until this thread has used `ns` of CPU time. Reading the CPU clock of the thread is a system call, too
/// slow for periods of a microsecond. So this reads the monotonic clock, and ignores steps so long that the thread
/// cannot have been running.
pub(super) fn burn_cpu(ns: u64) {
    const MAX_STEP_NS: u64 = 10_000;
    let (mut spent_ns, mut last_ns) = (0, clock::now_ns());
    while spent_ns < ns {
        let now_ns = clock::now_ns();
        let step_ns = now_ns - last_ns;
        spent_ns += if step_ns < MAX_STEP_NS { step_ns } else { 0 };
        last_ns = now_ns;
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_meter_reads_the_cpu_time_that_is_burnt() {
        const BURNT_NS: u64 = 20_000_000;
        let meter = ThreadMeter::of_this_thread();
        let before = meter.read();
        burn_cpu(BURNT_NS);
        let after = meter.read();
        // The tolerance allows for the time between the two clocks.
        assert!(after.cpu_ns - before.cpu_ns >= BURNT_NS / 10 * 9);
        assert!(after.run_queue_ns >= before.run_queue_ns && after.run_queue_ns.is_some());
    }
}
