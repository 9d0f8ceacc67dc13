//! Every client gets every reply of a corpus, and `table.txt` says what each makes of it.
//!
//! The common client makes the same of a reply under every model, which the corpus says; what other clients make of it
//! is as the table has it; what it does not tell apart, as `one or other`. Where that changes, the table as it was found is written to a file, to be compared.

mod corpus;
mod server;
mod table;

use std::collections::BTreeSet;
use std::sync::Mutex;

use inflight::models::COMMON;
use inflight::protocol::{Outcome, Sample};

use self::corpus::{Reply, replies};
use self::server::{Delivery, Purpose, SPACER_BODY, ids, purpose, start};
use self::table::Table;
use crate::languages;
use crate::workers::{Job, Report, in_parallel, contenders, run_external, failures_of_each};

const REQUEST_TIMEOUT_MS: u64 = 4_000;

fn job(replies: Vec<Reply>) -> Job {
    let ids = ids(replies.len());
    let server = start(replies);
    Job {
        url_prefix: format!("http://{server}/u/"),
        ids,
        in_flight: 1,
        request_timeout_ms: REQUEST_TIMEOUT_MS,
        due_ns: None,
    }
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Response { status, bytes, .. } => format!("{status}/{bytes}"),
        Outcome::Failure { error } => error.to_string(),
    }
}

/// Holds samples against the kept table, and keeps what was found.
struct Judge {
    replies: Vec<Reply>,
    kept: Table,
    found: Mutex<Table>,
}

impl Judge {
    fn new() -> Judge {
        let kept = Table::kept();
        Judge { replies: replies(), found: Mutex::new(kept.clone()), kept }
    }

    /// What is wrong with a sample of a client, if anything.
    fn judge(&self, client: &str, sample: &Sample) -> Option<String> {
        let Purpose::Reply(reply, delivery) = purpose(sample.id) else {
            // A reply harms no request after it, where it is our client that could be harmed.
            let wrong = client == COMMON && sample.outcome != Outcome::response(200, SPACER_BODY);
            let before = purpose(sample.id - 1);
            return wrong.then(|| format!("after {before:?}: {:?}", sample.outcome));
        };
        let Reply { name, expected, .. } = &self.replies[reply];
        let found = text(sample.outcome);
        let kept = self.kept.cell(client, name);
        let as_kept = kept.split(" or ").any(|kept| kept == found);
        if !as_kept && delivery == Delivery::AtOnce {
            self.found.lock().unwrap().set(client, name, found.clone());
        }
        if client == COMMON && sample.outcome != *expected {
            return Some(format!("{name}, {delivery:?}: {:?}, not {expected:?}", sample.outcome));
        }
        (!as_kept).then(|| format!("{name}, {delivery:?}: {found}, and in the table `{kept}`"))
    }

    #[track_caller]
    fn conclude(self, name: &str, wrong: BTreeSet<String>) {
        if !wrong.is_empty() {
            let wrong: Vec<_> = wrong.into_iter().collect();
            let file = self.found.into_inner().unwrap().write(name, &self.replies);
            panic!("{}\nthe table as it was found: {}", wrong.join("\n"), file.display());
        }
    }
}

#[test]
fn table_has_exactly_the_responses_of_the_corpus() {
    let (table, replies) = (Table::kept(), replies());
    let names: BTreeSet<&str> = replies.iter().map(|reply| reply.name.as_str()).collect();
    assert_eq!(names.len(), replies.len(), "every reply has a name of its own");
    assert_eq!(table.rows(), replies.len());
    for (client, name) in
        table.clients().iter().flat_map(|client| names.iter().map(move |name| (client, name)))
    {
        assert_ne!(table.cell(client, name), "", "{client}: {name}");
    }
}

#[test]
fn every_model_handles_responses_as_in_the_table() {
    let judge = Judge::new();
    let wrong = failures_of_each(contenders(), &job(replies()), |client, sample| {
        judge.judge(client.version.split(' ').next().unwrap(), sample)
    });
    judge.conclude("replies.txt", wrong);
}

/// In pieces come only those that are sound: whether aiohttp reports what is not, or waits on, depends on where it is cut.
/// Pieces after a reply may meet the next request.
#[test]
fn every_language_handles_responses_as_in_the_table() {
    let judge = Judge::new();
    let mut job = job(replies());
    let sound = |reply: usize| {
        let Reply { expected, surplus, .. } = &judge.replies[reply];
        matches!(expected, Outcome::Response { .. }) && surplus.is_empty()
    };
    let comes = |id| match purpose(id) {
        Purpose::Reply(reply, Delivery::InPieces) => sound(reply),
        _ => true,
    };
    job.ids.retain(|&id| comes(id));
    let wrong = Mutex::new(BTreeSet::new());
    in_parallel(languages::ready().into_iter(), |external| {
        let Report { client, samples } = run_external(&external, 1, &job);
        let understood = |sample: &&Sample| match purpose(sample.id) {
            Purpose::Reply(reply, Delivery::InPieces) => {
                let Reply { name, expected, .. } = &judge.replies[reply];
                judge.kept.cell(&client, name) == text(*expected)
            }
            _ => true,
        };
        let found = samples.iter().filter(understood).filter_map(|sample| judge.judge(&client, sample));
        wrong.lock().unwrap().extend(found.map(|found| format!("{}: {found}", external.name)));
    });
    judge.conclude("replies-of-languages.txt", wrong.into_inner().unwrap());
}
