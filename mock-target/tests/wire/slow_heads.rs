//! Clients that send a byte of a head now and then and never finish it: "slow loris".

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mock_target::Handle;

use crate::client::{Client, connect_from, in_own_process, start, stats, wait_for};

/// Set in the process that has all the connections.
const OWN_PROCESS: &str = "MOCK_TARGET_SLOW_HEADS";

const SLOW: usize = 2_000;

/// Ordinary clients, and the requests of each in one measurement.
const CLIENTS: u64 = 16;
const REQUESTS: u64 = 30;

/// Measurements without and with slow clients, interleaved so that other load on the machine affects both.
const REPEATS: usize = 15;

#[test]
fn two_thousand_slow_heads_delay_no_response() {
    if std::env::var_os(OWN_PROCESS).is_none() {
        let test = "slow_heads::two_thousand_slow_heads_delay_no_response";
        let status = in_own_process(test, OWN_PROCESS, "1").status().expect("it starts");
        return assert!(status.success());
    }
    let limit = mock_target::raise_descriptor_limit().expect("a limit");
    // Both ends are descriptors of this process. Fewer connections where there are too few.
    let slow = SLOW.min(usize::try_from(limit.saturating_sub(200) / 2).unwrap_or(SLOW));
    let target = start("uniform:5ms,25ms");
    p99_lateness_ns(&target); // warms up
    let mut ratios: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let without = p99_lateness_ns(&target);
            let with = with_slow_heads(&target, slow, || p99_lateness_ns(&target));
            with as f64 / without as f64
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("p99 of lateness with {slow} slow heads ÷ without: {ratios:.2?}");
    assert!(ratios[REPEATS / 2] <= 2.0, "{ratios:.2?}");
}

/// The p99 of lateness, by the target's ledger, under an ordinary load.
fn p99_lateness_ns(target: &Handle) -> u64 {
    target.reset().expect("it can be reset");
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = Client::connect(target.address());
                (0..REQUESTS).for_each(|turn| assert_eq!(client.get((number + turn) % 100).status(), 200));
            });
        }
    });
    let lateness = target.ledger().expect("a ledger").stats.lateness_ns;
    assert_eq!(lateness.count, CLIENTS * REQUESTS);
    lateness.p99
}

/// Calls `measure` while `slow` connections each send a byte of an endless head now and then.
fn with_slow_heads<T>(target: &Handle, slow: usize, measure: impl FnOnce() -> T) -> T {
    let before = stats(target).connections;
    let mut streams: Vec<TcpStream> = (0..slow).map(|index| begin(target.address(), index)).collect();
    wait_for(target, |stats| stats.connections >= before + slow as u64);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for few in streams.chunks_mut(10) {
                    few.iter_mut().for_each(|stream| stream.write_all(b"x").expect("it is open"));
                    thread::sleep(Duration::from_millis(5));
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
        });
        let measured = measure();
        is_over.store(true, Ordering::Relaxed);
        measured
    })
}

/// A connection with the beginning of a head. It ends with a reset, so that no port stays in TIME_WAIT.
fn begin(address: SocketAddr, index: usize) -> TcpStream {
    let mut stream = connect_from((index % 4) as u8, address, Some(Duration::ZERO));
    stream.write_all(b"GET /u/1 HTTP/1.1\r\nx: ").expect("written");
    stream
}
