//! The admin port serves JSON that the library's types deserialize.

use std::io::Read;
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use mock_target::{Handle, Ledger, LoopStats, Scenario, ScenarioPlan, ServerOptions, Stats, TimeLimits};
use serde::de::DeserializeOwned;

use crate::client::{Client, Response, scenario, start, start_with, stats};

const GET_PLAN: &str = "GET /plan HTTP/1.1\r\nhost: t\r\n\r\n";

fn request(target: &Handle, line: &str) -> Response {
    let mut client = Client::sending(target.admin_address(), format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let response = client.response();
    assert_eq!(client.rest(), b"");
    response
}

fn request_json<T: DeserializeOwned>(target: &Handle, line: &str) -> T {
    let response = request(target, line);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&response.body).expect("JSON of the right shape")
}

/// A target whose plan is larger than a socket holds.
fn start_with_large_plan(limits: TimeLimits) -> Handle {
    let many = Scenario { urls: 200_000, ..scenario("fixed:0ms") };
    start_with(many, ServerOptions { limits, ..ServerOptions::default() })
}

#[test]
fn json_matches_the_library_api() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    (0..5).for_each(|id| drop(client.get(id)));
    assert_eq!(request_json::<Stats>(&target, "GET /stats"), stats(&target));
    assert_eq!(request_json::<Ledger>(&target, "GET /ledger"), target.ledger().expect("a ledger"));
    let loops = request_json::<Vec<LoopStats>>(&target, "GET /loops");
    assert!(loops.iter().map(|of_loop| of_loop.received).eq([5]));
    let plan = request_json::<ScenarioPlan>(&target, "GET /plan");
    assert_eq!(plan, ScenarioPlan::of(&scenario("fixed:1ms")));
    assert_eq!((plan.urls.len(), &*plan.urls[7].path, plan.urls[7].delay_ns), (100, "/u/7", 1_000_000));
}

#[test]
fn post_reset_clears_the_ledger() {
    let target = start("fixed:0ms");
    Client::connect(target.address()).get(1);
    assert_eq!(request(&target, "POST /reset").status(), 200);
    assert_eq!(stats(&target), Stats::default());
}

#[test]
fn invalid_requests_are_refused() {
    let target = start("fixed:0ms");
    for (line, status) in [("GET /", 404), ("GET /reset", 405), ("DELETE /stats", 405)] {
        assert_eq!(request(&target, line).status(), status, "{line}");
    }
    for (bytes, status) in [
        ("\x16\x03\x01\r\n\r\n".to_owned(), 400),
        (format!("GET /stats HTTP/1.1\r\nx: {}", "a".repeat(10_000)), 431),
    ] {
        assert_eq!(Client::sending(target.admin_address(), bytes).response().status(), status);
    }
    assert_eq!(request(&target, "GET /stats").status(), 200);
}

#[test]
fn idle_clients_do_not_block_others() {
    let target = start_with_large_plan(TimeLimits {
        request_ns: u64::MAX,
        write_ns: u64::MAX,
        ..TimeLimits::default()
    });
    let _silent: Vec<Client> = (0..100).map(|_| Client::connect(target.admin_address())).collect();
    let mut unfinished = Client::sending(target.admin_address(), "GET /stats HT");
    let _unread = Client::sending(target.admin_address(), GET_PLAN);
    for _ in 0..3 {
        assert_eq!(request(&target, "GET /stats").status(), 200);
    }
    unfinished.send("TP/1.1\r\n\r\n");
    assert_eq!(unfinished.response().status(), 200);
}

#[test]
fn slow_clients_are_closed_at_the_time_limit() {
    let target = start_with_large_plan(TimeLimits {
        request_ns: 50_000_000,
        write_ns: 50_000_000,
        ..TimeLimits::default()
    });
    for sent in ["", "GET /stats HTTP/1.1\r\n"] {
        assert_eq!(Client::sending(target.admin_address(), sent).rest(), b"", "{sent}");
    }
    let mut unread = Client::sending(target.admin_address(), GET_PLAN);
    let response = Response { head: unread.head(), body: Vec::new() };
    let length: usize = response.header("content-length").expect("a length").parse().expect("a number");
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
        let request = format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n");
        let mut client = Client::sending(target.admin_address(), request);
        client.0.shutdown(Shutdown::Write).expect("it is open");
        assert!(client.rest().starts_with(b"HTTP/1.1 "), "{line}");
    }
}
