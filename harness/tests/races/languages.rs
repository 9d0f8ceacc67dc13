//! Contenders in other languages meet the same requirements as the models.
//!
//! Those that are not set up are skipped and listed on stderr; with `INFLIGHT_REQUIRE_ALL` set
//! that is a failure.

use std::collections::BTreeSet;
use std::sync::Arc;

use inflight::contender::catalogue::Catalogue;
use inflight::contender::external::{External, Readiness};
use inflight::contender::{Contender, Shape, Source};
use inflight::runner::NoObserver;
use inflight::worker::protocol::{ErrorKind, Outcome};
use mock_target::{Fault, Server};

use crate::common::{observe, session, skip_without, valid_figures};
use crate::faults;
use crate::workers::{assert_none, run_external};

/// The external contenders that come with the program and are set up.
pub(crate) fn ready() -> Vec<Arc<External>> {
    let catalogue = Catalogue::load(&[]).unwrap();
    let all = catalogue.externals().iter().cloned();
    let (ready, missing): (Vec<_>, Vec<_>) =
        all.partition(|external| external.bundle.readiness() != Readiness::Missing);
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|external| external.name.as_str()).collect();
        skip_without(&format!("{} contenders: run `inflight setup all`: {}", names.len(), names.join(", ")));
    }
    ready
}

#[test]
fn every_contender_in_another_language_is_valid() {
    let mut session = session(60, "uniform:1ms,5ms");
    for external in ready() {
        let in_flight = external.max_in_flight.unwrap_or(7);
        for processes in [1, 2] {
            let source = Source::External(external.clone());
            let contender = Contender { source, shape: Shape { processes, in_flight } };
            let run = observe(&mut session, &contender, &mut NoObserver);
            valid_figures(&run);
            assert_eq!(run.samples.errors, [], "{contender}");
        }
    }
}

/// Faults that a library reports with another kind: a prefix of contenders, the fault, and the kind that they
/// report.
const EXCUSED: [(&str, &str, ErrorKind); 4] = [
    // net/http reports `unexpected EOF` for every incomplete head.
    ("go", "reset-mid-head", ErrorKind::Truncated),
    // undici reports a reset as a close.
    ("node-", "reset-mid-head", ErrorKind::Truncated),
    ("node-", "reset-mid-body", ErrorKind::Truncated),
    // aiohttp rejects a response that is followed by surplus bytes.
    ("python-", "short-length", ErrorKind::Malformed),
];

/// The most requests of a contender that may fail because an earlier fault ends their connection.
const MAX_STRAYS: usize = 2;

fn excused(name: &str, injected: Option<Fault>, outcome: Outcome) -> bool {
    EXCUSED.iter().any(|(prefix, fault, kind)| {
        let has_fault = injected == Some(fault.parse().unwrap());
        name.starts_with(prefix) && has_fault && outcome == Outcome::Failure { error: *kind }
    })
}

#[test]
fn every_language_reports_the_same_error_kind() {
    let scenario = faults::scenario();
    let server = Server::start(scenario.clone()).unwrap();
    let job = faults::job(server.address());
    let mut wrong = BTreeSet::new();
    for external in ready() {
        let (_, samples) = run_external(&external, 2, &job);
        let mismatches = samples.iter().filter_map(|sample| {
            let (fault, message) = faults::mismatch(&scenario, sample)?;
            (!excused(&external.name, fault, sample.outcome)).then_some((sample.outcome, message))
        });
        // A request may be sent on an idle connection that an earlier fault is ending.
        let reset = Outcome::Failure { error: ErrorKind::Reset };
        let (strays, others): (Vec<_>, Vec<_>) = mismatches.partition(|(outcome, _)| *outcome == reset);
        let failures = if strays.len() <= MAX_STRAYS { others } else { [strays, others].concat() };
        wrong.extend(failures.into_iter().map(|(_, message)| format!("{}: {message}", external.name)));
    }
    assert_none(wrong);
}
