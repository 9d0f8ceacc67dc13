//! What a reader should know about a run although it is valid.

use inflight_report::stats::mean_in_flight;

use super::{HELD_UP, RunData, lateness_allowed_ns};
use crate::worker::protocol::Sample;

/// Durations measured by two clocks may differ by this factor.
const CLOCKS_DIFFER: f64 = 1.01;

/// A worker may idle for this part of the wall time before its first request or after its last response without a
/// warning, and for this time at least.
const IDLE: f64 = 0.1;
const IDLE_NS: u64 = 50_000_000;

pub(crate) fn warnings(data: &RunData<'_>) -> Vec<String> {
    let allowed = data.shape.slots();
    [
        reached_less(data),
        sent_again(data),
        go_spread(data),
        idle(data),
        against_littles_law(data.samples, data.wall_ns, allowed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reached_less(data: &RunData<'_>) -> Option<String> {
    if data.workload.rate.is_some() {
        return None; // how many are in flight is then a matter of the rate, too
    }
    let possible = data.shape.most_possible(data.workload.scenario.urls);
    // What is answered at once is no longer in flight when the next is sent.
    let delayed = data.workload.delays_ns.iter().filter(|delay_ns| **delay_ns > 0).count() as u64;
    let most = data.ledger.stats.most_in_flight;
    (most < possible && possible <= delayed)
        .then(|| format!("it did not reach the {possible} in flight that its concurrency allows"))
}

fn sent_again(data: &RunData<'_>) -> Option<String> {
    let resent = data.samples.iter().filter(|sample| sample.resent).count();
    (resent > 0).then(|| format!("it sent {resent} requests again whose idle connection had been closed"))
}

/// With several processes the first ones may be at work, on every core, before the last is sent `go`.
fn go_spread(data: &RunData<'_>) -> Option<String> {
    (data.harness.go_spread_ns > lateness_allowed_ns(data)).then(|| {
        format!(
            "its last process was sent `go` late by more than {} % of the wall time: the cores were busy with those \
             before it",
            HELD_UP * 100.0
        )
    })
}

/// A worker that neither fetches nor computes between `go` and `done` waits for something outside of its model.
fn idle(data: &RunData<'_>) -> Option<String> {
    let (before_ns, after_ns) = outside_of_requests_ns(data.samples, data.wall_ns)?;
    let limit_ns = IDLE_NS.max((data.wall_ns as f64 * IDLE) as u64) + data.cpu_ns;
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
            "throughput × mean duration comes to {mean:.1} in flight, its concurrency allows {allowed}: its clock is \
             not to be trusted"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::protocol::Outcome;

    #[test]
    fn durations_that_exceed_the_slots_give_a_warning() {
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
        let warning = against_littles_law(&samples, 100, 2).unwrap();
        assert!(warning.contains("2.5 in flight, its concurrency allows 2"), "{warning}");
    }
}
