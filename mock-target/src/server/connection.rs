//! The state of a connection between events. It is small while the connection waits.

use std::net::SocketAddr;

use mio::Token;

use super::drain::Drain;
use super::request::{Persistence, Request, Route};
use super::transport::Transport;
use crate::fault::Fault;

/// One client's connection.
pub(super) struct Connection {
    pub(super) transport: Transport,
    /// Counts the connections of this server from 0.
    pub(super) number: u64,
    pub(super) source: SocketAddr,
    pub(super) state: State,
    /// When the state was entered or last made progress, for the states with a time limit.
    pub(super) since_ns: u64,
    /// Bytes that were read before they could be used: part of a head, or pipelined requests.
    pub(super) buffered: Vec<u8>,
    /// Whether the socket may hold bytes that were not read. Events are edge-triggered, so it is remembered.
    pub(super) unread: bool,
    /// Whether the system reported the end of the client's stream, in order or by a reset. After that a short
    /// read does not mean that the socket is empty; only a read of 0 bytes does. Reported once, so it is remembered.
    pub(super) read_closed: bool,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// It waits for the next request head, or the rest of one.
    ReadingHead,
    /// It waits for the rest of a request's body.
    ReadingBody { request: Request, drain: Drain },
    /// The response, or its next bytes, are not yet due.
    Delaying { exchange: Exchange, deadline_ns: u64 },
    /// The response is partly written, and the socket is full.
    Writing(Exchange),
    /// A fault stops the response here. Nothing more is sent until the client leaves.
    Stalling(Exchange),
    /// Everything is sent, and the client may still be sending. To close now could cause a reset that destroys
    /// what the client has not yet read (RFC 9112, section 9.6).
    Lingering,
}

/// A request and its response.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exchange {
    /// What the response is of. With an injected bug that is not always what the request was for.
    pub(super) route: Route,
    pub(super) fault: Option<Fault>,
    pub(super) head_only: bool,
    pub(super) persistence: Persistence,
    pub(super) attempt: u32,
    pub(super) hop: u32,
    /// The request's number in the ledger; meaningless for a refusal.
    pub(super) sequence: u64,
    /// When the request was complete.
    pub(super) arrived_ns: u64,
    pub(super) planned_delay_ns: u64,
    /// When the loop began to send the response; 0 before.
    pub(super) begun_ns: u64,
    /// How long it was due while the loop was busy with others.
    pub(super) queued_ns: u64,
    /// How long the request waited in the socket before it was read, where that is known.
    pub(super) unread_ns: Option<u64>,
    /// Set when the first bytes have been written.
    pub(super) actual_delay_ns: u64,
    /// How many steps of a paced response are over.
    pub(super) step: u32,
    /// Bytes of the response written so far.
    pub(super) sent: usize,
    /// Bytes written before those, by a response that repeats.
    pub(super) repeated: u64,
}

/// The lower half of a token is the connection's key in the slab. The upper half is the connection's number, which
/// distinguishes connections that had the same key.
const KEY_BITS: u32 = usize::BITS / 2;

/// The token of a connection.
pub(super) fn token(key: usize, number: u64) -> Token {
    Token(((number as usize) << KEY_BITS) | key)
}

/// The key in a token.
pub(super) fn key(token: Token) -> usize {
    token.0 & ((1 << KEY_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_connection_takes_at_most_256_bytes() {
        // A deadline of 16 bytes comes on top. Nothing else is kept: `buffered` owns no memory then.
        assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
    }
}
