//! The common client for a loop that asks the system which sockets are ready.

use std::cell::RefCell;
use std::io::ErrorKind::{NotConnected, WouldBlock};
use std::io::{Read, Write};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::exchange::{Exchange, Method, Progress, Reply};
use super::site::Site;
use super::{READ_BYTES, READS_IN_A_ROW, VERSION, details, is_quiet, was_closed_while_idle};
use crate::clients::{Client, kind_of_connecting};
use crate::protocol::{ErrorKind, Fetched, Plan};
use crate::recorder::Request;

/// What all lanes of a loop share: where to go, and where input lands.
pub(crate) struct Readiness {
    site: Site,
    input: RefCell<Box<[u8]>>,
}

impl Client for Readiness {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!("One buffer of 16 KiB for all connections.");

    fn new(plan: &Plan) -> anyhow::Result<Self> {
        Ok(Readiness { site: Site::of(plan)?, input: RefCell::new(vec![0; READ_BYTES].into()) })
    }
}

/// A connection, and the request that it carries.
pub(crate) struct Lane {
    token: Token,
    /// What it carries, while it carries something.
    request: Option<Request>,
    stream: Option<TcpStream>,
    connected: bool,
    /// Whether this is the first request on its connection.
    fresh: bool,
    /// Whether something was there to be read that was not: events tell it once. Between requests that is the end of
    /// the connection, or what nobody asked for.
    unread: bool,
    resent: bool,
    exchange: Exchange,
}

impl Lane {
    /// A lane that the system will know by `token`. It has no connection yet.
    pub(crate) fn new(token: Token) -> Lane {
        Lane {
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

    /// Sends a request. Whether it is over already, as it is when it could not be sent.
    pub(crate) fn begin(&mut self, client: &Readiness, registry: &Registry, request: Request) -> bool {
        self.exchange.begin(Method::Get, &client.site, request.id());
        self.request = Some(request);
        self.resent = self.stream.as_ref().is_some_and(|stream| self.unread && !is_quiet(stream));
        let begun = if self.stream.is_some() && !self.resent {
            (self.fresh, self.unread) = (false, false);
            self.send()
        } else {
            self.connect(&client.site, registry)
        };
        self.settle(begun.map(|()| None), &client.site, registry)
    }

    /// Goes on as far as the socket allows; to be called whenever it became ready. Whether the request is over.
    pub(crate) fn advance(&mut self, client: &Readiness, registry: &Registry, event: &Event) -> bool {
        // The end may come together with a response, and is not reached by reading that.
        self.unread |= event.is_read_closed() || (self.request.is_none() && event.is_readable());
        if self.request.is_none() {
            return false;
        }
        let result = self.send().and_then(|()| self.receive(&mut client.input.borrow_mut(), registry));
        self.settle(result, &client.site, registry)
    }

    /// Gives up on a request that takes too long. Whether it did.
    pub(crate) fn expire(&mut self, client: &Readiness) -> bool {
        let Site { connect_timeout, request_timeout, .. } = client.site;
        let limit = if self.connected { request_timeout } else { connect_timeout.min(request_timeout) };
        let late = self.request.as_ref().is_some_and(|request| request.elapsed() >= limit);
        late && self.end(Err(ErrorKind::Timeout))
    }

    fn connect(&mut self, site: &Site, registry: &Registry) -> Result<(), ErrorKind> {
        let stream = self.stream.insert(TcpStream::connect(site.address).map_err(kind_of_connecting)?);
        stream.set_nodelay(true)?;
        // Told once and for both directions: no call is needed between a request and its response.
        registry.register(stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        (self.connected, self.fresh, self.unread) = (false, true, false);
        self.send() // where the server is near, it is connected by now
    }

    /// Sends as much as can be sent. Until a connection is made that is nothing.
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

    /// The system tells once that a socket became ready, so it is read until the response is complete
    /// or nothing is left.
    fn receive(&mut self, input: &mut [u8], registry: &Registry) -> Result<Option<Reply>, ErrorKind> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        if !self.exchange.to_send().is_empty() {
            return Ok(None);
        }
        for _ in 0..READS_IN_A_ROW {
            match stream.read(input) {
                Ok(0) => return self.exchange.close().map(Some),
                Ok(length) => {
                    if let Progress::Done(reply) = self.exchange.receive(&input[..length])? {
                        self.unread |= length == input.len(); // there may be more
                        return Ok(Some(reply));
                    }
                }
                Err(error) if error.kind() == WouldBlock => {
                    self.unread = false;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        // To register again brings one more event for what is left, after those of all other sockets.
        registry.reregister(stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(None)
    }

    fn settle(&mut self, result: Result<Option<Reply>, ErrorKind>, site: &Site, registry: &Registry) -> bool {
        match (result, &self.request) {
            (Ok(None), _) => false,
            (Ok(Some(reply)), _) => self.end(Ok(reply)),
            (Err(kind), Some(request)) if !self.fresh && was_closed_while_idle(&self.exchange, kind) => {
                self.resent = true;
                self.exchange.begin(Method::Get, site, request.id());
                self.connect(site, registry).is_err_and(|kind| self.end(Err(kind)))
            }
            (Err(kind), _) => self.end(Err(kind)),
        }
    }

    /// Records the request that was under way, and keeps the connection where it can carry another.
    fn end(&mut self, result: Result<Reply, ErrorKind>) -> bool {
        if !result.is_ok_and(|reply| reply.reusable) {
            self.stream = None;
        }
        let ended =
            self.request.take().map(|request| request.end(Fetched { resent: self.resent, ..result.into() }));
        ended.is_some()
    }
}
