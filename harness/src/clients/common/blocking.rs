//! The common client for models that hold a thread, or a coroutine, while they wait.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::exchange::{Exchange, Method, Progress, Reply};
use super::site::Site;
use super::{READ_BYTES, VERSION, details, is_quiet, was_closed_while_idle};
use crate::clients::{BlockingFetch, Client, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// A stream that blocks whoever reads it.
pub trait Socket: Read + Write + Send + Sized {
    /// Connects, with `TCP_NODELAY`.
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self>;
    /// Gives up on a read after so long, which is never zero.
    fn give_up_reading_after(&self, timeout: Duration) -> io::Result<()>;
    /// Whether it is open, and there is nothing to be read.
    fn is_quiet(&self) -> bool;
}

impl Socket for TcpStream {
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn give_up_reading_after(&self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }

    fn is_quiet(&self) -> bool {
        is_quiet(self)
    }
}

/// One client, shared by all threads.
pub struct Blocking<S> {
    site: Site,
    idle: Mutex<Vec<Connection<S>>>,
}

impl<S: Socket> Client for Blocking<S> {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!(
        "Who waits for a response does so with 1 KiB on the stack; what is longer is read into one of a few buffers \
        of 16 KiB that all connections share."
    );

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Blocking { site: Site::of(plan)?, idle: Mutex::default() })
    }
}

impl<S: Socket> BlockingFetch for Blocking<S> {
    fn fetch(&self, id: u64) -> Fetched {
        let deadline = Instant::now() + self.site.request_timeout;
        let idle = self.idle.lock().expect(UNPOISONED).pop();
        let Some(mut connection) = idle else { return self.fetch_fresh(id, deadline) };
        if !connection.stream.is_quiet() {
            return Fetched { resent: true, ..self.fetch_fresh(id, deadline) };
        }
        match connection.request(&self.site, id, deadline) {
            Err(kind) if was_closed_while_idle(&connection.exchange, kind) => {
                Fetched { resent: true, ..self.fetch_fresh(id, deadline) }
            }
            result => self.finish(connection, result),
        }
    }
}

impl<S: Socket> Blocking<S> {
    fn fetch_fresh(&self, id: u64, deadline: Instant) -> Fetched {
        match Connection::open(&self.site) {
            Ok(mut connection) => {
                let result = connection.request(&self.site, id, deadline);
                self.finish(connection, result)
            }
            Err(kind) => kind.into(),
        }
    }

    fn finish(&self, connection: Connection<S>, result: Result<Reply, ErrorKind>) -> Fetched {
        if result.is_ok_and(|reply| reply.reusable) {
            self.idle.lock().expect(UNPOISONED).push(connection);
        }
        result.into()
    }
}

const UNPOISONED: &str = "nothing panics while it holds the lock";

/// Bytes to wait with until a response comes: a head and a short body. A buffer for a whole page would be held by
/// every request in flight for as long as it waits.
const FIRST_READ_BYTES: usize = 1 << 10;

/// Buffers for what follows. They are in use only while bytes come, so there are no more than threads that run.
static SPARE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

struct Connection<S> {
    stream: S,
    exchange: Exchange,
    /// After how long the system gives up on a read.
    patience: Duration,
}

impl<S: Socket> Connection<S> {
    fn open(site: &Site) -> Result<Self, ErrorKind> {
        let stream = S::connect(&site.address, site.connect_timeout).map_err(kind_of_connecting)?;
        stream.give_up_reading_after(site.request_timeout)?;
        let patience = site.request_timeout;
        Ok(Connection { stream, exchange: Exchange::default(), patience })
    }

    fn request(&mut self, site: &Site, id: u64, deadline: Instant) -> Result<Reply, ErrorKind> {
        self.exchange.begin(Method::Get, site, id);
        self.stream.write_all(self.exchange.to_send())?;
        self.exchange.sent(self.exchange.to_send().len());
        if let Some(reply) = self.read(&mut [0; FIRST_READ_BYTES], site, deadline)? {
            return Ok(reply);
        }
        let mut input = SPARE.lock().expect(UNPOISONED).pop().unwrap_or_else(|| vec![0; READ_BYTES].into());
        let result = loop {
            if let Some(result) = self.read(&mut input, site, deadline).transpose() {
                break result;
            }
        };
        SPARE.lock().expect(UNPOISONED).push(input);
        result
    }

    /// Reads once. Gives the response once it is complete.
    fn read(&mut self, input: &mut [u8], site: &Site, deadline: Instant) -> Result<Option<Reply>, ErrorKind> {
        self.mind(deadline, site.request_timeout)?;
        match self.stream.read(input)? {
            0 => self.exchange.close().map(Some),
            length => match self.exchange.receive(&input[..length])? {
                Progress::Done(reply) => Ok(Some(reply)),
                Progress::NeedMore => Ok(None),
            },
        }
    }

    /// Sees to it that a read ends about when `deadline` comes. To tell the system so before every
    /// read would cost a call for each, so it is told only when it is off by a tenth of the timeout.
    fn mind(&mut self, deadline: Instant, timeout: Duration) -> Result<(), ErrorKind> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::Timeout);
        }
        if left.abs_diff(self.patience) > timeout / 10 {
            self.stream.give_up_reading_after(left)?;
            self.patience = left;
        }
        Ok(())
    }
}
