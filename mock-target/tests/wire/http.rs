//! HTTP/1.1 as RFC 9110 and 9112 require it, and the limits on what clients may do.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use mock_target::{Scenario, ServerOptions, TimeLimits};

use crate::client::{Client, REQUEST, faulty, scenario, start, start_with, stats, wait_for};

#[test]
fn head_is_get_without_the_body() {
    let target = start("fixed:1ms");
    let mut client = Client::sending(target.address(), "HEAD /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    assert!(client.head().contains("\r\ncontent-length: 1000\r\n"));
    assert_eq!(client.get(1).status(), 200);
    assert_eq!(stats(&target).served, 2);
}

#[test]
fn http_1_0_keep_alive_keeps_the_connection() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    for _ in 0..2 {
        client.send("GET /u/1 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
        assert_eq!(client.response().header("connection"), Some("keep-alive"));
    }
}

#[test]
fn the_next_request_is_found_after_a_body() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    let long = "x".repeat(200_000);
    for body in [
        "content-length: 5\r\n\r\nhello".to_owned(),
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_owned(),
        format!("content-length: {}\r\n\r\n{long}", long.len()),
        format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\na: b\r\n\r\n", long.len()),
    ] {
        client.send(format!("GET /u/1 HTTP/1.1\r\nhost: t\r\n{body}{REQUEST}"));
        assert_eq!(client.response().status(), 200);
        assert_eq!(client.response().status(), 200);
    }
    client.send("POST /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhello");
    let response = client.response();
    assert_eq!((response.status(), response.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(client.get(3).status(), 200);
}

#[test]
fn expect_100_continue_gets_100() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    assert_eq!(client.response().status(), 200);
    client.send("PUT /u/1 HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.response().status(), 405);
    assert_eq!(client.rest(), b"");
}

#[test]
fn too_long_heads_are_refused_before_they_are_complete() {
    let target = start("fixed:0ms");
    for (start, status) in [("GET /", 414), ("GET /u/1 HTTP/1.1\r\nx: ", 431)] {
        let mut client = Client::sending(target.address(), [start, &"a".repeat(20_000)].concat());
        assert_eq!(client.response().status(), status);
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn slow_clients_are_ended_at_the_time_limits() {
    let limits = TimeLimits { request_ns: 100_000_000, idle_ns: 100_000_000, ..TimeLimits::default() };
    let target = start_with(scenario("fixed:0ms"), ServerOptions { limits, ..ServerOptions::default() });
    let mut slow_head = Client::sending(target.address(), "GET /u/1 HTTP/1.1\r\n");
    let body = "GET /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhell";
    let mut slow_body = Client::sending(target.address(), body);
    let mut idle = Client::connect(target.address());
    idle.get(1);
    // Further bytes do not extend the time limit.
    slow_head.0.set_read_timeout(Some(Duration::from_millis(10))).expect("a timeout can be set");
    let mut status = [0; 12];
    loop {
        match slow_head.0.read(&mut status) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                slow_head.send("x: y\r\n");
            }
            read => break assert_eq!(read.expect("a response"), 12),
        }
    }
    assert_eq!(&status, b"HTTP/1.1 408");
    assert_eq!(slow_body.response().status(), 408);
    assert_eq!(slow_body.rest(), b"");
    assert_eq!(idle.rest(), b"");
}

#[test]
fn an_unread_response_is_aborted_whether_or_not_the_client_sends() {
    let limits = TimeLimits { write_ns: 100_000_000, ..TimeLimits::default() };
    for sends in [false, true] {
        let large = Scenario { body_bytes: 32 << 20, ..scenario("fixed:0ms") };
        let target = start_with(large, ServerOptions { limits, ..ServerOptions::default() });
        let mut client = Client::sending(target.address(), REQUEST);
        // The connection is closed with the response.
        while sends && client.0.write_all(b"GET").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
        let stats = wait_for(&target, |stats| stats.aborted == 1);
        assert_eq!(stats.in_flight, 0, "{sends}");
    }
}

#[test]
fn a_stalled_response_ends_at_the_time_limit() {
    let limits = TimeLimits { stall_ns: 50_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let target = start_with(faulty("silence=100%", "fixed:0ms"), options);
    assert_eq!(Client::sending(target.address(), REQUEST).rest(), b"");
    assert_eq!(stats(&target).faulted, 1);
}

#[test]
fn server_timing_is_omitted_with_plain() {
    for plain in [false, true] {
        let target = start_with(scenario("fixed:1ms"), ServerOptions { plain, ..ServerOptions::default() });
        let response = Client::connect(target.address()).get(1);
        let timing = response.header("server-timing");
        assert_eq!(timing.is_none(), plain);
        if let Some(timing) = timing {
            assert!(timing.starts_with("planned;dur=1.000, actual;dur="), "{timing}");
        }
        assert!(response.header("date").is_some_and(|date| date.ends_with(" GMT")));
    }
}
