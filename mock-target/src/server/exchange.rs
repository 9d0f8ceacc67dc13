//! The HTTP exchanges of a connection: requests are processed one after the other, responses sent as planned.

use std::io::{self, IoSlice};

use rustls::HandshakeKind;

use super::connection::{self, Exchange, State};
use super::drain::Drained;
use super::loop_thread;
use super::request::{self, Parsed, Persistence, Request, Route};
use super::response::Ending;
use super::shard::Shard;
use crate::clock;
use crate::ledger::Outcome;

/// How long a repeated response waits before each repetition.
const REPEAT_GAP_NS: u64 = 10_000_000;

/// Reads and requests of one connection before the others have their turn: a client that sends faster
/// than it can be answered must not delay the responses of others.
const STEPS_PER_TURN: usize = 16;

/// What follows the processing of some bytes.
pub(super) enum Processed {
    /// The remaining bytes can be processed.
    Continue,
    /// Nothing can be done without further bytes.
    NeedBytes,
    /// The response is delayed or being written, or the connection is closed.
    Blocked,
}

impl Shard {
    /// Reads from a connection, and processes its requests one after the other until a response is delayed or the
    /// connection has used up its turn.
    pub(super) fn drive(&mut self, key: usize, scratch: &mut [u8]) {
        let connection = &mut self.connections[key];
        if connection.buffered.is_empty() && !connection.unread {
            return;
        }
        let buffered = std::mem::take(&mut connection.buffered);
        scratch[..buffered.len()].copy_from_slice(&buffered);
        let (mut from, mut to) = (0, buffered.len());
        let mut within_head = !buffered.is_empty();
        let mut now_ns = clock::now_ns();
        self.unread_ns = None;
        for step in 0.. {
            if step == STEPS_PER_TURN {
                self.unfinished.push(connection::token(key, self.connections[key].number));
                break;
            }
            match self.process(key, scratch, &mut from, to, now_ns) {
                Processed::Blocked => break,
                Processed::Continue => {
                    within_head = false;
                    now_ns = clock::now_ns();
                }
                Processed::NeedBytes => {
                    let connection = &mut self.connections[key];
                    if !connection.unread {
                        break;
                    }
                    scratch.copy_within(from..to, 0);
                    (from, to) = (0, to - from);
                    let room = scratch.len() - to;
                    let read = connection.transport.read(&mut scratch[to..]);
                    if let Some(kind) = connection.transport.finished_handshake() {
                        connection.since_ns = now_ns;
                        let stats = &mut self.request_log.stats;
                        stats.handshakes += 1;
                        stats.resumptions += u64::from(kind == HandshakeKind::Resumed);
                    }
                    match read {
                        // An incomplete request cannot be completed any more.
                        Ok((0, _)) => {
                            connection.unread = false;
                            return self.close_in_order(key, false);
                        }
                        Ok((length, unread_ns)) => {
                            self.unread_ns = unread_ns;
                            now_ns = clock::now_ns();
                            to += length;
                            self.request_log.stats.received_bytes += length as u64;
                            // A read that does not fill the buffer has emptied the socket.
                            connection.unread = length == room
                                || connection.read_closed
                                || !connection.transport.is_emptied_by_short_reads();
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.unread = false,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(_) => return self.close(key),
                    }
                }
            }
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        if from < to {
            connection.buffered = scratch[from..to].to_vec();
            // The time for a head runs from its first byte; further bytes do not extend it.
            if matches!(connection.state, State::ReadingHead) && !within_head {
                connection.since_ns = now_ns;
            }
        }
        if connection.read_closed {
            self.end_if_abandoned(key);
        }
    }

    /// Processes the bytes from `from` to `to`, and moves `from` behind those that were used.
    fn process(&mut self, key: usize, bytes: &[u8], from: &mut usize, to: usize, now_ns: u64) -> Processed {
        let bytes = &bytes[*from..to];
        match self.connections[key].state {
            State::ReadingHead => match request::parse(bytes) {
                Parsed::Request(request, length) => {
                    *from += length;
                    self.on_head(key, request, now_ns)
                }
                Parsed::Incomplete => Processed::NeedBytes,
                Parsed::Invalid(status) => {
                    *from = to;
                    self.refuse(key, status)
                }
            },
            State::ReadingBody { request, mut drain } => match drain.read(bytes) {
                Drained::Complete(length) => {
                    *from += length;
                    self.on_request(key, request, now_ns)
                }
                Drained::Partial(length) => {
                    *from += length;
                    self.connections[key].state = State::ReadingBody { request, drain };
                    Processed::NeedBytes
                }
                Drained::Invalid(status) => {
                    *from = to;
                    self.refuse(key, status)
                }
            },
            State::Lingering => {
                *from = to;
                Processed::NeedBytes
            }
            State::Delaying { .. } | State::Writing(_) | State::Stalling(_) => Processed::Blocked,
        }
    }

    /// Handles a complete head. A request without a body is complete too.
    fn on_head(&mut self, key: usize, request: Request, now_ns: u64) -> Processed {
        let Some(drain) = request.body else { return self.on_request(key, request, now_ns) };
        let connection = &mut self.connections[key];
        if request.expects_continue {
            if let Route::Refusal(status) = request.route {
                return self.refuse(key, status);
            }
            // So short that it is written whole, unless the client does not read; then the connection is closed.
            let interim = IoSlice::new(b"HTTP/1.1 100 Continue\r\n\r\n");
            if !matches!(connection.transport.write_vectored(&[interim]), Ok(25))
                || connection.transport.flush().is_err()
            {
                self.close(key);
                return Processed::Blocked;
            }
        }
        connection.since_ns = now_ns;
        connection.state = State::ReadingBody { request, drain };
        Processed::Continue
    }

    /// Sends an error status, and ends the connection.
    pub(super) fn refuse(&mut self, key: usize, status: u16) -> Processed {
        self.request_log.stats.refused += 1;
        let now_ns = clock::now_ns();
        let exchange = Exchange {
            route: Route::Refusal(status),
            persistence: Persistence::Close,
            arrived_ns: now_ns,
            ..Exchange::default()
        };
        self.send(key, exchange);
        // The connection is lingering or closed.
        if self.connections.contains(key) { Processed::NeedBytes } else { Processed::Blocked }
    }

    /// Handles a complete request: sends its response, or schedules it.
    fn on_request(&mut self, key: usize, request: Request, arrived_ns: u64) -> Processed {
        let route = match request.route {
            Route::Url(id) => self.encoder.route(id),
            refusal => refusal,
        };
        let mut exchange = Exchange {
            route,
            head_only: request.head_only,
            persistence: request.persistence,
            attempt: request.attempt,
            hop: request.hop,
            arrived_ns,
            unread_ns: self.unread_ns,
            ..Exchange::default()
        };
        if let Route::Url(id) = route {
            exchange.sequence = self.request_log.begin(arrived_ns);
            exchange.planned_delay_ns = self.encoder.scenario().delay_ns(id);
            exchange.fault = self.encoder.scenario().fault(id, request.attempt);
        } else {
            self.request_log.stats.refused += 1;
        }
        if exchange.planned_delay_ns > 0 {
            self.schedule(key, exchange, arrived_ns + exchange.planned_delay_ns);
            return Processed::Blocked;
        }
        if self.send(key, exchange) { Processed::Continue } else { Processed::Blocked }
    }

    /// Delays a response, or its next bytes, until `deadline_ns`.
    fn schedule(&mut self, key: usize, exchange: Exchange, deadline_ns: u64) {
        let connection = &mut self.connections[key];
        connection.state = State::Delaying { exchange, deadline_ns };
        self.timers.add(deadline_ns, connection::token(key, connection.number));
    }

    /// Sends as much of a response as is due and the socket takes. Returns whether the connection is
    /// ready for its next request.
    pub(super) fn send(&mut self, key: usize, mut exchange: Exchange) -> bool {
        if exchange.begun_ns == 0 {
            let due_ns = exchange.arrived_ns + exchange.planned_delay_ns;
            exchange.begun_ns = clock::now_ns();
            exchange.queued_ns = exchange.begun_ns.saturating_sub(due_ns.max(self.woke_ns));
            if self.burn_ns > 0 {
                loop_thread::burn_cpu(self.burn_ns);
            }
        }
        let connection = &mut self.connections[key];
        let response = self.encoder.response(&exchange);
        let mut progress = !matches!(connection.state, State::Writing(_));
        loop {
            let due = response.due_bytes(exchange.step);
            let written = if exchange.sent < due {
                response.write_range(exchange.sent, due, |slices| connection.transport.write_vectored(slices))
            } else {
                connection.transport.flush().map(|()| 0)
            };
            match written {
                Ok(0) if exchange.sent >= due => break,
                Ok(length) if length > 0 => {
                    if exchange.sent == 0 && exchange.repeated == 0 {
                        exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
                    }
                    progress = true;
                    exchange.sent += length;
                    self.request_log.stats.sent_bytes += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if progress {
                        connection.since_ns = clock::now_ns();
                    }
                    connection.state = State::Writing(exchange);
                    return false;
                }
                _ => {
                    self.abort(key, exchange);
                    return false;
                }
            }
        }
        if exchange.sent < response.length {
            // Every step is due a fixed time after the first, so that a late one delays no other.
            let gap_ns = response.pacing.map_or(0, |pacing| pacing.gap_ns);
            exchange.step += 1;
            let deadline_ns = exchange.begun_ns + u64::from(exchange.step) * gap_ns;
            self.schedule(key, exchange, deadline_ns);
            return false;
        }
        let ending = response.ending;
        self.finish(key, exchange, ending)
    }

    /// All bytes of a response were sent. Returns whether the connection is ready for its next request.
    fn finish(&mut self, key: usize, mut exchange: Exchange, ending: Ending) -> bool {
        if exchange.actual_delay_ns == 0 {
            exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
        }
        match ending {
            Ending::Normal => {
                self.log(key, exchange, Outcome::Served);
                if exchange.persistence == Persistence::Close {
                    self.close_in_order(key, matches!(exchange.route, Route::Refusal(_)));
                    return false;
                }
                let connection = &mut self.connections[key];
                // Close enough to now, without reading the clock.
                connection.since_ns = exchange.begun_ns.max(self.woke_ns);
                connection.state = State::ReadingHead;
                return true;
            }
            Ending::Close => {
                self.log(key, exchange, Outcome::Faulted);
                self.close_in_order(key, false);
            }
            Ending::Reset => {
                self.log(key, exchange, Outcome::Faulted);
                self.connections.remove(key).transport.reset();
            }
            Ending::Stall => {
                let connection = &mut self.connections[key];
                connection.since_ns = clock::now_ns();
                connection.state = State::Stalling(exchange);
                self.end_if_abandoned(key);
            }
            Ending::Repeat => {
                exchange.repeated += exchange.sent as u64;
                exchange.sent = 0;
                self.schedule(key, exchange, clock::now_ns() + REPEAT_GAP_NS);
            }
        }
        false
    }
}
