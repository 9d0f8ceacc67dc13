//! As many connections as the system has descriptors for, and what happens when none is left.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mock_target::Server;
use socket2::{Domain, Socket, Type};

use crate::client::{Client, scenario, start};

/// Set to the target's address in the process that runs the clients.
const ADDRESS: &str = "MOCK_TARGET_SCALE_ADDRESS";

const CONNECTIONS: usize = 15_000;

/// Each end of a connection is a descriptor, so the clients run in a process of their own: this test,
/// started once more.
#[test]
fn fifteen_thousand_delayed_responses_are_all_served() {
    let limit = mock_target::raise_descriptor_limit().expect("a limit");
    if let Ok(address) = std::env::var(ADDRESS) {
        return run_clients(address.parse().expect("an address"));
    }
    // Fewer where there are too few descriptors.
    let connections = CONNECTIONS.min(usize::try_from(limit.saturating_sub(200)).unwrap_or(CONNECTIONS));
    // Long enough for all requests to arrive before the first response.
    let target = Server::start(scenario("fixed:8s")).expect("the target starts");
    let clients = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "scale::fifteen_thousand_delayed_responses_are_all_served"])
        .env(ADDRESS, target.address().to_string())
        .env("CONNECTIONS", connections.to_string())
        .stdout(Stdio::null())
        .status()
        .expect("the clients start");
    assert!(clients.success());
    let stats = target.stats().expect("stats");
    let count = connections as u64;
    assert_eq!((stats.connections, stats.served, stats.aborted, stats.in_flight), (count, count, 0, 0));
    // All of them, unless the machine is too slow to send as many requests within the delay.
    assert!(stats.most_in_flight > count / 2, "{}", stats.most_in_flight);
}

/// Sends a request over every connection, from several addresses of loopback, then reads every response.
fn run_clients(address: SocketAddr) {
    let connections: u16 = std::env::var("CONNECTIONS").expect("a number").parse().expect("a number");
    let connect = |index: u16| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let source = Ipv4Addr::new(127, 0, 0, 2 + (index / 2_000) as u8);
        socket.bind(&SocketAddr::from((source, 0)).into()).expect("an address of loopback");
        socket.connect(&address.into()).expect("a connection");
        let mut stream = TcpStream::from(socket);
        write!(stream, "GET /u/{} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n", index % 100)
            .expect("written");
        stream
    };
    let streams: Vec<TcpStream> = (0..connections).map(connect).collect();
    for mut stream in streams {
        let mut response = Vec::new();
        stream.read_to_end(&mut response).expect("a response");
        assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n") && response.len() > 1_000);
    }
}

/// Set in the process that runs a target with few descriptors.
const FEW_DESCRIPTORS: &str = "MOCK_TARGET_FEW_DESCRIPTORS";

/// How many descriptors that is.
const DESCRIPTORS: u64 = 64;

/// The limit on descriptors is per process, so the target runs in a process of its own: this test, started
/// once more.
#[test]
#[cfg(target_os = "linux")]
fn out_of_descriptors_the_target_waits_and_continues() {
    if std::env::var_os(FEW_DESCRIPTORS).is_some() {
        return run_target_with_few_descriptors();
    }
    let mut process = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "scale::out_of_descriptors_the_target_waits_and_continues", "--nocapture"])
        .env(FEW_DESCRIPTORS, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the target starts");
    let address = address_of(&mut process);

    // More than the target can hold: the first are served, the others wait to be accepted.
    let mut clients: Vec<Client> = (0..2 * DESCRIPTORS).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    }
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
    drop(process.stdin.take());
    assert!(process.wait().expect("it ends").success());
}

/// Set in the process that runs a target whose descriptors are counted.
const COUNT_DESCRIPTORS: &str = "MOCK_TARGET_COUNTED_DESCRIPTORS";

/// Descriptors are per process, so the target runs in a process of its own: this test, started once more.
#[test]
#[cfg(target_os = "linux")]
fn half_closed_clients_leak_no_descriptor() {
    if std::env::var_os(COUNT_DESCRIPTORS).is_some() {
        return serve("fixed:0ms");
    }
    let mut process = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "scale::half_closed_clients_leak_no_descriptor", "--nocapture"])
        .env(COUNT_DESCRIPTORS, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the target starts");
    let address = address_of(&mut process);
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", process.id())).expect("a process").count();
    // Its address is known before all of its event loops have started: they have once one client was served.
    let mut first = Client::connect(address);
    assert_eq!(first.get(1).status(), 200);
    let before = descriptors();
    for _ in 0..6 {
        let mut clients: Vec<Client> = (0..500).map(|_| Client::connect(address)).collect();
        for client in &mut clients {
            client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
            client.0.shutdown(Shutdown::Write).expect("it is open");
        }
        for mut client in clients {
            assert!(client.rest().starts_with(b"HTTP/1.1 200"));
        }
    }
    let started = Instant::now();
    while descriptors() > before {
        assert!(started.elapsed() < Duration::from_secs(20), "{} more than {before}", descriptors() - before);
        thread::sleep(Duration::from_millis(5));
    }
    drop(process.stdin.take());
    assert!(process.wait().expect("it ends").success());
}

/// The address that the target's process prints.
#[cfg(target_os = "linux")]
fn address_of(process: &mut Child) -> SocketAddr {
    // The pipe stays open, or the process could print no more.
    let lines = BufReader::new(process.stdout.as_mut().expect("piped")).lines();
    let mut addresses =
        lines.map_while(Result::ok).filter_map(|line| Some(line.split_once("target at ")?.1.to_owned()));
    addresses.next().expect("a line").parse().expect("an address")
}

/// Serves with few descriptors until the standard input ends.
#[cfg(target_os = "linux")]
fn run_target_with_few_descriptors() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let few = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    setrlimit(Resource::Nofile, few).expect("a limit can be lowered");
    serve("fixed:1ms");
}

/// Serves until the standard input ends.
#[cfg(target_os = "linux")]
fn serve(latency: &str) {
    let target = start(latency);
    println!("target at {}", target.address());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of the input");
}

/// User and system time of a process in the system's ticks, of which a second has 100.
#[cfg(target_os = "linux")]
fn processor_ticks(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let after_name = text.rsplit_once(") ").expect("a name").1;
    after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}
