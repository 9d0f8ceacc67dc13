//! The verdict on a run: its samples and its ledger are checked against the workload.

pub(crate) mod target_limit;
mod warnings;

use inflight_report::record::{HarnessLateness, Reason, ReasonKind, Verdict};
use mock_target::ledger::{Ledger, Outcome as Served, Stats};

pub(crate) use warnings::warnings;

use crate::worker::protocol::{Outcome, Sample};
use crate::workload::{Shape, Workload};

/// The harness may be late by this part of the wall time, and by this time at least: on a busy machine any thread waits
/// for some milliseconds now and then.
const HELD_UP: f64 = 0.01;
const HELD_UP_NS: u64 = 5_000_000;

pub(crate) struct RunData<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) shape: Shape,
    pub(crate) samples: &'a [Sample],
    pub(crate) ledger: &'a Ledger,
    pub(crate) wall_ns: u64,
    pub(crate) harness: HarnessLateness,
    /// CPU of the workers between `go` and `done`.
    pub(crate) cpu_ns: u64,
    /// The sums of the ledger before `go`, and at `done`.
    pub(crate) target_before: &'a Stats,
    pub(crate) target_after: &'a Stats,
    /// The CPU quotas that stopped something of the run, each as text.
    pub(crate) throttled_by: &'a [String],
}

/// The verdict, with every reason there is.
pub(crate) fn verify(data: &RunData<'_>) -> Verdict {
    let texts = [
        (ReasonKind::NotReceivedOnce, received_once(data)),
        (ReasonKind::OffSchedule, kept_to_the_schedule(data)),
        (ReasonKind::WrongResponse, answered_as_planned(data)),
        (ReasonKind::ImpossibleTime, times_possible(data)),
        (ReasonKind::LedgerIncomplete, ledger_complete(data)),
        (ReasonKind::NotServedOnce, served_once(data)),
        (ReasonKind::UnplannedRequests, nothing_besides(data)),
        (ReasonKind::UnknownProcess, processes_exist(data)),
        (ReasonKind::OutsideTheRun, within_the_run(data)),
        (ReasonKind::ImpossibleWall, wall_possible(data)),
        (ReasonKind::TooManyInFlight, bound_kept(data)),
        (ReasonKind::TargetLate, target_in_time(data)),
        (ReasonKind::HarnessHeldUp, harness_in_time(data)),
        (ReasonKind::Throttled, no_quota_reached(data)),
    ];
    let reasons = texts.into_iter().filter_map(|(kind, text)| Some(Reason::new(kind, text?)));
    Verdict::from(reasons.collect::<Vec<Reason>>())
}

fn lateness_allowed_ns(data: &RunData<'_>) -> u64 {
    HELD_UP_NS.max((data.wall_ns as f64 * HELD_UP) as u64)
}

fn received_once(data: &RunData<'_>) -> Option<String> {
    let ids = data.samples.iter().map(|sample| sample.id);
    counted_once(data.workload.scenario.urls, ids, "received")
}

fn ledger_complete(data: &RunData<'_>) -> Option<String> {
    let lost = data.ledger.stats.detail_lost;
    (lost > 0).then(|| format!("the target's ledger lost the detail of {lost} requests"))
}

fn served_once(data: &RunData<'_>) -> Option<String> {
    if ledger_complete(data).is_some() {
        return None; // the lost requests were served all the same
    }
    let served = data.ledger.entries.iter().filter(|entry| entry.outcome == Served::Served);
    counted_once(data.workload.scenario.urls, served.map(|entry| entry.id), "served")
}

/// In an open loop no request may start before it is due, and each sample has to state its due time.
fn kept_to_the_schedule(data: &RunData<'_>) -> Option<String> {
    let due_ns = data.workload.due_ns.as_ref()?;
    if data.samples.iter().all(|sample| sample.due_ns.is_none()) {
        return Some("it does not support --rate: no sample says when its request was due".to_owned());
    }
    violations(data, "asked for before it was due", |sample| {
        let due_ns = due_ns.get(sample.id as usize).copied();
        sample.due_ns != due_ns || due_ns.is_some_and(|due_ns| sample.start_ns < due_ns)
    })
}

/// Whether `ids` are `0..urls`, each exactly once.
fn counted_once(urls: u64, ids: impl Iterator<Item = u64>, what: &str) -> Option<String> {
    let mut times = vec![0u32; urls as usize];
    let [mut missing, mut repeated, mut unknown] = [Violations::default(); 3];
    for id in ids {
        match times.get_mut(id as usize) {
            Some(times) => *times += 1,
            None => unknown.add(id),
        }
    }
    for (id, times) in (0..).zip(times) {
        match times {
            0 => missing.add(id),
            1 => {}
            _ => repeated.add(id),
        }
    }
    joined([
        missing.describe(&format!("never {what}")),
        repeated.describe(&format!("{what} more than once")),
        unknown.describe(&format!("{what} but never asked for")),
    ])
}

/// The faults that there are, as one text.
fn joined(faults: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn answered_as_planned(data: &RunData<'_>) -> Option<String> {
    let mut wrong: Vec<(String, Violations)> = Vec::new();
    for sample in data.samples {
        let Some(&expected) = data.workload.crc32.get(sample.id as usize) else { continue };
        let fault = match sample.outcome {
            Outcome::Failure { error } => format!("not received ({error})"),
            Outcome::Response { status, .. } if status != 200 => format!("answered with status {status}"),
            Outcome::Response { bytes, .. } if bytes != data.workload.scenario.body_bytes => {
                format!("received with {bytes} bytes of body")
            }
            Outcome::Response { crc32, .. } if crc32 != expected => {
                "received with another body (CRC-32)".into()
            }
            Outcome::Response { .. } => continue,
        };
        match wrong.iter_mut().find(|(known, _)| *known == fault) {
            Some((_, violations)) => violations.add(sample.id),
            None => wrong.push((fault, Violations { first: Some(sample.id), count: 1 })),
        }
    }
    joined(wrong.iter().map(|(fault, violations)| violations.describe(fault)))
}

/// A request that was made again, or made and given up, is work that its row would not show.
fn nothing_besides(data: &RunData<'_>) -> Option<String> {
    let (stats, urls) = (&data.ledger.stats, data.workload.scenario.urls);
    let planned = data.workload.scenario.faults.is_empty();
    (planned && (stats.received > urls || stats.aborted + stats.refused > 0)).then(|| {
        format!(
            "the target saw {} requests for {urls} URLs, {} aborted and {} refused",
            stats.received + stats.refused,
            stats.aborted,
            stats.refused
        )
    })
}

/// All of the work has to lie between `go` and `done`, because only that is measured.
fn within_the_run(data: &RunData<'_>) -> Option<String> {
    let before = data.target_before.received;
    let after = data.ledger.stats.received - data.target_after.received;
    let came = |requests: u64, when: &str| (requests > 0).then(|| format!("{requests} requests came {when}"));
    joined([came(before, "before `go`"), came(after, "after `done`")])
}

/// No response can be complete before it is due, nor after the run was over. (The target reads its clock
/// after it has sent a response, when a client may have had it already: its times are no bound.)
fn times_possible(data: &RunData<'_>) -> Option<String> {
    violations(data, "received at a time that is not possible", |sample| {
        let planned_ns = data.workload.planned_ns(sample.id);
        let complete = matches!(sample.outcome, Outcome::Response { status: 200, .. });
        let too_short = complete && sample.end_ns.saturating_sub(sample.start_ns) < planned_ns;
        too_short || sample.end_ns < sample.start_ns || sample.end_ns > data.wall_ns
    })
}

fn wall_possible(data: &RunData<'_>) -> Option<String> {
    let bound_ns = data.workload.hard_bound_ns(data.shape);
    (data.wall_ns < bound_ns).then(|| {
        format!(
            "its wall time of {} ns is below the {bound_ns} ns that the delays and the schedule alone take",
            data.wall_ns
        )
    })
}

fn processes_exist(data: &RunData<'_>) -> Option<String> {
    violations(data, "fetched by a process that it does not have", |sample| {
        sample.process.is_some_and(|process| process >= data.shape.processes)
    })
}

fn bound_kept(data: &RunData<'_>) -> Option<String> {
    let (most, allowed) = (data.ledger.stats.most_in_flight, data.shape.slots());
    (most > allowed).then(|| format!("the target saw {most} in flight, its concurrency allows {allowed}"))
}

/// Where nothing is delayed nothing can be late, and a slow target does not change
/// what a request cost: [`target_limit`] decides whether the target limited the wall time.
fn target_in_time(data: &RunData<'_>) -> Option<String> {
    if data.workload.total_delay_ns() == 0 {
        return None;
    }
    let late_ns = data.ledger.stats.lateness_ns.p99;
    let allowed_ns = (data.workload.median_delay_ns() / 100).max(1_000_000);
    // No figure of the run's own in it, so that runs that are invalid for the same reason are reported as one.
    (late_ns > allowed_ns)
        .then(|| format!("the target was late: its p99 is above the {} ms allowed", allowed_ns as f64 / 1e6))
}

/// Where the harness reads `done` late, or did not run at all for a while, the wall time is not the contender's.
fn harness_in_time(data: &RunData<'_>) -> Option<String> {
    (data.harness.held_up_ns() > lateness_allowed_ns(data))
        .then(|| format!("the harness was held up for more than {} % of the wall time", HELD_UP * 100.0))
}

fn no_quota_reached(data: &RunData<'_>) -> Option<String> {
    (!data.throttled_by.is_empty()).then(|| format!("throttled by {}", data.throttled_by.join(" and ")))
}

/// Describes the samples that are `wrong`, if any.
fn violations(data: &RunData<'_>, fault: &str, wrong: impl Fn(&Sample) -> bool) -> Option<String> {
    let mut violations = Violations::default();
    data.samples.iter().filter(|sample| wrong(sample)).for_each(|sample| violations.add(sample.id));
    violations.describe(fault)
}

/// URLs with the same fault: how many, and the first as an example.
#[derive(Clone, Copy, Default)]
struct Violations {
    first: Option<u64>,
    count: u64,
}

impl Violations {
    fn add(&mut self, id: u64) {
        self.first.get_or_insert(id);
        self.count += 1;
    }

    fn describe(&self, fault: &str) -> Option<String> {
        let first = self.first?;
        Some(match self.count {
            1 => format!("URL {first} was {fault}"),
            count => format!("{count} URLs were {fault}, URL {first} for one"),
        })
    }
}
