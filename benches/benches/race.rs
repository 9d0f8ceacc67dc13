//! One real race a measurement: fresh worker processes against a target process, timed from `go` to
//! `done` by the harness, with everything before and after left out.

use std::process::ExitCode;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use inflight::commands;
use inflight::contender::Contender;
use inflight::schedule::Turn;
use inflight::session::{Session, Unwatched};
use inflight::workload::Workload;
use mock_target::Scenario;

fn main() -> ExitCode {
    // The session below starts this very program again, as its target and as its workers.
    if let Some(code) = commands::main_if_child() {
        return code;
    }
    let mut criterion = Criterion::default().configure_from_args();
    race(&mut criterion);
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn race(criterion: &mut Criterion) {
    let scenario = Scenario::preset("quick").expect("a preset");
    let urls = scenario.urls;
    let program = std::env::current_exe().expect("this program has a path");
    let mut session = Session::start(&program, Workload::of(scenario)).expect("the target starts");

    let mut group = criterion.benchmark_group("race/quick");
    group.throughput(Throughput::Elements(urls)).sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(10));
    for name in ["threads:32", "tokio:128"] {
        let contender: Contender = name.parse().expect("a contender");
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|runs| (0..runs).map(|_| wall(&mut session, &contender)).sum());
        });
    }
    group.finish();
}

/// The wall of one valid run: a void one counts for nothing, here too.
fn wall(session: &mut Session, contender: &Contender) -> Duration {
    const ATTEMPTS: u32 = 20;
    let launch = session.own_worker();
    let limits = session.limits(contender);
    (1..=ATTEMPTS)
        .find_map(|round| {
            let turn = Turn { contender: 0, round, position: 1 };
            let run =
                session.run(contender, turn, &launch, limits, &mut Unwatched).expect("the race goes on")?;
            let figures = run.figures.filter(|_| run.verdict.is_valid())?;
            Some(Duration::from_nanos(figures.wall_ns))
        })
        .unwrap_or_else(|| panic!("{contender}: void {ATTEMPTS} times in a row; is the machine busy?"))
}
