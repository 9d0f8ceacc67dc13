//! The admin port answers in JSON that the library's own types read.

use std::io::Read;
use std::thread;
use std::time::Duration;

use mock_target::{Ledger, LoopStats, Plan, Scenario, Server, ServerOptions, Stats, TimeLimits};
use serde::de::DeserializeOwned;

use crate::client::{Client, Response, scenario, start};

fn ask(target: &mock_target::Handle, line: &str) -> Response {
    let mut client = Client::connect(target.admin_address());
    client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let response = client.response();
    assert_eq!(client.rest(), b"");
    response
}

fn ask_json<T: DeserializeOwned>(target: &mock_target::Handle, line: &str) -> T {
    let response = ask(target, line);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&response.body).expect("JSON of the right shape")
}

#[test]
fn stats_ledger_and_plan_are_what_the_library_says() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    for id in 0..5 {
        client.get(id);
    }
    assert_eq!(ask_json::<Stats>(&target, "GET /stats"), target.stats().expect("stats"));
    assert_eq!(ask_json::<Ledger>(&target, "GET /ledger"), target.ledger().expect("a ledger"));
    let loops = ask_json::<Vec<LoopStats>>(&target, "GET /loops");
    assert_eq!(loops.iter().map(|of_loop| of_loop.received).collect::<Vec<_>>(), [5]);
    let plan = ask_json::<Plan>(&target, "GET /plan");
    assert_eq!(plan, Plan::of(&scenario("fixed:1ms")));
    assert_eq!(
        (plan.urls.len(), plan.urls[7].path.as_str(), plan.urls[7].delay_ns),
        (100, "/u/7", 1_000_000)
    );
}

#[test]
fn a_reset_over_the_port_resets() {
    let target = start("fixed:0ms");
    Client::connect(target.address()).get(1);
    assert_eq!(ask(&target, "POST /reset").status(), 200);
    assert_eq!(target.stats().expect("stats"), Stats::default());
}

#[test]
fn anything_else_is_refused() {
    let target = start("fixed:0ms");
    assert_eq!(ask(&target, "GET /").status(), 404);
    assert_eq!(ask(&target, "GET /reset").status(), 405);
    assert_eq!(ask(&target, "DELETE /stats").status(), 405);
    for (request, status) in [
        ("\x16\x03\x01\r\n\r\n".to_owned(), 400),
        (format!("GET /stats HTTP/1.1\r\nx: {}", "a".repeat(10_000)), 431),
    ] {
        let mut client = Client::connect(target.admin_address());
        client.send(request);
        assert_eq!(client.response().status(), status);
    }
    assert_eq!(ask(&target, "GET /stats").status(), 200);
}

#[test]
fn who_says_nothing_or_reads_nothing_delays_nobody() {
    let limits = TimeLimits { request_ns: u64::MAX, write_ns: u64::MAX, ..TimeLimits::default() };
    let many = Scenario { urls: 200_000, ..scenario("fixed:0ms") };
    let target = Server::start_with(many, ServerOptions { limits, ..ServerOptions::default() })
        .expect("the target starts");
    let silent: Vec<Client> = (0..100).map(|_| Client::connect(target.admin_address())).collect();
    let mut unfinished = Client::connect(target.admin_address());
    unfinished.send("GET /stats HT");
    // A plan larger than the socket holds.
    let mut unread = Client::connect(target.admin_address());
    unread.send("GET /plan HTTP/1.1\r\nhost: t\r\n\r\n");
    for _ in 0..3 {
        assert_eq!(ask(&target, "GET /stats").status(), 200);
    }
    unfinished.send("TP/1.1\r\n\r\n");
    assert_eq!(unfinished.response().status(), 200);
    drop(silent);
}

#[test]
fn who_takes_too_long_is_closed() {
    let limits = TimeLimits { request_ns: 50_000_000, write_ns: 50_000_000, ..TimeLimits::default() };
    let many = Scenario { urls: 200_000, ..scenario("fixed:0ms") };
    let target = Server::start_with(many, ServerOptions { limits, ..ServerOptions::default() })
        .expect("the target starts");
    let mut silent = Client::connect(target.admin_address());
    let mut unfinished = Client::connect(target.admin_address());
    unfinished.send("GET /stats HTTP/1.1\r\n");
    assert_eq!((silent.rest(), unfinished.rest()), (vec![], vec![]));
    let mut unread = Client::connect(target.admin_address());
    unread.send("GET /plan HTTP/1.1\r\nhost: t\r\n\r\n");
    let length: usize = unread
        .head()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse().ok())
        .expect("a length");
    thread::sleep(Duration::from_millis(400));
    // What was on the way, and then the end.
    let mut rest = Vec::new();
    let _ = unread.0.read_to_end(&mut rest);
    assert!(rest.len() < length, "{} of {length}", rest.len());
}

#[test]
fn a_client_that_has_closed_its_end_gets_its_answer() {
    let target = start("fixed:0ms");
    for line in ["GET /stats", "POST /reset", "GET /nowhere"] {
        let mut client = Client::connect(target.admin_address());
        client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
        client.0.shutdown(std::net::Shutdown::Write).expect("it is open");
        assert!(client.rest().starts_with(b"HTTP/1.1 "), "{line}");
    }
}
