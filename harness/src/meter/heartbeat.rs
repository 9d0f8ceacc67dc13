//! How long the harness itself was stopped while it measured: a stopped harness stamps `go` and `done` late.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::RunQueue;

/// How often the thread wakes. Each time costs a few microseconds.
const PERIOD: Duration = Duration::from_millis(10);

/// A thread that wakes every 10 ms and measures how late it is, as jHiccup does (Gil Tene, 2012).
///
/// The time that it waited for a core, by the scheduler's own count, is subtracted: on a machine that is busy
/// with the workers such waits are expected, and matter only for the thread that stamps `done`. What remains is
/// the time for which the process was not runnable: it was stopped (SIGSTOP, a debugger) or throttled by a
/// quota, or the whole machine was suspended.
pub(crate) struct Heartbeat {
    stop: Sender<()>,
    thread: JoinHandle<Option<u64>>,
}

impl Heartbeat {
    pub(crate) fn start() -> io::Result<Heartbeat> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || longest_stop_ns(&stopped))?;
        Ok(Heartbeat { stop, thread })
    }

    /// The longest time for which the process was stopped, in nanoseconds; `None` where the system does not
    /// report run-queue delay.
    pub(crate) fn finish(self) -> Option<u64> {
        drop(self.stop);
        self.thread.join().expect("reading a clock does not panic")
    }
}

fn longest_stop_ns(stopped: &Receiver<()>) -> Option<u64> {
    let queue = RunQueue::of_this_thread()?;
    let (mut longest_ns, mut waited_ns) = (0, queue.waited_ns()?);
    let mut beat = Instant::now();
    loop {
        let ended =
            stopped.recv_timeout(PERIOD.saturating_sub(beat.elapsed())) != Err(RecvTimeoutError::Timeout);
        // Intervals adjoin, since a stop can fall between any two instructions.
        let before = std::mem::replace(&mut beat, Instant::now());
        let late_ns = (beat - before).saturating_sub(PERIOD).as_nanos() as u64;
        let waited_before_ns = std::mem::replace(&mut waited_ns, queue.waited_ns()?);
        longest_ns = longest_ns.max(late_ns.saturating_sub(waited_ns - waited_before_ns));
        if ended {
            return Some(longest_ns);
        }
    }
}
