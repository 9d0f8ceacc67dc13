//! A client that is a plain socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use mock_target::{Handle, Scenario, Server, Stats};

/// Long enough for any machine; only a failing test waits this long.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

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
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
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

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the target reads");
    }

    /// Requests a URL and leaves the connection open.
    pub(crate) fn get(&mut self, id: u64) -> Response {
        self.send(format!("GET /u/{id} HTTP/1.1\r\nhost: test\r\n\r\n"));
        self.response()
    }

    /// Reads one head, up to its empty line.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("the rest of a head");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("a head is text")
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

pub(crate) fn start(latency: &str) -> Handle {
    Server::start(scenario(latency)).expect("the target starts")
}

/// The counters once `condition` holds for them.
pub(crate) fn wait_for(target: &Handle, condition: impl Fn(&Stats) -> bool) -> Stats {
    let started = Instant::now();
    loop {
        let stats = target.stats().expect("stats");
        if condition(&stats) {
            return stats;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "waited too long: {stats:?}");
        thread::sleep(Duration::from_millis(1));
    }
}
