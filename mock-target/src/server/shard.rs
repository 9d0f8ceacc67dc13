//! The event loop: one thread, its connections, its deadlines, its part of the ledger.
//!
//! A turn of the loop waits for events, takes up what arrived, and answers what is due. What is due
//! is looked for before every event and every accepted connection, so that no response waits behind
//! a long batch of them.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::{ServerConfig, ServerConnection};
use slab::Slab;

use super::rx_timestamp;
use super::connection::{self, Connection, Stage};
use super::socket;
use super::thread_meter::Meter;
use super::sock_diag::Orphans;
use super::realtime;
use super::response_encoder::Press;
use super::timers::Timers;
use super::transport::Transport;
use super::{Remote, TimeLimits};
use crate::request_log::{Book, Snapshot};
use crate::clock;
use crate::ledger::LoopStats;

const LISTENER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);

/// The one buffer that all connections are read into.
const SCRATCH_BYTES: usize = 64 << 10;

/// Connections accepted before the loop looks at the others again.
const ACCEPTS_A_TURN: usize = 64;

/// How long nothing is accepted after the system ran out of descriptors.
const ACCEPT_PAUSE_NS: u64 = 20_000_000;

/// Every so often a tenth of the connections is looked at for having taken too long.
const PATROL_NS: u64 = 100_000_000;
const PATROL_PARTS: usize = 10;

/// What other threads ask of a loop.
#[derive(Debug)]
pub(super) enum Command {
    /// Serve this connection, which the first loop accepted.
    Adopt {
        stream: TcpStream,
        source: SocketAddr,
        number: u64,
    },
    Snapshot {
        with_entries: bool,
        reply: Sender<Snapshot>,
    },
    /// Tell the number of the loop and what it used.
    Used(Sender<(usize, LoopStats)>),
    Reset(Sender<()>),
    Stop,
}

/// One event loop and all that belongs to it.
pub(super) struct Shard {
    number: usize,
    poll: Poll,
    waker: Arc<Waker>,
    inbox: Receiver<Command>,
    /// What accepts connections; only one loop has it.
    door: Option<Door>,
    pub(super) connections: Slab<Connection>,
    /// One more than the highest place that a connection ever had.
    places: usize,
    /// Connections with more to read or take up, whose turn is over.
    pub(super) unfinished: Vec<Token>,
    pub(super) timers: Timers,
    pub(super) press: Press,
    pub(super) book: Book,
    pub(super) limits: TimeLimits,
    pub(super) orphans: Orphans,
    tls: Option<Arc<ServerConfig>>,
    /// When the loop last came out of waiting.
    pub(super) woke_ns: u64,
    /// How long the bytes that are being taken up had lain in their socket.
    pub(super) unread_ns: Option<u64>,
    /// CPU to spend on each response besides.
    pub(super) burn_ns: u64,
    patrol_at_ns: u64,
    patrol_from: usize,
}

/// Accepts connections and deals them out.
struct Door {
    listener: TcpListener,
    /// The other loops; every connection goes to the next, and then to this one.
    others: Vec<Remote>,
    /// Whether connections may be waiting to be accepted.
    backlog: bool,
    /// Nothing is accepted before this time.
    open_from_ns: u64,
    next_number: u64,
}

impl Shard {
    /// A loop with room for `room` connections, so that it need not grow while responses wait. Memory
    /// that is not used costs nothing.
    pub(super) fn new(
        number: usize,
        inbox: Receiver<Command>,
        press: Press,
        book: Book,
        limits: TimeLimits,
        tls: Option<Arc<ServerConfig>>,
        room: usize,
    ) -> io::Result<Shard> {
        let poll = Poll::new()?;
        Ok(Shard {
            number,
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            timers: Timers::new(poll.registry(), ALARM, room)?,
            poll,
            inbox,
            door: None,
            connections: Slab::with_capacity(room),
            places: 0,
            unfinished: Vec::new(),
            press,
            book,
            limits,
            orphans: Orphans::default(),
            tls,
            woke_ns: 0,
            unread_ns: None,
            burn_ns: 0,
            patrol_at_ns: 0,
            patrol_from: 0,
        })
    }

    /// Makes this the loop that accepts connections, for itself and the `others`.
    pub(super) fn open(&mut self, listener: std::net::TcpListener, others: Vec<Remote>) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        self.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        self.door = Some(Door { listener, others, backlog: false, open_from_ns: 0, next_number: 0 });
        Ok(())
    }

    /// Wakes the loop after something was put into its inbox.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Serves until told to stop. First tells through `granted` whether real-time priority was, if it
    /// is asked for; with it, the loop may `spin`.
    pub(super) fn run(mut self, realtime: bool, spin: bool, granted: &Sender<bool>) -> io::Result<()> {
        let realtime = realtime && realtime::request();
        self.timers.spin(realtime && spin);
        // Whoever started this loop waits for the answer.
        let _ = granted.send(realtime);
        let meter = Meter::of_this_thread();
        let mut events = Events::with_capacity(256);
        let mut scratch = vec![0; SCRATCH_BYTES];
        loop {
            let patience = self.patience()?;
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.woke_ns = clock::now_ns(),
            }
            for event in &events {
                self.answer_due(&mut scratch);
                match event.token() {
                    LISTENER => self.door.iter_mut().for_each(|door| door.backlog = true),
                    ALARM => {} // It woke the loop, and that was all it had to do.
                    WAKER => {
                        if self.execute_commands(&meter).is_break() {
                            return Ok(());
                        }
                    }
                    token => self.heed(token, event, &mut scratch),
                }
            }
            self.accept(&mut scratch);
            self.resume(&mut scratch);
            self.answer_due(&mut scratch);
            self.patrol();
        }
    }

    /// Goes on with the connections whose turn ended early.
    fn resume(&mut self, scratch: &mut [u8]) {
        for token in std::mem::take(&mut self.unfinished) {
            self.answer_due(scratch);
            if let Some(place) = self.place_of(token) {
                self.converse(place, scratch);
            }
        }
    }

    /// How long the poll may wait when nothing happens; `None` is for ever.
    fn patience(&mut self) -> io::Result<Option<Duration>> {
        if !self.unfinished.is_empty() {
            return Ok(Some(Duration::ZERO));
        }
        let now_ns = clock::now_ns();
        let wait = |until_ns: u64| Duration::from_nanos(until_ns.saturating_sub(now_ns));
        let until_due = self.timers.arm(now_ns)?;
        let until_accept = self.door.as_ref().filter(|door| door.backlog).map(|door| wait(door.open_from_ns));
        // A poll waits whole milliseconds, rounded up, which is fine enough for this.
        let until_patrol = (!self.connections.is_empty()).then(|| wait(self.patrol_at_ns));
        Ok([until_due, until_accept, until_patrol].into_iter().flatten().min())
    }

    /// Executes what other threads asked for; breaks where that is to stop.
    fn execute_commands(&mut self, meter: &Meter) -> ControlFlow<()> {
        // Whoever asked may have given up waiting for the reply: nothing is lost then.
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Adopt { stream, source, number } => self.adopt(stream, source, number),
                Command::Snapshot { with_entries, reply } => {
                    let _ = reply.send(self.book.snapshot(with_entries));
                }
                Command::Used(reply) => {
                    let used = LoopStats { received: self.book.received, ..meter.read() };
                    let _ = reply.send((self.number, used));
                }
                Command::Reset(reply) => {
                    self.book.reset();
                    let _ = reply.send(());
                }
                Command::Stop => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Accepts a number of the connections that wait, if any.
    fn accept(&mut self, scratch: &mut [u8]) {
        for _ in 0..ACCEPTS_A_TURN {
            let Some(door) = self.door.as_mut().filter(|door| door.backlog) else { return };
            if clock::now_ns() < door.open_from_ns {
                return;
            }
            match door.listener.accept() {
                Ok((stream, source)) => {
                    let number = door.next_number;
                    door.next_number += 1;
                    let loops = door.others.len() as u64 + 1;
                    match door.others.get((number % loops) as usize) {
                        // A loop that has ended takes nothing, and the connection is closed.
                        Some(other) => drop(other.tell(Command::Adopt { stream, source, number })),
                        None => self.adopt(stream, source, number),
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => door.backlog = false,
                    // The client of this one has gone already, or a signal came: there may be more.
                    io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::Interrupted => {}
                    // Out of descriptors or memory. The connection stays in the backlog meanwhile.
                    _ => door.open_from_ns = clock::now_ns() + ACCEPT_PAUSE_NS,
                },
            }
            self.answer_due(scratch);
        }
    }

    /// Takes a new connection in.
    fn adopt(&mut self, mut stream: TcpStream, source: SocketAddr, number: u64) {
        self.book.connections += 1;
        if self.press.scenario().refuses(number) {
            self.book.connections_refused += 1;
            return socket::reset(stream);
        }
        let place = self.connections.vacant_entry();
        let token = connection::token(place.key(), number);
        self.places = self.places.max(place.key() + 1);
        // Registered once for both directions: events come at edges, so neither has to be turned off.
        let registered =
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE);
        // Fails only for a client that is gone, whose connection is then closed by being dropped.
        if stream.set_nodelay(true).and(registered).is_err() {
            return;
        }
        rx_timestamp::note(&stream);
        let transport = match &self.tls {
            None => Some(Transport::Plain(stream)),
            Some(config) => {
                ServerConnection::new(Arc::clone(config)).ok().map(|session| Transport::tls(stream, session))
            }
        };
        if let Some(transport) = transport {
            place.insert(Connection {
                transport,
                number,
                source,
                stage: Stage::Reading,
                since_ns: clock::now_ns(),
                kept: Vec::new(),
                unread: false,
                ending: false,
            });
        }
    }

    /// The place of the connection that a token was made for, if that is still there.
    fn place_of(&self, token: Token) -> Option<usize> {
        let place = connection::place(token);
        let connection = self.connections.get(place)?;
        (connection::token(place, connection.number) == token).then_some(place)
    }

    /// Reacts to what happened to a connection.
    fn heed(&mut self, token: Token, event: &Event, scratch: &mut [u8]) {
        let Some(place) = self.place_of(token) else { return };
        let connection = &mut self.connections[place];
        let ended = event.is_read_closed() || event.is_error();
        connection.ending |= ended;
        connection.unread |= event.is_readable() || ended;
        if event.is_writable() {
            // What could not be written then: a handshake's, where no response is under way. If it
            // fails, reading will find out why.
            let _ = match connection.stage {
                Stage::Lingering => connection.transport.close_writing(),
                _ => connection.transport.flush(),
            };
        }
        let (stage, unread) = (connection.stage, connection.unread);
        match stage {
            Stage::Reading | Stage::Draining { .. } | Stage::Lingering if unread => {
                self.converse(place, scratch);
            }
            Stage::Writing(exchange) if self.send(place, exchange) => self.converse(place, scratch),
            Stage::Waiting { .. } | Stage::Stalling(_) if ended => self.end_if_abandoned(place),
            _ => {}
        }
    }

    /// Answers everything that is due.
    fn answer_due(&mut self, scratch: &mut [u8]) {
        while let Some((due_ns, token)) = self.timers.pop_due(clock::now_ns) {
            let Some(place) = self.place_of(token) else { continue };
            let Stage::Waiting { exchange, deadline_ns } = self.connections[place].stage else { continue };
            if deadline_ns != due_ns {
                continue;
            }
            if self.is_abandoned(place) {
                self.abort(place, exchange);
            } else if self.send(place, exchange) {
                self.converse(place, scratch);
            }
        }
    }

    /// Looks after some of the connections: those that took too long are ended.
    fn patrol(&mut self) {
        if self.woke_ns < self.patrol_at_ns {
            return;
        }
        self.patrol_at_ns = self.woke_ns + PATROL_NS;
        let to = self.patrol_from + self.places.div_ceil(PATROL_PARTS);
        for place in self.patrol_from..to {
            self.end_if_too_slow(place);
        }
        self.patrol_from = if to < self.places { to } else { 0 };
        self.forget_stale_deadlines();
    }
}
