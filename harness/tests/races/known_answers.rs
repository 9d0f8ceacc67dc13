//! Known answers: the meters against workers whose cost is known.

use std::fs;

use inflight::contender::Contender;
use inflight::meter::{Callgrind, Cgroup, peak_reset_not_offered};
use inflight::runner::{NoObserver, Session};
use inflight_report::comparison::{Comparison, Spread};
use inflight_report::record::{CpuMethod, Figures, MemoryMethod, Record, Verdict};
use tempfile::TempDir;

use crate::common::{
    example, inflight, known_answer, output, run, run_named, session, shell, skip, skip_without,
    valid_figures, warm_up,
};

/// The largest error of a meter, relative to the right answer.
const TOLERANCE: f64 = 0.03;

#[track_caller]
fn assert_close(measured: u64, right: u64) {
    let off = (measured as f64 - right as f64).abs() / right as f64;
    assert!(off <= TOLERANCE, "measured {measured}, right is {right}: off by {:.1} %", off * 100.0);
}

fn figures(session: &mut Session, contender: &str, what: &str, amount: u64) -> Figures {
    valid_figures(&run(session, contender, &known_answer(what, amount))).clone()
}

/// How much `figure` grows when workers do something not `from` times but `to` times.
#[track_caller]
fn growth(
    session: &mut Session,
    contender: &str,
    what: &str,
    [from, to]: [u64; 2],
    figure: impl Fn(&Figures) -> Option<u64>,
) -> u64 {
    let mut of = |amount| figure(&figures(session, contender, what, amount)).expect("it is counted here");
    let baseline = of(from);
    of(to) - baseline
}

/// A session for every method of measuring CPU that works here.
fn sessions_by_method() -> Vec<(CpuMethod, Session)> {
    let mut without = session(3, "fixed:1ms");
    without.use_group(false);
    let mut sessions = vec![(CpuMethod::ProcessClocks, without)];
    match Cgroup::create() {
        Ok(_) => sessions.push((CpuMethod::Group, session(3, "fixed:1ms"))),
        Err(reason) => skip(&format!("no control groups here: {reason}")),
    }
    sessions
}

#[test]
fn cpu_of_workers_and_their_children_is_counted() {
    for (method, mut session) in sessions_by_method() {
        assert_eq!(figures(&mut session, "sync:3x1", "burn", 0).cpu_method, method);
        let mut burnt_ns =
            |contender, what, ms| growth(&mut session, contender, what, [0, ms], |f| Some(f.cpu_ns));
        assert_close(burnt_ns("sync:3x1", "burn", 100), 300_000_000);
        assert_close(burnt_ns("sync:1", "children", 100), 300_000_000);
        // The clocks of children that have ended no longer exist; the time added to their parent is in ticks of 10 ms.
        let ticks_ns = if method == CpuMethod::Group { 0 } else { 2 * 2 * 10_000_000 };
        let ended_ns = burnt_ns("sync:1", "ended-children", 200);
        assert!(ended_ns.abs_diff(400_000_000) <= 12_000_000 + ticks_ns, "{method:?}: {ended_ns}");
        // Only a control group counts orphaned grandchildren: in `/proc` they are children of init.
        if method == CpuMethod::Group {
            assert_close(burnt_ns("sync:1", "orphans", 100), 200_000_000);
        }
    }
}

#[test]
fn threads_files_and_switches_are_counted() {
    let mut session = session(3, "fixed:1ms");
    let threads = growth(&mut session, "sync:3x1", "threads", [0, 50], |f| f.usage.threads_at_peak);
    let files = growth(&mut session, "sync:3x1", "files", [0, 50], |f| f.usage.descriptors_at_peak);
    assert_eq!((threads, files), (3 * 50, 3 * 50));
    let sleeps = growth(&mut session, "sync:3x1", "sleep", [0, 400], |f| f.usage.voluntary_switches);
    assert_close(sleeps, 3 * 400);
    // Two threads yield to each other on one CPU without waiting for anything.
    let yields = growth(&mut session, "sync:1", "yield", [0, 2_000], |f| f.usage.involuntary_switches);
    assert_close(yields, 2 * 2_000);
}

#[test]
fn switches_of_ended_threads_are_unknown() {
    let run = run_named(&mut session(20, "fixed:1ms"), "thread-per-request:4");
    let usage = valid_figures(&run).usage;
    assert_eq!((usage.voluntary_switches, usage.involuntary_switches), (None, None));
}

#[test]
fn pages_read_from_disk_are_major_faults() {
    const TMPFS: u32 = 0x0102_1994; // statfs(2)
    let folder = example("known_answer");
    if rustix::fs::statfs(folder.parent().unwrap()).unwrap().f_type as u32 == TMPFS {
        return skip("the programs under test are on a tmpfs");
    }
    let mut session = session(3, "fixed:1ms");
    assert_close(growth(&mut session, "sync:1", "reread", [1, 401], |f| f.usage.major_faults), 400);
}

/// Pages of 4 KiB, unless the system makes them huge.
#[test]
fn first_touches_of_memory_are_minor_faults() {
    let huge = "/sys/kernel/mm/transparent_hugepage/enabled";
    if fs::read_to_string(huge).is_ok_and(|text| text.contains("[always]")) {
        return skip("pages are huge here");
    }
    let mut session = session(3, "fixed:1ms");
    let faults = growth(&mut session, "sync:1", "touch", [0, 64], |f| f.usage.minor_faults);
    assert_close(faults, (64 << 20) / 4096);
}

/// Warm-up runs are not timed.
#[test]
fn system_calls_are_counted_in_warm_up_runs() {
    let mut session = session(3, "fixed:1ms");
    let timed = figures(&mut session, "sync:1", "system-call", 0);
    assert_eq!(timed.usage.system_calls, None);
    let mut calls = |calls| {
        let run = warm_up(&mut session, "sync:3x1", &known_answer("system-call", calls));
        valid_figures(&run).usage.system_calls
    };
    let Some(baseline) = calls(0) else { return skip("system calls cannot be counted here") };
    assert_close(calls(5_000).unwrap() - baseline, 3 * 5_000);
}

#[test]
fn instructions_and_allocations_are_counted_under_callgrind() {
    if let Some(reason) = Callgrind::not_offered() {
        return skip_without(&reason);
    }
    let mut session = session(3, "fixed:1ms");
    let mut executed = |what, amount| {
        let callgrind = Callgrind::prepare().unwrap();
        let (contender, launch) = ("sync:2x1".parse().unwrap(), known_answer(what, amount));
        let run = session.count(&contender, &launch, Some(&callgrind), &mut NoObserver).unwrap().unwrap();
        let usage = valid_figures(&run).usage;
        (usage.instructions.unwrap(), usage.allocations.unwrap())
    };
    let (few, baseline) = executed("allocate", 0);
    let (_, allocations) = executed("allocate", 5_000);
    assert_close(allocations - baseline, 2 * 5_000);
    // The instructions of an iteration depend on the compiler, so the test compares one count with its triple.
    let [once, thrice] = [200_000, 600_000].map(|rounds| executed("spin", rounds).0 - few);
    assert_close(thrice, 3 * once);
}

#[test]
fn bytes_are_counted_by_the_target() {
    let run = run_named(&mut session(50, "fixed:0"), "sync+common:1");
    let usage = valid_figures(&run).usage;
    let (sent, received) = (usage.sent_bytes.unwrap(), usage.received_bytes.unwrap());
    // A request is a request line and a `host` field; a response is a head and a body of 100 bytes.
    assert!((50 * 40..50 * 200).contains(&sent), "{sent}");
    assert!((50 * 150..50 * 500).contains(&received), "{received}");
}

/// The sampler may use 0.5 % of a core; the tolerance is for a busy machine.
#[test]
fn sampling_takes_little_cpu() {
    let run = run_named(&mut session(40, "fixed:25ms"), "sync:1");
    let figures = valid_figures(&run);
    assert!(figures.sampling.readings >= 3, "{:?}", figures.sampling);
    assert!(figures.sampling.cpu_ns <= figures.wall_ns / 100, "{:?}", figures.sampling);
}

#[test]
fn memory_that_workers_touch_is_measured() {
    let mut session = session(3, "fixed:1ms");
    for (contender, processes, method) in
        [("sync:1", 1, MemoryMethod::HighWaterMark), ("sync:3x1", 3, MemoryMethod::SampledTree)]
    {
        let touched = growth(&mut session, contender, "touch", [0, 64], |figures| {
            assert_eq!(figures.peak_memory_method, method);
            let (peak, bound) = (figures.peak_memory_bytes, figures.peak_memory_bound_bytes);
            assert!(peak == bound || peak < bound && processes > 1, "{contender}: {peak}, {bound}");
            Some(peak)
        });
        assert_close(touched, processes * (64 << 20));
    }
}

/// The peak is that between `go` and `done`.
#[test]
fn memory_freed_during_setup_is_in_no_peak() {
    let mut session = session(3, "fixed:1ms");
    for contender in ["sync:1", "sync:3x1"] {
        let [without, with] =
            [0, 64].map(|mebibytes| figures(&mut session, contender, "touch-in-setup", mebibytes));
        if peak_reset_not_offered().is_some() {
            return skip("high-water marks cannot be reset here");
        }
        // 3 % of the memory that each process had touched and freed.
        let allowed = contender.parse::<Contender>().unwrap().shape.slots() * (64 << 20) * 3 / 100;
        assert!(with.peak_memory_bytes.abs_diff(without.peak_memory_bytes) <= allowed);
        assert!(with.peak_memory_bound_bytes.abs_diff(without.peak_memory_bound_bytes) <= allowed);
    }
}

/// The memory per request in flight, computed from a record with 100 and with 1,000 in flight: through a run, its
/// record and its comparison.
fn memory_per_in_flight_bytes(urls: &str, held_kib: u64) -> f64 {
    let folder = TempDir::new().unwrap();
    let (file, out) = (folder.path().join("contender.toml"), folder.path().join("out"));
    let program = example("known_answer");
    let contender = format!(
        "language = \"Rust\"\n[probe]\ncommand = [\"true\"]\npattern = ''\n[[contender]]\nname = \"hold\"\nabout = \"holds memory\"\n\
         details = \"\"\ncommand = [{:?}, \"hold\", \"{held_kib}\"]\nshapes = [\"100\", \"1000\"]\n",
        program.to_str().unwrap()
    );
    fs::write(&file, contender).unwrap();
    let workload = ["--urls", urls, "--latency", "fixed:20ms", "--body", "100", "--rounds", "5"];
    let paths = ["--contender", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let args = [&["run"], &workload[..], &paths, &["hold:100", "hold:1000"]].concat();
    let output = output(&args);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    let mut record = Record::read(&out).unwrap();
    for run in &mut record.runs {
        valid_figures(run);
        run.verdict = Verdict::Valid; // a late target does not affect memory
    }
    let slopes = Comparison::of(&record).memory_slopes;
    assert_eq!((slopes.len(), slopes[0].rounds), (1, 5), "{slopes:?}");
    let Spread { low, median, high } = slopes[0].memory_per_in_flight_bytes;
    println!("{urls} URLs, {held_kib} KiB held: {median:.0} B per in flight ({low:.0} to {high:.0})");
    median
}

/// Memory of the program itself, memory freed before `go` and memory that grows with the URLs are not in it.
#[test]
fn memory_per_in_flight_is_what_a_request_holds() {
    if peak_reset_not_offered().is_some() {
        return skip("high-water marks cannot be reset here");
    }
    for urls in ["1000", "20000"] {
        let without = memory_per_in_flight_bytes(urls, 0);
        assert!(without.abs() <= 0.3 * 1024.0, "{urls} URLs: {without} bytes without held memory");
        assert_close(memory_per_in_flight_bytes(urls, 64) as u64, 64 << 10);
    }
}

/// A sample lasts from before its request is sent until after its response is in, so its added
/// latency is at least the target's own lateness. Over loopback it is hardly more, as the fastest requests
/// show, which other load did not delay.
#[test]
fn added_latency_is_slightly_above_the_targets_lateness() {
    const TOLERANCE_NS: i64 = 1_000_000;
    let run = run_named(&mut session(50, "fixed:20ms"), "sync:1");
    let figures = valid_figures(&run);
    let (added, late) = (figures.added_latency_ns.unwrap().p50, figures.target.lateness_ns.p50);
    assert!(added >= late - late / 50, "added {added} ns, late {late} ns to within 1 %");

    let samples = &run.samples;
    let times = samples.end_ns.iter().zip(&samples.start_ns).zip(&samples.planned_ns);
    let min = times.map(|((end, start), planned)| (end - start - planned).cast_signed()).min().unwrap();
    assert!(min <= late + TOLERANCE_NS, "at least {min} ns added, late {late} ns");
}

#[test]
fn startup_is_not_in_wall_time() {
    let slow = shell(&format!("sleep 1; exec {} worker", inflight().display()));
    let run = run(&mut session(1, "fixed:1ms"), "sync:1", &slow);
    let figures = valid_figures(&run);
    assert!(figures.startup_ns >= 1_000_000_000);
    assert!(figures.wall_ns < figures.startup_ns);
}
