//! HTTP/1.1 as RFC 9110 and 9112 require it, and no request smuggling.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use mock_target::{Server, ServerOptions, TimeLimits};

use crate::client::{Client, scenario, start};

#[test]
fn head_is_get_without_the_body() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    client.send("HEAD /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    assert!(client.head().contains("\r\ncontent-length: 1000\r\n"));
    assert_eq!(client.get(1).status(), 200);
    assert_eq!(target.stats().expect("stats").served, 2);
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
        client.send(format!("GET /u/1 HTTP/1.1\r\nhost: t\r\n{body}GET /u/2 HTTP/1.1\r\nhost: t\r\n\r\n"));
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
fn invalid_requests_get_one_error_and_a_close() {
    let target = start("fixed:0ms");
    let smuggled = "GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n";
    for (request, status) in [
        ("GET /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        ("GET /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400),
        ("GET /u/1 HTTP/1.1\r\nhost: t\nx: y\r\n\r\n", 400),
        ("GET /u/1 HTTP/1.1\r\n\r\n", 400),
        ("GET /u/1 HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n", 400),
        ("GET /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 2000000\r\n\r\n", 413),
        ("GET /u/1 HTTP/1.1\r\nhost: t\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501),
        ("GET /u/1 HTTP/3.0\r\nhost: t\r\n\r\n", 505),
    ] {
        let mut client = Client::connect(target.address());
        client.send([request, smuggled].concat());
        let response = client.response();
        assert_eq!((response.status(), response.header("connection")), (status, Some("close")), "{request}");
        assert_eq!(client.rest(), b"", "{request}");
    }
    assert_eq!(target.stats().expect("stats").received, 0);
}

#[test]
fn trailers_and_chunk_extensions_are_checked() {
    let target = start("fixed:0ms");
    let request = |body: &str| {
        let mut client = Client::connect(target.address());
        client.send(format!("GET /u/1 HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n{body}"));
        let status = client.response().status();
        client.send("GET /u/2 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
        (status, client.rest().is_empty())
    };
    for body in [
        "0\r\nGET /u/7 HTTP/1.1\r\nHost: p\r\n\r\n",
        "0\r\nX-Name : spaced\r\n\r\n",
        "0\r\nx: y\r\n folded\r\n\r\n",
        "0\r\nx: y\0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "5 a\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_eq!(request(body), (400, true), "{body:?}");
    }
    for body in [
        "0\r\n\r\n",
        "0\r\nx: y\r\nempty:\r\n\r\n",
        "5;a;b=c ; d=\"e;f\\\"\"\r\nhello\r\n000;last\r\nx: y\r\n\r\n",
    ] {
        assert_eq!(request(body), (200, false), "{body:?}");
    }
    assert_eq!(target.stats().expect("stats").served, 6);
}

#[test]
fn hosts_and_request_targets_are_checked() {
    let target = start("fixed:0ms");
    let request = |line: &str, host: &str| {
        let mut client = Client::connect(target.address());
        client.send(format!("{line} HTTP/1.1\r\n{host}\r\n\r\n"));
        let response = client.response();
        let closes = response.header("connection") == Some("close");
        (response.status(), closes && client.rest().is_empty())
    };
    for host in
        ["Host: a b", "Host: u@a", "Host: a:b", "Host: [::1", "Host: a/b", "Host: a\r\nHost: a", "X: y"]
    {
        assert_eq!(request("GET /u/1", host), (400, true), "{host}");
    }
    for line in
        ["GET foo/bar", "GET *", "GET a:80", "GET http://u@a/u/1", "CONNECT /u/1", "POST *", "GET /u/1#a"]
    {
        assert_eq!(request(line, "Host: a"), (400, true), "{line}");
    }
    for host in ["Host: a", "Host: a:80", "Host: [::1]:80", "Host:", "Host: %41_~"] {
        assert_eq!(request("GET /u/1", host), (200, false), "{host}");
    }
    for (line, status) in
        [("GET http://b/u/1", 200), ("OPTIONS *", 405), ("CONNECT a:80", 405), ("GET /a?b", 404)]
    {
        assert_eq!(request(line, "Host: a"), (status, false), "{line}");
    }
}

#[test]
fn too_long_heads_are_refused_before_they_are_complete() {
    let target = start("fixed:0ms");
    for (start, status) in [("GET /", 414), ("GET /u/1 HTTP/1.1\r\nx: ", 431)] {
        let mut client = Client::connect(target.address());
        client.send([start, &"a".repeat(20_000)].concat());
        assert_eq!(client.response().status(), status);
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn slow_clients_are_ended_at_the_time_limits() {
    let limits = TimeLimits { request_ns: 100_000_000, idle_ns: 100_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let target = Server::start_with(scenario("fixed:0ms"), options).expect("the target starts");

    let mut slow_head = Client::connect(target.address());
    let mut slow_body = Client::connect(target.address());
    let mut idle = Client::connect(target.address());
    slow_head.send("GET /u/1 HTTP/1.1\r\n");
    slow_body.send("GET /u/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\nhell");
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
fn an_unread_response_is_aborted() {
    let limits = TimeLimits { write_ns: 100_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let large = mock_target::Scenario { body_bytes: 32 << 20, ..scenario("fixed:0ms") };
    let target = Server::start_with(large, options).expect("the target starts");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    while target.stats().expect("stats").aborted == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(target.stats().expect("stats").in_flight, 0);
}

#[test]
fn sending_bytes_does_not_extend_the_write_limit() {
    let limits = TimeLimits { write_ns: 100_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let large = mock_target::Scenario { body_bytes: 32 << 20, ..scenario("fixed:0ms") };
    let target = Server::start_with(large, options).expect("the target starts");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    // The connection is closed with the response.
    while client.0.write_all(b"GET").is_ok() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(target.stats().expect("stats").aborted, 1);
}

#[test]
fn a_stalled_response_ends_at_the_time_limit() {
    let limits = TimeLimits { stall_ns: 50_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let faults = vec!["silence=100%".parse().expect("a fault")];
    let target = Server::start_with(mock_target::Scenario { faults, ..scenario("fixed:0ms") }, options)
        .expect("the target starts");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    assert_eq!(client.rest(), b"");
    assert_eq!(target.stats().expect("stats").faulted, 1);
}

#[test]
fn server_timing_is_omitted_with_plain() {
    for plain in [false, true] {
        let options = ServerOptions { plain, ..ServerOptions::default() };
        let target = Server::start_with(scenario("fixed:1ms"), options).expect("the target starts");
        let response = Client::connect(target.address()).get(1);
        let timing = response.header("server-timing");
        assert_eq!(timing.is_none(), plain);
        if let Some(timing) = timing {
            assert!(timing.starts_with("planned;dur=1.000, actual;dur="), "{timing}");
        }
        assert!(response.header("date").is_some_and(|date| date.ends_with(" GMT")));
    }
}

#[test]
fn several_shards_share_connections_and_ledger() {
    let options = ServerOptions { shards: 3, ..ServerOptions::default() };
    let target = Server::start_with(scenario("uniform:0ms,2ms"), options).expect("the target starts");
    thread::scope(|scope| {
        for _ in 0..9 {
            scope.spawn(|| {
                let mut client = Client::connect(target.address());
                (0..50).for_each(|id| assert_eq!(client.get(id).status(), 200));
            });
        }
    });
    let ledger = target.ledger().expect("a ledger");
    assert_eq!((ledger.stats.served, ledger.stats.connections, ledger.stats.in_flight), (450, 9, 0));
    assert!(ledger.stats.most_in_flight <= 9);
    assert!(ledger.entries.iter().map(|entry| entry.sequence).eq(0..450));
}
