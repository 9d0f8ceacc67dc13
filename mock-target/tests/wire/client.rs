//! A client that is a plain socket, and the targets that tests start.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mock_target::{Handle, Scenario, Server, ServerOptions, Stats};
use socket2::{Domain, Socket, Type};

/// Long enough for any machine; only a failing test waits this long.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) const REQUEST: &str = "GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n";

/// A request for a URL.
pub(crate) fn get(id: u64) -> String {
    format!("GET /u/{id} HTTP/1.1\r\nhost: t\r\n\r\n")
}

/// A response as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().expect("a status line")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A connection.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the target listens");
        stream.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("nodelay can be set");
        Client(stream)
    }

    /// A connection on which these bytes are sent.
    pub(crate) fn sending(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = Client::connect(address);
        client.send(bytes);
        client
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the target reads");
    }

    /// Requests a URL and leaves the connection open.
    pub(crate) fn get(&mut self, id: u64) -> Response {
        self.send(get(id));
        self.response()
    }

    /// Reads one head, up to its empty line.
    pub(crate) fn head(&mut self) -> String {
        read_head(&mut self.0)
    }

    /// Reads one response with a content-length.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = Response { head: self.head(), body: Vec::new() };
        let length = response.header("content-length").expect("a length").parse().expect("a number");
        response.body.resize(length, 0);
        self.0.read_exact(&mut response.body).expect("the rest of a body");
        response
    }

    /// Reads everything until the target closes its end.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).expect("the target closes in order");
        bytes
    }
}

/// Reads one head, up to its empty line.
pub(crate) fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the rest of a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

/// Connects from one of several addresses of loopback, because each has only some 30,000 ports.
pub(crate) fn connect_from(source: u8, address: SocketAddr, linger: Option<Duration>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2 + source), 0));
    socket.bind(&source.into()).expect("an address of loopback");
    socket.set_linger(linger).expect("it can be set");
    socket.connect(&address.into()).expect("a connection");
    socket.into()
}

/// A small scenario: 100 URLs of 1,000 bytes.
pub(crate) fn scenario(latency: &str) -> Scenario {
    let latency = latency.parse().expect("a latency");
    Scenario {
        seed: 7,
        urls: 100,
        latency,
        body_bytes: 1_000,
        ..Scenario::preset("quick").expect("a preset")
    }
}

/// The same with a fault.
pub(crate) fn faulty(fault: &str, latency: &str) -> Scenario {
    Scenario { faults: vec![fault.parse().expect("a fault")], ..scenario(latency) }
}

pub(crate) fn start(latency: &str) -> Handle {
    start_with(scenario(latency), ServerOptions::default())
}

pub(crate) fn start_with(scenario: Scenario, options: ServerOptions) -> Handle {
    Server::start_with(scenario, options).expect("the target starts")
}

pub(crate) fn stats(target: &Handle) -> Stats {
    target.stats().expect("stats")
}

/// The counters once `condition` holds for them.
pub(crate) fn wait_for(target: &Handle, condition: impl Fn(&Stats) -> bool) -> Stats {
    let started = Instant::now();
    loop {
        let stats = stats(target);
        if condition(&stats) {
            return stats;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "waited too long: {stats:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The counters once nothing is in flight.
pub(crate) fn settled(target: &Handle) -> Stats {
    wait_for(target, |stats| stats.in_flight == 0)
}

/// The test of this name in a process of its own, where `variable` is set: descriptors are limited per process.
pub(crate) fn in_own_process(test: &str, variable: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", test, "--nocapture"]).env(variable, value);
    command
}
