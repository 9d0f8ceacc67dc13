//! Every client gets every reply of a corpus, and `table.txt` says what each makes of it.
//!
//! The common client makes the same of a reply under every model, which the corpus says; what other clients make of it
//! is as the table has it. Where that changes, the table as it was found is written to a file, to be compared.

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
use crate::workers::{Errand, a_few_at_a_time, contenders, send_external, wrong_of_each};

const REQUEST_TIMEOUT_MS: u64 = 4_000;

fn errand(replies: Vec<Reply>) -> Errand {
    let ids = ids(replies.len());
    let server = start(replies);
    Errand {
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

/// What a cell has of a reply that came in such a way. Where the two differ, it has both.
fn of_delivery(cell: &str, delivery: Delivery) -> &str {
    match (cell.split_once(", in pieces "), delivery) {
        (Some((at_once, _)), Delivery::AtOnce) => at_once,
        (Some((_, in_pieces)), Delivery::InPieces) => in_pieces,
        (None, _) => cell,
    }
}

/// A cell as it is after another sample of its reply.
fn with(cell: &str, delivery: Delivery, found: String) -> String {
    let other = match delivery {
        Delivery::AtOnce => return found,
        Delivery::InPieces => of_delivery(cell, Delivery::AtOnce),
    };
    if other == found { found } else { format!("{other}, in pieces {found}") }
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
        let kept = of_delivery(self.kept.cell(client, name), delivery);
        let mut table = self.found.lock().unwrap();
        let cell = with(table.cell(client, name), delivery, found.clone());
        table.set(client, name, cell);
        if client == COMMON && sample.outcome != *expected {
            return Some(format!("{name}, {delivery:?}: {:?}, not {expected:?}", sample.outcome));
        }
        (kept != found).then(|| format!("{name}, {delivery:?}: {found}, and in the table `{kept}`"))
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
fn the_table_has_every_reply_and_no_other() {
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
fn every_model_makes_of_every_reply_what_the_table_says() {
    let judge = Judge::new();
    let wrong = wrong_of_each(contenders(), &errand(replies()), |client, sample| {
        judge.judge(client.version.split(' ').next().unwrap(), sample)
    });
    judge.conclude("replies.txt", wrong);
}

#[test]
fn every_language_makes_of_every_reply_what_the_table_says() {
    let judge = Judge::new();
    let wrong = Mutex::new(BTreeSet::new());
    let errand = errand(replies());
    a_few_at_a_time(languages::ready().into_iter(), |external| {
        let report = send_external(&external, 1, &errand);
        let found = report.samples.iter().filter_map(|sample| judge.judge(&report.client, sample));
        wrong.lock().unwrap().extend(found.map(|found| format!("{}: {found}", external.name)));
    });
    judge.conclude("replies-of-languages.txt", wrong.into_inner().unwrap());
}
