//! Requests are served as planned, and not before their delay.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use mock_target::{InjectedBug, Scenario, Server};

use crate::client::{Client, REQUEST, get, scenario, start, stats, wait_for};

#[test]
fn every_url_has_its_planned_body() {
    let target = start("fixed:0ms");
    let bodies = scenario("fixed:0ms").bodies();
    let mut client = Client::connect(target.address());
    for id in 0..100 {
        let response = client.get(id);
        assert_eq!((response.status(), response.body.len()), (200, 1_000));
        assert_eq!(crc32fast::hash(&response.body), bodies.crc32(id));
    }
}

#[test]
fn no_response_is_sent_before_its_delay() {
    let latency = "uniform:0ms,40ms";
    let (target, plan) = (start(latency), scenario(latency));
    thread::scope(|scope| {
        for thread in 0..10 {
            let (target, plan) = (&target, &plan);
            scope.spawn(move || {
                let mut client = Client::connect(target.address());
                for id in thread * 10..thread * 10 + 10 {
                    let requested = Instant::now();
                    client.get(id);
                    assert!(requested.elapsed() >= Duration::from_nanos(plan.delay_ns(id)), "{id}");
                }
            });
        }
    });
    for entry in target.ledger().expect("a ledger").entries {
        assert!(entry.actual_delay_ns >= entry.planned_delay_ns);
        assert_eq!(entry.planned_delay_ns, plan.delay_ns(entry.id));
    }
}

#[test]
fn responses_are_sent_in_the_order_of_their_deadlines() {
    let scenario = scenario("uniform:0ms,200ms");
    let slow = (0..100).max_by_key(|id| scenario.delay_ns(*id)).expect("some");
    let fast = (0..100).min_by_key(|id| scenario.delay_ns(*id)).expect("some");
    let target = Server::start(scenario).expect("the target starts");
    let mut first = Client::sending(target.address(), get(slow));
    Client::connect(target.address()).get(fast);
    assert_eq!(stats(&target).in_flight, 1);
    first.response();
    assert_eq!(stats(&target).in_flight, 0);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    for byte in REQUEST.bytes() {
        client.send([byte]);
        thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(client.response().status(), 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for latency in ["fixed:0ms", "uniform:0ms,3ms"] {
        let target = start(latency);
        let bodies = scenario(latency).bodies();
        let mut client = Client::sending(target.address(), (0..50).map(get).collect::<String>());
        for id in 0..50 {
            assert_eq!(crc32fast::hash(&client.response().body), bodies.crc32(id), "{latency} {id}");
        }
        assert_eq!(stats(&target).most_in_flight, 1);
    }
}

#[test]
fn a_client_that_pipelines_thousands_does_not_delay_others() {
    let target = start("fixed:0ms");
    let mut writer = Client::connect(target.address());
    let mut reader = Client(writer.0.try_clone().expect("a second handle"));
    thread::scope(|scope| {
        scope.spawn(move || writer.send(REQUEST.repeat(5_000)));
        scope.spawn(|| {
            (0..100).for_each(|id| assert_eq!(Client::connect(target.address()).get(id).status(), 200));
        });
        (0..5_000).for_each(|_| assert_eq!(reader.response().status(), 200));
    });
    assert_eq!(stats(&target).served, 5_100);
}

#[test]
fn connection_close_is_honoured() {
    let target = start("fixed:1ms");
    for request in ["GET /u/1 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n", "GET /u/1 HTTP/1.0\r\n\r\n"]
    {
        let mut client = Client::sending(target.address(), request);
        let response = client.response();
        assert_eq!((response.status(), response.header("connection")), (200, Some("close")));
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn unplanned_requests_are_refused_and_the_connection_stays_open() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    for (line, status) in [
        ("GET /u/100", 404),
        ("GET /", 404),
        ("GET /u/", 404),
        ("GET /u/+1", 404),
        ("GET /u/99999999999999999999", 404),
        ("DELETE /u/1", 405),
        ("OPTIONS *", 405),
        ("CONNECT a:80", 405),
        ("get /u/1", 501),
        ("BREW /u/1", 501),
    ] {
        client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
        assert_eq!(client.response().status(), status, "{line}");
    }
    assert_eq!(client.get(99).status(), 200);
    client.send("nonsense\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status(), response.header("connection")), (400, Some("close")));
    assert_eq!(client.rest(), b"");
    let stats = stats(&target);
    assert_eq!((stats.refused, stats.served), (11, 1));
}

#[test]
fn a_slow_reader_gets_all_of_a_large_body() {
    let large = Scenario { body_bytes: 32 << 20, ..scenario("fixed:1ms") };
    let expected = large.bodies().crc32(1);
    let target = Server::start(large).expect("the target starts");
    let request = "GET /u/1 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
    let mut client = Client::sending(target.address(), request);
    let head = client.head();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(stats(&target).in_flight, 1, "the body does not fit into the socket");
    let body = client.rest();
    assert_eq!(crc32fast::hash(&body), expected);
    assert_eq!(target.ledger().expect("a ledger").entries[0].bytes, (head.len() + body.len()) as u64);
}

#[test]
fn injected_bugs_affect_one_url_only() {
    const IDS: [u64; 4] = [0, 1, 4, 99];
    let bodies = scenario("fixed:0ms").bodies();
    for (bug, affected, instead) in [(InjectedBug::ServeTwice(99), 0, 99), (InjectedBug::WrongByte(4), 4, 4)]
    {
        let served = |id: u64| if id == affected { instead } else { id };
        let bugged = Scenario { injected_bug: Some(bug), ..scenario("fixed:0ms") };
        let target = Server::start(bugged).expect("the target starts");
        let mut client = Client::connect(target.address());
        for id in IDS {
            let body = client.get(id).body;
            let is_correct = crc32fast::hash(&body) == bodies.crc32(served(id));
            assert_eq!((is_correct, body.len()), (bug != InjectedBug::WrongByte(id), 1_000), "{bug} {id}");
        }
        let ledger = target.ledger().expect("a ledger");
        assert!(ledger.entries.iter().map(|entry| entry.id).eq(IDS.map(served)), "{bug}");
    }
}

#[test]
fn dropping_the_handle_closes_all_sockets() {
    let target = start("fixed:10s");
    let (address, admin) = (target.address(), target.admin_address());
    let mut client = Client::sending(address, REQUEST);
    wait_for(&target, |stats| stats.in_flight == 1);
    drop(target);
    assert_eq!(client.0.read(&mut [0; 1]).expect("an orderly end"), 0);
    assert!(TcpStream::connect(address).is_err());
    assert!(TcpStream::connect(admin).is_err());
}
