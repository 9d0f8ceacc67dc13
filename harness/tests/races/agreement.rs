//! Cross-checks of the meters against other tools, on runs long enough for ticks of 10 ms.

use std::fs;
use std::path::Path;

use inflight::Launch;
use inflight::contender::catalogue::Catalogue;
use inflight::runner::Observer;
use inflight::workload::Workload;
use mock_target::Scenario;
use tempfile::TempDir;

use crate::common::{observe, run, run_named, scenario, session_of, valid_figures};

const TIME: &str = "/usr/bin/time";
const CONTENDER: &str = "tokio:128";
const PAIRS: usize = 5;
const TOLERANCE: f64 = 0.05;

/// Each pair is a run with the plain worker and one with the worker under `time`. CPU is compared within the
/// second run; memory between the two, because `time` itself is in the tree.
#[test]
#[ignore = "measures for some seconds; `cargo test --release --test races agreement -- --ignored --nocapture`"]
fn cpu_and_memory_agree_with_time() {
    assert!(Path::new(TIME).exists(), "{TIME} is missing: install Debian's package `time`");
    let workload = Workload::of(Scenario { body_bytes: 100 << 10, ..scenario(20_000, "fixed:0") });
    let mut session = session_of(workload);
    let folder = TempDir::new().unwrap();
    let report = folder.path().join("time");

    assert_agreement("s", || {
        let alone = run_named(&mut session, CONTENDER);
        let timed = timed(&session.own_worker(), &report);
        let under_time = run(&mut session, CONTENDER, &timed);
        let cpu_s = valid_figures(&under_time).cpu_ns as f64 / 1e9;
        assert!(cpu_s >= 1.0, "{cpu_s} s of CPU are too few to compare");
        let peak_bytes = valid_figures(&alone).peak_memory_bytes as f64;
        let (time_cpu_s, time_peak_bytes) = read(&report);
        [[cpu_s, time_cpu_s], [peak_bytes, time_peak_bytes]]
    });
}

/// Compares a program that starts its own processes with /proc.
#[test]
#[ignore = "needs `inflight setup python`; measures for half a minute; run like the other"]
fn process_tree_agrees_with_proc() {
    const TREE: &str = "python-multiprocessing:8x64";
    let body_bytes = Scenario::preset("quick").unwrap().body_bytes;
    let mut session = session_of(Workload::of(Scenario { body_bytes, ..scenario(100_000, "fixed:0") }));
    let contender = Catalogue::load(&[]).unwrap().contender(TREE).unwrap();

    assert_agreement("µs a request", || {
        let mut proc = Proc { target: session.target_pid(), samples: Vec::new(), peak_pss_bytes: 0.0 };
        let run = observe(&mut session, &contender, &mut proc);
        let figures = valid_figures(&run);
        let cpu_us = [figures.cpu_us_per_request, proc.cpu_us_per_request()];
        [cpu_us, [figures.peak_memory_bytes as f64, proc.peak_pss_bytes]]
    });
}

/// Samples in /proc of all descendants of this process except the target, ten times a second.
struct Proc {
    target: u32,
    /// Requests served so far, and CPU so far in seconds.
    samples: Vec<(u64, f64)>,
    peak_pss_bytes: f64,
}

impl Observer for Proc {
    fn progressed(&mut self, served: u64, _: u64) {
        let mut tree = Vec::new();
        descend(std::process::id(), self.target, &mut tree);
        self.samples.push((served, tree.iter().map(|&pid| cpu_s(pid)).sum()));
        self.peak_pss_bytes = self.peak_pss_bytes.max(tree.iter().map(|&pid| pss_bytes(pid)).sum());
    }
}

impl Proc {
    fn cpu_us_per_request(&self) -> f64 {
        let (first, last) = (self.samples[0], self.samples[self.samples.len() - 1]);
        (last.1 - first.1) * 1e6 / (last.0 - first.0) as f64
    }
}

fn descend(pid: u32, target: u32, tree: &mut Vec<u32>) {
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().map(|pid| pid.parse().unwrap()) {
            if child != target {
                tree.push(child);
                descend(child, target, tree);
            }
        }
    }
}

/// User and system time, in ticks of a hundredth of a second.
fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

fn pss_bytes(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// Compares pairs of figures, CPU and peak memory, each by our meters and by another tool.
fn assert_agreement(unit_of_cpu: &str, mut measure: impl FnMut() -> [[f64; 2]; 2]) {
    let pairs: Vec<_> = (0..PAIRS).map(|_| measure()).collect();
    for (at, what, unit) in [(0, "CPU", unit_of_cpu), (1, "peak memory", "bytes")] {
        let mut ratios = Vec::new();
        for [ours, theirs] in pairs.iter().map(|pair| pair[at]) {
            println!("{what}: {ours:.2} {unit}, the other tool reports {theirs:.2}");
            ratios.push(ours / theirs);
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios[PAIRS / 2];
        println!("{what}: ours / theirs is {median:.3} in the median of {PAIRS}");
        assert!((median - 1.0).abs() <= TOLERANCE, "{what}: {ratios:?}");
    }
}

fn timed(worker: &Launch, output: &Path) -> Launch {
    let before = ["-v", "-o", output.to_str().unwrap(), worker.program.to_str().unwrap()];
    let args = before.into_iter().map(str::to_owned).chain(worker.args.clone()).collect();
    Launch { program: TIME.into(), args }
}

/// CPU in seconds and peak memory in bytes, as `/usr/bin/time -v` reports them.
fn read(output: &Path) -> (f64, f64) {
    let text = fs::read_to_string(output).unwrap();
    let field = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().parse().unwrap()
    };
    let cpu_s = field("User time (seconds)") + field("System time (seconds)");
    (cpu_s, field("Maximum resident set size (kbytes)") * 1024.0)
}
