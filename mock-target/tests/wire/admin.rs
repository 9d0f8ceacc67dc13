//! The admin port serves JSON that the library's types deserialize.

use std::io::Read;
use std::thread;
use std::time::Duration;

use mock_target::{Ledger, LoopStats, Scenario, ScenarioPlan, Server, ServerOptions, Stats, TimeLimits};
use serde::de::DeserializeOwned;

use crate::client::{Client, Response, scenario, start};

fn request(target: &mock_target::Handle, line: &str) -> Response {
    let mut client = Client::connect(target.admin_address());
    client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let response = client.response();
    assert_eq!(client.rest(), b"");
    response
}

fn request_json<T: DeserializeOwned>(target: &mock_target::Handle, line: &str) -> T {
    let response = request(target, line);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&response.body).expect("JSON of the right shape")
}

#[test]
fn json_matches_the_library_api() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    for id in 0..5 {
        client.get(id);
    }
    assert_eq!(request_json::<Stats>(&target, "GET /stats"), target.stats().expect("stats"));
    assert_eq!(request_json::<Ledger>(&target, "GET /ledger"), target.ledger().expect("a ledger"));
    let loops = request_json::<Vec<LoopStats>>(&target, "GET /loops");
    assert_eq!(loops.iter().map(|of_loop| of_loop.received).collect::<Vec<_>>(), [5]);
    let plan = request_json::<ScenarioPlan>(&target, "GET /plan");
    assert_eq!(plan, ScenarioPlan::of(&scenario("fixed:1ms")));
    assert_eq!(
        (plan.urls.len(), plan.urls[7].path.as_str(), plan.urls[7].delay_ns),
        (100, "/u/7", 1_000_000)
    );
}

#[test]
fn post_reset_clears_the_ledger() {
    let target = start("fixed:0ms");
    Client::connect(target.address()).get(1);
    assert_eq!(request(&target, "POST /reset").status(), 200);
    assert_eq!(target.stats().expect("stats"), Stats::default());
}

#[test]
fn invalid_requests_are_refused() {
    let target = start("fixed:0ms");
    assert_eq!(request(&target, "GET /").status(), 404);
    assert_eq!(request(&target, "GET /reset").status(), 405);
    assert_eq!(request(&target, "DELETE /stats").status(), 405);
    for (bytes, status) in [
        ("\x16\x03\x01\r\n\r\n".to_owned(), 400),
        (format!("GET /stats HTTP/1.1\r\nx: {}", "a".repeat(10_000)), 431),
    ] {
        let mut client = Client::connect(target.admin_address());
        client.send(bytes);
        assert_eq!(client.response().status(), status);
    }
    assert_eq!(request(&target, "GET /stats").status(), 200);
}

#[test]
fn idle_clients_do_not_block_others() {
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
        assert_eq!(request(&target, "GET /stats").status(), 200);
    }
    unfinished.send("TP/1.1\r\n\r\n");
    assert_eq!(unfinished.response().status(), 200);
    drop(silent);
}

#[test]
fn slow_clients_are_closed_at_the_time_limit() {
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
    // The bytes already sent, then the end.
    let mut rest = Vec::new();
    let _ = unread.0.read_to_end(&mut rest);
    assert!(rest.len() < length, "{} of {length}", rest.len());
}

#[test]
fn a_half_closed_client_gets_its_response() {
    let target = start("fixed:0ms");
    for line in ["GET /stats", "POST /reset", "GET /nowhere"] {
        let mut client = Client::connect(target.admin_address());
        client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
        client.0.shutdown(std::net::Shutdown::Write).expect("it is open");
        assert!(client.rest().starts_with(b"HTTP/1.1 "), "{line}");
    }
}
