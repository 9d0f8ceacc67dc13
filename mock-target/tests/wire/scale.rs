//! As many connections as the system has descriptors for, and what happens when none is left. Each end of a
//! connection is a descriptor, and their number is limited per process: so the clients or the target run in a
//! process of their own.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::client::{Client, connect_from, get, in_own_process, start, stats};

/// Set to the target's address in the process that runs the clients.
const ADDRESS: &str = "MOCK_TARGET_SCALE_ADDRESS";

const CONNECTIONS: usize = 15_000;

#[test]
fn fifteen_thousand_delayed_responses_are_all_served() {
    let limit = mock_target::raise_descriptor_limit().expect("a limit");
    if let Ok(address) = std::env::var(ADDRESS) {
        return run_clients(address.parse().expect("an address"));
    }
    // Fewer where there are too few descriptors.
    let connections = CONNECTIONS.min(usize::try_from(limit.saturating_sub(200)).unwrap_or(CONNECTIONS));
    // Long enough for all requests to arrive before the first response.
    let target = start("fixed:8s");
    let test = "scale::fifteen_thousand_delayed_responses_are_all_served";
    let clients = in_own_process(test, ADDRESS, &target.address().to_string())
        .env("CONNECTIONS", connections.to_string())
        .stdout(Stdio::null())
        .status()
        .expect("the clients start");
    assert!(clients.success());
    let stats = stats(&target);
    let count = connections as u64;
    assert_eq!((stats.connections, stats.served, stats.aborted, stats.in_flight), (count, count, 0, 0));
    // All of them, unless the machine is too slow to send as many requests within the delay.
    assert!(stats.most_in_flight > count / 2, "{}", stats.most_in_flight);
}

/// Sends a request over every connection, then reads every response.
fn run_clients(address: SocketAddr) {
    let connections: u16 = std::env::var("CONNECTIONS").expect("a number").parse().expect("a number");
    let connect = |index: u16| {
        let mut client = Client(connect_from((index / 2_000) as u8, address, None));
        client.send(get(u64::from(index % 100)).replace("host: t", "host: t\r\nconnection: close"));
        client
    };
    let clients: Vec<Client> = (0..connections).map(connect).collect();
    for mut client in clients {
        let response = client.rest();
        assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n") && response.len() > 1_000);
    }
}

#[cfg(target_os = "linux")]
mod few_descriptors {
    use std::io::{BufRead, BufReader, Read};
    use std::net::Shutdown;
    use std::process::Child;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Resource, Rlimit, setrlimit};

    use super::*;
    use crate::client::REQUEST;

    /// Set in the process that runs a target.
    const TARGET: &str = "MOCK_TARGET_FEW_DESCRIPTORS";

    const DESCRIPTORS: u64 = 64;

    #[test]
    fn out_of_descriptors_the_target_waits_and_continues() {
        if std::env::var_os(TARGET).is_some() {
            let few = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
            setrlimit(Resource::Nofile, few).expect("a limit can be lowered");
            return serve("fixed:1ms");
        }
        let (process, address) =
            start_target("scale::few_descriptors::out_of_descriptors_the_target_waits_and_continues");
        // More than the target can hold: the first are served, the others wait to be accepted.
        let mut clients: Vec<Client> =
            (0..2 * DESCRIPTORS).map(|_| Client::sending(address, REQUEST)).collect();
        assert_eq!(clients[0].response().status(), 200);
        let before = processor_ticks(process.id());
        thread::sleep(Duration::from_millis(500));
        let spent = processor_ticks(process.id()) - before;
        assert!(spent < 25, "it spins: {spent} of 50 ticks");
        // Every client that leaves frees a descriptor for another.
        for mut client in clients.into_iter().skip(1) {
            assert_eq!(client.response().status(), 200);
        }
        assert_eq!(Client::connect(address).get(2).status(), 200);
        stop(process);
    }

    #[test]
    fn half_closed_clients_leak_no_descriptor() {
        if std::env::var_os(TARGET).is_some() {
            return serve("fixed:0ms");
        }
        let (process, address) =
            start_target("scale::few_descriptors::half_closed_clients_leak_no_descriptor");
        let folder = format!("/proc/{}/fd", process.id());
        let descriptors = || std::fs::read_dir(&folder).expect("a process").count();
        // Its address is known before all of its event loops have started: they have once one client was served.
        let mut first = Client::connect(address);
        assert_eq!(first.get(1).status(), 200);
        let before = descriptors();
        for _ in 0..6 {
            let clients: Vec<Client> = (0..500).map(|_| Client::sending(address, REQUEST)).collect();
            for client in &clients {
                client.0.shutdown(Shutdown::Write).expect("it is open");
            }
            for mut client in clients {
                assert!(client.rest().starts_with(b"HTTP/1.1 200"));
            }
        }
        let started = Instant::now();
        while descriptors() > before {
            assert!(started.elapsed() < Duration::from_secs(20), "{} and {before}", descriptors());
            thread::sleep(Duration::from_millis(5));
        }
        stop(process);
    }

    /// Serves until the standard input ends.
    fn serve(latency: &str) {
        let target = start(latency);
        println!("target at {}", target.address());
        std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of the input");
    }

    /// Starts the process in which `test` serves, and returns the address that it prints.
    fn start_target(test: &str) -> (Child, SocketAddr) {
        let mut command = in_own_process(test, TARGET, "1");
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the target starts");
        // The pipe stays open, or the process could print no more.
        let lines = BufReader::new(process.stdout.as_mut().expect("piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("target at ")?.1.parse().expect("an address")));
        (process, address.expect("a line"))
    }

    fn stop(mut process: Child) {
        drop(process.stdin.take());
        assert!(process.wait().expect("it ends").success());
    }

    /// User and system time of a process in the system's ticks, of which a second has 100.
    fn processor_ticks(process: u32) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        let after_name = text.rsplit_once(") ").expect("a name").1;
        after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }
}
