//! Whether the harness runs at all while it measures: what is held up itself stamps `go` and `done` late.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::RunQueue;

/// So often the thread wakes, at a cost of a few microseconds each time.
const PERIOD: Duration = Duration::from_millis(10);

/// A thread that wakes every 10 ms and looks how late it is, as jHiccup does (Gil Tene, 2012).
///
/// What it waited for a core is taken off, by the scheduler's own account: on a machine that is busy with the
/// workers a wait is to be expected, and of no consequence unless the thread that stamps `done` waits. What is
/// left is the time for which the process did not even want to run: it was stopped (SIGSTOP, a debugger), throttled
/// by a quota, or the whole machine stood still.
pub(crate) struct Heartbeat {
    stop: Sender<()>,
    thread: JoinHandle<Option<u64>>,
}

impl Heartbeat {
    /// Begins.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> io::Result<Heartbeat> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || longest_stop_ns(&stopped))?;
        Ok(Heartbeat { stop, thread })
    }

    /// The longest time for which the process stood still, in nanoseconds; `None` where the system does not say
    /// which part of a delay was waiting for a core.
    pub(crate) fn finish(self) -> Option<u64> {
        drop(self.stop);
        self.thread.join().expect("looking at a clock does not panic")
    }
}

fn longest_stop_ns(stopped: &Receiver<()>) -> Option<u64> {
    let queue = RunQueue::of_this_thread()?;
    let (mut longest_ns, mut waited_ns) = (0, queue.waited_ns()?);
    let mut beat = Instant::now();
    loop {
        let ended =
            stopped.recv_timeout(PERIOD.saturating_sub(beat.elapsed())) != Err(RecvTimeoutError::Timeout);
        // From one beat to the next without a gap: a stop may fall between any two instructions.
        let before = std::mem::replace(&mut beat, Instant::now());
        let late_ns = (beat - before).saturating_sub(PERIOD).as_nanos() as u64;
        let waited_before_ns = std::mem::replace(&mut waited_ns, queue.waited_ns()?);
        longest_ns = longest_ns.max(late_ns.saturating_sub(waited_ns - waited_before_ns));
        if ended {
            return Some(longest_ns);
        }
    }
}
