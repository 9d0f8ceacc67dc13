//! The event loop: one thread, its connections, its deadlines, its part of the ledger.
//!
//! A turn of the loop waits for events, takes up what arrived, and answers what is due. What is due
//! is looked for before every event and every accepted connection, so that no response waits behind
//! a long batch of them.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::connection::{Connection, Exchange, Stage};
use super::request::{self, Parsed, Wish};
use super::response::Press;
use super::timers::Timers;
use crate::clock;
use crate::ledger::{Book, Entry, Outcome, Snapshot};
use crate::scenario::Scenario;

const LISTENER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);

/// A token's upper half tells apart the connections that had the same place, which is the lower half.
const PLACE_BITS: u32 = usize::BITS / 2;

/// The one buffer that all connections are read into.
const SCRATCH_BYTES: usize = 64 << 10;

/// Connections accepted before the loop looks at the others again.
const ACCEPTS_A_TURN: usize = 64;

/// How long nothing is accepted after the system ran out of descriptors.
const ACCEPT_PAUSE_NS: u64 = 20_000_000;

/// Room made for connections at the start, so that it need not grow while responses wait. Memory that
/// is not used costs nothing.
const MOST_ROOM: u64 = 1 << 16;

/// What other threads ask of the loop.
#[derive(Debug)]
pub(super) enum Command {
    Snapshot { with_entries: bool, reply: Sender<Snapshot> },
    Reset(Sender<()>),
    Stop,
}

/// One event loop and all that belongs to it.
pub(super) struct Shard {
    poll: Poll,
    waker: Arc<Waker>,
    inbox: Receiver<Command>,
    listener: TcpListener,
    /// Whether connections may be waiting to be accepted.
    backlog: bool,
    /// Nothing is accepted before this time.
    accept_from_ns: u64,
    next_number: u64,
    connections: Slab<Connection>,
    timers: Timers,
    press: Press,
    book: Book,
}

impl Shard {
    pub(super) fn new(
        listener: std::net::TcpListener,
        inbox: Receiver<Command>,
        scenario: Scenario,
        ledger_entries: usize,
        descriptors: u64,
    ) -> io::Result<Shard> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let room = descriptors.min(MOST_ROOM) as usize;
        Ok(Shard {
            timers: Timers::new(poll.registry(), ALARM, room)?,
            poll,
            waker,
            inbox,
            listener,
            backlog: false,
            accept_from_ns: 0,
            next_number: 0,
            connections: Slab::with_capacity(room),
            press: Press::new(scenario),
            book: Book::new(ledger_entries),
        })
    }

    /// Wakes the loop after something was put into its inbox.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Serves until told to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut scratch = vec![0; SCRATCH_BYTES];
        loop {
            let patience = self.patience()?;
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.answer_due(&mut scratch);
                match event.token() {
                    LISTENER => self.backlog = true,
                    ALARM => {} // It woke the loop, and that was all it had to do.
                    WAKER => {
                        if self.obey().is_break() {
                            return Ok(());
                        }
                    }
                    token => self.heed(token, event, &mut scratch),
                }
            }
            self.accept(&mut scratch);
            self.answer_due(&mut scratch);
        }
    }

    /// How long the poll may wait when nothing happens.
    fn patience(&mut self) -> io::Result<Option<Duration>> {
        let until_due = self.timers.arm()?;
        if !self.backlog {
            return Ok(until_due);
        }
        let until_accept = Duration::from_nanos(self.accept_from_ns.saturating_sub(clock::now_ns()));
        Ok(Some(until_due.map_or(until_accept, |until_due| until_due.min(until_accept))))
    }

    /// Does what other threads asked for.
    fn obey(&mut self) -> std::ops::ControlFlow<()> {
        // Whoever asked may have given up waiting for the reply: nothing is lost then.
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Snapshot { with_entries, reply } => {
                    let _ = reply.send(self.book.snapshot(with_entries));
                }
                Command::Reset(reply) => {
                    self.book.reset();
                    let _ = reply.send(());
                }
                Command::Stop => return std::ops::ControlFlow::Break(()),
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Accepts a number of the connections that wait, if any.
    fn accept(&mut self, scratch: &mut [u8]) {
        if !self.backlog || clock::now_ns() < self.accept_from_ns {
            return;
        }
        for _ in 0..ACCEPTS_A_TURN {
            self.answer_due(scratch);
            match self.listener.accept() {
                Ok((stream, source)) => self.adopt(stream, source),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.backlog = false;
                        return;
                    }
                    // The client of this one has gone already, or a signal came: there may be more.
                    io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::Interrupted => {}
                    // Out of descriptors or memory. The connection stays in the backlog meanwhile.
                    _ => {
                        self.accept_from_ns = clock::now_ns() + ACCEPT_PAUSE_NS;
                        return;
                    }
                },
            }
        }
    }

    /// Takes a new connection in.
    fn adopt(&mut self, mut stream: TcpStream, source: SocketAddr) {
        let number = self.next_number;
        self.next_number += 1;
        self.book.connections += 1;
        let place = self.connections.vacant_entry();
        let token = token(place.key(), number);
        // Registered once for both directions: events come at edges, so neither has to be turned off.
        let registered =
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE);
        // Fails only for a client that is gone, whose connection is then closed by being dropped.
        if stream.set_nodelay(true).and(registered).is_ok() {
            place.insert(Connection {
                stream,
                number,
                source,
                stage: Stage::Reading,
                kept: Vec::new(),
                unread: false,
            });
        }
    }

    /// The place of the connection that a token was made for, if that is still there.
    fn place_of(&self, token: Token) -> Option<usize> {
        let place = token.0 & ((1 << PLACE_BITS) - 1);
        self.connections.get(place).filter(|connection| self::token(place, connection.number) == token)?;
        Some(place)
    }

    /// Reacts to what happened to a connection.
    fn heed(&mut self, token: Token, event: &Event, scratch: &mut [u8]) {
        let Some(place) = self.place_of(token) else { return };
        let connection = &mut self.connections[place];
        // A client that closes its end no longer wants what it asked for.
        let gone = event.is_read_closed() || event.is_error();
        connection.unread |= event.is_readable() || gone;
        match connection.stage {
            Stage::Reading if connection.unread => self.converse(place, scratch),
            Stage::Writing(exchange) => {
                if self.send(place, exchange) {
                    self.converse(place, scratch);
                }
            }
            Stage::Reading | Stage::Waiting { .. } => {}
        }
        if gone
            && self.place_of(token).is_some()
            && let Stage::Waiting { exchange, .. } = self.connections[place].stage
        {
            self.abort(place, exchange);
        }
    }

    /// Answers everything that is due.
    fn answer_due(&mut self, scratch: &mut [u8]) {
        while let Some((due_ns, token)) = self.timers.pop_due(clock::now_ns()) {
            let Some(place) = self.place_of(token) else { continue };
            if let Stage::Waiting { exchange, deadline_ns } = self.connections[place].stage
                && deadline_ns == due_ns
                && self.send(place, exchange)
            {
                self.converse(place, scratch);
            }
        }
    }

    /// Reads what a connection sent, and takes up its requests one after the other until one must wait.
    fn converse(&mut self, place: usize, scratch: &mut [u8]) {
        let connection = &mut self.connections[place];
        if connection.kept.is_empty() && !connection.unread {
            return;
        }
        let kept = std::mem::take(&mut connection.kept);
        scratch[..kept.len()].copy_from_slice(&kept);
        let (mut from, mut to) = (0, kept.len());
        let mut now_ns = clock::now_ns();
        loop {
            match request::parse(&scratch[from..to]) {
                Parsed::Request(request, length) => {
                    from += length;
                    if !self.take_up(place, request.wish, request.keep_alive, now_ns) {
                        break;
                    }
                    now_ns = clock::now_ns();
                }
                Parsed::Invalid(status) => {
                    self.take_up(place, Wish::Unplanned(status), false, now_ns);
                    from = to;
                    break;
                }
                Parsed::Incomplete => {
                    let connection = &mut self.connections[place];
                    if !connection.unread {
                        break;
                    }
                    scratch.copy_within(from..to, 0);
                    (from, to) = (0, to - from);
                    let room = scratch.len() - to;
                    match connection.stream.read(&mut scratch[to..]) {
                        Ok(0) => return self.close(place),
                        Ok(length) => {
                            now_ns = clock::now_ns();
                            to += length;
                            // A read that does not fill the buffer has emptied the socket.
                            connection.unread = length == room;
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.unread = false,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(_) => return self.close(place),
                    }
                }
            }
        }
        if let Some(connection) = self.connections.get_mut(place).filter(|_| from < to) {
            connection.kept = scratch[from..to].to_vec();
        }
    }

    /// Begins the answer to a request. Returns whether the next request may be taken up at once.
    fn take_up(&mut self, place: usize, wish: Wish, keep_alive: bool, arrived_ns: u64) -> bool {
        let wish = match wish {
            Wish::Url(id) => self.press.answer_to(id),
            unplanned => unplanned,
        };
        let (sequence, planned_delay_ns) = match wish {
            Wish::Url(id) => (self.book.begin(), self.press.delay_ns(id)),
            Wish::Unplanned(_) => {
                self.book.refused += 1;
                (0, 0)
            }
        };
        let exchange = Exchange {
            wish,
            keep_alive,
            sequence,
            arrived_ns,
            planned_delay_ns,
            actual_delay_ns: 0,
            sent: 0,
        };
        if planned_delay_ns == 0 {
            return self.send(place, exchange);
        }
        let deadline_ns = arrived_ns + planned_delay_ns;
        let connection = &mut self.connections[place];
        connection.stage = Stage::Waiting { exchange, deadline_ns };
        self.timers.add(deadline_ns, token(place, connection.number));
        false
    }

    /// Writes as much of a response as the socket takes. Returns whether the connection goes on.
    fn send(&mut self, place: usize, mut exchange: Exchange) -> bool {
        let connection = &mut self.connections[place];
        loop {
            let (written, left) =
                self.press.rest(exchange.wish, exchange.keep_alive, exchange.sent, |slices| {
                    connection.stream.write_vectored(slices)
                });
            match written {
                Ok(length) if length > 0 => {
                    if exchange.sent == 0 {
                        exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
                    }
                    exchange.sent += length;
                    if length == left {
                        connection.stage = Stage::Reading;
                        return self.finish(place, exchange);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.stage = Stage::Writing(exchange);
                    return false;
                }
                _ => {
                    self.abort(place, exchange);
                    return false;
                }
            }
        }
    }

    /// A response was written to its end. Returns whether the connection goes on.
    fn finish(&mut self, place: usize, exchange: Exchange) -> bool {
        self.enter(place, exchange, Outcome::Served);
        if !exchange.keep_alive {
            self.close(place);
        }
        exchange.keep_alive
    }

    /// A client went away before its response was written to the end.
    fn abort(&mut self, place: usize, mut exchange: Exchange) {
        if exchange.sent == 0 {
            exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
        }
        self.enter(place, exchange, Outcome::Aborted);
        self.close(place);
    }

    /// Enters a planned response in the ledger.
    fn enter(&mut self, place: usize, exchange: Exchange, outcome: Outcome) {
        let Wish::Url(id) = exchange.wish else { return };
        let connection = &self.connections[place];
        self.book.end(Entry {
            sequence: exchange.sequence,
            id,
            connection: connection.number,
            source: connection.source,
            planned_delay_ns: exchange.planned_delay_ns,
            actual_delay_ns: exchange.actual_delay_ns,
            bytes: exchange.sent as u64,
            outcome,
        });
    }

    /// Forgets a connection, which closes it.
    fn close(&mut self, place: usize) {
        self.connections.remove(place);
        self.forget_stale_deadlines();
    }

    /// Drops the deadlines of connections that are gone, once they outnumber the others.
    fn forget_stale_deadlines(&mut self) {
        if self.timers.len() <= 2 * self.connections.len() + 1_024 {
            return;
        }
        let connections = &self.connections;
        self.timers.retain(|due_ns, stale| {
            let place = stale.0 & ((1 << PLACE_BITS) - 1);
            connections.get(place).is_some_and(|connection| {
                token(place, connection.number) == stale
                    && matches!(connection.stage, Stage::Waiting { deadline_ns, .. } if deadline_ns == due_ns)
            })
        });
    }
}

/// The token of a connection in its place.
fn token(place: usize, number: u64) -> Token {
    Token((number as usize) << PLACE_BITS | place)
}
