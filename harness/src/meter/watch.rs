//! Watching a tree while it works, at a cost that does not show.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use inflight_report::record::{MemoryMethod, TimePoint};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Peak, Seen, memory, proc, pss_bytes};

/// The share of one core that watching may take.
const DUTY: f64 = 0.005;

/// No reading comes sooner than this after the one before.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// A thread that reads the memory and CPU of a tree now and then.
pub struct Watch {
    roots: Vec<u32>,
    stop: Sender<()>,
    thread: JoinHandle<Watched>,
}

#[derive(Default)]
struct Watched {
    largest_pss_bytes: u64,
    timeline: Vec<TimePoint>,
}

impl Watch {
    /// Begins to watch the trees below `roots`.
    pub fn start(roots: &[u32]) -> Watch {
        let (stop, stopped) = mpsc::channel();
        let roots = roots.to_vec();
        let thread = thread::spawn({
            let roots = roots.clone();
            move || {
                let begun = Instant::now();
                let mut eye = Eye { system: System::new().ok(), watched: Watched::default() };
                let mut pause = SHORTEST_PAUSE;
                while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    let reading = Instant::now();
                    eye.look(&roots, begun);
                    pause = reading.elapsed().div_f64(DUTY).max(SHORTEST_PAUSE);
                }
                eye.watched
            }
        });
        Watch { roots, stop, thread }
    }

    /// Ends watching with a last reading: to be called when the run is done and before its
    /// processes end.
    ///
    /// # Errors
    /// When a root is gone.
    pub fn finish(self) -> io::Result<Seen> {
        let tree = proc::tree(&self.roots);
        let bound_bytes = tree.iter().map(|&pid| memory::high_water_bytes(pid)).sum::<io::Result<u64>>()?;
        let last_pss_bytes = if tree.len() > 1 { pss_bytes(&tree)? } else { 0 };
        drop(self.stop);
        let watched = self.thread.join().expect("watching does not panic");
        let peak = match watched.largest_pss_bytes.max(last_pss_bytes) {
            0 => Peak { bytes: bound_bytes, method: MemoryMethod::HighWaterMark, bound_bytes },
            bytes => Peak { bytes, method: MemoryMethod::SampledPss, bound_bytes },
        };
        Ok(Seen { peak, timeline: watched.timeline })
    }
}

struct Eye {
    /// Where the system gives no view of its processes there are no pictures over time.
    system: Option<System>,
    watched: Watched,
}

impl Eye {
    fn look(&mut self, roots: &[u32], begun: Instant) {
        let tree = proc::tree(roots);
        if tree.len() > 1 {
            // A process that ends just now is missing from this reading; the next has the rest.
            let pss = pss_bytes(&tree).unwrap_or(0);
            self.watched.largest_pss_bytes = self.watched.largest_pss_bytes.max(pss);
        }
        let Some(system) = &mut self.system else { return };
        let pids: Vec<Pid> = tree.into_iter().map(Pid::from_u32).collect();
        let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        let processes = || pids.iter().filter_map(|pid| system.process(*pid));
        self.watched.timeline.push(TimePoint {
            at_ns: begun.elapsed().as_nanos() as u64,
            cpu_percent: processes().map(|process| process.cpu_usage()).sum(),
            memory_bytes: processes().map(|process| process.memory()).sum(),
        });
    }
}
