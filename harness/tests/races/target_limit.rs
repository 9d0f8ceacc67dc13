//! Target limits: runs report them, and an experiment checks the reports: work is added to the target, and the wall
//! time follows or does not.

use inflight::contender::Contender;
use inflight::runner::{self, Session, TargetOptions};
use inflight::workload::Workload;
use inflight_report::record::{Figures, TargetFigures, TargetLimit};
use mock_target::Scenario;

use crate::common::{inflight, run_named, scenario, session, valid_figures};

/// A session whose target uses `burn_ns` of additional CPU for every response, and has `loops`, or as many as in a real
/// run.
fn burning(scenario: Scenario, burn_ns: u64, loops: Option<u32>) -> Session {
    let workload = Workload::of(scenario);
    let usual = runner::target_options(&workload, None);
    let options = TargetOptions { burn_ns, shards: loops.unwrap_or(usual.shards), ..usual };
    Session::with_options(&inflight(), workload, options, None).unwrap()
}

#[test]
fn limiting_target_is_reported_and_the_run_is_valid() {
    let run = run_named(&mut burning(scenario(300, "fixed:0ms"), 1_000_000, None), "threads:8");
    assert!(run.verdict.is_valid(), "{:?}", run.verdict);
    let target = run.figures.unwrap().target;
    assert!(target.limit.is_some(), "{target:?}");
}

#[test]
fn idle_target_is_no_limit() {
    let run = run_named(&mut session(12, "fixed:300ms"), "threads:4");
    let target = &valid_figures(&run).target;
    assert_eq!(target.limit, None, "{target:?}");
}

#[test]
fn loops_account_for_the_cpu_of_the_target() {
    const BURN_NS: u64 = 1_000_000;
    let run = run_named(&mut burning(scenario(400, "fixed:0ms"), BURN_NS, None), "threads:4");
    let target = &valid_figures(&run).target;
    let TargetFigures { cpu_ns, loops, .. } = target;
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

/// About what a response takes, so that it stands out of the noise of the wall; where it would itself make the target
/// the limit, a quarter of it.
const ADDED_NS: u64 = 16_000;

const PAIRS: usize = 12;

#[test]
#[ignore = "measures for minutes; `cargo test --release --test races target_limit -- --ignored --nocapture`"]
fn added_work_moves_wall_time_where_the_target_is_the_limit() {
    let only = std::env::var("CASES").unwrap_or_default();
    println!(
        "| workload | contender | loops | wall a request, µs | target's CPU + added work, µs | slope × loops | its part of \
         the wall | busiest loop | machine | residence | named |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    for (preset, urls, contender, loops, added_ns) in [
        ("sprint", 10_000, "epoll+common:1", 2, ADDED_NS),
        ("sprint", 10_000, "epoll+common:8", 2, ADDED_NS),
        ("sprint", 10_000, "epoll+common:128", 1, ADDED_NS),
        ("sprint", 10_000, "epoll+common:128", 2, ADDED_NS),
        ("sprint", 10_000, "threads+common:128", 2, ADDED_NS),
        ("sprint", 10_000, "sync:1", 2, ADDED_NS),
        ("sprint", 10_000, "tokio:1", 2, ADDED_NS),
        ("sprint", 10_000, "tokio:8", 2, ADDED_NS),
        ("sprint", 10_000, "tokio:128", 1, ADDED_NS),
        ("sprint", 10_000, "tokio:128", 2, ADDED_NS),
        ("sprint", 10_000, "tokio-current:8", 2, ADDED_NS),
        ("sprint", 10_000, "tokio-current:128", 1, ADDED_NS),
        ("sprint", 10_000, "tokio-current:128", 2, ADDED_NS),
        ("quick", 1_000, "tokio:128", 1, ADDED_NS),
        ("quick", 10_000, "epoll+common:1000", 1, ADDED_NS / 4),
        ("article", 1_000, "tokio:128", 1, ADDED_NS),
        ("article", 1_000, "epoll+common:1000", 1, ADDED_NS),
    ] {
        if !format!("{preset} {contender} {loops}").contains(&only) {
            continue;
        }
        let scenario = Scenario { urls, ..Scenario::preset(preset).unwrap() };
        let [without, with] = measure(&scenario, contender, loops, added_ns);
        let wall = |f: &Figures| f.wall_ns as f64;
        let us_per_request = |ns: f64| ns / 1e3 / urls as f64;
        let share_of_wall =
            |figure: &dyn Fn(&Figures) -> f64| 100.0 * median(&without, &|f| figure(f) / wall(f));
        let [wall_us, wall_with_us] = [&without, &with].map(|runs| us_per_request(median(runs, &wall)));
        let [target_us, target_with_us] =
            [&without, &with].map(|runs| us_per_request(median(runs, &|f| f.target.cpu_ns as f64)));
        let slope = (wall_with_us - wall_us) / (added_ns as f64 / 1e3);
        let cpus = std::thread::available_parallelism().unwrap().get() as f64;
        let slots = contender.parse::<Contender>().unwrap().shape.slots().min(urls) as f64;
        let limits =
            [None, Some(TargetLimit::Loop), Some(TargetLimit::Machine), Some(TargetLimit::Residence)];
        println!(
            "| {preset} | {contender} | {loops} | {wall_us:.1} | {target_us:.1} + {:.1} | {:.2} | {:.0} % | {:.0} % | {:.0} % \
             | {:.1} % | {:?} |",
            target_with_us - target_us,
            slope * f64::from(loops),
            100.0 * slope * target_us / wall_us,
            // The share in which the busiest loop worked or waited for a CPU.
            share_of_wall(&|f| {
                let wanted = f.target.loops.iter().map(|of| of.cpu_ns + of.run_queue_ns.unwrap_or(0));
                wanted.max().unwrap_or(0) as f64
            }),
            share_of_wall(&|f| (f.cpu_ns + f.target.cpu_ns) as f64 / cpus),
            share_of_wall(&|f| f.target.residence_ns as f64 / slots),
            limits.map(|limit| without.iter().filter(|f| f.target.limit == limit).count()),
        );
    }
}

/// Runs without and with added work, alternating: without, with, with, without, … The first two warm up.
fn measure(scenario: &Scenario, contender: &str, loops: u32, added_ns: u64) -> [Vec<Figures>; 2] {
    let mut sessions = [0, added_ns].map(|burn_ns| burning(scenario.clone(), burn_ns, Some(loops)));
    let mut runs = [Vec::new(), Vec::new()];
    for turn in 0..2 + 2 * PAIRS {
        let with = usize::from(turn % 4 == 1 || turn % 4 == 2);
        let run = run_named(&mut sessions[with], contender);
        if turn >= 2 {
            runs[with].push(run.figures.expect("the run reached its end"));
        }
    }
    runs
}

fn median(runs: &[Figures], figure: &dyn Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}
