//! How long a thread has waited for a core although it could have run.

use std::fs::File;

/// The account that the scheduler keeps of one thread: `/proc/PID/task/TID/schedstat` (kernel documentation,
/// "Scheduler Statistics"), which any thread of the process can read.
pub(crate) struct RunQueue(File);

impl RunQueue {
    /// Of the calling thread; `None` where the system keeps no such account.
    pub(crate) fn of_this_thread() -> Option<RunQueue> {
        let queue = RunQueue(File::open("/proc/thread-self/schedstat").ok()?);
        queue.waited_ns().map(|_| queue)
    }

    /// The time that the thread has waited so far, in nanoseconds.
    pub(crate) fn waited_ns(&self) -> Option<u64> {
        let mut buffer = [0; 64];
        let read = read_from_the_start(&self.0, &mut buffer)?;
        parse(std::str::from_utf8(&buffer[..read]).ok()?)
    }
}

#[cfg(unix)]
fn read_from_the_start(file: &File, buffer: &mut [u8]) -> Option<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, 0).ok()
}

/// Time on a core, time that it waited for one, and how often it had one.
fn parse(line: &str) -> Option<u64> {
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_the_wait() {
        assert_eq!(parse("29517 1203 4\n"), Some(1_203));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_thread_that_shares_its_core_waits() {
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
