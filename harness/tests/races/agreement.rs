//! The meters held against `/usr/bin/time -v`, on a run long enough for its ticks of 10 ms.

use std::fs;
use std::path::Path;

use inflight::Launch;
use inflight::session::{Session, Unwatched};
use inflight::workload::Workload;
use mock_target::Scenario;
use tempfile::TempDir;

use crate::common::{inflight, run_without_hurry, sound};

const TIME: &str = "/usr/bin/time";
const CONTENDER: &str = "tokio:128";
const PAIRS: usize = 5;
const TOLERANCE: f64 = 0.05;

/// What `/usr/bin/time -v` says of a worker.
struct Told {
    cpu_s: f64,
    peak_bytes: f64,
}

/// Each pair is a run with the worker as it is and one with the worker under `time`. CPU is compared in
/// one and the same run; memory between the two, because `time` itself would be in the tree.
#[test]
#[ignore = "measures for some seconds; `cargo test --release --test races agreement -- --ignored --nocapture`"]
fn cpu_and_memory_agree_with_time() {
    assert!(Path::new(TIME).exists(), "{TIME} is missing: install Debian's package `time`");
    let quick = Scenario::preset("quick").unwrap();
    let latency = "fixed:0".parse().unwrap();
    let workload = Workload::of(Scenario { urls: 20_000, body_bytes: 100 << 10, latency, ..quick });
    let mut session = Session::start(&inflight(), workload).unwrap();
    let folder = TempDir::new().unwrap();
    let told = folder.path().join("time");

    let (mut cpu_ratios, mut memory_ratios) = (Vec::new(), Vec::new());
    for pair in 1..=PAIRS {
        let plain = session.own_worker();
        let alone = run_without_hurry(&mut session, CONTENDER, &plain, &mut Unwatched);
        let under_time = run_without_hurry(&mut session, CONTENDER, &timed(&plain, &told), &mut Unwatched);
        let time = read(&told);
        let cpu_s = sound(&under_time).cpu_ns as f64 / 1e9;
        let peak_bytes = sound(&alone).peak_memory_bytes as f64;
        assert!(cpu_s >= 1.0, "{cpu_s} s of CPU are too few to compare");
        cpu_ratios.push(cpu_s / time.cpu_s);
        memory_ratios.push(peak_bytes / time.peak_bytes);
        println!(
            "pair {pair}: CPU {cpu_s:.2} s, time says {:.2} s; peak {:.1} MB, time says {:.1} MB",
            time.cpu_s,
            peak_bytes / 1e6,
            time.peak_bytes / 1e6
        );
    }
    for (what, ratios) in [("CPU", &mut cpu_ratios), ("peak memory", &mut memory_ratios)] {
        ratios.sort_by(f64::total_cmp);
        let median = ratios[PAIRS / 2];
        println!("{what}: ours / time's is {median:.3} in the median of {PAIRS}");
        assert!((median - 1.0).abs() <= TOLERANCE, "{what}: {ratios:?}");
    }
}

fn timed(worker: &Launch, output: &Path) -> Launch {
    let before = ["-v", "-o", output.to_str().unwrap(), worker.program.to_str().unwrap()];
    let args = before.into_iter().map(str::to_owned).chain(worker.args.clone()).collect();
    Launch { program: TIME.into(), args }
}

fn read(output: &Path) -> Told {
    let text = fs::read_to_string(output).unwrap();
    let field = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().parse().unwrap()
    };
    Told {
        cpu_s: field("User time (seconds)") + field("System time (seconds)"),
        peak_bytes: field("Maximum resident set size (kbytes)") * 1024.0,
    }
}
