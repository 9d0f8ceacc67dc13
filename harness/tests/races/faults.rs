//! Faults have the same error kind in every client.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use inflight::models::COMMON;
use inflight::worker::protocol::{ErrorKind, Outcome, Sample};
use mock_target::{Fault, FaultShare, Scenario, Server};

use crate::common;
use crate::workers::{Job, each_contender, unexpected};

const URLS: u64 = 200;
const BODY_BYTES: u64 = 1_000;

/// Requests for URLs that the server does not have.
const MISSING_URLS: u64 = 3;

/// How long a request without a response takes.
const REQUEST_TIMEOUT_MS: u64 = 1_500;

/// Every fault that a client can see, its share in percent, and the expected outcome.
const FAULTS: [(&str, f64, Expected); 15] = [
    ("silence", 2.0, Expected::Failure(ErrorKind::Timeout)),
    ("close-before-reply", 4.0, Expected::Failure(ErrorKind::Truncated)),
    ("reset-before-head", 4.0, Expected::Failure(ErrorKind::Reset)),
    ("reset-mid-head", 4.0, Expected::Failure(ErrorKind::Reset)),
    ("reset-mid-body", 4.0, Expected::Failure(ErrorKind::Reset)),
    ("close-mid-body", 4.0, Expected::Failure(ErrorKind::Truncated)),
    ("stall-mid-body", 2.0, Expected::Failure(ErrorKind::Timeout)),
    ("bad-chunk", 4.0, Expected::Failure(ErrorKind::Malformed)),
    ("no-last-chunk", 4.0, Expected::Failure(ErrorKind::Truncated)),
    ("short-length", 4.0, Expected::Response(200, BODY_BYTES / 2)),
    ("oversized-head@32KiB", 4.0, Expected::Response(200, BODY_BYTES)),
    ("oversized-head@1MiB", 4.0, Expected::Failure(ErrorKind::Malformed)),
    ("429", 4.0, Expected::Response(429, 0)),
    ("redirect-loop", 4.0, Expected::Response(302, 0)),
    ("dribble@100us", 2.0, Expected::Response(200, BODY_BYTES)),
];

#[derive(Clone, Copy, Debug)]
enum Expected {
    Response(u16, u64),
    Failure(ErrorKind),
}

/// A scenario in which each of [`FAULTS`] affects a URL.
pub(crate) fn scenario() -> Scenario {
    let share = |&(name, percent, _): &(&str, f64, _)| FaultShare {
        fault: fault(name),
        percent,
        until_attempt: None,
    };
    let faults = FAULTS.iter().map(share).collect();
    let scenario = Scenario { body_bytes: BODY_BYTES, faults, ..common::scenario(URLS, "fixed:1ms") };
    for (name, ..) in FAULTS {
        assert!((0..URLS).any(|id| scenario.fault(id, 1) == Some(fault(name))), "{name} affects no URL");
    }
    scenario
}

fn fault(name: &str) -> Fault {
    name.parse().unwrap()
}

/// The job of a worker for a server that plays [`scenario`].
pub(crate) fn job(server: SocketAddr) -> Job {
    Job { request_timeout_ms: REQUEST_TIMEOUT_MS, ..Job::at(server, 0..URLS + MISSING_URLS, 16) }
}

/// The fault of the request of `sample`, and a message, if the outcome is not the expected one.
pub(crate) fn mismatch(scenario: &Scenario, sample: &Sample) -> Option<(Option<Fault>, String)> {
    if sample.id >= URLS {
        let not_found = matches!(sample.outcome, Outcome::Response { status: 404, .. });
        return (!not_found).then(|| (None, format!("missing URL: {:?}", sample.outcome)));
    }
    let injected = scenario.fault(sample.id, 1);
    let expected = match injected {
        None => Expected::Response(200, BODY_BYTES),
        Some(injected) => FAULTS.iter().find(|(name, ..)| fault(name) == injected).unwrap().2,
    };
    let as_expected = match (expected, sample.outcome) {
        (Expected::Response(status, bytes), Outcome::Response { status: s, bytes: b, .. }) => {
            (s, b) == (status, bytes)
        }
        (Expected::Failure(kind), Outcome::Failure { error }) => kind == error,
        _ => false,
    };
    (!as_expected).then(|| (injected, format!("{injected:?}: {:?}, expected {expected:?}", sample.outcome)))
}

#[test]
fn every_client_reports_the_same_error_kind() {
    let scenario = scenario();
    let server = Server::start(scenario.clone()).unwrap();
    each_contender(&job(server.address()), |client, sample| {
        let (fault, wrong) = mismatch(&scenario, sample)?;
        // ureq treats a reset within a body as its end.
        let ureq = client.version.starts_with("ureq") && fault == Some(Fault::ResetMidBody(None));
        let excused = ureq && sample.outcome == (Outcome::Failure { error: ErrorKind::Truncated });
        (!excused).then_some(wrong)
    });
}

#[test]
fn refused_connection_is_a_connect_error() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let expected = Outcome::Failure { error: ErrorKind::Connect };
    each_contender(&Job::at(address, 0..4, 2), |_, sample| unexpected(expected, sample));
}

/// How a server ends a connection after it has answered the first request.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// It ends the connection when it receives the next request, otherwise after the pause.
    at_next_request: bool,
    pause: Duration,
    /// It closes only its sending side, and continues to read.
    half: bool,
}

/// Answers one request on a connection, then ends it.
fn answer_once(connection: &TcpStream, ending: Ending) {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    if !lines.any(|line| line.is_empty()) {
        return;
    }
    let _ = (&mut &*connection).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    if ending.at_next_request {
        _ = lines.any(|line| line.is_empty());
    }
    thread::sleep(ending.pause);
    if ending.half {
        let _ = connection.shutdown(Shutdown::Write);
        lines.for_each(drop);
    }
}

/// A client sees each of these as a connection that was closed while idle.
#[test]
fn common_client_resends_after_a_closed_idle_connection() {
    for (at_next_request, pause_ms, half) in
        [(true, 0, false), (false, 0, true), (false, 5, true), (true, 0, true)]
    {
        let ending = Ending { at_next_request, pause: Duration::from_millis(pause_ms), half };
        let address = common::serve(move |connection| answer_once(connection, ending));
        each_contender(&Job::at(address, 0..5, 1), |client, sample| {
            let wrong = sample.outcome != Outcome::response(200, b"hi") || sample.resent != (sample.id > 0);
            (client.name == COMMON && wrong).then(|| format!("{ending:?}: {sample:?}"))
        });
    }
}
