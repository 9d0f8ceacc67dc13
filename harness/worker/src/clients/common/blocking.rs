//! The common client for models that block a thread, or a coroutine, while they wait.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::endpoint::Endpoint;
use super::exchange::{Exchange, Method, Progress, Response};
use super::{READ_BYTES, VERSION, details, is_reusable, was_closed_while_idle};
use crate::clients::{BlockingFetch, Client, UNPOISONED, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// A stream whose reads block.
pub trait Socket: Read + Write + Send + Sized {
    /// Connects, with `TCP_NODELAY`.
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self>;
    /// Reads time out after `timeout`, which is never zero.
    fn set_timeout(&self, timeout: Duration) -> io::Result<()>;
    /// Whether it is open and has no unread bytes.
    fn is_reusable(&self) -> bool;
}

impl Socket for TcpStream {
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }

    fn is_reusable(&self) -> bool {
        is_reusable(self)
    }
}

/// One client, shared by all threads.
pub struct Blocking<S> {
    endpoint: Endpoint,
    idle: Mutex<Vec<Connection<S>>>,
}

impl<S: Socket> Client for Blocking<S> {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!(
        "The first read of a response goes into 1 KiB on the stack, and further reads into one of a few buffers \
        of 16 KiB that all connections share."
    );

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Blocking { endpoint: Endpoint::of(plan)?, idle: Mutex::default() })
    }
}

impl<S: Socket> BlockingFetch for Blocking<S> {
    fn fetch(&self, id: u64) -> Fetched {
        let deadline = Instant::now() + self.endpoint.request_timeout;
        let idle = self.idle.lock().expect(UNPOISONED).pop();
        let Some(mut connection) = idle else { return self.fetch_fresh(id, deadline) };
        if connection.stream.is_reusable() {
            let result = connection.request(&self.endpoint, id, deadline);
            if !was_closed_while_idle(&connection.exchange, result) {
                return self.finish(connection, result);
            }
        }
        Fetched { resent: true, ..self.fetch_fresh(id, deadline) }
    }
}

impl<S: Socket> Blocking<S> {
    fn fetch_fresh(&self, id: u64, deadline: Instant) -> Fetched {
        let mut connection = match Connection::open(&self.endpoint) {
            Ok(connection) => connection,
            Err(kind) => return kind.into(),
        };
        let result = connection.request(&self.endpoint, id, deadline);
        self.finish(connection, result)
    }

    fn finish(&self, connection: Connection<S>, result: Result<Response, ErrorKind>) -> Fetched {
        if result.is_ok_and(|response| response.reusable) {
            self.idle.lock().expect(UNPOISONED).push(connection);
        }
        result.into()
    }
}

/// The size of the first read of a response: a head and a short body. A larger buffer would be held by every
/// request in flight while it waits.
const FIRST_READ_BYTES: usize = 1 << 10;

/// Buffers for further reads. They are in use only while bytes arrive, so there are at most as many as running threads.
static BUFFER_POOL: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

struct Connection<S> {
    stream: S,
    exchange: Exchange,
    /// The timeout that is set on the socket.
    timeout: Duration,
}

impl<S: Socket> Connection<S> {
    fn open(endpoint: &Endpoint) -> Result<Self, ErrorKind> {
        let stream = S::connect(&endpoint.address, endpoint.connect_timeout).map_err(kind_of_connecting)?;
        stream.set_timeout(endpoint.request_timeout)?;
        let timeout = endpoint.request_timeout;
        Ok(Connection { stream, exchange: Exchange::default(), timeout })
    }

    fn request(&mut self, endpoint: &Endpoint, id: u64, deadline: Instant) -> Result<Response, ErrorKind> {
        self.exchange.begin(Method::Get, endpoint, id);
        self.stream.write_all(self.exchange.to_send())?;
        self.exchange.sent(self.exchange.to_send().len());
        if let Some(response) = self.read(&mut [0; FIRST_READ_BYTES], endpoint, deadline)? {
            return Ok(response);
        }
        let mut input =
            BUFFER_POOL.lock().expect(UNPOISONED).pop().unwrap_or_else(|| vec![0; READ_BYTES].into());
        let result = loop {
            if let Some(result) = self.read(&mut input, endpoint, deadline).transpose() {
                break result;
            }
        };
        BUFFER_POOL.lock().expect(UNPOISONED).push(input);
        result
    }

    /// Reads once. Returns the response when it is complete.
    fn read(
        &mut self,
        input: &mut [u8],
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<Option<Response>, ErrorKind> {
        self.update_timeout(deadline, endpoint.request_timeout)?;
        match self.stream.read(input)? {
            0 => self.exchange.close().map(Some),
            length => match self.exchange.receive(&input[..length])? {
                Progress::Done(response) => Ok(Some(response)),
                Progress::NeedMore => Ok(None),
            },
        }
    }

    /// Makes the next read time out at about `deadline`. Setting the timeout costs a system call, so it is set
    /// only when it is off by a tenth of the request timeout.
    fn update_timeout(&mut self, deadline: Instant, request_timeout: Duration) -> Result<(), ErrorKind> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::Timeout);
        }
        if left.abs_diff(self.timeout) > request_timeout / 10 {
            self.stream.set_timeout(left)?;
            self.timeout = left;
        }
        Ok(())
    }
}
