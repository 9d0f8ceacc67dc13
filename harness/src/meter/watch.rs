//! Watching a tree while it works, at a cost that does not show.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use inflight_report::record::{MemoryMethod, TimePoint};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::memory::{self, Pages};
use super::{Peak, Seen, proc, read_each};

/// The share of one core that watching may take.
const DUTY: f64 = 0.005;

/// No reading comes sooner than this after the one before.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// A thread that reads the memory and CPU of a tree now and then.
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Eye>,
}

impl Watch {
    /// Watches the trees below `roots` for a run that is about to begin. A first look is taken here, to
    /// learn what a look costs.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn prepare(roots: &[u32]) -> io::Result<Watch> {
        let mut eye = Eye::new(roots);
        let first = Instant::now();
        eye.look();
        eye.timeline.clear(); // sysinfo can tell the use of CPU from the second look on
        let mut pause = pause_after(first.elapsed());
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let begun = Instant::now();
                eye.look();
                pause = pause_after(begun.elapsed());
            }
            eye
        })?;
        Ok(Watch { stop, thread })
    }

    /// Ends watching with a last reading: to be called when the run is done and before its processes
    /// end. `go_at` is when the run began.
    ///
    /// # Errors
    /// When a root is gone.
    pub fn finish(self, go_at: Instant) -> io::Result<Seen> {
        drop(self.stop);
        let mut eye = self.thread.join().expect("watching does not panic");
        let tree = proc::tree(&eye.roots);
        read_each(&eye.roots, &tree, memory::high_water_bytes)?;
        eye.note_memory(&tree);
        let timeline = eye.timeline.iter().filter_map(|(at, cpu_percent, memory_bytes)| {
            let at_ns = at.checked_duration_since(go_at)?.as_nanos() as u64;
            Some(TimePoint { at_ns, cpu_percent: *cpu_percent, memory_bytes: *memory_bytes })
        });
        Ok(Seen { timeline: timeline.collect(), peak: eye.peak() })
    }
}

fn pause_after(look: Duration) -> Duration {
    look.div_f64(DUTY).max(SHORTEST_PAUSE)
}

/// What was seen so far.
struct Eye {
    roots: Vec<u32>,
    /// Where the system gives no view of its processes there are no pictures over time.
    system: Option<System>,
    largest_tree_bytes: u64,
    /// The high-water mark of every process that was ever seen.
    high_water_bytes: HashMap<u32, u64>,
    timeline: Vec<(Instant, f32, u64)>,
}

impl Eye {
    fn new(roots: &[u32]) -> Eye {
        Eye {
            roots: roots.to_vec(),
            system: System::new().ok(),
            largest_tree_bytes: 0,
            high_water_bytes: HashMap::new(),
            timeline: Vec::new(),
        }
    }

    fn look(&mut self) {
        let tree = proc::tree(&self.roots);
        self.note_memory(&tree);
        let Some(system) = &mut self.system else { return };
        let pids: Vec<Pid> = tree.into_iter().map(Pid::from_u32).collect();
        let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        let processes = || pids.iter().filter_map(|pid| system.process(*pid));
        let cpu_percent = processes().map(|process| process.cpu_usage()).sum();
        let memory_bytes = processes().map(|process| process.memory()).sum();
        self.timeline.push((Instant::now(), cpu_percent, memory_bytes));
    }

    /// A process that ends just now is missing from a reading, and accounted to nobody.
    fn note_memory(&mut self, tree: &[u32]) {
        for &pid in tree {
            if let Ok(bytes) = memory::high_water_bytes(pid) {
                self.high_water_bytes.insert(pid, bytes);
            }
        }
        if tree.len() > 1 {
            let pages: Vec<Pages> = tree.iter().filter_map(|&pid| Pages::read(pid).ok()).collect();
            self.largest_tree_bytes = self.largest_tree_bytes.max(memory::of_tree(&pages));
        }
    }

    fn peak(&self) -> Peak {
        let marks = || self.high_water_bytes.values().copied();
        let bound_bytes = marks().sum();
        if self.high_water_bytes.len() == 1 {
            return Peak { bytes: bound_bytes, method: MemoryMethod::HighWaterMark, bound_bytes };
        }
        let bytes = self.largest_tree_bytes.max(marks().max().unwrap_or(0));
        Peak { bytes, method: MemoryMethod::SampledTree, bound_bytes }
    }
}
