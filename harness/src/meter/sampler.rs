//! Watching a tree while it works, at a cost that does not show.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use inflight_report::record::{MemoryMethod, TimePoint, Watching};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::memory::{self, Pages};
use super::proc::{descriptors, field, kilobytes, read};
use super::{Peak, Seen, Tree, cpu};

/// The share of one core that watching may take.
const DUTY: f64 = 0.005;

/// No reading comes sooner than this after the one before.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// A tree that was looked at once, to learn what that costs.
pub struct PreparedWatch {
    eye: Eye,
    pause: Duration,
}

/// A thread that looks at a tree now and then: its memory, CPU, threads and descriptors.
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Eye>,
}

impl PreparedWatch {
    /// Begins to watch a run: to be called last before `go`, since peaks of memory count from here.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(self) -> io::Result<Watch> {
        let PreparedWatch { mut eye, mut pause } = self;
        eye.forget_peaks();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let begun = Instant::now();
                eye.look();
                pause = pause_after(begun.elapsed());
            }
            eye.watching.cpu_ns = cpu::of_this_thread_ns();
            eye
        })?;
        Ok(Watch { stop, thread })
    }
}

impl Watch {
    /// Prepares to watch `tree`, whose processes are ready and wait.
    pub fn prepare(tree: &Tree) -> PreparedWatch {
        let mut eye = Eye::new(tree);
        let first = Instant::now();
        eye.look();
        eye.timeline.clear(); // sysinfo can tell the use of CPU from the second look on
        PreparedWatch { eye, pause: pause_after(first.elapsed()) }
    }

    /// Ends watching with a last reading: to be called when the run is done and before its processes
    /// end. `go_at` is when the run began.
    ///
    /// # Errors
    /// When a root is gone.
    pub fn finish(self, go_at: Instant) -> io::Result<Seen> {
        drop(self.stop);
        let mut eye = self.thread.join().expect("watching does not panic");
        let pids = eye.tree.pids();
        eye.tree.read_each(&pids, memory::high_water_bytes)?;
        eye.note(&pids);
        let timeline = eye.timeline.iter().filter_map(|(at, cpu_percent, memory_bytes)| {
            let at_ns = at.checked_duration_since(go_at)?.as_nanos() as u64;
            Some(TimePoint { at_ns, cpu_percent: *cpu_percent, memory_bytes: *memory_bytes })
        });
        Ok(Seen {
            timeline: timeline.collect(),
            peak: eye.peak(),
            threads: eye.threads,
            descriptors: eye.descriptors,
            watching: eye.watching,
        })
    }
}

fn pause_after(look: Duration) -> Duration {
    look.div_f64(DUTY).max(SHORTEST_PAUSE)
}

/// What was seen so far.
struct Eye {
    tree: Tree,
    /// Where the system gives no view of its processes there are no pictures over time.
    system: Option<System>,
    /// When the look before was, and what memory it found.
    before: Option<(Instant, u64)>,
    largest_tree_bytes: u64,
    threads: u64,
    descriptors: Option<u64>,
    /// The high-water mark of every process that was seen since `go`.
    high_water_bytes: HashMap<u32, u64>,
    /// Whether these are marks since `go`; else those of processes that were there before are since their
    /// program was started.
    marks_were_reset: bool,
    watching: Watching,
    timeline: Vec<(Instant, f32, u64)>,
}

impl Eye {
    fn new(tree: &Tree) -> Eye {
        Eye {
            tree: tree.clone(),
            system: System::new().ok(),
            before: None,
            largest_tree_bytes: 0,
            threads: 0,
            descriptors: None,
            high_water_bytes: HashMap::new(),
            marks_were_reset: false,
            watching: Watching::default(),
            timeline: Vec::new(),
        }
    }

    /// Whatever was in memory before counts no more than what is in it now.
    fn forget_peaks(&mut self) {
        let pids = self.tree.pids();
        let refused =
            |pid: &u32| memory::reset_high_water(*pid).is_err() && memory::resident_bytes(*pid).is_ok();
        self.marks_were_reset = !pids.iter().any(refused);
        let marks = pids.iter().filter_map(|&pid| Some((pid, memory::high_water_bytes(pid).ok()?)));
        self.high_water_bytes = marks.collect();
    }

    fn look(&mut self) {
        let pids = self.tree.pids();
        self.note(&pids);
        let Some(system) = &mut self.system else { return };
        let pids: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        let processes = || pids.iter().filter_map(|pid| system.process(*pid));
        let cpu_percent = processes().map(|process| process.cpu_usage()).sum();
        let memory_bytes = processes().map(|process| process.memory()).sum();
        self.timeline.push((Instant::now(), cpu_percent, memory_bytes));
    }

    /// A process that ends just now is missing from a reading, and accounted to nobody.
    fn note(&mut self, pids: &[u32]) {
        let mut threads = 0;
        for &pid in pids {
            let Ok(status) = read(pid, "status") else { continue };
            threads += field(&status, "Threads:").and_then(|text| text.parse().ok()).unwrap_or(0);
            if let Some(bytes) = kilobytes(&status, "VmHWM:") {
                self.high_water_bytes.insert(pid, bytes);
            }
        }
        self.threads = self.threads.max(threads);
        let open = pids.iter().filter_map(|&pid| descriptors(pid).ok()).reduce(|sum, open| sum + open);
        self.descriptors = self.descriptors.max(open);
        self.note_memory(pids);
    }

    fn note_memory(&mut self, pids: &[u32]) {
        let now = Instant::now();
        let mut tree_bytes = 0;
        if pids.len() > 1 {
            let pages: Vec<Pages> = pids.iter().filter_map(|&pid| Pages::read(pid).ok()).collect();
            tree_bytes = memory::of_tree(&pages);
            self.largest_tree_bytes = self.largest_tree_bytes.max(tree_bytes);
        }
        let watching = &mut self.watching;
        watching.looks += 1;
        if let Some((then, bytes)) = self.before.replace((now, tree_bytes)) {
            watching.longest_gap_ns = watching.longest_gap_ns.max((now - then).as_nanos() as u64);
            watching.largest_step_bytes = watching.largest_step_bytes.max(tree_bytes.saturating_sub(bytes));
        }
    }

    fn peak(&self) -> Peak {
        let marks: Vec<u64> = self.high_water_bytes.values().copied().collect();
        peak(&marks, self.marks_were_reset, self.largest_tree_bytes)
    }
}

/// The peak of processes whose high-water marks are `marks`, of which several had `sampled_bytes` together.
fn peak(marks: &[u64], since_go: bool, sampled_bytes: u64) -> Peak {
    let bound_bytes = marks.iter().sum();
    if let [alone] = marks {
        let method =
            if since_go { MemoryMethod::HighWaterMark } else { MemoryMethod::HighWaterMarkSinceStart };
        return Peak { bytes: *alone, method, bound_bytes };
    }
    // Several have at least what one of them had, if it had it since `go`.
    let largest = marks.iter().copied().max().filter(|_| since_go).unwrap_or(0);
    Peak { bytes: sampled_bytes.max(largest), method: MemoryMethod::SampledTree, bound_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_of_one_process_names_since_when_it_counts() {
        let of = |since_go| peak(&[7], since_go, 0);
        assert_eq!(of(true), Peak { bytes: 7, method: MemoryMethod::HighWaterMark, bound_bytes: 7 });
        assert_eq!(of(false).method, MemoryMethod::HighWaterMarkSinceStart);
        assert_eq!((of(false).bytes, of(false).bound_bytes), (7, 7));
    }

    #[test]
    fn peak_of_several_is_sampled_and_no_less_than_one_of_them_had_since_go() {
        let of = |since_go, sampled_bytes| {
            let Peak { bytes, method, bound_bytes } = peak(&[7, 5], since_go, sampled_bytes);
            assert_eq!((method, bound_bytes), (MemoryMethod::SampledTree, 12));
            bytes
        };
        assert_eq!([of(true, 10), of(true, 6), of(false, 6)], [10, 7, 6]);
    }

    #[test]
    fn what_was_in_memory_before_go_is_in_no_peak() {
        let tree = Tree::of(&[std::process::id()]);
        let prepared = Watch::prepare(&tree);
        drop(std::hint::black_box(vec![1_u8; 256 << 20]));
        let seen = prepared.begin().unwrap().finish(Instant::now()).unwrap();
        assert_eq!(seen.peak.method, MemoryMethod::HighWaterMark);
        // Other tests of this program have some memory too.
        assert!(seen.peak.bytes < 200 << 20, "{:?}", seen.peak);
    }
}
