//! What a connection keeps between events; next to nothing while it waits.

use std::net::SocketAddr;

use mio::net::TcpStream;

use super::request::Wish;

/// One client's connection.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// Counts the connections of this server from 0.
    pub(super) number: u64,
    pub(super) source: SocketAddr,
    pub(super) stage: Stage,
    /// Bytes that were read before they could be used: part of a head, or requests sent ahead.
    pub(super) kept: Vec<u8>,
    /// Whether the socket may hold bytes that were not read. Events tell it once, so it is remembered.
    pub(super) unread: bool,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// It awaits the rest of a request, or the next.
    Reading,
    /// Its request is complete and its response is not yet due.
    Waiting { exchange: Exchange, deadline_ns: u64 },
    /// Its response is partly written, and the socket is full.
    Writing(Exchange),
}

/// A request and its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    /// What is answered; not always what was asked.
    pub(super) wish: Wish,
    pub(super) keep_alive: bool,
    /// The request's number in the ledger; meaningless for what no plan answers.
    pub(super) sequence: u64,
    /// When the request's head was complete.
    pub(super) arrived_ns: u64,
    pub(super) planned_delay_ns: u64,
    /// Set when the first bytes have been written.
    pub(super) actual_delay_ns: u64,
    /// Bytes of the response written so far.
    pub(super) sent: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_connection_takes_a_fraction_of_half_a_kibibyte() {
        // Beside it stands a deadline of 16 bytes. Nothing else is kept: `kept` owns no memory then.
        assert!(size_of::<Connection>() <= 192, "{}", size_of::<Connection>());
    }
}
