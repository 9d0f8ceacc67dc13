//! The admin port's connections: one request and one response each, any number at once, and none of them for ever.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::Answers;
use crate::clock;
use crate::server::TimeLimits;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// How often connections are looked at for having taken too long, while there are any.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// The listening socket and the connections accepted from it.
pub(super) struct Port {
    poll: Poll,
    waker: Arc<Waker>,
    listener: TcpListener,
    /// Whether connections may be waiting to be accepted, for want of descriptors.
    backlog: bool,
    connections: Slab<Connection>,
    limits: TimeLimits,
    answers: Answers,
}

struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// When the stage was entered; a response's, when the client last took some of it.
    since_ns: u64,
}

enum Stage {
    /// The bytes of a request that is not complete.
    Reading(Vec<u8>),
    Writing {
        response: Vec<u8>,
        sent: usize,
    },
    /// Everything is sent. To close now could destroy it, if the client is still sending.
    Lingering,
}

impl Port {
    pub(super) fn new(
        listener: std::net::TcpListener,
        limits: TimeLimits,
        answers: Answers,
    ) -> io::Result<Port> {
        listener.set_nonblocking(true)?;
        let (poll, mut listener) = (Poll::new()?, TcpListener::from_std(listener));
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Port { poll, waker, listener, backlog: false, connections: Slab::new(), limits, answers })
    }

    /// What ends [`run`](Port::run).
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Serves until woken.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        loop {
            let busy = self.backlog || !self.connections.is_empty();
            match self.poll.poll(&mut events, busy.then_some(CHECK_EVERY)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.backlog = true,
                    WAKER => return Ok(()),
                    Token(place) => self.go_on(place),
                }
            }
            self.accept();
            self.end_the_slow();
        }
    }

    fn accept(&mut self) {
        while self.backlog {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let place = self.connections.vacant_entry();
                    let both = Interest::READABLE | Interest::WRITABLE;
                    // One that cannot be waited for is closed.
                    if self.poll.registry().register(&mut stream, Token(place.key()), both).is_ok() {
                        let stage = Stage::Reading(Vec::new());
                        place.insert(Connection { stream, stage, since_ns: clock::now_ns() });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.backlog = false,
                // Gone already, or no descriptor is left: the next check tries again.
                Err(_) => return,
            }
        }
    }

    /// Does what can be done for a connection, and closes it when that was all.
    fn go_on(&mut self, place: usize) {
        let Some(connection) = self.connections.get_mut(place) else { return };
        let waits = match connection.advance(&self.answers) {
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            Ok(()) => false,
        };
        if !waits {
            self.connections.remove(place);
        }
    }

    fn end_the_slow(&mut self) {
        let (now_ns, limits) = (clock::now_ns(), self.limits);
        self.connections.retain(|_, connection| {
            let limit_ns = match connection.stage {
                Stage::Reading(_) => limits.request_ns,
                Stage::Writing { .. } => limits.write_ns,
                Stage::Lingering => limits.linger_ns,
            };
            now_ns.saturating_sub(connection.since_ns) <= limit_ns
        });
    }
}

impl Connection {
    /// Goes on until there is nothing more to do, or `WouldBlock` says that the client's turn has come.
    fn advance(&mut self, answers: &Answers) -> io::Result<()> {
        loop {
            match &mut self.stage {
                Stage::Reading(request) => {
                    let mut bytes = [0; 4_096];
                    let length = self.stream.read(&mut bytes)?;
                    request.extend_from_slice(&bytes[..length]);
                    match answers.to(request)? {
                        Some(response) => self.enter(Stage::Writing { response, sent: 0 }),
                        None if length == 0 => return Ok(()),
                        None => {}
                    }
                }
                Stage::Writing { response, sent } if *sent < response.len() => {
                    *sent += self.stream.write(&response[*sent..])?;
                    self.since_ns = clock::now_ns();
                }
                Stage::Writing { .. } => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.enter(Stage::Lingering);
                }
                Stage::Lingering => {
                    if self.stream.read(&mut [0; 4_096])? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since_ns = clock::now_ns();
    }
}
