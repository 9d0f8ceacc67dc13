//! Target limits: runs report them, and an experiment checks the reports: work is added to the target, and the wall
//! time follows or does not.

use inflight::contender::Contender;
use inflight::runner::TargetOptions;
use inflight::runner::Turn;
use inflight::runner::{self, NoObserver, Session};
use inflight::workload::Workload;
use inflight_report::record::{Figures, TargetFigures, TargetLimit};
use mock_target::Scenario;

use crate::common::{inflight, run_source, valid_figures};

/// A session whose target uses `burn_ns` of additional CPU for every response.
fn session(workload: Workload, burn_ns: u64) -> Session {
    let options = TargetOptions { burn_ns, ..runner::target_options(&workload, None) };
    Session::with_options(&inflight(), workload, options, None).unwrap()
}

fn workload(urls: u64, latency: &str) -> Workload {
    let quick = Scenario::preset("quick").unwrap();
    Workload::of(Scenario { urls, latency: latency.parse().unwrap(), body_bytes: 100, ..quick })
}

/// The figures of one run, which must be valid.
fn figures(session: &mut Session, contender: &str) -> Figures {
    let contender: Contender = contender.parse().unwrap();
    valid_figures(&run_source(session, &contender, &mut NoObserver)).clone()
}

#[test]
fn limiting_target_is_reported_and_the_run_is_valid() {
    let mut session = session(workload(300, "fixed:0ms"), 1_000_000);
    let contender: Contender = "threads:8".parse().unwrap();
    let run = run_source(&mut session, &contender, &mut NoObserver);
    assert!(run.verdict.is_valid(), "{:?}", run.verdict);
    let target = run.figures.unwrap().target;
    assert!(target.limit.is_some(), "{target:?}");
}

#[test]
fn idle_target_is_no_limit() {
    let target = figures(&mut session(workload(12, "fixed:300ms"), 0), "threads:4").target;
    assert_eq!(target.limit, None, "{target:?}");
}

#[test]
fn loops_account_for_the_cpu_of_the_target() {
    const BURN_NS: u64 = 1_000_000;
    let target = figures(&mut session(workload(400, "fixed:0ms"), BURN_NS), "threads:4").target;
    let TargetFigures { cpu_ns, loops, .. } = &target;
    assert_eq!(loops.len(), target.shards as usize);
    assert_eq!(loops.iter().map(|of_loop| of_loop.requests).sum::<u64>(), 400);
    assert!(loops.iter().all(|of_loop| of_loop.cpu_ns >= of_loop.requests * BURN_NS / 10 * 9), "{target:?}");
    let of_loops: u64 = loops.iter().map(|of_loop| of_loop.cpu_ns).sum();
    assert!(of_loops.abs_diff(*cpu_ns) * 20 < *cpu_ns, "the admin thread uses hardly any: {target:?}");
    if cfg!(target_os = "linux") {
        assert!(loops.iter().all(|of_loop| of_loop.run_queue_ns.is_some()), "{target:?}");
        assert!(target.unread_ns.is_some());
    }
}

/// A line of the experiment: the workload, the contender, and the number of event loops.
struct Case {
    preset: &'static str,
    urls: u64,
    contender: &'static str,
    loops: u32,
    /// Work added to every response, in nanoseconds.
    added_ns: u64,
}

/// Medians over the runs, in microseconds per request unless stated otherwise.
struct Medians {
    wall: f64,
    target_cpu: f64,
    /// The share of the wall time in which the busiest loop worked or waited for a CPU.
    busiest: f64,
    /// The share of all CPUs that target and workers used.
    machine: f64,
    /// The share of the time of all slots in which requests waited in the target.
    residence: f64,
    /// How many runs named each limit.
    limits: [usize; 4],
}

/// About what a response takes, so that it stands out of the noise of the wall; where it would itself make the target
/// the limit, a quarter of it.
const ADDED_NS: u64 = 16_000;

const PAIRS: usize = 12;

#[test]
#[ignore = "measures for minutes; `cargo test --release --test races target_limit -- --ignored --nocapture`"]
fn added_work_moves_wall_time_where_the_target_is_the_limit() {
    let zero =
        |contender, loops| Case { preset: "sprint", urls: 10_000, contender, loops, added_ns: ADDED_NS };
    let delayed = |preset, contender| Case { preset, urls: 1_000, contender, loops: 1, added_ns: ADDED_NS };
    let only = std::env::var("CASES").unwrap_or_default();
    println!(
        "| workload | contender | loops | wall a request, µs | target's CPU + added work, µs | slope × loops | its part of \
         the wall | busiest loop | machine | residence | named |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    for case in [
        zero("epoll+common:1", 2),
        zero("epoll+common:8", 2),
        zero("epoll+common:128", 1),
        zero("epoll+common:128", 2),
        zero("threads+common:128", 2),
        zero("sync:1", 2),
        zero("tokio:1", 2),
        zero("tokio:8", 2),
        zero("tokio:128", 1),
        zero("tokio:128", 2),
        zero("tokio-current:8", 2),
        zero("tokio-current:128", 1),
        zero("tokio-current:128", 2),
        delayed("quick", "tokio:128"),
        Case { urls: 10_000, added_ns: ADDED_NS / 4, ..delayed("quick", "epoll+common:1000") },
        delayed("article", "tokio:128"),
        delayed("article", "epoll+common:1000"),
    ] {
        let name = format!("{} {} {}", case.preset, case.contender, case.loops);
        if name.contains(&only) {
            measure(&case);
        }
    }
}

/// Runs with and without added work, alternating: without, with, with, without, …
fn measure(case: &Case) {
    let scenario = Scenario { urls: case.urls, ..Scenario::preset(case.preset).unwrap() };
    let contender: Contender = case.contender.parse().unwrap();
    let mut sessions = [0, case.added_ns].map(|burn_ns| {
        let workload = Workload::of(scenario.clone());
        let defaults = runner::target_options(&workload, None);
        let options = TargetOptions { burn_ns, shards: case.loops, ..defaults };
        Session::with_options(&inflight(), workload, options, None).unwrap()
    });
    let mut runs = [Vec::new(), Vec::new()];
    for turn in 0..2 + 2 * PAIRS {
        let with = usize::from(turn % 4 == 1 || turn % 4 == 2);
        let (launch, limits) = (sessions[with].worker_of(&contender), sessions[with].limits(&contender));
        let position = Turn { contender: 0, round: 1, position: 1 };
        let run =
            sessions[with].run(&contender, position, &launch, limits, &mut NoObserver).unwrap().unwrap();
        if turn >= 2 {
            runs[with].push(run.figures.expect("the run reached its end"));
        }
    }
    let slots = u64::from(contender.shape.processes * contender.shape.in_flight).min(case.urls);
    let [without, with] = runs.map(|runs| Medians::of(&runs, case.urls, slots));
    let slope = (with.wall - without.wall) / (case.added_ns as f64 / 1e3);
    println!(
        "| {} | {} | {} | {:.1} | {:.1} + {:.1} | {:.2} | {:.0} % | {:.0} % | {:.0} % | {:.1} % | {:?} |",
        case.preset,
        case.contender,
        case.loops,
        without.wall,
        without.target_cpu,
        with.target_cpu - without.target_cpu,
        slope * f64::from(case.loops),
        100.0 * slope * without.target_cpu / without.wall,
        100.0 * without.busiest,
        100.0 * without.machine,
        100.0 * without.residence,
        without.limits,
    );
}

impl Medians {
    fn of(runs: &[Figures], urls: u64, slots: u64) -> Medians {
        let cpus = std::thread::available_parallelism().unwrap().get() as f64;
        let median = |figure: &dyn Fn(&Figures) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
        };
        let wanted = |figures: &Figures| {
            let loops = figures.target.loops.iter();
            loops.map(|of_loop| of_loop.cpu_ns + of_loop.run_queue_ns.unwrap_or(0)).max().unwrap_or(0)
        };
        let named = |limit| runs.iter().filter(|figures| figures.target.limit == limit).count();
        Medians {
            wall: median(&|f| f.wall_ns as f64 / 1e3 / urls as f64),
            target_cpu: median(&|f| f.target.cpu_ns as f64 / 1e3 / urls as f64),
            busiest: median(&|f| wanted(f) as f64 / f.wall_ns as f64),
            machine: median(&|f| (f.cpu_ns + f.target.cpu_ns) as f64 / f.wall_ns as f64 / cpus),
            residence: median(&|f| f.target.residence_ns as f64 / f.wall_ns as f64 / slots as f64),
            limits: [None, Some(TargetLimit::Loop), Some(TargetLimit::Machine), Some(TargetLimit::Residence)]
                .map(named),
        }
    }
}
