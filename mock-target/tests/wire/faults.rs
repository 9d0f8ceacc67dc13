//! Every fault on the wire: exactly the bytes and the end that its documentation states.

use std::io::{ErrorKind, Read};
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;
use mock_target::{Handle, Outcome, Scenario, Server, ServerOptions, Stats};

use crate::client::{Client, Response, scenario};

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum End {
    Closed,
    Reset,
    /// It stayed open until the read timed out.
    Open,
}

/// A target with a fault.
fn start_with_fault(fault: &str) -> Handle {
    let scenario = Scenario { faults: vec![fault.parse().expect("a fault")], ..scenario("fixed:1ms") };
    let options = ServerOptions { plain: true, ..ServerOptions::default() };
    Server::start_with(scenario, options).expect("the target starts")
}

/// Requests a URL. Returns all bytes received, and how the connection ended.
fn fetch(target: &Handle, id: u64) -> (Vec<u8>, End) {
    let mut client = Client::connect(target.address());
    client.send(format!("GET /u/{id} HTTP/1.1\r\nhost: t\r\n\r\n"));
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
fn fetch_head_and_rest(target: &Handle, id: u64) -> (String, Vec<u8>, End) {
    let (mut bytes, end) = fetch(target, id);
    let head_bytes = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
    let rest = bytes.split_off(head_bytes);
    (String::from_utf8(bytes).expect("a head is text"), rest, end)
}

/// The planned body of a URL.
fn body(id: u64) -> Vec<u8> {
    let bodies = scenario("fixed:1ms").bodies();
    let (tag, rest) = bodies.parts(id);
    [&tag[..], rest].concat()
}

/// The counters once nothing is in flight any more.
fn settled(target: &Handle) -> Stats {
    loop {
        let stats = target.stats().expect("stats");
        if stats.in_flight == 0 {
            return stats;
        }
        thread::sleep(Duration::from_millis(1));
    }
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
fn silence_sends_nothing() {
    let target = start_with_fault("silence=100%");
    assert_eq!(fetch(&target, 1), (vec![], End::Open));
    assert_eq!(only_entry(&target), (Outcome::Faulted, 0));
}

#[test]
fn close_before_reply_closes_without_a_byte() {
    let target = start_with_fault("close-before-reply=100%");
    assert_eq!(fetch(&target, 1), (vec![], End::Closed));
    assert_eq!(only_entry(&target), (Outcome::Faulted, 0));
}

#[test]
fn reset_before_head_resets_without_a_byte() {
    let target = start_with_fault("reset-before-head=100%");
    assert_eq!(fetch(&target, 1), (vec![], End::Reset));
    assert_eq!(only_entry(&target), (Outcome::Faulted, 0));
}

#[test]
fn reset_mid_head_resets_after_twelve_bytes() {
    let target = start_with_fault("reset-mid-head=100%");
    assert_eq!(fetch(&target, 1), (b"HTTP/1.1 200".to_vec(), End::Reset));
    assert_eq!(only_entry(&target), (Outcome::Faulted, 12));
}

#[test]
fn mid_body_faults_end_after_the_stated_bytes() {
    for (fault, end) in
        [("reset-mid-body", End::Reset), ("close-mid-body", End::Closed), ("stall-mid-body", End::Open)]
    {
        for (at, length) in [("", 500), ("@0", 0), ("@7", 7), ("@999", 999), ("@5000", 1_000)] {
            let target = start_with_fault(&format!("{fault}{at}=100%"));
            let (head, rest, ended) = fetch_head_and_rest(&target, 3);
            assert!(head.contains("\r\ncontent-length: 1000\r\n"));
            assert_eq!((rest.as_slice(), &ended), (&body(3)[..length], &end), "{fault}{at}");
            assert_eq!(only_entry(&target), (Outcome::Faulted, (head.len() + length) as u64));
        }
    }
}

#[test]
fn refuse_resets_connections() {
    let target = start_with_fault("refuse=100%");
    let mut client = Client::connect(target.address());
    let error = client.0.read(&mut [0; 1]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let stats = target.stats().expect("stats");
    assert_eq!((stats.connections, stats.connections_refused, stats.received), (1, 1, 0));
}

#[test]
fn short_length_states_half_of_the_body() {
    let (head, rest, end) = fetch_head_and_rest(&start_with_fault("short-length=100%"), 2);
    assert!(head.contains("\r\ncontent-length: 500\r\n"));
    assert_eq!((rest, end), (body(2), End::Closed));
}

#[test]
fn chunk_faults_send_invalid_chunks() {
    let chunk = [&b"3e8\r\n"[..], &body(2), b"\r\n"].concat();
    for (fault, after) in [("bad-chunk", &b"not-a-size\r\n"[..]), ("no-last-chunk", b"")] {
        let (head, rest, end) = fetch_head_and_rest(&start_with_fault(&format!("{fault}=100%")), 2);
        assert!(head.contains("\r\ntransfer-encoding: chunked\r\n") && !head.contains("content-length"));
        assert_eq!((rest, end), ([&chunk[..], after].concat(), End::Closed));
    }
}

#[test]
fn oversized_head_pads_the_head() {
    let (head, rest, end) = fetch_head_and_rest(&start_with_fault("oversized-head@100KiB=100%"), 2);
    assert!(head.contains(&format!("\r\nx-padding: {}\r\n", "a".repeat(100 << 10))));
    assert_eq!((rest, end), (body(2), End::Open));
}

#[test]
fn endless_1xx_repeats_interim_responses() {
    let target = start_with_fault("endless-1xx=100%");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    for _ in 0..10 {
        assert_eq!(client.head(), "HTTP/1.1 102 Processing\r\n\r\n");
    }
    assert_eq!(target.stats().expect("stats").in_flight, 1);
    drop(client);
    let (outcome, bytes) = only_entry(&target);
    assert_eq!((outcome, bytes % 27), (Outcome::Faulted, 0));
}

/// Requests a URL, and again on the same connection, which must stay open.
fn fetch_twice(target: &Handle, id: u64) -> Response {
    let mut client = Client::connect(target.address());
    let response = client.get(id);
    assert_eq!(client.get(id).head[..12], response.head[..12], "the connection stays open");
    response
}

#[test]
fn retry_later_faults_state_retry_after() {
    for (status, name) in [(429, "Too Many Requests"), (503, "Service Unavailable")] {
        for (when, retry_after) in [("", "1"), ("@7s", "7"), ("@garbage", "soon")] {
            let response = fetch_twice(&start_with_fault(&format!("{status}{when}=100%")), 1);
            assert!(response.head.starts_with(&format!("HTTP/1.1 {status} {name}\r\n")));
            assert_eq!((response.header("retry-after"), response.body.len()), (Some(retry_after), 0));
        }
        let response = fetch_twice(&start_with_fault(&format!("{status}@date=100%")), 1);
        let parse =
            |field| httpdate::parse_http_date(response.header(field).expect("a date")).expect("a date");
        assert_eq!(parse("retry-after").duration_since(parse("date")).ok(), Some(Duration::from_secs(2)));
    }
}

#[test]
fn redirect_faults_redirect_to_the_same_url() {
    let target = start_with_fault("redirect-chain@2=100%");
    let mut client = Client::connect(target.address());
    let mut path = "/u/5".to_owned();
    for hop in 1..=2 {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n"));
        let response = client.response();
        path = response.header("location").expect("a location").to_owned();
        assert_eq!((response.status(), path.as_str()), (302, format!("/u/5?hop={hop}").as_str()));
    }
    client.send(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let response = client.response();
    assert_eq!((response.status(), response.body), (200, body(5)));

    let response = fetch_twice(&start_with_fault("redirect-loop=100%"), 5);
    assert_eq!((response.status(), response.header("location")), (302, Some("/u/5")));
}

#[test]
fn encoding_faults_send_broken_gzip() {
    let truncated = fetch_twice(&start_with_fault("truncated-gzip=100%"), 1);
    assert_eq!(truncated.header("content-encoding"), Some("gzip"));
    let error = GzDecoder::new(&truncated.body[..]).read_to_end(&mut Vec::new()).expect_err("cut short");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);

    let bomb = fetch_twice(&start_with_fault("gzip-bomb@1MiB=100%"), 1);
    assert_eq!(bomb.header("content-encoding"), Some("gzip"));
    let mut zeros = Vec::new();
    GzDecoder::new(&bomb.body[..]).read_to_end(&mut zeros).expect("a whole stream");
    assert!(bomb.body.len() < 2_000 && zeros == vec![0; 1 << 20]);

    let wrong = fetch_twice(&start_with_fault("wrong-encoding=100%"), 1);
    assert_eq!((wrong.header("content-encoding"), &wrong.body), (Some("gzip"), &body(1)));
}

#[test]
fn dribble_sends_single_bytes() {
    let target = start_with_fault("dribble@100us=100%");
    let mut client = Client::connect(target.address());
    client.send("GET /u/4 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
    let (mut reads, mut bytes, mut buffer) = (0, Vec::new(), [0; 4_096]);
    loop {
        let length = client.0.read(&mut buffer).expect("bytes");
        if length == 0 {
            break;
        }
        reads += 1;
        bytes.extend_from_slice(&buffer[..length]);
    }
    assert!(bytes.ends_with(&body(4)) && reads > 10, "{reads} reads");
    assert_eq!(target.stats().expect("stats").served, 1);
}

#[test]
fn soft_block_sends_a_captcha_page() {
    let response = fetch_twice(&start_with_fault("soft-block=100%"), 1);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("text/html")));
    assert!(String::from_utf8_lossy(&response.body).contains("captcha"));
}

#[test]
fn later_attempts_succeed_after_until() {
    let target = start_with_fault("503=100%,until=3");
    let mut client = Client::connect(target.address());
    for (attempt, status) in [(1, 503), (2, 503), (3, 200), (4, 200)] {
        client.send(format!("GET /u/1 HTTP/1.1\r\nhost: t\r\nx-attempt: {attempt}\r\n\r\n"));
        assert_eq!(client.response().status(), status);
        client.send(format!("GET /u/1?attempt={attempt} HTTP/1.1\r\nhost: t\r\n\r\n"));
        assert_eq!(client.response().status(), status);
    }
    let attempts: Vec<u32> =
        target.ledger().expect("a ledger").entries.iter().map(|entry| entry.attempt).collect();
    assert_eq!(attempts, [1, 1, 2, 2, 3, 3, 4, 4]);
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
            scope.spawn(move || {
                for id in (0..100).filter(|id| id % 4 == thread) {
                    // The client may be refused or reset at any point. Other tests check what it receives.
                    if let Ok(mut stream) = std::net::TcpStream::connect(target.address()) {
                        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
                        let request = format!("GET /u/{id} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
                        let _ = std::io::Write::write_all(&mut stream, request.as_bytes());
                        let mut buffer = [0; 8_192];
                        for _ in 0..50 {
                            if !stream.read(&mut buffer).is_ok_and(|length| length > 0) {
                                break;
                            }
                        }
                    }
                }
            });
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
    let planned = Duration::from_nanos(paced.duration_ns(1));
    assert_eq!(planned, Duration::from_millis(55));
    let target = Server::start(paced).expect("the target starts");
    let mut client = Client::connect(target.address());
    let requested = std::time::Instant::now();
    assert_eq!(client.get(1).body, body(1));
    assert!(requested.elapsed() >= planned);
    assert_eq!(settled(&target).served, 1);
}
