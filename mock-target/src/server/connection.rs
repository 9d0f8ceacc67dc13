//! What a connection keeps between events; next to nothing while it waits.

use std::net::SocketAddr;

use mio::Token;

use super::drain::Drain;
use super::request::{Persistence, Request, Wish};
use super::transport::Transport;
use crate::fault::Fault;

/// One client's connection.
pub(super) struct Connection {
    pub(super) transport: Transport,
    /// Counts the connections of this server from 0.
    pub(super) number: u64,
    pub(super) source: SocketAddr,
    pub(super) stage: Stage,
    /// When the stage was entered or last made progress, for those stages whose time is limited.
    pub(super) since_ns: u64,
    /// Bytes that were read before they could be used: part of a head, or requests sent ahead.
    pub(super) kept: Vec<u8>,
    /// Whether the socket may hold bytes that were not read. Events tell it once, so it is remembered.
    pub(super) unread: bool,
    /// Whether the system said that the client's stream has ended, in order or by a reset: how short a read
    /// is then says nothing, only one of 0 bytes is the last. Events tell this once, too.
    pub(super) ending: bool,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// It awaits the rest of a head, or the next.
    Reading,
    /// It awaits the rest of a request's body.
    Draining { request: Request, drain: Drain },
    /// The response, or its next bytes, are not yet due.
    Waiting { exchange: Exchange, deadline_ns: u64 },
    /// The response is partly written, and the socket is full.
    Writing(Exchange),
    /// Nothing more will be sent, as a fault demands, until the client leaves.
    Stalling(Exchange),
    /// Everything is sent, and the client may still be sending: to close now could destroy, by a reset,
    /// what it has not yet read (RFC 9112, section 9.6).
    Lingering,
}

/// A request and its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    /// What is answered; not always what was asked.
    pub(super) wish: Wish,
    pub(super) fault: Option<Fault>,
    pub(super) head_only: bool,
    pub(super) persistence: Persistence,
    pub(super) attempt: u32,
    pub(super) hop: u32,
    /// The request's number in the ledger; meaningless for what no plan answers.
    pub(super) sequence: u64,
    /// When the request was complete.
    pub(super) arrived_ns: u64,
    pub(super) planned_delay_ns: u64,
    /// When its turn came after it was due; 0 before.
    pub(super) begun_ns: u64,
    /// How long it was due while the loop was busy with others.
    pub(super) queued_ns: u64,
    /// How long it lay in the socket before it was read, where that is known.
    pub(super) unread_ns: Option<u64>,
    /// Set when the first bytes have been written.
    pub(super) actual_delay_ns: u64,
    /// How often the response was continued after a pause.
    pub(super) step: u32,
    /// Bytes of the response written so far.
    pub(super) sent: usize,
    /// Bytes written before those, by a response that repeats.
    pub(super) repeated: u64,
}

impl Default for Exchange {
    fn default() -> Self {
        Exchange {
            wish: Wish::Unplanned(400),
            fault: None,
            head_only: false,
            persistence: Persistence::Stays,
            attempt: 1,
            hop: 0,
            sequence: 0,
            arrived_ns: 0,
            planned_delay_ns: 0,
            begun_ns: 0,
            queued_ns: 0,
            unread_ns: None,
            actual_delay_ns: 0,
            step: 0,
            sent: 0,
            repeated: 0,
        }
    }
}

/// A token's upper half tells apart the connections that had the same place, which is the lower half.
const PLACE_BITS: u32 = usize::BITS / 2;

/// The token of a connection in its place.
pub(super) fn token(place: usize, number: u64) -> Token {
    Token(((number as usize) << PLACE_BITS) | place)
}

/// The place in a token.
pub(super) fn place(token: Token) -> usize {
    token.0 & ((1 << PLACE_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_connection_takes_less_than_half_a_kibibyte() {
        // Beside it stands a deadline of 16 bytes. Nothing else is kept: `kept` owns no memory then.
        assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
    }
}
