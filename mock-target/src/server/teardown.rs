//! How connections and the requests on them end: in order, because the client left, or because a time limit passed.

use std::io;

use super::connection::{self, Connection, Exchange, State};
use super::request::Route;
use super::shard::Shard;
use crate::clock;
use crate::ledger::{Entry, Outcome};

impl Shard {
    /// Closes a connection in order: at once where it is known that the client has sent nothing more.
    pub(super) fn close_in_order(&mut self, key: usize, linger: bool) {
        let connection = &mut self.connections[key];
        // Other errors mean that the client is gone. They are ignored, here and below.
        if !linger && !connection.unread && !is_full(&connection.transport.notify_close()) {
            return self.close(key);
        }
        let _ = connection.transport.close_writing();
        if !matches!(connection.state, State::Lingering) {
            connection.since_ns = clock::now_ns();
            connection.state = State::Lingering;
        }
        if connection.unread {
            self.unfinished.push(connection::token(key, connection.number));
        }
    }

    /// Ends the request of a client that is gone.
    pub(super) fn end_if_abandoned(&mut self, key: usize) {
        let Connection { state, read_closed, .. } = self.connections[key];
        match state {
            State::Delaying { exchange, .. } if self.is_abandoned(key) => self.abort(key, exchange),
            // This client sends nothing more and receives nothing more.
            State::Stalling(exchange) if read_closed => self.end_request(key, exchange, Outcome::Faulted),
            _ => {}
        }
    }

    /// Whether a client is known to be gone. One that has only closed its own end still reads.
    pub(super) fn is_abandoned(&mut self, key: usize) -> bool {
        let connection = &self.connections[key];
        if !connection.read_closed {
            return false;
        }
        let address = connection.transport.local_address();
        connection.transport.is_reset()
            || address.is_ok_and(|address| self.sock_diag.is_orphaned(connection.source, address))
    }

    /// Ends a request whose client left before the response was complete.
    pub(super) fn abort(&mut self, key: usize, exchange: Exchange) {
        let endless = exchange.repeated > 0;
        self.end_request(key, exchange, if endless { Outcome::Faulted } else { Outcome::Aborted });
    }

    /// Logs a request whose response is not complete, and closes the connection.
    fn end_request(&mut self, key: usize, mut exchange: Exchange, outcome: Outcome) {
        if exchange.actual_delay_ns == 0 {
            exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
        }
        self.log(key, exchange, outcome);
        self.close(key);
    }

    /// Adds a request to the log, unless it was refused.
    pub(super) fn log(&mut self, key: usize, exchange: Exchange, outcome: Outcome) {
        let Route::Url(id) = exchange.route else { return };
        let connection = &self.connections[key];
        self.request_log.end(Entry {
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

    /// Drops a connection, which closes it.
    pub(super) fn close(&mut self, key: usize) {
        self.connections.remove(key);
    }

    /// Ends the connection with this key, if there is one and it exceeds a time limit.
    pub(super) fn enforce_time_limits(&mut self, key: usize) {
        let Some(connection) = self.connections.get(key) else { return };
        let elapsed_ns = self.woke_ns.saturating_sub(connection.since_ns);
        let limits = self.limits;
        match connection.state {
            State::ReadingHead if connection.transport.is_handshaking() && elapsed_ns > limits.request_ns => {
                self.close(key);
            }
            State::ReadingHead if connection.buffered.is_empty() && elapsed_ns > limits.idle_ns => {
                self.close_in_order(key, false);
            }
            State::ReadingHead if !connection.buffered.is_empty() && elapsed_ns > limits.request_ns => {
                self.refuse(key, 408);
            }
            State::ReadingBody { .. } if elapsed_ns > limits.request_ns => {
                self.refuse(key, 408);
            }
            State::Writing(exchange) if elapsed_ns > limits.write_ns => self.abort(key, exchange),
            State::Stalling(exchange) if elapsed_ns > limits.stall_ns => {
                self.end_request(key, exchange, Outcome::Faulted);
            }
            State::Lingering if elapsed_ns > limits.linger_ns => self.close(key),
            // No event reports the exit of a client that had closed only its own end.
            State::Delaying { .. } => self.end_if_abandoned(key),
            _ => {}
        }
    }

    /// Drops the deadlines of closed connections, once they outnumber the others.
    pub(super) fn prune_stale_deadlines(&mut self) {
        if self.timers.len() <= 2 * self.connections.len() + 1_024 {
            return;
        }
        let connections = &self.connections;
        self.timers.retain(|due_ns, token| {
            let key = connection::key(token);
            connections.get(key).is_some_and(|connection| {
                connection::token(key, connection.number) == token
                    && matches!(connection.state, State::Delaying { deadline_ns, .. } if deadline_ns == due_ns)
            })
        });
    }
}

/// Whether a write failed because the socket is full.
fn is_full(written: &io::Result<()>) -> bool {
    matches!(written, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
