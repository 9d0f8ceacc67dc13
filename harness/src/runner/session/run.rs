//! Converts the measurements of a run to its line in the record.

use inflight_report::record::{
    Figures, Latencies, Quantiles, Run, Samples, Schedule, TargetFigures, Verdict,
};
use mock_target::ledger::{Lateness, Ledger};

use crate::contender::Contender;
use crate::runner::execute::{Finish, RunError};
use crate::runner::schedule::Turn;
use crate::runner::target::TargetOptions;
use crate::verdict::{self, RunData, target_limit};
use crate::worker::protocol::{Outcome, Sample};
use crate::workload::Workload;

/// A run that did not reach its end.
pub(super) fn failed(contender: &Contender, turn: Turn, error: &RunError) -> Run {
    without_figures(contender, turn, Verdict::from(vec![error.reason()]))
}

fn without_figures(contender: &Contender, turn: Turn, verdict: Verdict) -> Run {
    Run {
        contender: contender.to_string(),
        round: turn.round,
        position: turn.position,
        warm_up: turn.round == 0,
        took_ns: 0,
        verdict,
        disturbed_attempts: Vec::new(),
        warnings: Vec::new(),
        runtime: String::new(),
        client: String::new(),
        figures: None,
        latencies: Latencies::default(),
        samples: Samples::default(),
        timeline: Vec::new(),
    }
}

/// A run that reached its end, verified.
pub(super) fn measured(
    contender: &Contender,
    turn: Turn,
    workload: &Workload,
    options: TargetOptions,
    shared_cpus: Option<usize>,
    finish: Finish,
    ledger: &Ledger,
) -> Run {
    let all: Vec<Sample> = finish.samples.iter().flatten().cloned().collect();
    let data = RunData {
        workload,
        shape: contender.shape,
        samples: &all,
        ledger,
        wall_ns: finish.wall_ns,
        harness: finish.harness,
        cpu_ns: finish.cpu_ns,
        target_before: &finish.target_before,
        target_after: &finish.target_after,
        throttled_by: &finish.throttled.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let samples = columns(&finish.samples, contender.shape.processes, workload);
    Run {
        warnings: warnings(&data, &finish),
        figures: Some(figures(&data, &finish, &samples, options, shared_cpus)),
        runtime: finish.ready.runtime,
        client: finish.ready.client,
        latencies: Latencies::of(&samples),
        samples,
        timeline: finish.seen.timeline,
        ..without_figures(contender, turn, verdict::verify(&data))
    }
}

fn warnings(data: &RunData<'_>, finish: &Finish) -> Vec<String> {
    let disturbances = finish.noise.disturbances(finish.wall_ns);
    let disturbances = disturbances.iter().map(ToString::to_string);
    verdict::warnings(data).into_iter().chain(disturbances).collect()
}

fn figures(
    data: &RunData<'_>,
    finish: &Finish,
    samples: &Samples,
    options: TargetOptions,
    shared_cpus: Option<usize>,
) -> Figures {
    let (workload, stats) = (data.workload, &data.ledger.stats);
    let durations = || {
        let complete = |sample: &&Sample| matches!(sample.outcome, Outcome::Response { status: 200, .. });
        data.samples.iter().filter(complete).map(|sample| {
            let began_ns = sample.due_ns.unwrap_or(sample.start_ns);
            (signed(sample.end_ns.saturating_sub(began_ns)), signed(workload.planned_ns(sample.id)))
        })
    };
    Figures {
        wall_ns: finish.wall_ns,
        cpu_ns: finish.cpu_ns,
        cpu_method: finish.cpu_method,
        cpu_us_per_request: finish.cpu_ns as f64 / 1e3 / workload.scenario.urls as f64,
        peak_memory_bytes: finish.seen.peak.bytes,
        peak_memory_method: finish.seen.peak.method,
        peak_memory_bound_bytes: finish.seen.peak.bound_bytes,
        ready_memory_bytes: finish.ready_memory_bytes,
        startup_ns: finish.startup_ns,
        ramp_ns: (workload.rate.is_none()
            && stats.most_in_flight >= data.shape.most_possible(workload.scenario.urls))
        .then(|| stats.most_in_flight_at_ns.saturating_sub(finish.go_at_ns)),
        latency_ns: Quantiles::of(durations().map(|(duration, _)| duration)),
        added_latency_ns: Quantiles::of(durations().map(|(duration, planned)| duration - planned)),
        schedule: Schedule::of(samples),
        usage: finish.usage,
        noise: finish.noise,
        harness: finish.harness,
        sampling: finish.seen.sampling,
        target: target_figures(data, finish, options, shared_cpus),
    }
}

fn target_figures(
    data: &RunData<'_>,
    finish: &Finish,
    options: TargetOptions,
    shared_cpus: Option<usize>,
) -> TargetFigures {
    let stats = &data.ledger.stats;
    let residence_ns = target_limit::residence_ns(data.ledger);
    let limit = target_limit::limit(&target_limit::Load {
        wall_ns: finish.wall_ns,
        slots: data.shape.most_possible(data.workload.scenario.urls),
        shared_cpus,
        workers_cpu_ns: finish.cpu_ns,
        target_cpu_ns: finish.target_cpu_ns,
        loops: &finish.target_loops,
        residence_ns,
    });
    TargetFigures {
        cpu_ns: finish.target_cpu_ns,
        lateness_ns: quantiles(&stats.lateness_ns).unwrap_or_default(),
        realtime: stats.realtime,
        shards: options.shards,
        connections: stats.connections,
        most_in_flight: stats.most_in_flight,
        loops: finish.target_loops.clone(),
        unread_ns: quantiles(&stats.unread_ns),
        queueing_ns: quantiles(&stats.queueing_ns),
        residence_ns,
        limit,
    }
}

fn quantiles(of: &Lateness) -> Option<Quantiles> {
    let [p50, p90, p99, max] = [of.p50, of.p90, of.p99, of.max].map(signed);
    (of.count > 0).then_some(Quantiles { p50, p90, p99, max })
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// A sample may name its process, where one worker has several; the verdict says which do not exist.
fn columns(by_process: &[Vec<Sample>], processes: u32, workload: &Workload) -> Samples {
    let mut all: Vec<(u32, &Sample)> = (0..)
        .zip(by_process)
        .flat_map(|(process, samples)| samples.iter().map(move |sample| (process, sample)))
        .collect();
    all.sort_by_key(|(_, sample)| sample.start_ns);
    let mut columns = Samples::default();
    for (index, (process, sample)) in all.into_iter().enumerate() {
        columns.id.push(sample.id);
        columns.process.push(sample.process.filter(|process| *process < processes).unwrap_or(process));
        columns.due_ns.extend(sample.due_ns);
        columns.start_ns.push(sample.start_ns);
        columns.end_ns.push(sample.end_ns);
        columns.planned_ns.push(workload.planned_ns(sample.id));
        match sample.outcome {
            Outcome::Response { status: 200, .. } => {}
            Outcome::Response { status, .. } => columns.errors.push((index, format!("status {status}"))),
            Outcome::Failure { error } => columns.errors.push((index, error.to_string())),
        }
    }
    columns
}
