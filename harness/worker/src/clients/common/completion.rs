//! The common client for completion-based I/O: the system carries out whole reads and writes. Buffers are passed
//! along with an operation and returned with its result.

use std::mem;

use anyhow::Result;
use compio::BufResult;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::TcpStream;
use compio::runtime::time::timeout;

use super::endpoint::Endpoint;
use super::exchange::{Exchange, Method, Progress, Response};
use super::{READ_BYTES, VERSION, details, is_reusable, was_closed_while_idle};
use crate::clients::{Client, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// A client with one connection, which is reused.
pub struct Completion {
    endpoint: Endpoint,
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
        details!("A buffer of 16 KiB a connection, into which the system writes when bytes arrive.");

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Completion { endpoint: Endpoint::of(plan)?, connection: None })
    }
}

impl Completion {
    /// Another client for the same endpoint, with a connection of its own.
    pub fn another(&self) -> Completion {
        Completion { endpoint: self.endpoint.clone(), connection: None }
    }

    /// Fetches the URL of `id`, body included.
    pub async fn fetch(&mut self, id: u64) -> Fetched {
        let fetched = timeout(self.endpoint.request_timeout, self.get(id)).await;
        fetched.unwrap_or_else(|_| ErrorKind::Timeout.into())
    }

    /// The connection is taken out during a request, so that it is closed when the request times out.
    async fn get(&mut self, id: u64) -> Fetched {
        let Some(mut connection) = self.connection.take() else { return self.get_fresh(id).await };
        if is_reusable(&connection.stream) {
            let result = connection.request(&self.endpoint, id).await;
            if !was_closed_while_idle(&connection.exchange, result) {
                return self.finish(connection, result);
            }
        }
        Fetched { resent: true, ..self.get_fresh(id).await }
    }

    async fn get_fresh(&mut self, id: u64) -> Fetched {
        match Connection::open(&self.endpoint).await {
            Ok(mut connection) => {
                let result = connection.request(&self.endpoint, id).await;
                self.finish(connection, result)
            }
            Err(kind) => kind.into(),
        }
    }

    fn finish(&mut self, connection: Connection, result: Result<Response, ErrorKind>) -> Fetched {
        if result.is_ok_and(|response| response.reusable) {
            self.connection = Some(connection);
        }
        result.into()
    }
}

impl Connection {
    async fn open(endpoint: &Endpoint) -> Result<Connection, ErrorKind> {
        let connecting = timeout(endpoint.connect_timeout, TcpStream::connect(endpoint.address)).await;
        let stream = connecting.map_err(|_| ErrorKind::Timeout)?.map_err(kind_of_connecting)?;
        stream.set_nodelay(true)?;
        let (request, input) = (Vec::new(), Vec::with_capacity(READ_BYTES));
        Ok(Connection { stream, exchange: Exchange::default(), request, input })
    }

    async fn request(&mut self, endpoint: &Endpoint, id: u64) -> Result<Response, ErrorKind> {
        self.exchange.begin(Method::Get, endpoint, id);
        self.request.clear();
        self.request.extend_from_slice(self.exchange.to_send());
        let BufResult(sent, request) = self.stream.write_all(mem::take(&mut self.request)).await;
        self.request = request;
        sent?;
        self.exchange.sent(self.request.len());
        loop {
            self.input.clear(); // otherwise it would keep the length of a longer previous read
            let BufResult(read, input) = self.stream.read(mem::take(&mut self.input)).await;
            self.input = input;
            if read? == 0 {
                return self.exchange.close();
            }
            if let Progress::Done(response) = self.exchange.receive(&self.input)? {
                return Ok(response);
            }
        }
    }
}
