//! A load generator so light that it measures the server, not itself.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// Size of every body.
const BODY_BYTES: usize = 10 << 10;

/// The load: a number of requests over a number of connections, each with one request in flight.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) requests: u64,
}

struct Connection {
    stream: TcpStream,
    id: u64,
    requested_at: Instant,
    /// Bytes of the response still to come; `None` before its head.
    left: Option<usize>,
}

/// Sends the requests, and returns how long after its planned delay each response began.
///
/// The first request of every connection is not counted: all are sent at the same time,
/// and such a burst measures throughput, not lateness.
pub(crate) fn run(load: &Load, planned_ns: impl Fn(u64) -> u64) -> io::Result<Vec<u64>> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let mut stream = connect(load.address)?;
        poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
        connections.push(Connection { stream, id: 0, requested_at: Instant::now(), left: None });
    }
    let mut ids = 0..load.requests;
    for (connection, id) in connections.iter_mut().zip(&mut ids) {
        connection.request(id)?;
    }
    let mut late_ns = Vec::with_capacity(load.requests as usize);
    let (mut events, mut buffer) = (Events::with_capacity(1_024), vec![0; 64 << 10]);
    let mut done = 0;
    while done < load.requests {
        poll.poll(&mut events, Some(Duration::from_secs(30)))?;
        if events.is_empty() {
            return Err(io::Error::new(ErrorKind::TimedOut, "no response for 30 seconds"));
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            loop {
                match connection.stream.read(&mut buffer) {
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(length) => {
                        if connection.left.is_none() && connection.id >= load.connections as u64 {
                            let taken = connection.requested_at.elapsed().as_nanos() as u64;
                            late_ns.push(taken.saturating_sub(planned_ns(connection.id)));
                        }
                        if connection.receive(&buffer[..length])? {
                            done += 1;
                            ids.next().map_or(Ok(()), |id| connection.request(id))?;
                        }
                        if length < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(late_ns)
}

/// Opens `count` connections and sends a request over each, without waiting for the responses.
pub(crate) fn open_waiting(address: SocketAddr, count: usize) -> io::Result<Vec<TcpStream>> {
    let open = |_| {
        let mut stream = connect(address)?;
        stream.write_all(b"GET /u/1 HTTP/1.1\r\nhost: bench\r\n\r\n")?;
        Ok(stream)
    };
    (0..count).map(open).collect()
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}

impl Connection {
    fn request(&mut self, id: u64) -> io::Result<()> {
        let mut request = [0; 64];
        let mut free = &mut request[..];
        write!(free, "GET /u/{id} HTTP/1.1\r\nhost: bench\r\n\r\n", id = id % 1_000)?;
        let length = 64 - free.len();
        (self.id, self.left) = (id, None);
        self.requested_at = Instant::now();
        // A request fits into an empty socket.
        self.stream.write_all(&request[..length])
    }

    /// Processes received bytes. Returns whether they complete the response.
    fn receive(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let left = match self.left {
            Some(left) => left,
            None => {
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                end.ok_or_else(|| io::Error::other("a head arrived in pieces"))? + 4 + BODY_BYTES
            }
        };
        let left =
            left.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("more than a body arrived"))?;
        self.left = Some(left);
        Ok(left == 0)
    }
}
