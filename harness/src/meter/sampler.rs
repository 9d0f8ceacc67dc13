//! Samples a process tree while it works, at a cost of at most 0.5 % of a core.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use inflight_report::record::{MemoryMethod, SamplingStats, TimePoint};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::memory::{self, Pages};
use super::proc::{descriptors, field, kilobytes, read};
use super::{Peak, Sampled, Tree, cpu};

/// The share of one core that sampling may take.
const DUTY: f64 = 0.005;

/// The shortest pause between two samples.
const MIN_PAUSE: Duration = Duration::from_millis(50);

/// A sampler that has taken one sample, to learn what that costs.
pub(crate) struct PreparedSampler {
    samples: Samples,
    pause: Duration,
}

/// A thread that samples a tree: its memory, CPU, threads and descriptors.
pub(crate) struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<Samples>,
}

impl PreparedSampler {
    /// Starts the thread. Call it last before `go`, since peaks of memory count from here.
    pub(crate) fn begin(self) -> io::Result<Sampler> {
        let PreparedSampler { mut samples, mut pause } = self;
        samples.reset_peaks();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let begun = Instant::now();
                samples.take();
                pause = pause_after(begun.elapsed());
            }
            samples.sampling.cpu_ns = cpu::of_this_thread_ns();
            samples
        })?;
        Ok(Sampler { stop, thread })
    }
}

impl Sampler {
    pub(crate) fn prepare(tree: &Tree) -> PreparedSampler {
        let mut samples = Samples { tree: tree.clone(), system: System::new().ok(), ..Samples::default() };
        let begun = Instant::now();
        samples.take();
        samples.timeline.clear(); // sysinfo reports CPU usage from the second refresh on
        PreparedSampler { samples, pause: pause_after(begun.elapsed()) }
    }

    /// Takes the last sample and stops the thread. Call it when the run is done and before its processes
    /// end; it fails when a root process is gone. `go_at` is when the run began.
    pub(crate) fn finish(self, go_at: Instant) -> io::Result<Sampled> {
        drop(self.stop);
        let mut samples = self.thread.join().expect("sampling does not panic");
        let pids = samples.tree.pids();
        samples.tree.read_each(&pids, memory::high_water_bytes)?;
        samples.update_peaks(&pids);
        let timeline = samples.timeline.iter().filter_map(|&(at, cpu_percent, memory_bytes)| {
            let at_ns = at.checked_duration_since(go_at)?.as_nanos() as u64;
            Some(TimePoint { at_ns, cpu_percent, memory_bytes })
        });
        let marks: Vec<u64> = samples.high_water_bytes.values().copied().collect();
        Ok(Sampled {
            timeline: timeline.collect(),
            peak: peak(&marks, samples.marks_were_reset, samples.largest_tree_bytes),
            threads: samples.threads,
            descriptors: samples.descriptors,
            sampling: samples.sampling,
        })
    }
}

fn pause_after(took: Duration) -> Duration {
    took.div_f64(DUTY).max(MIN_PAUSE)
}

/// What was sampled so far.
#[derive(Default)]
struct Samples {
    tree: Tree,
    /// `None` where sysinfo does not support the system. There is no time series then.
    system: Option<System>,
    /// When the previous sample was taken, and the tree's memory in it.
    previous: Option<(Instant, u64)>,
    largest_tree_bytes: u64,
    threads: u64,
    descriptors: Option<u64>,
    /// The high-water mark of every process that was sampled since `go`.
    high_water_bytes: HashMap<u32, u64>,
    /// Whether the marks count from `go`. Otherwise a mark counts from the start of its process.
    marks_were_reset: bool,
    sampling: SamplingStats,
    timeline: Vec<(Instant, f32, u64)>,
}

impl Samples {
    /// Resets the high-water marks, so that memory freed before `go` counts in no peak.
    fn reset_peaks(&mut self) {
        let pids = self.tree.pids();
        let refused =
            |pid: &u32| memory::reset_high_water(*pid).is_err() && memory::resident_bytes(*pid).is_ok();
        self.marks_were_reset = !pids.iter().any(refused);
        let marks = pids.iter().filter_map(|&pid| Some((pid, memory::high_water_bytes(pid).ok()?)));
        self.high_water_bytes = marks.collect();
    }

    fn take(&mut self) {
        let pids = self.tree.pids();
        self.update_peaks(&pids);
        let Some(system) = &mut self.system else { return };
        let pids: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        let processes = || pids.iter().filter_map(|pid| system.process(*pid));
        let cpu_percent = processes().map(|process| process.cpu_usage()).sum();
        let memory_bytes = processes().map(|process| process.memory()).sum();
        self.timeline.push((Instant::now(), cpu_percent, memory_bytes));
    }

    /// Updates threads, descriptors and memory. A process that ends while this reads is left out.
    fn update_peaks(&mut self, pids: &[u32]) {
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
        self.update_memory(pids);
    }

    fn update_memory(&mut self, pids: &[u32]) {
        let now = Instant::now();
        let mut tree_bytes = 0;
        if pids.len() > 1 {
            let pages: Vec<Pages> = pids.iter().filter_map(|&pid| Pages::read(pid).ok()).collect();
            tree_bytes = memory::of_tree(&pages);
            self.largest_tree_bytes = self.largest_tree_bytes.max(tree_bytes);
        }
        let sampling = &mut self.sampling;
        sampling.readings += 1;
        if let Some((then, bytes)) = self.previous.replace((now, tree_bytes)) {
            sampling.longest_gap_ns = sampling.longest_gap_ns.max((now - then).as_nanos() as u64);
            sampling.largest_step_bytes = sampling.largest_step_bytes.max(tree_bytes.saturating_sub(bytes));
        }
    }
}

/// The peak of processes with the high-water marks `marks`. `sampled_bytes` is the largest sampled sum of several.
fn peak(marks: &[u64], since_go: bool, sampled_bytes: u64) -> Peak {
    let bound_bytes = marks.iter().sum();
    if let [mark] = marks {
        let method =
            if since_go { MemoryMethod::HighWaterMark } else { MemoryMethod::HighWaterMarkSinceStart };
        return Peak { bytes: *mark, method, bound_bytes };
    }
    // The peak of several is at least the largest mark, if marks count from `go`.
    let largest = marks.iter().copied().max().filter(|_| since_go).unwrap_or(0);
    Peak { bytes: sampled_bytes.max(largest), method: MemoryMethod::SampledTree, bound_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_of_one_process_states_when_its_mark_was_reset() {
        let of = |since_go| peak(&[7], since_go, 0);
        assert_eq!(of(true), Peak { bytes: 7, method: MemoryMethod::HighWaterMark, bound_bytes: 7 });
        assert_eq!(of(false).method, MemoryMethod::HighWaterMarkSinceStart);
        assert_eq!((of(false).bytes, of(false).bound_bytes), (7, 7));
    }

    #[test]
    fn peak_of_several_is_sampled_and_at_least_the_largest_mark() {
        let of = |since_go, sampled_bytes| {
            let Peak { bytes, method, bound_bytes } = peak(&[7, 5], since_go, sampled_bytes);
            assert_eq!((method, bound_bytes), (MemoryMethod::SampledTree, 12));
            bytes
        };
        assert_eq!([of(true, 10), of(true, 6), of(false, 6)], [10, 7, 6]);
    }

    #[test]
    fn memory_freed_before_go_is_in_no_peak() {
        let tree = Tree::of(&[std::process::id()]);
        let prepared = Sampler::prepare(&tree);
        drop(std::hint::black_box(vec![1_u8; 256 << 20]));
        let sampled = prepared.begin().unwrap().finish(Instant::now()).unwrap();
        assert_eq!(sampled.peak.method, MemoryMethod::HighWaterMark);
        // Other tests of this program use some memory too.
        assert!(sampled.peak.bytes < 200 << 20, "{:?}", sampled.peak);
    }
}
