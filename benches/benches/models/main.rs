//! `cargo bench --bench models`: every model with each of its two clients on 1,000 URLs, and the overhead of the harness
//! compared with plain programs that do the same.
//!
//! An iteration is a run: fresh worker processes against a target process, timed from `go` to `done` by the harness.
//! Setup and teardown are excluded.
//!
//! Criterion cannot measure CPU time, so this program prints the table `models/plain` itself, and
//! `-- models/plain` makes only that.

mod cost;
mod plain;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use criterion::{Criterion, SamplingMode, Throughput};
use inflight::commands;
use inflight::contender::{Contender, Shape, Source};
use inflight::models::{COMMON, MODELS, NATIVE};
use inflight::runner::{NoObserver, Session, Turn};
use inflight::workload::Workload;
use inflight_benches::{BenchArgs, FallibleGroup};
use inflight_report::record::{Run, Verdict};
use mock_target::Scenario;

/// Requests in flight, for models that can have that many.
const IN_FLIGHT: u32 = 128;

/// The groups, each with its distribution of delays: those of the preset `quick` divided by ten, and none.
const DELAYS: [(&str, &str); 2] =
    [("models/2.5 ms delay", "lognormal:2.5ms,0.318"), ("models/zero delay", "fixed:0ms")];

fn main() -> ExitCode {
    // The sessions below start this program again, as their target and as their workers.
    if let Some(code) = commands::main_if_child() {
        return code;
    }
    if let Some(result) = plain::run_if_plain() {
        return inflight_benches::exit_code(result);
    }
    // A run takes some tens of milliseconds and as much again to prepare: two for each sample.
    let settings = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(1_200));
    inflight_benches::main(settings, benches)
}

fn benches(criterion: &mut Criterion, args: &BenchArgs) -> Result<()> {
    let program = std::env::current_exe().context("this program has no path")?;
    let selected =
        |contender: &Contender| DELAYS.iter().any(|(name, _)| args.selects(&format!("{name}/{contender}")));
    let mut contenders: Vec<Contender> = contenders().filter(selected).collect();
    if args.runs() && !contenders.is_empty() {
        contenders = supported(&program, contenders)?;
    }
    let results = DELAYS.map(|(name, latency)| group(criterion, name, latency, &program, &contenders));
    results.into_iter().chain([cost::table(&program, args)]).collect()
}

/// Every model with each of its two clients.
fn contenders() -> impl Iterator<Item = Contender> {
    all_contenders().filter(|contender| [NATIVE, COMMON].contains(&contender.source.client()))
}

/// Every model with every client.
fn all_contenders() -> impl Iterator<Item = Contender> {
    MODELS.iter().flat_map(|model| {
        let in_flight = model.max_in_flight.map_or(IN_FLIGHT, |most| most.min(IN_FLIGHT));
        model.clients.iter().map(move |client| Contender {
            source: Source::Model(model, client),
            shape: Shape { processes: 1, in_flight },
        })
    })
}

fn scenario(urls: u64, latency: &str) -> Result<Scenario> {
    Ok(Scenario { urls, latency: latency.parse()?, ..Scenario::preset("quick")? })
}

/// Those that this system can run. The others are reported before criterion is given them: it would miss them
/// in a baseline.
fn supported(program: &Path, contenders: Vec<Contender>) -> Result<Vec<Contender>> {
    let mut session = Session::start(program, Workload::of(scenario(1, "fixed:0ms")?))?;
    let mut supported = Vec::new();
    for contender in contenders {
        let run = run(&mut session, &contender, 1)?;
        match run.verdict {
            verdict @ Verdict::Invalid { .. } if run.figures.is_none() => {
                eprintln!("{contender} cannot run here and is skipped: {}", verdict.text());
            }
            _ => supported.push(contender),
        }
    }
    Ok(supported)
}

fn group(
    criterion: &mut Criterion,
    name: &str,
    latency: &str,
    program: &Path,
    contenders: &[Contender],
) -> Result<()> {
    let scenario = scenario(1_000, latency)?;
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(scenario.urls)).sampling_mode(SamplingMode::Flat);
    let mut group = FallibleGroup::new(group, name);
    // One target for all, started with the first benchmark that runs.
    let mut session = None;
    for contender in contenders {
        group.bench(&contender.to_string(), |runs| {
            let session = match &mut session {
                Some(session) => session,
                none => none.insert(Session::start(program, Workload::of(scenario.clone()))?),
            };
            (0..runs).map(|_| wall_time(session, contender)).sum()
        });
    }
    group.finish()
}

/// Wall time of one valid run. Invalid runs are repeated.
fn wall_time(session: &mut Session, contender: &Contender) -> Result<Duration> {
    const ATTEMPTS: u32 = 20;
    let mut reason = String::new();
    for round in 1..=ATTEMPTS {
        let run = run(session, contender, round)?;
        match (run.verdict, run.figures) {
            (Verdict::Valid, Some(figures)) => return Ok(Duration::from_nanos(figures.wall_ns)),
            (verdict @ Verdict::Invalid { .. }, _) => reason = verdict.text(),
            (Verdict::Valid, None) => {}
        }
    }
    bail!("invalid {ATTEMPTS} times in a row ({reason}); is the machine busy?")
}

fn run(session: &mut Session, contender: &Contender, round: u32) -> Result<Run> {
    let turn = Turn { contender: 0, round, position: 1 };
    let (launch, limits) = (session.own_worker(), session.limits(contender));
    session.run(contender, turn, &launch, limits, &mut NoObserver)?.context("interrupted")
}
