//! The responses of URLs that something goes wrong with, as [`Fault`] documents them.

use std::io::{self, Read};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::connection::Exchange;
use super::response::{Delivery, Ending};
use super::response_encoder::{Press, with_body, write_text};
use crate::body::Bodies;
use crate::fault::{Fault, RetryAfter};
use crate::scenario::Scenario;

const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

const SOFT_BLOCK: &[u8] = b"<!doctype html><title>One moment</title><h1>Are you human?</h1>\
    <p>Unusual traffic was seen from your network. Solve the captcha to go on.</p>\
    <form><input name=captcha></form>\n";

/// The bodies that some faults send instead of the planned one, made once.
pub(super) struct Prepared(Vec<(Fault, Vec<u8>)>);

impl Prepared {
    pub(super) fn new(scenario: &Scenario, bodies: &Bodies) -> Prepared {
        let prepare = |fault| match fault {
            Fault::TruncatedGzip => {
                let whole = gzip(bodies.parts(0).1);
                Some((fault, whole[..whole.len() / 2].to_vec()))
            }
            Fault::GzipBomb(bytes) => Some((fault, gzip(io::repeat(0).take(bytes)))),
            _ => None,
        };
        Prepared(scenario.faults.iter().filter_map(|share| prepare(share.fault)).collect())
    }

    fn body(&self, fault: Fault) -> &[u8] {
        self.0.iter().find(|(prepared, _)| *prepared == fault).map_or(&[], |(_, body)| body)
    }
}

impl Press {
    /// The response of a URL that something goes wrong with.
    pub(super) fn faulty(&mut self, id: u64, fault: Fault, exchange: &Exchange) -> Delivery<'_> {
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
                self.with_planned_body(id, exchange, None).ending(Ending::Close)
            }
            Fault::BadChunk => self.one_chunk(id, exchange, b"\r\nnot-a-size\r\n"),
            Fault::NoLastChunk => self.one_chunk(id, exchange, b"\r\n"),
            Fault::OversizedHead(bytes) => {
                self.begin_head(format_args!("200 OK\r\ncontent-length: {length}"));
                self.head.extend_from_slice(b"x-padding: ");
                self.head.resize(self.head.len() + bytes as usize, b'a');
                self.head.extend_from_slice(b"\r\n");
                self.with_planned_body(id, exchange, None)
            }
            Fault::EndlessInterim => Delivery::repeated(INTERIM),
            Fault::TooManyRequests(when) => self.try_later("429 Too Many Requests", when, exchange),
            Fault::Unavailable(when) => self.try_later("503 Service Unavailable", when, exchange),
            Fault::RedirectChain(hops) if exchange.hop >= hops => self.planned(id, exchange),
            Fault::RedirectChain(_) => {
                self.redirect(format_args!("/u/{id}?hop={}", exchange.hop + 1), exchange)
            }
            Fault::RedirectLoop => self.redirect(format_args!("/u/{id}"), exchange),
            Fault::TruncatedGzip | Fault::GzipBomb(_) => {
                let length = self.prepared.body(fault).len();
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.end_head(exchange);
                with_body(&self.head, self.prepared.body(fault), exchange)
            }
            Fault::WrongEncoding => {
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.with_planned_body(id, exchange, None)
            }
            Fault::Dribble(gap_ns) => self.planned(id, exchange).dribbled(gap_ns),
            Fault::SoftBlock => {
                let length = SOFT_BLOCK.len();
                self.begin_head(format_args!(
                    "200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}"
                ));
                self.end_head(exchange);
                with_body(&self.head, SOFT_BLOCK, exchange)
            }
        }
    }

    /// The planned body as one chunk, then something that is not the last chunk, then a close.
    fn one_chunk(&mut self, id: u64, exchange: &Exchange, after: &'static [u8]) -> Delivery<'_> {
        self.begin_head(format_args!("200 OK\r\ntransfer-encoding: chunked"));
        self.with_planned_body(id, exchange, Some(after)).ending(Ending::Close)
    }

    fn try_later(&mut self, status: &str, when: RetryAfter, exchange: &Exchange) -> Delivery<'_> {
        self.begin_head(format_args!("{status}\r\ncontent-length: 0"));
        self.head.extend_from_slice(b"retry-after: ");
        match when {
            RetryAfter::Seconds(seconds) => write_text(&mut self.head, format_args!("{seconds}")),
            RetryAfter::Date => self.head.extend_from_slice(self.date.at(exchange.begun_ns + 2_000_000_000)),
            RetryAfter::Garbage => self.head.extend_from_slice(b"soon"),
        }
        self.head.extend_from_slice(b"\r\n");
        self.end_head(exchange);
        with_body(&self.head, &[], exchange)
    }

    fn redirect(&mut self, location: std::fmt::Arguments<'_>, exchange: &Exchange) -> Delivery<'_> {
        self.begin_head(format_args!("302 Found\r\nlocation: {location}\r\ncontent-length: 0"));
        self.end_head(exchange);
        with_body(&self.head, &[], exchange)
    }
}

fn gzip(mut bytes: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut bytes, &mut encoder).and_then(|_| encoder.finish()).expect("memory can be written to")
}
