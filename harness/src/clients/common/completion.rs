//! The common client for a loop that hands the system whole reads and writes, and is told when they
//! are done. Buffers go with the work and come back with its result.

use std::mem;

use anyhow::Result;
use compio::BufResult;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::TcpStream;
use compio::runtime::time::timeout;

use super::exchange::{Exchange, Method, Progress, Reply};
use super::site::Site;
use super::{READ_BYTES, VERSION, details, is_quiet, was_closed_while_idle};
use crate::clients::{Client, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// A lane: one connection, used again and again.
pub struct Completion {
    site: Site,
    connection: Option<Connection>,
}

struct Connection {
    stream: TcpStream,
    exchange: Exchange,
    request: Vec<u8>,
    input: Vec<u8>,
}

impl Client for Completion {
    const VERSION: &str = VERSION;
    const DETAILS: &str =
        details!("A buffer of 16 KiB a connection, into which the system writes when bytes come.");

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Completion { site: Site::of(plan)?, connection: None })
    }
}

impl Completion {
    /// Another lane to the same site.
    pub fn lane(&self) -> Completion {
        Completion { site: self.site.clone(), connection: None }
    }

    /// Fetches the URL of `id`, body included.
    pub async fn fetch(&mut self, id: u64) -> Fetched {
        let fetched = timeout(self.site.request_timeout, self.get(id)).await;
        fetched.unwrap_or_else(|_| ErrorKind::Timeout.into())
    }

    /// The connection is taken out for the time of a request, so that one given up is closed.
    async fn get(&mut self, id: u64) -> Fetched {
        let Some(mut connection) = self.connection.take() else { return self.get_fresh(id).await };
        if !is_quiet(&connection.stream) {
            return Fetched { resent: true, ..self.get_fresh(id).await };
        }
        match connection.request(&self.site, id).await {
            Err(kind) if was_closed_while_idle(&connection.exchange, kind) => {
                Fetched { resent: true, ..self.get_fresh(id).await }
            }
            result => self.finish(connection, result),
        }
    }

    async fn get_fresh(&mut self, id: u64) -> Fetched {
        match Connection::open(&self.site).await {
            Ok(mut connection) => {
                let result = connection.request(&self.site, id).await;
                self.finish(connection, result)
            }
            Err(kind) => kind.into(),
        }
    }

    fn finish(&mut self, connection: Connection, result: Result<Reply, ErrorKind>) -> Fetched {
        if result.is_ok_and(|reply| reply.reusable) {
            self.connection = Some(connection);
        }
        result.into()
    }
}

impl Connection {
    async fn open(site: &Site) -> Result<Connection, ErrorKind> {
        let connecting = timeout(site.connect_timeout, TcpStream::connect(site.address)).await;
        let stream = connecting.map_err(|_| ErrorKind::Timeout)?.map_err(kind_of_connecting)?;
        stream.set_nodelay(true)?;
        let (request, input) = (Vec::new(), Vec::with_capacity(READ_BYTES));
        Ok(Connection { stream, exchange: Exchange::default(), request, input })
    }

    async fn request(&mut self, site: &Site, id: u64) -> Result<Reply, ErrorKind> {
        self.exchange.begin(Method::Get, site, id);
        self.request.clear();
        self.request.extend_from_slice(self.exchange.to_send());
        let BufResult(sent, request) = self.stream.write_all(mem::take(&mut self.request)).await;
        self.request = request;
        sent?;
        self.exchange.sent(self.request.len());
        loop {
            self.input.clear(); // otherwise it would keep the length of a longer read before
            let BufResult(read, input) = self.stream.read(mem::take(&mut self.input)).await;
            self.input = input;
            if read? == 0 {
                return self.exchange.close();
            }
            if let Progress::Done(reply) = self.exchange.receive(&self.input)? {
                return Ok(reply);
            }
        }
    }
}
