//! A shard of the server: one event loop on one thread, with its connections, deadlines and request log.
//!
//! An iteration of the loop waits for events, handles them, and sends the responses that are due. It looks for
//! due responses before every event and every accepted connection, so that no response waits behind a long
//! batch of them.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::{ServerConfig, ServerConnection};
use slab::Slab;

use super::acceptor::Acceptor;
use super::connection::{self, Connection, State};
use super::loop_thread::{self, ThreadMeter};
use super::response_encoder::ResponseEncoder;
use super::rx_timestamp;
use super::sock_diag::SockDiag;
use super::socket;
use super::timers::Timers;
use super::transport::Transport;
use crate::clock;
use crate::control::{Command, NewConnection, ShardHandle};
use crate::ledger::LoopStats;
use crate::options::TimeLimits;
use crate::request_log::RequestLog;

const LISTENER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);

/// Size of the one buffer that all connections are read into.
const SCRATCH_BYTES: usize = 64 << 10;

/// Connections accepted before the loop handles the others again.
const ACCEPTS_PER_ITERATION: usize = 64;

/// How often a part of the connections is checked against the time limits, and into how many parts they are split.
const REAP_INTERVAL_NS: u64 = 100_000_000;
const REAP_PARTS: usize = 10;

/// One event loop and all that belongs to it.
pub(super) struct Shard {
    number: usize,
    poll: Poll,
    waker: Arc<Waker>,
    inbox: Receiver<Command>,
    /// Only the first shard has one.
    acceptor: Option<Acceptor>,
    pub(super) connections: Slab<Connection>,
    /// One more than the highest key that a connection ever had.
    keys: usize,
    /// Connections with more to read or process that have used up their turn.
    pub(super) unfinished: Vec<Token>,
    pub(super) timers: Timers,
    pub(super) encoder: ResponseEncoder,
    pub(super) request_log: RequestLog,
    pub(super) limits: TimeLimits,
    pub(super) sock_diag: SockDiag,
    tls: Option<Arc<ServerConfig>>,
    /// When the last poll returned.
    pub(super) woke_ns: u64,
    /// How long the bytes being processed had waited in their socket.
    pub(super) unread_ns: Option<u64>,
    /// Additional CPU time to spend on each response.
    pub(super) burn_ns: u64,
    next_reap_ns: u64,
    /// The first key to check then.
    reap_from: usize,
}

impl Shard {
    /// A shard with memory reserved for `capacity` connections, so that it need not grow while responses wait.
    /// Reserved memory that is not used costs nothing.
    pub(super) fn new(
        number: usize,
        inbox: Receiver<Command>,
        encoder: ResponseEncoder,
        request_log: RequestLog,
        limits: TimeLimits,
        tls: Option<Arc<ServerConfig>>,
        capacity: usize,
    ) -> io::Result<Shard> {
        let poll = Poll::new()?;
        Ok(Shard {
            number,
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            timers: Timers::new(poll.registry(), TIMER, capacity)?,
            poll,
            inbox,
            acceptor: None,
            connections: Slab::with_capacity(capacity),
            keys: 0,
            unfinished: Vec::new(),
            encoder,
            request_log,
            limits,
            sock_diag: SockDiag::default(),
            tls,
            woke_ns: 0,
            unread_ns: None,
            burn_ns: 0,
            next_reap_ns: 0,
            reap_from: 0,
        })
    }

    /// Makes this the shard that accepts connections, for itself and the `others`.
    pub(super) fn listen(
        &mut self,
        listener: std::net::TcpListener,
        others: Vec<ShardHandle>,
    ) -> io::Result<()> {
        self.acceptor = Some(Acceptor::new(listener, others, self.poll.registry(), LISTENER)?);
        Ok(())
    }

    /// Wakes the loop after a command was sent to its inbox.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Serves until the command to stop. First sends through `granted` whether real-time priority was requested
    /// and granted; only with it does the loop `spin`.
    pub(super) fn run(mut self, realtime: bool, spin: bool, granted: &Sender<bool>) -> io::Result<()> {
        let realtime = realtime && loop_thread::request_realtime();
        self.timers.spin = realtime && spin;
        // The thread that started this one waits for it.
        let _ = granted.send(realtime);
        let meter = ThreadMeter::of_this_thread();
        let mut events = Events::with_capacity(256);
        let mut scratch = vec![0; SCRATCH_BYTES];
        loop {
            let timeout = self.poll_timeout()?;
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.woke_ns = clock::now_ns(),
            }
            for event in &events {
                self.send_due(&mut scratch);
                match event.token() {
                    LISTENER => self.acceptor.iter_mut().for_each(|acceptor| acceptor.backlog = true),
                    TIMER => {} // It only ends the poll.
                    WAKER => {
                        if self.handle_commands(&meter).is_break() {
                            return Ok(());
                        }
                    }
                    token => self.on_event(token, event, &mut scratch),
                }
            }
            self.accept(&mut scratch);
            self.resume_unfinished(&mut scratch);
            self.send_due(&mut scratch);
            self.reap_idle();
        }
    }

    /// Continues with the connections that have used up their turn.
    fn resume_unfinished(&mut self, scratch: &mut [u8]) {
        for token in std::mem::take(&mut self.unfinished) {
            self.send_due(scratch);
            if let Some(key) = self.key_of(token) {
                self.drive(key, scratch);
            }
        }
    }

    /// How long the poll may wait when nothing happens; `None` is for ever.
    fn poll_timeout(&mut self) -> io::Result<Option<Duration>> {
        if !self.unfinished.is_empty() {
            return Ok(Some(Duration::ZERO));
        }
        let now_ns = clock::now_ns();
        let wait = |until_ns: u64| Duration::from_nanos(until_ns.saturating_sub(now_ns));
        let until_due = self.timers.arm(now_ns)?;
        let until_accept = self.acceptor.as_ref().and_then(Acceptor::next_accept_ns).map(wait);
        // A poll waits whole milliseconds, rounded up, which is fine enough for this.
        let until_reap = (!self.connections.is_empty()).then(|| wait(self.next_reap_ns));
        Ok([until_due, until_accept, until_reap].into_iter().flatten().min())
    }

    /// Handles the commands of other threads; breaks at the one to stop.
    fn handle_commands(&mut self, meter: &ThreadMeter) -> ControlFlow<()> {
        // The sender may have stopped waiting for the reply, so a failure to send one is ignored.
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::TakeOver(connection) => self.take_over(connection),
                Command::Snapshot { with_entries, reply } => {
                    let _ = reply.send(self.request_log.snapshot(with_entries));
                }
                Command::Usage(reply) => {
                    let used = LoopStats { received: self.request_log.stats.received, ..meter.read() };
                    let _ = reply.send((self.number, used));
                }
                Command::Reset(reply) => {
                    self.request_log.reset();
                    let _ = reply.send(());
                }
                Command::Stop => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Accepts a limited number of the connections that wait.
    fn accept(&mut self, scratch: &mut [u8]) {
        for _ in 0..ACCEPTS_PER_ITERATION {
            let Some(acceptor) = self.acceptor.as_mut().filter(|acceptor| acceptor.is_ready()) else {
                return;
            };
            if let Some(connection) = acceptor.accept() {
                self.take_over(connection);
            }
            self.send_due(scratch);
        }
    }

    /// Begins to serve a connection.
    fn take_over(&mut self, NewConnection { mut stream, source, number }: NewConnection) {
        self.request_log.stats.connections += 1;
        if self.encoder.scenario().refuses(number) {
            self.request_log.stats.connections_refused += 1;
            return socket::reset(stream);
        }
        let entry = self.connections.vacant_entry();
        let token = connection::token(entry.key(), number);
        self.keys = self.keys.max(entry.key() + 1);
        // Registered once for both directions: events are edge-triggered, so neither has to be turned off.
        let registered =
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE);
        // Fails only for a client that is gone. The connection is then closed by being dropped.
        if stream.set_nodelay(true).and(registered).is_err() {
            return;
        }
        rx_timestamp::enable(&stream);
        let transport = match &self.tls {
            None => Some(Transport::Plain(stream)),
            Some(config) => {
                ServerConnection::new(Arc::clone(config)).ok().map(|session| Transport::tls(stream, session))
            }
        };
        if let Some(transport) = transport {
            entry.insert(Connection {
                transport,
                number,
                source,
                state: State::ReadingHead,
                since_ns: clock::now_ns(),
                buffered: Vec::new(),
                unread: false,
                read_closed: false,
            });
        }
    }

    /// The key of the connection that a token was made for, if it is still open.
    fn key_of(&self, token: Token) -> Option<usize> {
        let key = connection::key(token);
        let connection = self.connections.get(key)?;
        (connection::token(key, connection.number) == token).then_some(key)
    }

    /// Handles an event of a connection.
    fn on_event(&mut self, token: Token, event: &Event, scratch: &mut [u8]) {
        let Some(key) = self.key_of(token) else { return };
        let connection = &mut self.connections[key];
        let closed = event.is_read_closed() || event.is_error();
        connection.read_closed |= closed;
        connection.unread |= event.is_readable() || closed;
        if event.is_writable() {
            // Writes what did not fit before: a handshake's bytes, where no response is being sent. A failure
            // is reported by the next read too.
            let _ = match connection.state {
                State::Lingering => connection.transport.close_writing(),
                _ => connection.transport.flush(),
            };
        }
        let (state, unread) = (connection.state, connection.unread);
        match state {
            State::ReadingHead | State::ReadingBody { .. } | State::Lingering if unread => {
                self.drive(key, scratch);
            }
            State::Writing(exchange) if self.send(key, exchange) => self.drive(key, scratch),
            State::Delaying { .. } | State::Stalling(_) if closed => self.end_if_abandoned(key),
            _ => {}
        }
    }

    /// Sends every response that is due.
    fn send_due(&mut self, scratch: &mut [u8]) {
        while let Some((due_ns, token)) = self.timers.pop_due(clock::now_ns) {
            let Some(key) = self.key_of(token) else { continue };
            let State::Delaying { exchange, deadline_ns } = self.connections[key].state else { continue };
            if deadline_ns != due_ns {
                continue;
            }
            if self.is_abandoned(key) {
                self.abort(key, exchange);
            } else if self.send(key, exchange) {
                self.drive(key, scratch);
            }
        }
    }

    /// Checks a part of the connections, and ends those that exceed a time limit.
    fn reap_idle(&mut self) {
        if self.woke_ns < self.next_reap_ns {
            return;
        }
        self.next_reap_ns = self.woke_ns + REAP_INTERVAL_NS;
        let to = self.reap_from + self.keys.div_ceil(REAP_PARTS);
        for key in self.reap_from..to {
            self.enforce_time_limits(key);
        }
        self.reap_from = if to < self.keys { to } else { 0 };
        self.prune_stale_deadlines();
    }
}
