//! How connections end, and what is under way on them: in order, by a client that goes away, or by one that takes
//! too long.

use std::io;

use super::connection::{self, Connection, Exchange, Stage};
use super::request::Wish;
use super::shard::Shard;
use crate::clock;
use crate::ledger::{Entry, Outcome};

impl Shard {
    /// Closes a connection in order: at once where the client is known to have sent nothing more.
    pub(super) fn part(&mut self, place: usize, linger: bool) {
        let connection = &mut self.connections[place];
        // A client that is gone needs no farewell, here and below.
        if !linger && !connection.unread && !is_full(&connection.transport.notify_close()) {
            return self.close(place);
        }
        let _ = connection.transport.close_writing();
        if !matches!(connection.stage, Stage::Lingering) {
            connection.since_ns = clock::now_ns();
            connection.stage = Stage::Lingering;
        }
        if connection.unread {
            self.unfinished.push(connection::token(place, connection.number));
        }
    }

    /// Ends what is under way for a client that is gone.
    pub(super) fn end_if_abandoned(&mut self, place: usize) {
        let Connection { stage, ending, .. } = self.connections[place];
        match stage {
            Stage::Waiting { exchange, .. } if self.is_abandoned(place) => self.abort(place, exchange),
            // Who sends no more and gets no more may as well be gone.
            Stage::Stalling(exchange) if ending => self.leave(place, exchange),
            _ => {}
        }
    }

    /// Whether a client is known to be gone. One that has only closed its own end still reads.
    pub(super) fn is_abandoned(&mut self, place: usize) -> bool {
        let connection = &self.connections[place];
        if !connection.ending {
            return false;
        }
        let address = connection.transport.local_address();
        connection.transport.is_reset()
            || address.is_ok_and(|address| self.orphans.contain(connection.source, address))
    }

    /// A client went away before its response was complete.
    pub(super) fn abort(&mut self, place: usize, exchange: Exchange) {
        let endless = exchange.repeated > 0;
        self.give_up(place, exchange, if endless { Outcome::Faulted } else { Outcome::Aborted });
    }

    /// A response ends that, as a fault demands, would never have been complete.
    fn leave(&mut self, place: usize, exchange: Exchange) {
        self.give_up(place, exchange, Outcome::Faulted);
    }

    fn give_up(&mut self, place: usize, mut exchange: Exchange, outcome: Outcome) {
        if exchange.actual_delay_ns == 0 {
            exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
        }
        self.enter(place, exchange, outcome);
        self.close(place);
    }

    /// Enters a planned response in the ledger.
    pub(super) fn enter(&mut self, place: usize, exchange: Exchange, outcome: Outcome) {
        let Wish::Url(id) = exchange.wish else { return };
        let connection = &self.connections[place];
        self.book.end(Entry {
            sequence: exchange.sequence,
            id,
            attempt: exchange.attempt,
            connection: connection.number,
            source: connection.source,
            planned_delay_ns: exchange.planned_delay_ns,
            actual_delay_ns: exchange.actual_delay_ns,
            queued_ns: exchange.queued_ns,
            unread_ns: exchange.unread_ns,
            fault: exchange.fault,
            bytes: exchange.repeated + exchange.sent as u64,
            outcome,
        });
    }

    /// Forgets a connection, which closes it.
    pub(super) fn close(&mut self, place: usize) {
        self.connections.remove(place);
    }

    /// Ends the connection in a place if it took too long.
    pub(super) fn end_if_too_slow(&mut self, place: usize) {
        let Some(connection) = self.connections.get(place) else { return };
        let elapsed_ns = self.woke_ns.saturating_sub(connection.since_ns);
        let limits = self.limits;
        match connection.stage {
            Stage::Reading if connection.transport.is_handshaking() && elapsed_ns > limits.request_ns => {
                self.close(place);
            }
            Stage::Reading if connection.kept.is_empty() && elapsed_ns > limits.idle_ns => {
                self.part(place, false);
            }
            Stage::Reading if !connection.kept.is_empty() && elapsed_ns > limits.request_ns => {
                self.refuse(place, 408);
            }
            Stage::Draining { .. } if elapsed_ns > limits.request_ns => {
                self.refuse(place, 408);
            }
            Stage::Writing(exchange) if elapsed_ns > limits.write_ns => self.abort(place, exchange),
            Stage::Stalling(exchange) if elapsed_ns > limits.stall_ns => self.leave(place, exchange),
            Stage::Lingering if elapsed_ns > limits.linger_ns => self.close(place),
            // Of a client that only closed its own end nothing is heard when it goes.
            Stage::Waiting { .. } => self.end_if_abandoned(place),
            _ => {}
        }
    }

    /// Drops the deadlines of connections that are gone, once they outnumber the others.
    pub(super) fn forget_stale_deadlines(&mut self) {
        if self.timers.len() <= 2 * self.connections.len() + 1_024 {
            return;
        }
        let connections = &self.connections;
        self.timers.retain(|due_ns, token| {
            let place = connection::place(token);
            connections.get(place).is_some_and(|connection| {
                connection::token(place, connection.number) == token
                    && matches!(connection.stage, Stage::Waiting { deadline_ns, .. } if deadline_ns == due_ns)
            })
        });
    }
}

/// Whether a socket took no more.
fn is_full(written: &io::Result<()>) -> bool {
    matches!(written, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
