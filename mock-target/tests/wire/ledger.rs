//! The ledger equals the counts of the clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mock_target::{Ledger, Outcome, ServerOptions};
use proptest::prelude::*;

use crate::client::{Client, REQUEST, get, scenario, settled, start, start_with, stats, wait_for};

#[test]
fn the_ledger_equals_the_counts_of_many_clients() {
    for shards in [1, 3] {
        let options = ServerOptions { shards, ..ServerOptions::default() };
        let target = start_with(scenario("uniform:0ms,2ms"), options);
        let bytes = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut client = Client::connect(target.address());
                    for id in 0..100 {
                        let response = client.get(id);
                        let length = (response.head.len() + response.body.len()) as u64;
                        bytes.fetch_add(length, Ordering::Relaxed);
                    }
                });
            }
        });
        let Ledger { stats, entries } = target.ledger().expect("a ledger");
        assert_eq!((stats.received, stats.served, stats.aborted, stats.in_flight), (1_600, 1_600, 0, 0));
        assert_eq!((stats.connections, stats.lateness_ns.count), (16, 1_600));
        assert!(stats.most_in_flight <= 16);
        let bytes = bytes.into_inner();
        assert_eq!(entries.iter().map(|entry| entry.bytes).sum::<u64>(), bytes);
        assert_eq!(stats.sent_bytes, bytes);
        assert!(entries.iter().map(|entry| entry.sequence).eq(0..1_600));
    }
}

#[test]
fn most_in_flight_counts_all_delayed_requests() {
    let target = start("fixed:300ms");
    let mut clients: Vec<Client> = (0..200).map(|_| Client::connect(target.address())).collect();
    clients.iter_mut().for_each(|client| client.send(REQUEST));
    clients.iter_mut().for_each(|client| drop(client.response()));
    let stats = stats(&target);
    assert_eq!((stats.most_in_flight, stats.connections), (200, 200));
    assert_eq!(stats.received_bytes, 200 * REQUEST.len() as u64);
}

#[test]
fn a_client_that_disconnects_is_an_abort_at_once() {
    let target = start("fixed:10s");
    let client = Client::sending(target.address(), REQUEST);
    wait_for(&target, |stats| stats.in_flight == 1);
    drop(client);
    settled(&target);
    let Ledger { stats, entries } = target.ledger().expect("a ledger");
    assert_eq!((stats.aborted, stats.served), (1, 0));
    assert_eq!((entries[0].outcome, entries[0].bytes), (Outcome::Aborted, 0));
    assert!(entries[0].actual_delay_ns < 10_000_000_000);
}

#[test]
fn a_full_ledger_drops_entries_but_no_counts() {
    let options = ServerOptions { ledger_entries: Some(10), ..ServerOptions::default() };
    let target = start_with(scenario("fixed:0ms"), options);
    let mut client = Client::connect(target.address());
    (0..100).for_each(|id| drop(client.get(id)));
    let Ledger { stats, entries } = target.ledger().expect("a ledger");
    assert_eq!((stats.served, entries.len() as u64 + stats.detail_lost), (100, 100));
    assert_eq!(entries.last().map(|entry| entry.id), Some(99));
}

#[test]
fn a_reset_clears_the_ledger() {
    let target = start("fixed:0ms");
    let mut client = Client::connect(target.address());
    client.get(1);
    target.reset().expect("a reset");
    assert_eq!(target.ledger().expect("a ledger"), Ledger::default());
    client.get(2);
    let Ledger { stats, entries } = target.ledger().expect("a ledger");
    assert_eq!((stats.served, stats.most_in_flight, entries[0].id), (1, 1, 2));
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
            let pipelined: String = (0..count).map(get).collect();
            match action {
                0 => {
                    client.send(pipelined);
                    (0..count).for_each(|_| drop(client.response()));
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
        let Ledger { stats, entries } = target.ledger().expect("a ledger");
        let served = entries.iter().filter(|entry| entry.outcome == Outcome::Served).count() as u64;
        prop_assert_eq!(served, stats.served);
        prop_assert_eq!(entries.len() as u64, stats.served + stats.aborted);
    }
}

#[test]
fn loop_stats_count_each_shards_connections() {
    const BURNT_NS: u64 = 100_000;
    let options = ServerOptions { shards: 2, burn_ns: BURNT_NS, ..ServerOptions::default() };
    let target = start_with(scenario("fixed:0ms"), options);
    let before = target.loops().expect("loops");
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(target.address())).collect();
    for id in 0..400 {
        clients[id as usize % 4].get(id % 100); // as many URLs as there are
    }
    wait_for(&target, |stats| stats.served == 400);
    let loops = target.loops().expect("loops");
    for (before, after) in before.iter().zip(&loops) {
        assert_eq!(after.received, 200);
        assert!(after.cpu_ns - before.cpu_ns >= 180 * BURNT_NS, "{before:?} {after:?}");
        assert!(after.run_queue_ns >= before.run_queue_ns);
    }
    assert_eq!(loops.len(), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn the_wait_in_the_socket_is_measured() {
    const BURNT_NS: u64 = 200_000_000;
    let options = ServerOptions { burn_ns: BURNT_NS, ..ServerOptions::default() };
    let target = start_with(scenario("fixed:0ms"), options);
    let mut clients = [(); 2].map(|()| Client::connect(target.address()));
    clients.iter_mut().for_each(|client| client.send(REQUEST));
    clients.iter_mut().for_each(|client| drop(client.response()));
    let stats = wait_for(&target, |stats| stats.served == 2);
    // The loop is busy with the first for this long, and the second arrives just after the first.
    assert_eq!(stats.unread_ns.count, 2);
    assert!(stats.unread_ns.max > BURNT_NS / 2, "{:?}", stats.unread_ns);
    assert!(stats.lateness_ns.max >= BURNT_NS, "{:?}", stats.lateness_ns);
}
