//! The ledger equals the counts of the clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mock_target::{Outcome, Server, ServerOptions};
use proptest::prelude::*;

use crate::client::{Client, scenario, start, wait_for};

#[test]
fn the_ledger_equals_the_counts_of_many_clients() {
    let target = start("uniform:0ms,2ms");
    let bytes = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::connect(target.address());
                for id in 0..100 {
                    let response = client.get(id);
                    bytes.fetch_add((response.head.len() + response.body.len()) as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let ledger = target.ledger().expect("a ledger");
    let stats = &ledger.stats;
    assert_eq!((stats.received, stats.served, stats.aborted, stats.in_flight), (1_600, 1_600, 0, 0));
    assert_eq!((stats.connections, stats.lateness_ns.count), (16, 1_600));
    assert!(stats.most_in_flight <= 16);
    let bytes = bytes.into_inner();
    assert_eq!(ledger.entries.iter().map(|entry| entry.bytes).sum::<u64>(), bytes);
    assert_eq!(stats.sent_bytes, bytes);
    assert!(ledger.entries.iter().map(|entry| entry.sequence).eq(0..1_600));
}

#[test]
fn most_in_flight_counts_all_delayed_requests() {
    let target = start("fixed:300ms");
    let mut clients: Vec<Client> = (0..200).map(|_| Client::connect(target.address())).collect();
    const REQUEST: &str = "GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n";
    for client in &mut clients {
        client.send(REQUEST);
    }
    for client in &mut clients {
        client.response();
    }
    let stats = target.stats().expect("stats");
    assert_eq!((stats.most_in_flight, stats.connections), (200, 200));
    assert_eq!(stats.received_bytes, 200 * REQUEST.len() as u64);
}

#[test]
fn a_client_that_disconnects_is_an_abort_at_once() {
    let target = start("fixed:10s");
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    wait_for(&target, |stats| stats.in_flight == 1);
    drop(client);
    wait_for(&target, |stats| stats.in_flight == 0);
    let ledger = target.ledger().expect("a ledger");
    assert_eq!((ledger.stats.aborted, ledger.stats.served), (1, 0));
    assert_eq!((ledger.entries[0].outcome, ledger.entries[0].bytes), (Outcome::Aborted, 0));
    assert!(ledger.entries[0].actual_delay_ns < 10_000_000_000);
}

#[test]
fn a_full_ledger_drops_entries_but_no_counts() {
    let options = ServerOptions { ledger_entries: Some(10), ..ServerOptions::default() };
    let target = Server::start_with(scenario("fixed:0ms"), options).expect("the target starts");
    let mut client = Client::connect(target.address());
    for id in 0..100 {
        client.get(id);
    }
    let ledger = target.ledger().expect("a ledger");
    assert_eq!(ledger.stats.served, 100);
    assert_eq!(ledger.entries.len() as u64 + ledger.stats.detail_lost, 100);
    assert_eq!(ledger.entries.last().map(|entry| entry.id), Some(99));
}

#[test]
fn a_reset_clears_the_ledger() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    client.get(1);
    target.reset().expect("a reset");
    assert_eq!(target.ledger().expect("a ledger"), mock_target::Ledger::default());
    client.get(2);
    let ledger = target.ledger().expect("a ledger");
    assert_eq!((ledger.stats.served, ledger.stats.most_in_flight), (1, 1));
    assert_eq!(ledger.entries[0].id, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Clients read, disconnect early or pipeline: every request is accounted for.
    #[test]
    fn every_request_ends_in_the_ledger(
        actions in prop::collection::vec((0..3usize, 1..5u64), 1..20),
        latency in prop::sample::select(&["fixed:0ms", "uniform:0ms,3ms"][..]),
    ) {
        let target = start(latency);
        let (mut read, mut refused) = (0, 0);
        for (action, count) in actions {
            let mut client = Client::connect(target.address());
            let pipelined: String = (0..count).map(|id| format!("GET /u/{id} HTTP/1.1\r\nhost: t\r\n\r\n")).collect();
            match action {
                0 => {
                    client.send(pipelined);
                    for _ in 0..count {
                        client.response();
                    }
                    read += count;
                }
                1 => client.send(pipelined),
                _ => {
                    client.send("GET /nowhere HTTP/1.1\r\nhost: t\r\n\r\n");
                    client.response();
                    refused += 1;
                }
            }
        }
        let stats = wait_for(&target, |stats| stats.in_flight == 0 && stats.served >= read);
        prop_assert_eq!(stats.received, stats.served + stats.aborted);
        prop_assert_eq!(stats.refused, refused);
        let ledger = target.ledger().expect("a ledger");
        let served = ledger.entries.iter().filter(|entry| entry.outcome == Outcome::Served).count() as u64;
        prop_assert_eq!(served, ledger.stats.served);
        prop_assert_eq!(ledger.entries.len() as u64, ledger.stats.served + ledger.stats.aborted);
    }
}

#[test]
fn loop_stats_count_each_shards_connections() {
    const BURNT_NS: u64 = 100_000;
    let options = ServerOptions { shards: 2, burn_ns: BURNT_NS, ..ServerOptions::default() };
    let target = Server::start_with(scenario("fixed:0ms"), options).expect("a target");
    let before = target.loops().expect("loops");
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(target.address())).collect();
    for id in 0..400 {
        clients[id as usize % 4].get(id % 100); // as many URLs as there are
    }
    wait_for(&target, |stats| stats.served == 400);
    let loops = target.loops().expect("loops");
    assert_eq!(loops.iter().map(|of_loop| of_loop.received).collect::<Vec<_>>(), [200, 200]);
    for (before, after) in before.iter().zip(&loops) {
        assert!(after.cpu_ns - before.cpu_ns >= 180 * BURNT_NS, "{before:?} {after:?}");
        assert!(after.run_queue_ns >= before.run_queue_ns);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_wait_in_the_socket_is_measured() {
    const BURNT_NS: u64 = 200_000_000;
    const REQUEST: &str = "GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n";
    let options = ServerOptions { burn_ns: BURNT_NS, ..ServerOptions::default() };
    let target = Server::start_with(scenario("fixed:0ms"), options).expect("a target");
    let mut clients = [(); 2].map(|()| Client::connect(target.address()));
    clients.iter_mut().for_each(|client| client.send(REQUEST));
    clients.iter_mut().for_each(|client| drop(client.response()));
    let stats = wait_for(&target, |stats| stats.served == 2);
    // The loop is busy with the first for this long, and the second arrives just after the first.
    assert_eq!(stats.unread_ns.count, 2);
    assert!(stats.unread_ns.max > BURNT_NS / 2, "{:?}", stats.unread_ns);
    let lateness = stats.lateness_ns;
    assert!(lateness.max >= BURNT_NS, "{lateness:?}");
}
