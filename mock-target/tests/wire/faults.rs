//! Every fault on the wire: exactly the bytes and the end that its documentation states.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use mock_target::{Handle, Outcome, Scenario, Server, ServerOptions};

use crate::client::{Client, REQUEST, Response, faulty, scenario, settled, start_with, stats};

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum End {
    Closed,
    Reset,
    /// It stayed open until the read timed out.
    Open,
}

/// A target that injects a fault for every URL.
fn start_with_fault(fault: &str) -> Handle {
    let options = ServerOptions { plain: true, ..ServerOptions::default() };
    start_with(faulty(&format!("{fault}=100%"), "fixed:1ms"), options)
}

/// Requests URL 1. Returns all bytes received, and how the connection ended.
fn fetch(target: &Handle) -> (Vec<u8>, End) {
    let mut client = Client::sending(target.address(), REQUEST);
    client.0.set_read_timeout(Some(Duration::from_millis(150))).expect("a timeout can be set");
    let (mut bytes, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        match client.0.read(&mut buffer) {
            Ok(0) => return (bytes, End::Closed),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (bytes, End::Reset),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (bytes, End::Open);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The same, split after the head.
fn fetch_head_and_rest(target: &Handle) -> (String, Vec<u8>, End) {
    let (mut bytes, end) = fetch(target);
    let head_bytes = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
    let rest = bytes.split_off(head_bytes);
    (String::from_utf8(bytes).expect("a head is text"), rest, end)
}

/// Requests URL 1 under a fault, and again on the same connection, which must stay open.
fn fetch_twice(fault: &str) -> Response {
    let target = start_with_fault(fault);
    let mut client = Client::connect(target.address());
    let response = client.get(1);
    assert_eq!(client.get(1).head[..12], response.head[..12], "the connection stays open");
    response
}

/// The planned body of URL 1.
fn body() -> Vec<u8> {
    let bodies = scenario("fixed:1ms").bodies();
    let (tag, rest) = bodies.parts(1);
    [&tag[..], rest].concat()
}

/// The outcome and the bytes that the ledger has for the only request.
fn only_entry(target: &Handle) -> (Outcome, u64) {
    settled(target);
    let ledger = target.ledger().expect("a ledger");
    assert_eq!(ledger.entries.len(), 1);
    assert!(ledger.entries[0].fault.is_some());
    (ledger.entries[0].outcome, ledger.entries[0].bytes)
}

#[test]
fn faults_before_the_body_end_after_the_stated_bytes() {
    for (fault, bytes, end) in [
        ("silence", &b""[..], End::Open),
        ("close-before-reply", b"", End::Closed),
        ("reset-before-head", b"", End::Reset),
        ("reset-mid-head", b"HTTP/1.1 200", End::Reset),
    ] {
        let target = start_with_fault(fault);
        assert_eq!(fetch(&target), (bytes.to_vec(), end), "{fault}");
        assert_eq!(only_entry(&target), (Outcome::Faulted, bytes.len() as u64), "{fault}");
    }
}

#[test]
fn mid_body_faults_end_after_the_stated_bytes() {
    for (fault, end) in
        [("reset-mid-body", End::Reset), ("close-mid-body", End::Closed), ("stall-mid-body", End::Open)]
    {
        for (at, length) in [("", 500), ("@0", 0), ("@7", 7), ("@999", 999), ("@5000", 1_000)] {
            let target = start_with_fault(&format!("{fault}{at}"));
            let (head, rest, ended) = fetch_head_and_rest(&target);
            assert!(head.contains("\r\ncontent-length: 1000\r\n"));
            assert_eq!((rest.as_slice(), &ended), (&body()[..length], &end), "{fault}{at}");
            assert_eq!(only_entry(&target), (Outcome::Faulted, (head.len() + length) as u64));
        }
    }
}

#[test]
fn refuse_resets_connections() {
    let target = start_with_fault("refuse");
    let error = Client::connect(target.address()).0.read(&mut [0; 1]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let stats = stats(&target);
    assert_eq!((stats.connections, stats.connections_refused, stats.received), (1, 1, 0));
}

#[test]
fn framing_faults_send_the_body_under_another_head() {
    let one_chunk = |after: &[u8]| [&b"3e8\r\n"[..], &body(), b"\r\n", after].concat();
    let padding = format!("x-padding: {}", "a".repeat(100 << 10));
    for (fault, field, sent, ended) in [
        ("short-length", "content-length: 500", body(), End::Closed),
        ("bad-chunk", "transfer-encoding: chunked", one_chunk(b"not-a-size\r\n"), End::Closed),
        ("no-last-chunk", "transfer-encoding: chunked", one_chunk(b""), End::Closed),
        ("oversized-head@100KiB", &padding, body(), End::Open),
    ] {
        let (head, rest, end) = fetch_head_and_rest(&start_with_fault(fault));
        assert!(head.contains(&format!("\r\n{field}\r\n")), "{fault}");
        assert_eq!(head.contains("content-length"), !head.contains("chunked"), "{fault}");
        assert_eq!((rest, end), (sent, ended), "{fault}");
    }
}

#[test]
fn endless_1xx_repeats_interim_responses() {
    let target = start_with_fault("endless-1xx");
    let mut client = Client::sending(target.address(), REQUEST);
    for _ in 0..10 {
        assert_eq!(client.head(), "HTTP/1.1 102 Processing\r\n\r\n");
    }
    assert_eq!(stats(&target).in_flight, 1);
    drop(client);
    let (outcome, bytes) = only_entry(&target);
    assert_eq!((outcome, bytes % 27), (Outcome::Faulted, 0));
}

#[test]
fn retry_later_faults_state_retry_after() {
    for (status, name) in [(429, "Too Many Requests"), (503, "Service Unavailable")] {
        for (when, retry_after) in [("", "1"), ("@7s", "7"), ("@garbage", "soon")] {
            let response = fetch_twice(&format!("{status}{when}"));
            assert!(response.head.starts_with(&format!("HTTP/1.1 {status} {name}\r\n")));
            assert_eq!((response.header("retry-after"), response.body.len()), (Some(retry_after), 0));
        }
        let response = fetch_twice(&format!("{status}@date"));
        let parse =
            |field| httpdate::parse_http_date(response.header(field).expect("a date")).expect("a date");
        assert_eq!(parse("retry-after").duration_since(parse("date")).ok(), Some(Duration::from_secs(2)));
    }
}

#[test]
fn redirect_faults_redirect_to_the_same_url() {
    let target = start_with_fault("redirect-chain@2");
    let mut client = Client::connect(target.address());
    for (path, next) in [("/u/1", "/u/1?hop=1"), ("/u/1?hop=1", "/u/1?hop=2")] {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n"));
        let response = client.response();
        assert_eq!((response.status(), response.header("location")), (302, Some(next)));
    }
    client.send("GET /u/1?hop=2 HTTP/1.1\r\nhost: t\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status(), response.body), (200, body()));

    let response = fetch_twice("redirect-loop");
    assert_eq!((response.status(), response.header("location")), (302, Some("/u/1")));
}

#[test]
fn encoding_faults_send_broken_gzip() {
    let [truncated, bomb, wrong] = ["truncated-gzip", "gzip-bomb@1MiB", "wrong-encoding"].map(|fault| {
        let response = fetch_twice(fault);
        assert_eq!(response.header("content-encoding"), Some("gzip"), "{fault}");
        response.body
    });
    let error = GzDecoder::new(&truncated[..]).read_to_end(&mut Vec::new()).expect_err("cut short");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let mut zeros = Vec::new();
    GzDecoder::new(&bomb[..]).read_to_end(&mut zeros).expect("a whole stream");
    assert!(bomb.len() < 2_000 && zeros == vec![0; 1 << 20]);
    assert_eq!(wrong, body());
}

#[test]
fn dribble_sends_single_bytes() {
    let target = start_with_fault("dribble@100us");
    let mut client =
        Client::sending(target.address(), "GET /u/1 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
    let (mut reads, mut bytes, mut buffer) = (0, Vec::new(), [0; 4_096]);
    loop {
        let length = client.0.read(&mut buffer).expect("bytes");
        if length == 0 {
            break;
        }
        reads += 1;
        bytes.extend_from_slice(&buffer[..length]);
    }
    assert!(bytes.ends_with(&body()) && reads > 10, "{reads} reads");
    assert_eq!(stats(&target).served, 1);
}

#[test]
fn soft_block_sends_a_captcha_page() {
    let response = fetch_twice("soft-block");
    assert_eq!((response.status(), response.header("content-type")), (200, Some("text/html")));
    assert!(String::from_utf8_lossy(&response.body).contains("captcha"));
}

#[test]
fn later_attempts_succeed_after_until() {
    let target = start_with(faulty("503=100%,until=3", "fixed:1ms"), ServerOptions::default());
    let mut client = Client::connect(target.address());
    for (attempt, status) in [(1, 503), (2, 503), (3, 200), (4, 200)] {
        client.send(format!("GET /u/1 HTTP/1.1\r\nhost: t\r\nx-attempt: {attempt}\r\n\r\n"));
        assert_eq!(client.response().status(), status);
        client.send(format!("GET /u/1?attempt={attempt} HTTP/1.1\r\nhost: t\r\n\r\n"));
        assert_eq!(client.response().status(), status);
    }
    let entries = target.ledger().expect("a ledger").entries;
    assert!(entries.iter().map(|entry| entry.attempt).eq([1, 1, 2, 2, 3, 3, 4, 4]));
}

/// Requests a URL. The target may refuse, reset or stall the connection at any point.
fn try_to_fetch(target: &Handle, id: u64) {
    let Ok(mut stream) = TcpStream::connect(target.address()) else { return };
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
    let _ = write!(stream, "GET /u/{id} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
    let mut buffer = [0; 8_192];
    for _ in 0..50 {
        if !stream.read(&mut buffer).is_ok_and(|length| length > 0) {
            break;
        }
    }
}

#[test]
fn totals_add_up_with_every_fault() {
    let shares = mock_target::fault::ALL.iter().map(|fault| format!("{fault}=4.5%"));
    let faults = shares.map(|text| text.parse().expect("a fault")).collect();
    let plan = Scenario { faults, ..scenario("uniform:0ms,2ms") };
    let target = Server::start(plan.clone()).expect("the target starts");
    thread::scope(|scope| {
        for thread in 0..4 {
            let target = &target;
            scope.spawn(move || (thread..100).step_by(4).for_each(|id| try_to_fetch(target, id)));
        }
    });
    let stats = settled(&target);
    assert_eq!(stats.received, stats.served + stats.aborted + stats.faulted);
    assert_eq!(stats.connections, 100);
    assert_eq!(stats.received, 100 - stats.connections_refused);
    assert!(stats.faulted > 10, "{stats:?}");
    for entry in target.ledger().expect("a ledger").entries {
        assert_eq!(entry.fault, plan.fault(entry.id, 1));
    }
}

#[test]
fn a_paced_body_is_not_sent_before_its_time() {
    let paced = Scenario { pace: Some("100/5ms".parse().expect("a pace")), ..scenario("fixed:10ms") };
    let target = start_with(paced, ServerOptions::default());
    let requested = Instant::now();
    assert_eq!(Client::connect(target.address()).get(1).body, body());
    // The delay, and ten pieces.
    assert!(requested.elapsed() >= Duration::from_millis(10 + 9 * 5));
    assert_eq!(settled(&target).served, 1);
}
