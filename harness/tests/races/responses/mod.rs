//! Every client receives every response of a corpus. `table.txt` has the outcome of each.
//!
//! The corpus states the outcome in the common client, which is the same under every model. The table states that in the
//! other clients; a cell `one or other` allows either. When an outcome differs, the table with the actual outcomes is
//! written to a file for comparison.

mod corpus;
mod server;
mod table;

use std::collections::BTreeSet;
use std::sync::Mutex;

use inflight::models::COMMON;
use inflight::worker::protocol::{Outcome, Sample};

use self::corpus::{Response, responses};
use self::server::{Delivery, Purpose, SPACER_BODY, ids, purpose, start};
use self::table::Table;
use crate::languages;
use crate::workers::{Job, contenders, failures_of_each, in_parallel, run_external};

const REQUEST_TIMEOUT_MS: u64 = 4_000;

fn job(responses: Vec<Response>) -> Job {
    let ids = ids(responses.len());
    Job { request_timeout_ms: REQUEST_TIMEOUT_MS, ..Job::at(start(responses), ids, 1) }
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Response { status, bytes, .. } => format!("{status}/{bytes}"),
        Outcome::Failure { error } => error.to_string(),
    }
}

/// The name of a client without its version.
fn unversioned(client: &str) -> &str {
    client.split(' ').next().unwrap_or_default()
}

/// Compares samples with the committed table, and collects the actual outcomes.
struct Checker {
    responses: Vec<Response>,
    table: Table,
    found: Mutex<Table>,
}

impl Checker {
    fn new() -> Checker {
        let table = Table::committed();
        Checker { responses: responses(), found: Mutex::new(table.clone()), table }
    }

    /// What is wrong with a sample of a client with its version, if anything.
    fn check(&self, client: &str, sample: &Sample) -> Option<String> {
        let client = unversioned(client);
        let Purpose::Response(response, delivery) = purpose(sample.id) else {
            // In the common client a response does not affect the next request.
            let wrong = client == COMMON && sample.outcome != Outcome::response(200, SPACER_BODY);
            let previous = purpose(sample.id - 1);
            return wrong.then(|| format!("after {previous:?}: {:?}", sample.outcome));
        };
        let Response { name, expected, .. } = &self.responses[response];
        let found = text(sample.outcome);
        let allowed = self.table.cell(client, name);
        let is_allowed = allowed.split(" or ").any(|outcome| outcome == found);
        if !is_allowed && delivery == Delivery::AtOnce {
            self.found.lock().unwrap().set(client, name, found.clone());
        }
        if client == COMMON && sample.outcome != *expected {
            return Some(format!("{name}, {delivery:?}: {:?}, not {expected:?}", sample.outcome));
        }
        (!is_allowed).then(|| format!("{name}, {delivery:?}: {found}, and in the table `{allowed}`"))
    }

    #[track_caller]
    fn finish(self, name: &str, wrong: BTreeSet<String>) {
        if !wrong.is_empty() {
            let wrong: Vec<_> = wrong.into_iter().collect();
            let file = self.found.into_inner().unwrap().write(name, &self.responses);
            panic!("{}\nthe table with the actual outcomes: {}", wrong.join("\n"), file.display());
        }
    }
}

#[test]
fn table_has_exactly_the_responses_of_the_corpus() {
    let (table, responses) = (Table::committed(), responses());
    let names: BTreeSet<&str> = responses.iter().map(|response| response.name.as_str()).collect();
    assert_eq!(names.len(), responses.len(), "names are unique");
    assert_eq!(table.rows(), responses.len());
    for client in &table.clients {
        for name in &names {
            assert_ne!(table.cell(client, name), "", "{client}: {name}");
        }
    }
}

#[test]
fn every_model_handles_responses_as_in_the_table() {
    let checker = Checker::new();
    let wrong = failures_of_each(contenders(), &job(responses()), |client, sample| {
        checker.check(client.version, sample)
    });
    checker.finish("responses.txt", wrong);
}

/// Only valid responses are sent in pieces: whether aiohttp reports an invalid one or waits depends on the split.
/// Pieces after a response may collide with the next request.
#[test]
fn every_language_handles_responses_as_in_the_table() {
    let checker = Checker::new();
    let mut job = job(responses());
    let is_valid = |response: usize| {
        let Response { expected, surplus, .. } = &checker.responses[response];
        matches!(expected, Outcome::Response { .. }) && surplus.is_empty()
    };
    job.ids.retain(|&id| match purpose(id) {
        Purpose::Response(response, Delivery::InPieces) => is_valid(response),
        _ => true,
    });
    let wrong = Mutex::new(BTreeSet::new());
    in_parallel(languages::ready().into_iter(), |external| {
        let (ready, samples) = run_external(&external, 1, &job);
        let is_checked = |sample: &&Sample| match purpose(sample.id) {
            Purpose::Response(response, Delivery::InPieces) => {
                let Response { name, expected, .. } = &checker.responses[response];
                checker.table.cell(unversioned(&ready.client), name) == text(*expected)
            }
            _ => true,
        };
        let checked = samples.iter().filter(is_checked);
        let found = checked.filter_map(|sample| checker.check(&ready.client, sample));
        wrong.lock().unwrap().extend(found.map(|found| format!("{}: {found}", external.name)));
    });
    checker.finish("responses-of-languages.txt", wrong.into_inner().unwrap());
}
