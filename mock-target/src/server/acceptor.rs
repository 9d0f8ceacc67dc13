//! Accepts connections and assigns them to shards.

use std::io;

use mio::net::TcpListener;
use mio::{Interest, Registry, Token};

use crate::clock;
use crate::control::{Command, NewConnection, ShardHandle};

/// How long nothing is accepted after the system ran out of descriptors.
const ACCEPT_PAUSE_NS: u64 = 20_000_000;

/// The listening socket of a server, owned by its first shard.
pub(super) struct Acceptor {
    listener: TcpListener,
    /// The other shards. Connections go round-robin to them and to the shard that owns this.
    others: Vec<ShardHandle>,
    /// Whether connections may be waiting to be accepted.
    pub(super) backlog: bool,
    /// Nothing is accepted before this time.
    paused_until_ns: u64,
    next_number: u64,
}

impl Acceptor {
    /// Registers `listener` for events with `token`.
    pub(super) fn new(
        listener: std::net::TcpListener,
        others: Vec<ShardHandle>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Acceptor> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Acceptor { listener, others, backlog: false, paused_until_ns: 0, next_number: 0 })
    }

    /// Whether to try to accept now.
    pub(super) fn is_ready(&self) -> bool {
        self.backlog && clock::now_ns() >= self.paused_until_ns
    }

    /// When to try to accept next; `None` until an event.
    pub(super) fn next_accept_ns(&self) -> Option<u64> {
        self.backlog.then_some(self.paused_until_ns)
    }

    /// Accepts a connection, if one waits. Returns it if it is for the shard that owns this; any other is sent to
    /// its shard.
    pub(super) fn accept(&mut self) -> Option<NewConnection> {
        match self.listener.accept() {
            Ok((stream, source)) => {
                let number = self.next_number;
                self.next_number += 1;
                let connection = NewConnection { stream, source, number };
                let shards = self.others.len() as u64 + 1;
                match self.others.get((number % shards) as usize) {
                    // Fails for a shard that has ended. The connection is then closed.
                    Some(other) => drop(other.send(Command::TakeOver(connection))),
                    None => return Some(connection),
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => self.backlog = false,
                // The client of this one is gone already, or a signal came: there may be more.
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted => {}
                // Out of descriptors or memory. The connection stays in the backlog meanwhile.
                _ => self.paused_until_ns = clock::now_ns() + ACCEPT_PAUSE_NS,
            },
        }
        None
    }
}
