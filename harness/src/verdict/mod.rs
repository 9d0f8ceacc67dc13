//! Samples against ledger: the verdict on a run.

pub mod target_limit;

use inflight_report::record::{HarnessLateness, Reason, ReasonKind, Verdict};
use inflight_report::stats::mean_in_flight;
use mock_target::ledger::{Ledger, Outcome as Served, Stats};

use crate::contender::Shape;
use crate::worker::protocol::{Outcome, Sample};
use crate::workload::Workload;

/// What is measured by two clocks may be so much too long.
const CLOCKS_DIFFER: f64 = 1.01;

/// By so much of the wall time the harness may be late, and by so much at least: on a machine at work any thread waits
/// for some milliseconds now and then.
const HELD_UP: f64 = 0.01;
const HELD_UP_NS: u64 = 5_000_000;

/// By so much of the wall time a worker may idle before its first request or after its last response unremarked.
const IDLE: f64 = 0.1;
const IDLE_NS: u64 = 50_000_000;

/// All that is known of a run that came to its end.
pub struct Evidence<'a> {
    /// What was asked.
    pub workload: &'a Workload,
    /// How many requests were allowed in flight.
    pub shape: Shape,
    /// What the workers say.
    pub samples: &'a [Sample],
    /// What the target says.
    pub ledger: &'a Ledger,
    /// `go` to `done`, in nanoseconds.
    pub wall_ns: u64,
    /// How late the harness itself was.
    pub harness: HarnessLateness,
    /// CPU of the workers between `go` and `done`, in nanoseconds.
    pub cpu_ns: u64,
    /// What the target had seen before `go`.
    pub target_before: &'a Stats,
    /// What the target had seen at `done`.
    pub target_after: &'a Stats,
    /// The CPU quotas that stopped something of the run, one a text.
    pub throttled_by: &'a [String],
}

/// The verdict, with every reason there is.
pub fn verdict(evidence: &Evidence<'_>) -> Verdict {
    let texts = [
        (ReasonKind::NotReceivedOnce, received_once(evidence)),
        (ReasonKind::OffSchedule, kept_to_the_schedule(evidence)),
        (ReasonKind::WrongResponse, answered_as_planned(evidence)),
        (ReasonKind::ImpossibleTime, times_possible(evidence)),
        (ReasonKind::LedgerIncomplete, ledger_complete(evidence)),
        (ReasonKind::NotServedOnce, served_once(evidence)),
        (ReasonKind::UnplannedRequests, nothing_besides(evidence)),
        (ReasonKind::UnknownProcess, processes_exist(evidence)),
        (ReasonKind::OutsideTheRun, within_the_run(evidence)),
        (ReasonKind::ImpossibleWall, wall_possible(evidence)),
        (ReasonKind::TooManyInFlight, bound_kept(evidence)),
        (ReasonKind::TargetLate, target_in_time(evidence)),
        (ReasonKind::HarnessHeldUp, harness_in_time(evidence)),
        (ReasonKind::Throttled, no_quota_reached(evidence)),
    ];
    let reasons = texts.into_iter().filter_map(|(kind, text)| Some(Reason::new(kind, text?)));
    Verdict::from(reasons.collect::<Vec<Reason>>())
}

/// What a reader should know of a run though it voids nothing.
pub fn warnings(evidence: &Evidence<'_>) -> Vec<String> {
    let allowed = evidence.shape.slots();
    [
        reached_less(evidence),
        sent_again(evidence),
        go_spread(evidence),
        idle(evidence),
        against_littles_law(evidence.samples, evidence.wall_ns, allowed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reached_less(evidence: &Evidence<'_>) -> Option<String> {
    if evidence.workload.rate.is_some() {
        return None; // how many are in flight is then a matter of the rate, too
    }
    let possible = evidence.shape.most_possible(evidence.workload.scenario.urls);
    // What is answered at once is no longer in flight when the next is sent.
    let delayed = evidence.workload.delays_ns.iter().filter(|delay_ns| **delay_ns > 0).count() as u64;
    let most = evidence.ledger.stats.most_in_flight;
    (most < possible && possible <= delayed)
        .then(|| format!("it did not reach the {possible} in flight that its shape allows"))
}

fn sent_again(evidence: &Evidence<'_>) -> Option<String> {
    let resent = evidence.samples.iter().filter(|sample| sample.resent).count();
    (resent > 0).then(|| format!("it sent {resent} requests again whose idle connection had been closed"))
}

/// With several processes the first ones may be at work, on every core, before the last is sent `go`.
fn go_spread(evidence: &Evidence<'_>) -> Option<String> {
    (evidence.harness.go_spread_ns > lateness_allowed_ns(evidence)).then(|| {
        format!(
            "its last process was sent `go` late by more than {} % of the wall time: the cores were busy with those \
             before it",
            HELD_UP * 100.0
        )
    })
}

/// How late the harness may be.
fn lateness_allowed_ns(evidence: &Evidence<'_>) -> u64 {
    HELD_UP_NS.max((evidence.wall_ns as f64 * HELD_UP) as u64)
}

/// A worker that neither fetches nor computes between `go` and `done` waits for something that is not its model's.
fn idle(evidence: &Evidence<'_>) -> Option<String> {
    let (before_ns, after_ns) = outside_of_requests_ns(evidence.samples, evidence.wall_ns)?;
    let limit_ns = IDLE_NS.max((evidence.wall_ns as f64 * IDLE) as u64) + evidence.cpu_ns;
    let when = match (before_ns > limit_ns, after_ns > limit_ns) {
        (false, false) => return None,
        (true, false) => "before its first request",
        (false, true) => "after its last response",
        (true, true) => "before its first request and after its last response",
    };
    Some(format!("it was idle for more than {} % of its wall time {when}", IDLE * 100.0))
}

/// The time from `go` until the first request started, or was due, and from the last response until `done`, each by
/// the clocks of the workers: how late they read `go` is part of the second.
fn outside_of_requests_ns(samples: &[Sample], wall_ns: u64) -> Option<(u64, u64)> {
    let first_ns = samples
        .iter()
        .map(|sample| sample.start_ns - sample.due_ns.unwrap_or(0).min(sample.start_ns))
        .min()?;
    let last_ns = samples.iter().map(|sample| sample.end_ns).max()?;
    Some((first_ns, wall_ns.saturating_sub(last_ns)))
}

/// Requests cannot have lasted longer, all together, than the slots that they were in.
fn against_littles_law(samples: &[Sample], wall_ns: u64, allowed: u64) -> Option<String> {
    let durations = samples.iter().map(|sample| sample.end_ns.saturating_sub(sample.start_ns));
    let mean = mean_in_flight(durations, wall_ns);
    (mean > allowed as f64 * CLOCKS_DIFFER).then(|| {
        format!(
            "throughput × mean duration comes to {mean:.1} in flight, its shape allows {allowed}: its clock is \
             not to be trusted"
        )
    })
}

fn received_once(evidence: &Evidence<'_>) -> Option<String> {
    let ids = evidence.samples.iter().map(|sample| sample.id);
    counted_once(evidence.workload.scenario.urls, ids, "received")
}

fn ledger_complete(evidence: &Evidence<'_>) -> Option<String> {
    let lost = evidence.ledger.stats.detail_lost;
    (lost > 0).then(|| format!("the target's ledger lost the detail of {lost} requests"))
}

fn served_once(evidence: &Evidence<'_>) -> Option<String> {
    if ledger_complete(evidence).is_some() {
        return None; // what it has lost was served all the same
    }
    let served = evidence.ledger.entries.iter().filter(|entry| entry.outcome == Served::Served);
    counted_once(evidence.workload.scenario.urls, served.map(|entry| entry.id), "served")
}

/// In an open loop no request may start before it is due, and each has to say what it was held against.
fn kept_to_the_schedule(evidence: &Evidence<'_>) -> Option<String> {
    let due_ns = evidence.workload.due_ns.as_ref()?;
    if evidence.samples.iter().all(|sample| sample.due_ns.is_none()) {
        return Some("it does not do --rate: no sample says when its request was due".to_owned());
    }
    let mut offenders = Offenders::default();
    for sample in evidence.samples {
        let due_ns = due_ns.get(sample.id as usize).copied();
        if sample.due_ns != due_ns || due_ns.is_some_and(|due_ns| sample.start_ns < due_ns) {
            offenders.add(sample.id);
        }
    }
    offenders.tell("asked for before it was due")
}

/// Whether `ids` are `0..urls`, each exactly once.
fn counted_once(urls: u64, ids: impl Iterator<Item = u64>, what: &str) -> Option<String> {
    let mut times = vec![0u32; urls as usize];
    let mut unknown = Offenders::default();
    for id in ids {
        match times.get_mut(id as usize) {
            Some(times) => *times += 1,
            None => unknown.add(id),
        }
    }
    let mut missing = Offenders::default();
    let mut repeated = Offenders::default();
    for (id, times) in (0..).zip(times) {
        match times {
            0 => missing.add(id),
            1 => {}
            _ => repeated.add(id),
        }
    }
    let faults: Vec<String> = [
        missing.tell(&format!("never {what}")),
        repeated.tell(&format!("{what} more than once")),
        unknown.tell(&format!("{what} but never asked for")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn answered_as_planned(evidence: &Evidence<'_>) -> Option<String> {
    let mut wrong: Vec<(String, Offenders)> = Vec::new();
    for sample in evidence.samples {
        let Some(&expected) = evidence.workload.crc32.get(sample.id as usize) else { continue };
        let fault = match sample.outcome {
            Outcome::Failure { error } => format!("not received ({error})"),
            Outcome::Response { status, .. } if status != 200 => format!("answered with status {status}"),
            Outcome::Response { bytes, .. } if bytes != evidence.workload.scenario.body_bytes => {
                format!("received with {bytes} bytes of body")
            }
            Outcome::Response { crc32, .. } if crc32 != expected => {
                "received with another body (CRC-32)".into()
            }
            Outcome::Response { .. } => continue,
        };
        match wrong.iter_mut().find(|(known, _)| *known == fault) {
            Some((_, offenders)) => offenders.add(sample.id),
            None => wrong.push((fault, Offenders { first: Some(sample.id), count: 1 })),
        }
    }
    let told: Vec<String> = wrong.iter().filter_map(|(fault, offenders)| offenders.tell(fault)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// A request that was made again, or made and given up, is work that its row would not show.
fn nothing_besides(evidence: &Evidence<'_>) -> Option<String> {
    let (stats, urls) = (&evidence.ledger.stats, evidence.workload.scenario.urls);
    let planned = evidence.workload.scenario.faults.is_empty();
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
fn within_the_run(evidence: &Evidence<'_>) -> Option<String> {
    let before = evidence.target_before.received;
    let after = evidence.ledger.stats.received - evidence.target_after.received;
    let faults: Vec<String> = [(before, "before `go`"), (after, "after `done`")]
        .into_iter()
        .filter(|(requests, _)| *requests > 0)
        .map(|(requests, when)| format!("{requests} requests came {when}"))
        .collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

/// No response can be complete before it is due, nor after the run was over. (The target reads its clock
/// after it has sent a response, when a client may have had it already: its account is no bound.)
fn times_possible(evidence: &Evidence<'_>) -> Option<String> {
    let mut offenders = Offenders::default();
    for sample in evidence.samples {
        let planned_ns = evidence.workload.planned_ns(sample.id);
        let complete = matches!(sample.outcome, Outcome::Response { status: 200, .. });
        let too_short = complete && sample.end_ns.saturating_sub(sample.start_ns) < planned_ns;
        if too_short || sample.end_ns < sample.start_ns || sample.end_ns > evidence.wall_ns {
            offenders.add(sample.id);
        }
    }
    offenders.tell("received at a time that is not possible")
}

fn wall_possible(evidence: &Evidence<'_>) -> Option<String> {
    let bound_ns = evidence.workload.hard_bound_ns(evidence.shape);
    (evidence.wall_ns < bound_ns).then(|| {
        format!(
            "its wall of {} ns is below the {bound_ns} ns that the delays and the schedule alone take",
            evidence.wall_ns
        )
    })
}

fn processes_exist(evidence: &Evidence<'_>) -> Option<String> {
    let mut offenders = Offenders::default();
    for sample in evidence.samples {
        if sample.process.is_some_and(|process| process >= evidence.shape.processes) {
            offenders.add(sample.id);
        }
    }
    offenders.tell("fetched by a process that its shape does not have")
}

fn bound_kept(evidence: &Evidence<'_>) -> Option<String> {
    let (most, allowed) = (evidence.ledger.stats.most_in_flight, evidence.shape.slots());
    (most > allowed).then(|| format!("the target saw {most} in flight, its shape allows {allowed}"))
}

/// Where nothing is delayed there is nothing to be late against, and the target being slow is no doubt about
/// what a request cost: [`crate::verdict::target_limit`] says whether the wall is the target's.
fn target_in_time(evidence: &Evidence<'_>) -> Option<String> {
    if evidence.workload.total_delay_ns() == 0 {
        return None;
    }
    let late_ns = evidence.ledger.stats.lateness_ns.p99;
    let allowed_ns = (evidence.workload.median_delay_ns() / 100).max(1_000_000);
    // No figure of the run's own in it, so that runs void for the same reason are told as one.
    (late_ns > allowed_ns)
        .then(|| format!("the target was late: its p99 is above the {} ms allowed", allowed_ns as f64 / 1e6))
}

/// Where the harness reads `done` late, or did not run at all for a while, the wall time is not the contender's.
fn harness_in_time(evidence: &Evidence<'_>) -> Option<String> {
    (evidence.harness.held_up_ns() > lateness_allowed_ns(evidence))
        .then(|| format!("the harness was held up for more than {} % of the wall time", HELD_UP * 100.0))
}

fn no_quota_reached(evidence: &Evidence<'_>) -> Option<String> {
    (!evidence.throttled_by.is_empty())
        .then(|| format!("throttled by {}", evidence.throttled_by.join(" and ")))
}

/// URLs that share a fault: how many, and the first as an example.
#[derive(Clone, Copy, Default)]
struct Offenders {
    first: Option<u64>,
    count: u64,
}

impl Offenders {
    fn add(&mut self, id: u64) {
        self.first.get_or_insert(id);
        self.count += 1;
    }

    fn tell(&self, fault: &str) -> Option<String> {
        let first = self.first?;
        Some(match self.count {
            1 => format!("URL {first} was {fault}"),
            count => format!("{count} URLs were {fault}, URL {first} for one"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_that_do_not_fit_into_the_slots_are_told() {
        let lasting = |ns| Sample {
            id: 0,
            due_ns: None,
            start_ns: 0,
            end_ns: ns,
            outcome: Outcome::Response { status: 200, bytes: 0, crc32: 0 },
            resent: false,
            process: None,
        };
        let samples = [lasting(100), lasting(100), lasting(50)];
        assert_eq!(against_littles_law(&samples, 125, 2), None);
        assert_eq!(against_littles_law(&samples, 124, 2), None, "within what two clocks may differ");
        let told = against_littles_law(&samples, 100, 2).unwrap();
        assert!(told.contains("2.5 in flight, its shape allows 2"), "{told}");
    }
}
