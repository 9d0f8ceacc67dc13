//! Responses as bytes: a head, and a body that exists already.
//!
//! A response is a pure function of its exchange, so what is left to send of it is known by the number
//! of bytes already sent. Nothing is copied aside for a short write: the same bytes are pointed at again.

use std::io::{IoSlice, Write};
use std::time::{Duration, SystemTime};

use super::connection::Exchange;
use super::request::{Persistence, Wish};
use crate::body::{Bodies, TAG_BYTES};
use crate::clock;
use crate::fault::{Fault, RetryAfter};
use crate::pace::Pace;
use crate::scenario::{Lie, Scenario};

const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

const SOFT_BLOCK: &[u8] = b"<!doctype html><title>One moment</title><h1>Are you human?</h1>\
    <p>Unusual traffic was seen from your network. Solve the captcha to go on.</p>\
    <form><input name=captcha></form>\n";

/// What is to be sent in answer to a request.
pub(super) struct Delivery<'a> {
    parts: [&'a [u8]; 4],
    /// How many of the bytes are sent at all.
    pub(super) length: usize,
    /// How fast, if not at once.
    pub(super) steps: Option<Steps>,
    /// What happens after the last byte.
    pub(super) ending: Ending,
}

/// A delivery in steps: so many bytes first, then so many more at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    first: usize,
    each: usize,
    pub(super) gap_ns: u64,
}

/// What happens after the last byte of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What the client asked for.
    AsAsked,
    Close,
    Reset,
    /// Nothing, for as long as the client stays.
    Stall,
    /// The same bytes again, for as long as the client stays.
    Repeat,
}

impl Delivery<'_> {
    /// How many bytes may have been sent after so many steps.
    pub(super) fn allowed(&self, step: u32) -> usize {
        let Some(steps) = self.steps else { return self.length };
        steps.first.saturating_add(steps.each.saturating_mul(step as usize)).min(self.length)
    }

    /// Hands `write` the bytes from `from` to `to`.
    pub(super) fn between<R>(&self, from: usize, to: usize, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        let mut slices = [IoSlice::new(&[]); 4];
        let (mut begin, mut used) = (0, 0);
        for part in self.parts {
            let (start, end) = (from.max(begin), to.min(begin + part.len()));
            if start < end {
                slices[used] = IoSlice::new(&part[start - begin..end - begin]);
                used += 1;
            }
            begin += part.len();
        }
        write(&slices[..used])
    }
}

/// The bytes that responses are made of, prepared once a scenario.
pub(super) struct Press {
    scenario: Scenario,
    bodies: Bodies,
    /// Whether `server-timing` is left out.
    plain: bool,
    date: Date,
    /// The start of every planned head.
    planned: Vec<u8>,
    /// The head of the response at hand; kept only for its memory.
    head: Vec<u8>,
    tag: [u8; TAG_BYTES],
    half_gzip: Vec<u8>,
    bomb: Vec<u8>,
}

impl Press {
    pub(super) fn new(scenario: Scenario, plain: bool) -> Press {
        let bodies = scenario.bodies();
        let mut half_gzip = Vec::new();
        let mut bomb = Vec::new();
        for share in &scenario.faults {
            match share.fault {
                Fault::TruncatedGzip => {
                    half_gzip = gzip(bodies.parts(0).1);
                    half_gzip.truncate(half_gzip.len() / 2);
                }
                Fault::GzipBomb(bytes) => bomb = gzip_of_zeros(bytes),
                _ => {}
            }
        }
        let planned = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n",
            bodies.len()
        );
        Press {
            planned: planned.into_bytes(),
            head: Vec::with_capacity(512),
            tag: [0; TAG_BYTES],
            date: Date::new(),
            bodies,
            plain,
            half_gzip,
            bomb,
            scenario,
        }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The id under which a request for `id` is answered, or 404 where the scenario has no such URL.
    pub(super) fn answer_to(&self, id: u64) -> Wish {
        if id >= self.scenario.urls {
            return Wish::Unplanned(404);
        }
        match self.scenario.lie {
            Some(Lie::ServeTwice(twice)) if id == (twice + 1) % self.scenario.urls => Wish::Url(twice),
            _ => Wish::Url(id),
        }
    }

    /// What is sent in answer to a request.
    pub(super) fn delivery(&mut self, exchange: &Exchange) -> Delivery<'_> {
        match (exchange.wish, exchange.fault) {
            (Wish::Unplanned(status), _) => self.refusal(status, exchange),
            (Wish::Url(id), None) => self.planned(id, exchange),
            (Wish::Url(id), Some(fault)) => self.faulty(id, fault, exchange),
        }
    }

    /// The planned response.
    fn planned(&mut self, id: u64, exchange: &Exchange) -> Delivery<'_> {
        self.head.clear();
        self.head.extend_from_slice(&self.planned);
        self.with_planned_body(id, exchange, &[])
    }

    /// A head of one's own, the body that is planned, and something after it.
    fn with_planned_body<'a>(&'a mut self, id: u64, exchange: &Exchange, after: &'a [u8]) -> Delivery<'a> {
        self.end_head(exchange);
        let noise;
        (self.tag, noise) = self.bodies.parts(id);
        if self.scenario.lie == Some(Lie::WrongByte(id)) {
            self.tag[0] ^= 1;
        }
        let tag = &self.tag[..TAG_BYTES.min(self.bodies.len())];
        whole([&self.head, tag, noise, after], exchange.head_only, self.scenario.pace)
    }

    /// A head and a body of one's own.
    fn with_body<'a>(head: &'a [u8], body: &'a [u8], exchange: &Exchange) -> Delivery<'a> {
        whole([head, body, &[], &[]], exchange.head_only, None)
    }

    /// An answer outside the plan.
    fn refusal(&mut self, status: u16, exchange: &Exchange) -> Delivery<'_> {
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
        Press::with_body(&self.head, &[], exchange)
    }

    /// The response of a URL that something goes wrong with.
    fn faulty(&mut self, id: u64, fault: Fault, exchange: &Exchange) -> Delivery<'_> {
        let length = self.bodies.len();
        match fault {
            // Befalls connections and has happened, or not, before there was a request.
            Fault::Refuse => self.planned(id, exchange),
            Fault::Silence => self.planned(id, exchange).cut(0, Ending::Stall),
            Fault::CloseBeforeReply => self.planned(id, exchange).cut(0, Ending::Close),
            Fault::ResetBeforeHead => self.planned(id, exchange).cut(0, Ending::Reset),
            Fault::ResetMidHead => self.planned(id, exchange).cut("HTTP/1.1 200".len(), Ending::Reset),
            Fault::ResetMidBody(at) => self.planned(id, exchange).cut_body(at, Ending::Reset),
            Fault::CloseMidBody(at) => self.planned(id, exchange).cut_body(at, Ending::Close),
            Fault::StallMidBody(at) => self.planned(id, exchange).cut_body(at, Ending::Stall),
            Fault::ShortLength => {
                self.begin_head(format_args!("200 OK\r\ncontent-length: {}", length / 2));
                Delivery { ending: Ending::Close, ..self.with_planned_body(id, exchange, &[]) }
            }
            Fault::BadChunk => self.one_chunk(id, exchange, b"\r\nnot-a-size\r\n"),
            Fault::NoLastChunk => self.one_chunk(id, exchange, b"\r\n"),
            Fault::OversizedHead(bytes) => {
                self.begin_head(format_args!("200 OK\r\ncontent-length: {length}"));
                self.head.extend_from_slice(b"x-padding: ");
                self.head.resize(self.head.len() + bytes as usize, b'a');
                self.head.extend_from_slice(b"\r\n");
                self.with_planned_body(id, exchange, &[])
            }
            Fault::EndlessInterim => Delivery {
                parts: [INTERIM, &[], &[], &[]],
                length: INTERIM.len(),
                steps: None,
                ending: Ending::Repeat,
            },
            Fault::TooManyRequests(when) => self.try_later("429 Too Many Requests", when, exchange),
            Fault::Unavailable(when) => self.try_later("503 Service Unavailable", when, exchange),
            Fault::RedirectChain(hops) if exchange.hop >= hops => self.planned(id, exchange),
            Fault::RedirectChain(_) => {
                self.redirect(format_args!("/u/{id}?hop={}", exchange.hop + 1), exchange)
            }
            Fault::RedirectLoop => self.redirect(format_args!("/u/{id}"), exchange),
            Fault::TruncatedGzip => {
                let length = self.half_gzip.len();
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.end_head(exchange);
                Press::with_body(&self.head, &self.half_gzip, exchange)
            }
            Fault::GzipBomb(_) => {
                let length = self.bomb.len();
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.end_head(exchange);
                Press::with_body(&self.head, &self.bomb, exchange)
            }
            Fault::WrongEncoding => {
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.with_planned_body(id, exchange, &[])
            }
            Fault::Dribble(gap_ns) => {
                let steps = Some(Steps { first: 1, each: 1, gap_ns });
                Delivery { steps, ..self.planned(id, exchange) }
            }
            Fault::SoftBlock => {
                let length = SOFT_BLOCK.len();
                self.begin_head(format_args!(
                    "200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}"
                ));
                self.end_head(exchange);
                Press::with_body(&self.head, SOFT_BLOCK, exchange)
            }
        }
    }

    /// The planned body as one chunk, then something that is not the last chunk.
    fn one_chunk(&mut self, id: u64, exchange: &Exchange, after: &'static [u8]) -> Delivery<'_> {
        self.begin_head(format_args!("200 OK\r\ntransfer-encoding: chunked"));
        let size = format!("{:x}\r\n", self.bodies.len());
        // The chunk's size goes with the head, which `with_planned_body` ends: so it is put in front.
        self.end_head(exchange);
        self.head.extend_from_slice(size.as_bytes());
        let noise;
        (self.tag, noise) = self.bodies.parts(id);
        let tag = &self.tag[..TAG_BYTES.min(self.bodies.len())];
        let whole = whole([&self.head, tag, noise, after], exchange.head_only, None);
        Delivery { ending: Ending::Close, ..whole }
    }

    fn try_later(&mut self, status: &str, when: RetryAfter, exchange: &Exchange) -> Delivery<'_> {
        self.begin_head(format_args!("{status}\r\ncontent-length: 0"));
        self.head.extend_from_slice(b"retry-after: ");
        match when {
            RetryAfter::Seconds(seconds) => write_all(&mut self.head, format_args!("{seconds}")),
            RetryAfter::Date => self.head.extend_from_slice(self.date.at(exchange.begun_ns + 2_000_000_000)),
            RetryAfter::Garbage => self.head.extend_from_slice(b"soon"),
        }
        self.head.extend_from_slice(b"\r\n");
        self.end_head(exchange);
        Press::with_body(&self.head, &[], exchange)
    }

    fn redirect(&mut self, location: std::fmt::Arguments<'_>, exchange: &Exchange) -> Delivery<'_> {
        self.begin_head(format_args!("302 Found\r\nlocation: {location}\r\ncontent-length: 0"));
        self.end_head(exchange);
        Press::with_body(&self.head, &[], exchange)
    }

    /// A status line and the fields that go with it.
    fn begin_head(&mut self, status: std::fmt::Arguments<'_>) {
        self.head.clear();
        write_all(&mut self.head, format_args!("HTTP/1.1 {status}\r\n"));
    }

    /// The fields that every response has, and the empty line.
    fn end_head(&mut self, exchange: &Exchange) {
        self.head.extend_from_slice(b"date: ");
        self.head.extend_from_slice(self.date.at(exchange.begun_ns));
        self.head.extend_from_slice(b"\r\n");
        if !self.plain && matches!(exchange.wish, Wish::Url(_)) {
            let actual_ns = exchange.begun_ns - exchange.arrived_ns;
            self.head.extend_from_slice(b"server-timing: planned;dur=");
            write_milliseconds(&mut self.head, exchange.planned_delay_ns);
            self.head.extend_from_slice(b", actual;dur=");
            write_milliseconds(&mut self.head, actual_ns);
            self.head.extend_from_slice(b"\r\n");
        }
        self.head.extend_from_slice(match exchange.persistence {
            Persistence::Stays => b"\r\n",
            Persistence::StaysAsAsked => b"connection: keep-alive\r\n\r\n",
            Persistence::Ends => b"connection: close\r\n\r\n",
        });
    }
}

/// A delivery of everything, or of the first part alone in answer to HEAD.
fn whole(mut parts: [&[u8]; 4], head_only: bool, pace: Option<Pace>) -> Delivery<'_> {
    if head_only {
        parts = [parts[0], &[], &[], &[]];
    }
    let steps = pace.map(|pace| Steps {
        first: parts[0].len() + pace.piece_bytes as usize,
        each: pace.piece_bytes as usize,
        gap_ns: pace.gap_ns,
    });
    Delivery { parts, length: parts.iter().map(|part| part.len()).sum(), steps, ending: Ending::AsAsked }
}

impl Delivery<'_> {
    /// The same, but ending after `length` bytes.
    fn cut(self, length: usize, ending: Ending) -> Self {
        Delivery { length: length.min(self.length), ending, ..self }
    }

    /// The same, but ending after the head and so many bytes of the body, or half of it.
    fn cut_body(self, at: Option<u64>, ending: Ending) -> Self {
        let (head, length) = (self.parts[0].len(), self.length);
        let at = at.map_or((length - head) / 2, |at| usize::try_from(at).unwrap_or(usize::MAX));
        self.cut(head.saturating_add(at), ending)
    }
}

fn write_all(head: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
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

/// The date as HTTP writes it, worked out once a second.
struct Date {
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
    fn at(&mut self, ns: u64) -> &[u8] {
        let second = ns / 1_000_000_000;
        if second != self.second {
            self.second = second;
            self.text = httpdate::fmt_http_date(self.epoch + Duration::from_secs(second));
        }
        self.text.as_bytes()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

fn gzip_of_zeros(bytes: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zeros = std::io::Read::take(std::io::repeat(0), bytes);
    std::io::copy(&mut zeros, &mut encoder).and_then(|_| encoder.finish()).expect("memory can be written to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn press(body_bytes: u64, lie: Option<Lie>) -> Press {
        Press::new(Scenario { body_bytes, lie, ..Scenario::preset("quick").expect("a preset") }, true)
    }

    fn exchange(wish: Wish) -> Exchange {
        Exchange { wish, ..Exchange::default() }
    }

    fn bytes(press: &mut Press, wish: Wish, from: usize, to: usize) -> Vec<u8> {
        let delivery = press.delivery(&exchange(wish));
        let to = to.min(delivery.length);
        delivery.between(from, to, |slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    #[test]
    fn a_response_is_a_head_and_the_planned_body() {
        let mut press = press(100, None);
        let response = bytes(&mut press, Wish::Url(5), 0, usize::MAX);
        let (head, body) = response.split_at(response.len() - 100);
        let head = std::str::from_utf8(head).expect("text");
        assert!(head.starts_with(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 100\r\ndate: "
        ));
        assert!(head.ends_with(" GMT\r\n\r\n"), "{head}");
        assert_eq!(crc32fast::hash(body), press.bodies.crc32(5));
    }

    #[test]
    fn timing_tells_plan_and_deed() {
        let mut press = Press::new(Scenario::preset("quick").expect("a preset"), false);
        let exchange = Exchange {
            wish: Wish::Url(1),
            arrived_ns: 10_000_000_000,
            begun_ns: 10_250_043_999,
            planned_delay_ns: 250_000_000,
            ..Exchange::default()
        };
        let head = String::from_utf8_lossy(press.delivery(&exchange).parts[0]).into_owned();
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

    #[test]
    fn lies_are_told_about_one_url_only() {
        let (mut honest, mut liar) = (press(100, None), press(100, Some(Lie::WrongByte(5))));
        for id in 0..10 {
            let body = |press: &mut Press| bytes(press, Wish::Url(id), 0, usize::MAX).split_off(110);
            let differing = body(&mut honest).iter().zip(body(&mut liar)).filter(|(a, b)| *a != b).count();
            assert_eq!(differing, usize::from(id == 5));
        }
        let liar = press(100, Some(Lie::ServeTwice(999)));
        assert_eq!(liar.answer_to(0), Wish::Url(999));
        assert_eq!(liar.answer_to(1), Wish::Url(1));
        assert_eq!(liar.answer_to(1_000), Wish::Unplanned(404));
    }

    proptest! {
        #[test]
        fn any_part_of_a_response_can_be_pointed_at(
            body_bytes in 0..200u64, id in 0..1_000u64, a in 0..400usize, b in 0..400usize,
        ) {
            let mut press = press(body_bytes, None);
            let whole = bytes(&mut press, Wish::Url(id), 0, usize::MAX);
            let (from, to) = (a.min(b).min(whole.len()), a.max(b).min(whole.len()));
            prop_assert_eq!(&bytes(&mut press, Wish::Url(id), from, to), &whole[from..to]);
        }
    }
}
