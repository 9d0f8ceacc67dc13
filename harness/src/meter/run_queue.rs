//! Run-queue delay: how long a runnable thread has waited for a core.

use std::fs::File;

/// The scheduler's statistics of one thread: `/proc/PID/task/TID/schedstat` (kernel documentation,
/// "Scheduler Statistics"). Any thread of the process can read it.
pub(crate) struct RunQueue(File);

impl RunQueue {
    /// Of the calling thread; `None` where the system keeps no such statistics.
    pub(crate) fn of_this_thread() -> Option<RunQueue> {
        let queue = RunQueue(File::open("/proc/thread-self/schedstat").ok()?);
        queue.waited_ns().map(|_| queue)
    }

    /// The time that the thread has waited for a core so far, in nanoseconds.
    pub(crate) fn waited_ns(&self) -> Option<u64> {
        let mut buffer = [0; 64];
        let read = read_from_start(&self.0, &mut buffer)?;
        parse(std::str::from_utf8(&buffer[..read]).ok()?)
    }
}

#[cfg(unix)]
fn read_from_start(file: &File, buffer: &mut [u8]) -> Option<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, 0).ok()
}

/// The fields are time on a core, time waiting for one, and the number of timeslices.
fn parse(line: &str) -> Option<u64> {
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_field_is_the_delay() {
        assert_eq!(parse("29517 1203 4\n"), Some(1_203));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn thread_that_shares_a_core_waits() {
        use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

        let Some(queue) = RunQueue::of_this_thread() else { return };
        let mut cpu = CpuSet::new();
        cpu.set(sched_getcpu());
        sched_setaffinity(None, &cpu).unwrap(); // which the other thread inherits
        let before = queue.waited_ns().unwrap();
        let end = std::time::Instant::now() + std::time::Duration::from_millis(100);
        let spin = move || while std::time::Instant::now() < end {};
        let other = std::thread::spawn(spin);
        spin();
        other.join().unwrap();
        assert!(queue.waited_ns().unwrap() - before > 20_000_000);
    }
}
