//! A connection's conversation: requests taken up one after the other, responses sent as planned.

use std::io::{self, IoSlice};

use rustls::HandshakeKind;

use super::connection::{self, Exchange, Stage};
use super::response::Ending;
use super::drain::Drained;
use super::thread_meter;
use super::request::{self, Parsed, Persistence, Request, Wish};
use super::shard::Shard;
use crate::clock;
use crate::ledger::Outcome;

/// How long a repeated response waits before each repetition.
const REPEAT_GAP_NS: u64 = 10_000_000;

/// Reads and requests of one connection before the others have their turn: a client that sends faster
/// than it can be answered must not hold up the responses of others.
const STEPS_A_TURN: usize = 16;

/// What the bytes at hand were good for.
pub(super) enum Progress {
    /// There may be more to do with the rest of them.
    More,
    /// Nothing can be done without further bytes.
    Starved,
    /// A response must be waited for, or the connection is gone.
    Held,
}

impl Shard {
    /// Reads what a connection sent, and takes up its requests one after the other until one must wait,
    /// or the others have waited long enough.
    pub(super) fn converse(&mut self, place: usize, scratch: &mut [u8]) {
        let connection = &mut self.connections[place];
        if connection.kept.is_empty() && !connection.unread {
            return;
        }
        let kept = std::mem::take(&mut connection.kept);
        scratch[..kept.len()].copy_from_slice(&kept);
        let (mut from, mut to) = (0, kept.len());
        let mut in_the_middle = !kept.is_empty();
        let mut now_ns = clock::now_ns();
        self.unread_ns = None;
        for step in 0.. {
            if step == STEPS_A_TURN {
                self.unfinished.push(connection::token(place, self.connections[place].number));
                break;
            }
            match self.understand(place, scratch, &mut from, to, now_ns) {
                Progress::Held => break,
                Progress::More => {
                    in_the_middle = false;
                    now_ns = clock::now_ns();
                }
                Progress::Starved => {
                    let connection = &mut self.connections[place];
                    if !connection.unread {
                        break;
                    }
                    scratch.copy_within(from..to, 0);
                    (from, to) = (0, to - from);
                    let room = scratch.len() - to;
                    let read = connection.transport.read(&mut scratch[to..]);
                    if let Some(kind) = connection.transport.finished_handshake() {
                        connection.since_ns = now_ns;
                        self.book.handshake(kind == HandshakeKind::Resumed);
                    }
                    match read {
                        // What is begun cannot be completed any more.
                        Ok((0, _)) => {
                            connection.unread = false;
                            return self.part(place, false);
                        }
                        Ok((length, unread_ns)) => {
                            self.unread_ns = unread_ns;
                            now_ns = clock::now_ns();
                            to += length;
                            self.book.received_bytes += length as u64;
                            // A read that does not fill the buffer has emptied the socket.
                            connection.unread = length == room
                                || connection.ending
                                || !connection.transport.is_emptied_by_short_reads();
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.unread = false,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(_) => return self.close(place),
                    }
                }
            }
        }
        let Some(connection) = self.connections.get_mut(place) else { return };
        if from < to {
            connection.kept = scratch[from..to].to_vec();
            // The time for a head runs from its first byte; further bytes do not prolong it.
            if matches!(connection.stage, Stage::Reading) && !in_the_middle {
                connection.since_ns = now_ns;
            }
        }
        if connection.ending {
            self.end_if_abandoned(place);
        }
    }

    /// Makes something of the bytes from `from` to `to`, and moves `from` behind what was used.
    fn understand(
        &mut self,
        place: usize,
        bytes: &[u8],
        from: &mut usize,
        to: usize,
        now_ns: u64,
    ) -> Progress {
        let bytes = &bytes[*from..to];
        match self.connections[place].stage {
            Stage::Reading => match request::parse(bytes) {
                Parsed::Request(request, length) => {
                    *from += length;
                    self.welcome(place, request, now_ns)
                }
                Parsed::Incomplete => Progress::Starved,
                Parsed::Invalid(status) => {
                    *from = to;
                    self.refuse(place, status)
                }
            },
            Stage::Draining { request, mut drain } => match drain.read(bytes) {
                Drained::Whole(length) => {
                    *from += length;
                    self.take_up(place, request, now_ns)
                }
                Drained::Part(length) => {
                    *from += length;
                    self.connections[place].stage = Stage::Draining { request, drain };
                    Progress::Starved
                }
                Drained::Invalid(status) => {
                    *from = to;
                    self.refuse(place, status)
                }
            },
            Stage::Lingering => {
                *from = to;
                Progress::Starved
            }
            Stage::Waiting { .. } | Stage::Writing(_) | Stage::Stalling(_) => Progress::Held,
        }
    }

    /// A head is complete. Without a body to come, the request is taken up.
    fn welcome(&mut self, place: usize, request: Request, now_ns: u64) -> Progress {
        let Some(drain) = request.body else { return self.take_up(place, request, now_ns) };
        let connection = &mut self.connections[place];
        if request.expects_continue {
            if let Wish::Unplanned(status) = request.wish {
                return self.refuse(place, status);
            }
            // So short that it goes out whole, unless the client does not read, and then it is lost.
            let word = IoSlice::new(b"HTTP/1.1 100 Continue\r\n\r\n");
            if !matches!(connection.transport.write_vectored(&[word]), Ok(25))
                || connection.transport.flush().is_err()
            {
                self.close(place);
                return Progress::Held;
            }
        }
        connection.since_ns = now_ns;
        connection.stage = Stage::Draining { request, drain };
        Progress::More
    }

    /// Answers something that is no request, and ends the connection.
    pub(super) fn refuse(&mut self, place: usize, status: u16) -> Progress {
        self.book.refused += 1;
        let now_ns = clock::now_ns();
        let exchange = Exchange {
            wish: Wish::Unplanned(status),
            persistence: Persistence::Ends,
            arrived_ns: now_ns,
            ..Exchange::default()
        };
        self.send(place, exchange);
        // The connection lingers or is gone.
        if self.connections.contains(place) { Progress::Starved } else { Progress::Held }
    }

    /// Begins the answer to a request that is complete.
    fn take_up(&mut self, place: usize, request: Request, arrived_ns: u64) -> Progress {
        let wish = match request.wish {
            Wish::Url(id) => self.press.answer_to(id),
            unplanned => unplanned,
        };
        let mut exchange = Exchange {
            wish,
            head_only: request.head_only,
            persistence: request.persistence,
            attempt: request.attempt,
            hop: request.hop,
            arrived_ns,
            unread_ns: self.unread_ns,
            ..Exchange::default()
        };
        if let Wish::Url(id) = wish {
            exchange.sequence = self.book.begin(arrived_ns);
            exchange.planned_delay_ns = self.press.scenario().delay_ns(id);
            exchange.fault = self.press.scenario().fault(id, request.attempt);
        } else {
            self.book.refused += 1;
        }
        if exchange.planned_delay_ns > 0 {
            self.wait(place, exchange, arrived_ns + exchange.planned_delay_ns);
            return Progress::Held;
        }
        if self.send(place, exchange) { Progress::More } else { Progress::Held }
    }

    /// Puts a response off.
    fn wait(&mut self, place: usize, exchange: Exchange, deadline_ns: u64) {
        let connection = &mut self.connections[place];
        connection.stage = Stage::Waiting { exchange, deadline_ns };
        self.timers.add(deadline_ns, connection::token(place, connection.number));
    }

    /// Sends as much of a response as is due and the socket takes. Returns whether the connection is
    /// ready for its next request.
    pub(super) fn send(&mut self, place: usize, mut exchange: Exchange) -> bool {
        if exchange.begun_ns == 0 {
            let due_ns = exchange.arrived_ns + exchange.planned_delay_ns;
            exchange.begun_ns = clock::now_ns();
            exchange.queued_ns = exchange.begun_ns.saturating_sub(due_ns.max(self.woke_ns));
            if self.burn_ns > 0 {
                thread_meter::burn(self.burn_ns);
            }
        }
        let connection = &mut self.connections[place];
        let delivery = self.press.delivery(&exchange);
        let mut progress = !matches!(connection.stage, Stage::Writing(_));
        loop {
            let allowed = delivery.allowed(exchange.step);
            let written = if exchange.sent < allowed {
                delivery.between(exchange.sent, allowed, |slices| connection.transport.write_vectored(slices))
            } else {
                connection.transport.flush().map(|()| 0)
            };
            match written {
                Ok(0) if exchange.sent >= allowed => break,
                Ok(length) if length > 0 => {
                    if exchange.sent == 0 && exchange.repeated == 0 {
                        exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
                    }
                    progress = true;
                    exchange.sent += length;
                    self.book.sent_bytes += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if progress {
                        connection.since_ns = clock::now_ns();
                    }
                    connection.stage = Stage::Writing(exchange);
                    return false;
                }
                _ => {
                    self.abort(place, exchange);
                    return false;
                }
            }
        }
        if exchange.sent < delivery.length {
            // Every step is due a fixed time after the first, so that a late one delays no other.
            let gap_ns = delivery.steps.map_or(0, |steps| steps.gap_ns);
            exchange.step += 1;
            let deadline_ns = exchange.begun_ns + u64::from(exchange.step) * gap_ns;
            self.wait(place, exchange, deadline_ns);
            return false;
        }
        let ending = delivery.ending;
        self.finish(place, exchange, ending)
    }

    /// All bytes of a response were sent. Returns whether the connection is ready for its next request.
    fn finish(&mut self, place: usize, mut exchange: Exchange, ending: Ending) -> bool {
        if exchange.actual_delay_ns == 0 {
            exchange.actual_delay_ns = clock::now_ns() - exchange.arrived_ns;
        }
        match ending {
            Ending::AsAsked => {
                self.enter(place, exchange, Outcome::Served);
                if exchange.persistence == Persistence::Ends {
                    self.part(place, matches!(exchange.wish, Wish::Unplanned(_)));
                    return false;
                }
                let connection = &mut self.connections[place];
                // Near enough to now, without looking at the clock.
                connection.since_ns = exchange.begun_ns.max(self.woke_ns);
                connection.stage = Stage::Reading;
                return true;
            }
            Ending::Close => {
                self.enter(place, exchange, Outcome::Faulted);
                self.part(place, false);
            }
            Ending::Reset => {
                self.enter(place, exchange, Outcome::Faulted);
                self.connections.remove(place).transport.reset();
            }
            Ending::Stall => {
                let connection = &mut self.connections[place];
                connection.since_ns = clock::now_ns();
                connection.stage = Stage::Stalling(exchange);
                self.end_if_abandoned(place);
            }
            Ending::Repeat => {
                exchange.repeated += exchange.sent as u64;
                exchange.sent = 0;
                self.wait(place, exchange, clock::now_ns() + REPEAT_GAP_NS);
            }
        }
        false
    }
}
