//! The admin port: `/stats`, `/loops`, `/ledger`, `/plan` and `/reset`, all JSON, on a thread of its own. It serves any
//! number of connections at once, with one request and one response each, and with time limits.
//!
//! The shards only copy their request logs. The thread merges and serializes them, so that polling hardly disturbs
//! the target.

mod handler;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use crate::clock;
use crate::control::ShardHandles;
use crate::options::TimeLimits;
use crate::scenario::Scenario;
use handler::Handler;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// How often connections are checked against the time limits, while there are any.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The admin thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Admin {
    waker: Waker,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Admin {
    /// Serves on `listener` what `shards` report.
    pub(crate) fn start(
        listener: std::net::TcpListener,
        shards: ShardHandles,
        scenario: Scenario,
        limits: TimeLimits,
    ) -> io::Result<Admin> {
        listener.set_nonblocking(true)?;
        let (poll, mut listener) = (Poll::new()?, TcpListener::from_std(listener));
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let handler = Handler { shards, scenario };
        let port = Port { poll, listener, backlog: false, connections: Slab::new(), limits, handler };
        let thread = thread::Builder::new().name("target-admin".to_owned()).spawn(move || port.run())?;
        Ok(Admin { waker, thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // A thread that cannot be woken cannot be joined.
        let woken = self.waker.wake();
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
    }
}

/// The listening socket and the connections accepted from it.
struct Port {
    poll: Poll,
    listener: TcpListener,
    /// Whether connections may be waiting to be accepted.
    backlog: bool,
    connections: Slab<Connection>,
    limits: TimeLimits,
    handler: Handler,
}

struct Connection {
    stream: TcpStream,
    state: State,
    /// When the state was entered; while writing, when the client last read some of the response.
    since_ns: u64,
}

enum State {
    /// The bytes of a request that is not complete.
    Reading(Vec<u8>),
    Writing {
        response: Vec<u8>,
        sent: usize,
    },
    /// Everything is sent. To close now could destroy it by a reset, if the client is still sending.
    Lingering,
}

impl Port {
    /// Serves until woken.
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        loop {
            let busy = self.backlog || !self.connections.is_empty();
            match self.poll.poll(&mut events, busy.then_some(CHECK_INTERVAL)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.backlog = true,
                    WAKER => return Ok(()),
                    Token(key) => self.on_event(key),
                }
            }
            self.accept();
            self.enforce_time_limits();
        }
    }

    fn accept(&mut self) {
        while self.backlog {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let entry = self.connections.vacant_entry();
                    let both = Interest::READABLE | Interest::WRITABLE;
                    // One that cannot be registered is closed.
                    if self.poll.registry().register(&mut stream, Token(entry.key()), both).is_ok() {
                        let state = State::Reading(Vec::new());
                        entry.insert(Connection { stream, state, since_ns: clock::now_ns() });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.backlog = false,
                // The client is gone, or no descriptor is left: the next check tries again.
                Err(_) => return,
            }
        }
    }

    /// Advances a connection, and closes it when it is done or failed.
    fn on_event(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let waits = match connection.advance(&self.handler) {
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            Ok(()) => false,
        };
        if !waits {
            self.connections.remove(key);
        }
    }

    fn enforce_time_limits(&mut self) {
        let (now_ns, limits) = (clock::now_ns(), self.limits);
        self.connections.retain(|_, connection| {
            let limit_ns = match connection.state {
                State::Reading(_) => limits.request_ns,
                State::Writing { .. } => limits.write_ns,
                State::Lingering => limits.linger_ns,
            };
            now_ns.saturating_sub(connection.since_ns) <= limit_ns
        });
    }
}

impl Connection {
    /// Reads and writes until the exchange is done, or fails with `WouldBlock` where the client must act first.
    fn advance(&mut self, handler: &Handler) -> io::Result<()> {
        loop {
            match &mut self.state {
                State::Reading(request) => {
                    let mut bytes = [0; 4_096];
                    let length = self.stream.read(&mut bytes)?;
                    request.extend_from_slice(&bytes[..length]);
                    match handler.respond(request)? {
                        Some(response) => self.enter(State::Writing { response, sent: 0 }),
                        None if length == 0 => return Ok(()),
                        None => {}
                    }
                }
                State::Writing { response, sent } if *sent < response.len() => {
                    *sent += self.stream.write(&response[*sent..])?;
                    self.since_ns = clock::now_ns();
                }
                State::Writing { .. } => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.enter(State::Lingering);
                }
                State::Lingering => {
                    if self.stream.read(&mut [0; 4_096])? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.since_ns = clock::now_ns();
    }
}
