//! The common client for readiness-based I/O: a loop polls the system for sockets that are ready.

use std::cell::RefCell;
use std::io::ErrorKind::{NotConnected, WouldBlock};
use std::io::{Read, Write};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::endpoint::Endpoint;
use super::exchange::{Exchange, Method, Progress, Response};
use super::{MAX_READS_IN_A_ROW, READ_BYTES, VERSION, details, is_reusable, was_closed_while_idle};
use crate::clients::{Client, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};
use crate::recorder::Request;

/// What all slots of a loop share: the endpoint and the read buffer.
pub(crate) struct Readiness {
    endpoint: Endpoint,
    input: RefCell<Box<[u8]>>,
}

impl Client for Readiness {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!("One buffer of 16 KiB for all connections.");

    fn new(plan: &Plan) -> anyhow::Result<Self> {
        Ok(Readiness { endpoint: Endpoint::of(plan)?, input: RefCell::new(vec![0; READ_BYTES].into()) })
    }
}

/// A connection and the request on it.
pub(crate) struct Slot {
    token: Token,
    request: Option<Request>,
    stream: Option<TcpStream>,
    connected: bool,
    /// Whether this is the first request on its connection.
    fresh: bool,
    /// Whether there may be unread input: edge-triggered events report it once. Between requests that is the end of
    /// the connection, or unrequested bytes.
    unread: bool,
    resent: bool,
    exchange: Exchange,
}

impl Slot {
    /// A slot whose events carry `token`. It has no connection yet.
    pub(crate) fn new(token: Token) -> Slot {
        Slot {
            token,
            request: None,
            stream: None,
            connected: false,
            fresh: true,
            unread: false,
            resent: false,
            exchange: Exchange::default(),
        }
    }

    /// Sends a request. Returns whether it is over already, because it could not be sent.
    pub(crate) fn begin(&mut self, client: &Readiness, registry: &Registry, request: Request) -> bool {
        self.exchange.begin(Method::Get, &client.endpoint, request.id());
        self.request = Some(request);
        self.resent = self.stream.as_ref().is_some_and(|stream| self.unread && !is_reusable(stream));
        let begun = if self.stream.is_some() && !self.resent {
            (self.fresh, self.unread) = (false, false);
            self.send()
        } else {
            self.connect(&client.endpoint, registry)
        };
        self.handle_result(begun.map(|()| None), &client.endpoint, registry)
    }

    /// Continues as far as the socket allows. Call it for every event. Returns whether the request is over.
    pub(crate) fn on_event(&mut self, client: &Readiness, registry: &Registry, event: &Event) -> bool {
        // The end of the connection may be reported together with a response, and reading that does not reach it.
        self.unread |= event.is_read_closed() || (self.request.is_none() && event.is_readable());
        if self.request.is_none() {
            return false;
        }
        let result = self.send().and_then(|()| self.receive(&mut client.input.borrow_mut(), registry));
        self.handle_result(result, &client.endpoint, registry)
    }

    /// Ends a request that has timed out. Returns whether it had.
    pub(crate) fn expire(&mut self, client: &Readiness) -> bool {
        let Endpoint { connect_timeout, request_timeout, .. } = client.endpoint;
        let limit = if self.connected { request_timeout } else { connect_timeout.min(request_timeout) };
        let timed_out = self.request.as_ref().is_some_and(|request| request.elapsed() >= limit);
        timed_out && self.end(Err(ErrorKind::Timeout))
    }

    fn connect(&mut self, endpoint: &Endpoint, registry: &Registry) -> Result<(), ErrorKind> {
        let stream = self.stream.insert(TcpStream::connect(endpoint.address).map_err(kind_of_connecting)?);
        stream.set_nodelay(true)?;
        // Registered once for both directions: no call is needed between a request and its response.
        registry.register(stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        (self.connected, self.fresh, self.unread) = (false, true, false);
        self.send() // on loopback the connection is established by now
    }

    /// Sends as much as the socket takes, which is nothing until it is connected.
    fn send(&mut self) -> Result<(), ErrorKind> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !self.exchange.to_send().is_empty() {
            match stream.write(self.exchange.to_send()) {
                Ok(sent) => {
                    self.connected = true;
                    self.exchange.sent(sent);
                }
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) if error.kind() == NotConnected && !self.connected => break,
                Err(error) if !self.connected => return Err(kind_of_connecting(error)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads until the response is complete or nothing is left, since an edge-triggered event is reported
    /// once.
    fn receive(&mut self, input: &mut [u8], registry: &Registry) -> Result<Option<Response>, ErrorKind> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        if !self.exchange.to_send().is_empty() {
            return Ok(None);
        }
        for _ in 0..MAX_READS_IN_A_ROW {
            match stream.read(input) {
                Ok(0) => return self.exchange.close().map(Some),
                Ok(length) => {
                    if let Progress::Done(response) = self.exchange.receive(&input[..length])? {
                        self.unread |= length == input.len(); // there may be more
                        return Ok(Some(response));
                    }
                }
                Err(error) if error.kind() == WouldBlock => {
                    self.unread = false;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        // Registering again triggers another event for the rest, after those of all other sockets.
        registry.reregister(stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(None)
    }

    fn handle_result(
        &mut self,
        result: Result<Option<Response>, ErrorKind>,
        endpoint: &Endpoint,
        registry: &Registry,
    ) -> bool {
        let Some(result) = result.transpose() else { return false };
        match &self.request {
            Some(request) if !self.fresh && was_closed_while_idle(&self.exchange, result) => {
                self.resent = true;
                self.exchange.begin(Method::Get, endpoint, request.id());
                self.connect(endpoint, registry).is_err_and(|kind| self.end(Err(kind)))
            }
            _ => self.end(result),
        }
    }

    /// Records the request, and keeps the connection where it is reusable.
    fn end(&mut self, result: Result<Response, ErrorKind>) -> bool {
        if !result.is_ok_and(|response| response.reusable) {
            self.stream = None;
        }
        let ended =
            self.request.take().map(|request| request.end(Fetched { resent: self.resent, ..result.into() }));
        ended.is_some()
    }
}
