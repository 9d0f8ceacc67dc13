//! As many at once as the system has descriptors for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use mock_target::{Server, ServerOptions};
use socket2::{Domain, Socket, Type};

use crate::client::scenario;

/// Set in the process that is the client, to the target's address.
const ADDRESS: &str = "MOCK_TARGET_SCALE_ADDRESS";

const CONNECTIONS: usize = 15_000;

/// Each end of a connection is a descriptor, so the clients are a process of their own: this test,
/// started once more.
#[test]
fn fifteen_thousand_wait_at_once_and_none_is_lost() {
    let limit = mock_target::raise_descriptor_limit().expect("a limit");
    if let Ok(address) = std::env::var(ADDRESS) {
        return be_the_clients(address.parse().expect("an address"));
    }
    // Where there are too few descriptors, as many as there are.
    let connections = CONNECTIONS.min(usize::try_from(limit.saturating_sub(200)).unwrap_or(CONNECTIONS));
    // Long enough for all to have asked before the first is answered.
    let target =
        Server::start_with(scenario("fixed:8s"), ServerOptions::default()).expect("the target starts");
    let clients = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "scale::fifteen_thousand_wait_at_once_and_none_is_lost"])
        .env(ADDRESS, target.address().to_string())
        .env("CONNECTIONS", connections.to_string())
        .stdout(Stdio::null())
        .status()
        .expect("the clients start");
    assert!(clients.success());
    let stats = target.stats().expect("stats");
    let count = connections as u64;
    assert_eq!((stats.connections, stats.served, stats.aborted, stats.in_flight), (count, count, 0, 0));
    // All of them, unless the machine is too slow to ask so often within the delay.
    assert!(stats.most_in_flight > count / 2, "{}", stats.most_in_flight);
}

/// Asks over every connection, from several addresses of loopback, then reads every response.
fn be_the_clients(address: SocketAddr) {
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
