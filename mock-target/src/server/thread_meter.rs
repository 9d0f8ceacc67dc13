//! What an event loop uses, by the kernel's account of its thread.

use std::fs::File;

use crate::clock;
use crate::ledger::LoopStats;

/// Reads the clocks of one thread, from that thread.
pub(super) struct Meter {
    /// `schedstat` of the thread (proc(5)): kept open, since to open it takes longer than to read it.
    schedstat: Option<File>,
}

impl Meter {
    pub(super) fn of_this_thread() -> Meter {
        Meter { schedstat: File::open("/proc/thread-self/schedstat").ok() }
    }

    /// What the thread used so far. Must be called from it.
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

/// Keeps this thread busy for so long, however often others get the processor meanwhile. The thread's own clock
/// would be a system call, of which there is no room for many in a microsecond; so a step of the other clock
/// counts unless it is so long that the thread cannot have been running.
pub(super) fn burn(ns: u64) {
    const LONGEST_STEP_NS: u64 = 10_000;
    let (mut spent_ns, mut last_ns) = (0, clock::now_ns());
    while spent_ns < ns {
        let now_ns = clock::now_ns();
        let step_ns = now_ns - last_ns;
        spent_ns += if step_ns < LONGEST_STEP_NS { step_ns } else { 0 };
        last_ns = now_ns;
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_meter_reads_what_its_thread_burns() {
        const BURNT_NS: u64 = 20_000_000;
        let meter = Meter::of_this_thread();
        let before = meter.read();
        burn(BURNT_NS);
        let after = meter.read();
        // A clock of the thread that is read a little late is right about more than nine tenths.
        assert!(after.cpu_ns - before.cpu_ns >= BURNT_NS / 10 * 9);
        assert!(after.run_queue_ns >= before.run_queue_ns && after.run_queue_ns.is_some());
    }
}
