//! Encodes responses: a head is written for each, a body exists already.
//!
//! A response is a pure function of its exchange, so the number of bytes already sent determines what is left
//! to send. Nothing is copied for a short write: the response is encoded again and sent from there.

use std::io::Write;
use std::time::{Duration, SystemTime};

use super::connection::Exchange;
use super::gzip_bodies::GzipBodies;
use super::request::{Persistence, Route};
use super::response::Response;
use crate::body::{Bodies, TAG_BYTES};
use crate::clock;
use crate::injected_bug::InjectedBug;
use crate::scenario::Scenario;

/// The bytes that responses consist of, prepared once per scenario.
pub(super) struct ResponseEncoder {
    scenario: Scenario,
    pub(super) bodies: Bodies,
    /// Whether `server-timing` is omitted.
    plain: bool,
    pub(super) date: Date,
    /// The start of every planned head.
    planned_head: Vec<u8>,
    /// The head of the current response; kept to reuse its memory.
    pub(super) head: Vec<u8>,
    tag: [u8; TAG_BYTES],
    /// The line before a body that is sent as one chunk.
    chunk_size: Vec<u8>,
    pub(super) gzip_bodies: GzipBodies,
}

impl ResponseEncoder {
    pub(super) fn new(scenario: Scenario, plain: bool) -> ResponseEncoder {
        let bodies = scenario.bodies();
        let planned_head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n",
            bodies.body_bytes
        );
        ResponseEncoder {
            planned_head: planned_head.into_bytes(),
            head: Vec::with_capacity(512),
            tag: [0; TAG_BYTES],
            date: Date::new(),
            chunk_size: format!("{:x}\r\n", bodies.body_bytes).into_bytes(),
            gzip_bodies: GzipBodies::new(&scenario, &bodies),
            bodies,
            plain,
            scenario,
        }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The URL whose response a request for `id` gets, or 404 where the scenario has no such URL.
    pub(super) fn route(&self, id: u64) -> Route {
        if id >= self.scenario.urls {
            return Route::Refusal(404);
        }
        match self.scenario.injected_bug {
            Some(InjectedBug::ServeTwice(twice)) if id == (twice + 1) % self.scenario.urls => {
                Route::Url(twice)
            }
            _ => Route::Url(id),
        }
    }

    /// The response to a request.
    pub(super) fn response(&mut self, exchange: &Exchange) -> Response<'_> {
        match (exchange.route, exchange.fault) {
            (Route::Refusal(status), _) => self.refusal(status, exchange),
            (Route::Url(id), None) => self.planned(id, exchange),
            (Route::Url(id), Some(fault)) => self.faulty(id, fault, exchange),
        }
    }

    /// The planned response.
    pub(super) fn planned(&mut self, id: u64, exchange: &Exchange) -> Response<'_> {
        self.head.clear();
        self.head.extend_from_slice(&self.planned_head);
        self.with_planned_body(id, exchange, None)
    }

    /// The head that was begun, and the planned body: as it is, or as one chunk followed by `after_chunk`.
    pub(super) fn with_planned_body<'a>(
        &'a mut self,
        id: u64,
        exchange: &Exchange,
        after_chunk: Option<&'a [u8]>,
    ) -> Response<'a> {
        self.end_head(exchange);
        let noise;
        (self.tag, noise) = self.bodies.parts(id);
        if self.scenario.injected_bug == Some(InjectedBug::WrongByte(id)) {
            self.tag[0] ^= 1;
        }
        let tag = &self.tag[..TAG_BYTES.min(self.bodies.body_bytes)];
        let (before, after) = after_chunk.map_or((&[][..], &[][..]), |after| (&self.chunk_size[..], after));
        Response::new(&self.head, [before, tag, noise, after], exchange.head_only, self.scenario.pace)
    }

    /// An error response without a body.
    fn refusal(&mut self, status: u16, exchange: &Exchange) -> Response<'_> {
        let reason = match status {
            404 => "Not Found",
            405 => "Method Not Allowed\r\nallow: GET, HEAD",
            408 => "Request Timeout",
            413 => "Content Too Large",
            414 => "URI Too Long",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            505 => "HTTP Version Not Supported",
            _ => "Bad Request",
        };
        self.begin_head(format_args!("{status} {reason}\r\ncontent-length: 0"));
        self.end_head(exchange);
        with_body(&self.head, &[], exchange)
    }

    /// Begins a head: `status` is the rest of the status line, and any fields that follow it.
    pub(super) fn begin_head(&mut self, status: std::fmt::Arguments<'_>) {
        self.head.clear();
        write_text(&mut self.head, format_args!("HTTP/1.1 {status}\r\n"));
    }

    /// Ends a head: the fields that every response has, and the empty line.
    pub(super) fn end_head(&mut self, exchange: &Exchange) {
        self.head.extend_from_slice(b"date: ");
        self.head.extend_from_slice(self.date.at(exchange.begun_ns));
        self.head.extend_from_slice(b"\r\n");
        if !self.plain && matches!(exchange.route, Route::Url(_)) {
            let actual_ns = exchange.begun_ns - exchange.arrived_ns;
            self.head.extend_from_slice(b"server-timing: planned;dur=");
            write_milliseconds(&mut self.head, exchange.planned_delay_ns);
            self.head.extend_from_slice(b", actual;dur=");
            write_milliseconds(&mut self.head, actual_ns);
            self.head.extend_from_slice(b"\r\n");
        }
        self.head.extend_from_slice(match exchange.persistence {
            Persistence::KeepAlive => b"\r\n",
            Persistence::KeepAliveExplicit => b"connection: keep-alive\r\n\r\n",
            Persistence::Close => b"connection: close\r\n\r\n",
        });
    }
}

/// A response with this body instead of the planned one.
pub(super) fn with_body<'a>(head: &'a [u8], body: &'a [u8], exchange: &Exchange) -> Response<'a> {
    Response::new(head, [body, &[], &[], &[]], exchange.head_only, None)
}

pub(super) fn write_text(head: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    head.write_fmt(text).expect("memory can be written to");
}

/// Milliseconds with three decimals, faster than the standard library formats a float.
fn write_milliseconds(head: &mut Vec<u8>, ns: u64) {
    let mut digits = [b'0'; 24];
    let (mut rest, mut start) = (ns / 1_000, digits.len());
    while rest > 0 || start > digits.len() - 5 {
        start -= 1;
        if start == digits.len() - 4 {
            digits[start] = b'.';
        } else {
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
    head.extend_from_slice(&digits[start..]);
}

/// The date as HTTP writes it, formatted once per second.
pub(super) struct Date {
    /// The time of day at zero of the monotonic clock.
    epoch: SystemTime,
    second: u64,
    text: String,
}

impl Date {
    fn new() -> Date {
        let epoch = SystemTime::now() - Duration::from_nanos(clock::now_ns());
        Date { epoch, second: u64::MAX, text: String::new() }
    }

    /// The date at a time of the monotonic clock: a pure function of it, like everything in a response.
    pub(super) fn at(&mut self, ns: u64) -> &[u8] {
        let second = ns / 1_000_000_000;
        if second != self.second {
            self.second = second;
            self.text = httpdate::fmt_http_date(self.epoch + Duration::from_secs(second));
        }
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoder(body_bytes: u64) -> ResponseEncoder {
        ResponseEncoder::new(Scenario { body_bytes, ..Scenario::preset("quick").expect("a preset") }, true)
    }

    fn bytes(encoder: &mut ResponseEncoder, id: u64, from: usize, to: usize) -> Vec<u8> {
        let response = encoder.response(&Exchange { route: Route::Url(id), ..Exchange::default() });
        let to = to.min(response.length);
        response.write_range(from, to, |slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    #[test]
    fn a_response_is_a_head_and_the_planned_body() {
        let mut encoder = encoder(100);
        let response = bytes(&mut encoder, 5, 0, usize::MAX);
        let (head, body) = response.split_at(response.len() - 100);
        let head = std::str::from_utf8(head).expect("text");
        assert!(head.starts_with(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 100\r\ndate: "
        ));
        assert!(head.ends_with(" GMT\r\n\r\n"), "{head}");
        assert_eq!(crc32fast::hash(body), encoder.bodies.crc32(5));
    }

    #[test]
    fn server_timing_states_planned_and_actual_delay() {
        let mut encoder = ResponseEncoder::new(Scenario::preset("quick").expect("a preset"), false);
        let exchange = Exchange {
            route: Route::Url(1),
            arrived_ns: 10_000_000_000,
            begun_ns: 10_250_043_999,
            planned_delay_ns: 250_000_000,
            ..Exchange::default()
        };
        encoder.response(&exchange);
        let head = String::from_utf8_lossy(&encoder.head);
        assert!(head.contains("\r\nserver-timing: planned;dur=250.000, actual;dur=250.043\r\n"), "{head}");
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        for (ns, text) in [(0, "0.000"), (999, "0.000"), (1_000, "0.001"), (1_234_567_890, "1234.567")] {
            let mut head = Vec::new();
            write_milliseconds(&mut head, ns);
            assert_eq!(String::from_utf8(head).expect("text"), text);
        }
    }

    proptest! {
        #[test]
        fn any_range_of_a_response_can_be_written(
            body_bytes in 0..200u64, id in 0..1_000u64, a in 0..400usize, b in 0..400usize,
        ) {
            let mut encoder = encoder(body_bytes);
            let whole = bytes(&mut encoder, id, 0, usize::MAX);
            let (from, to) = (a.min(b).min(whole.len()), a.max(b).min(whole.len()));
            prop_assert_eq!(&bytes(&mut encoder, id, from, to), &whole[from..to]);
        }
    }
}
