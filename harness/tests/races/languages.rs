//! Contenders in other languages are held to what ours are held to.
//!
//! Those that are not set up are passed over, and counted on stderr; with `INFLIGHT_REQUIRE_ALL` set
//! that is a failure.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use inflight::catalogue::Catalogue;
use inflight::contender::{Contender, Shape, Source};
use inflight::external::{External, Readiness};
use inflight::models::NATIVE;
use inflight::protocol::{ErrorKind, Outcome, Plan};
use inflight::session::Unwatched;
use mock_target::{Fault, Server};

use crate::common::{run_source, session, skip_without, sound};
use crate::faults;
use crate::workers::{Errand, carry_out};

/// The external contenders that come with the program and are set up.
fn ready() -> Vec<Arc<External>> {
    let catalogue = Catalogue::load(&[]).unwrap();
    let all = catalogue.externals().iter().cloned();
    let (ready, missing): (Vec<_>, Vec<_>) =
        all.partition(|external| external.kit.readiness() != Readiness::Missing);
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|external| external.name.as_str()).collect();
        skip_without(&format!("{} contenders: run `inflight setup all`: {}", names.len(), names.join(", ")));
    }
    ready
}

#[test]
fn every_contender_in_another_language_is_sound() {
    let mut session = session(60, "uniform:1ms,5ms");
    for external in ready() {
        let in_flight = external.max_in_flight.unwrap_or(7);
        for processes in [1, 2] {
            let source = Source::External(external.clone());
            let contender = Contender { source, shape: Shape { processes, in_flight } };
            let run = run_source(&mut session, &contender, &mut Unwatched);
            sound(&run);
            assert_eq!(run.samples.errors, [], "{contender}");
        }
    }
}

/// What a library does not tell apart, or sees more strictly: contenders, by how their names begin, the
/// fault, and what they make of it.
const EXCUSED: [(&str, &str, ErrorKind); 4] = [
    // net/http reads a head to its end or says `unexpected EOF`, whatever the end was.
    ("go", "reset-mid-head", ErrorKind::Truncated),
    // undici takes a connection that is reset for one that the other side closed.
    ("node-", "reset-mid-head", ErrorKind::Truncated),
    ("node-", "reset-mid-body", ErrorKind::Truncated),
    // aiohttp refuses a response that is followed by more than its length says.
    ("python-", "short-length", ErrorKind::Malformed),
];

/// Requests of a contender that may meet the end of a connection that another's fault has left.
const MOST_STRAYS: usize = 2;

fn excused(name: &str, befallen: Option<Fault>, outcome: Outcome) -> bool {
    EXCUSED.iter().any(|(prefix, fault, kind)| {
        let befallen_so = befallen == Some(fault.parse().unwrap());
        name.starts_with(prefix) && befallen_so && outcome == Outcome::Failure { error: *kind }
    })
}

#[test]
fn the_same_failure_has_the_same_kind_in_every_language() {
    let scenario = faults::scenario();
    let server = Server::start(scenario.clone()).unwrap();
    let errand = faults::errand(server.address());
    let mut wrong = BTreeSet::new();
    for external in ready() {
        let most = external.max_in_flight.map_or(usize::MAX, |most| most as usize);
        let plan = Plan {
            in_flight: errand.in_flight.min(most),
            processes: external.own_processes.then_some(2),
            ..errand.plan(&external.name, NATIVE)
        };
        let launch = external.launch(&crate::common::inflight());
        let samples = carry_out(Command::new(&launch.program).args(&launch.args), &plan).unwrap();
        let misjudged = samples.iter().filter_map(|sample| {
            let (fault, said) = faults::misjudged(&scenario, sample)?;
            (!excused(&external.name, fault, sample.outcome)).then_some((sample.outcome, said))
        });
        // A request may meet an idle connection that an earlier fault is just ending.
        let reset = Outcome::Failure { error: ErrorKind::Reset };
        let (strays, others): (Vec<_>, Vec<_>) = misjudged.partition(|(outcome, _)| *outcome == reset);
        let told = if strays.len() <= MOST_STRAYS { others } else { [strays, others].concat() };
        wrong.extend(told.into_iter().map(|(_, said)| format!("{}: {said}", external.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Answers that make no sense, each of which is an error of its request and of no other.
const BAD_ANSWERS: [&str; 5] = [
    "transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
    "content-length: -5\r\n\r\nhello",
    "content-length: five\r\n\r\nhello",
    "content-length: 4\r\ncontent-length: 5\r\n\r\nhello",
];

/// Answers the one request of a connection with the bad answer of its id.
fn answer_badly(connection: &TcpStream) -> Option<()> {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let id: usize = lines.next()?.split(' ').nth(1)?.strip_prefix("/u/")?.parse().ok()?;
    lines.find(|line| line.is_empty())?;
    write!(&mut &*connection, "HTTP/1.1 200 OK\r\n{}", BAD_ANSWERS[id % BAD_ANSWERS.len()]).ok()
}

#[test]
fn no_worker_ends_by_a_bad_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_badly(&connection));
        }
    });
    let errand = Errand {
        url_prefix: format!("http://{address}/u/"),
        ids: (0..2 * BAD_ANSWERS.len() as u64).collect(),
        in_flight: 2,
        request_timeout_ms: 20_000,
    };
    for external in ready() {
        let most = external.max_in_flight.map_or(usize::MAX, |most| most as usize);
        let plan = Plan {
            in_flight: errand.in_flight.min(most),
            processes: external.own_processes.then_some(2),
            ..errand.plan(&external.name, NATIVE)
        };
        let launch = external.launch(&crate::common::inflight());
        let samples = carry_out(Command::new(&launch.program).args(&launch.args), &plan).unwrap();
        // HttpClient takes the first of two lengths, and waits for the end of what has less than none.
        for sample in samples.iter().filter(|_| external.name != "java-virtual-threads") {
            let malformed = Outcome::Failure { error: ErrorKind::Malformed };
            assert_eq!(sample.outcome, malformed, "{}: {sample:?}", external.name);
        }
    }
}
