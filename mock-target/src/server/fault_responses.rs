//! The responses of URLs with a fault, as [`Fault`] documents them.

use super::connection::Exchange;
use super::response::{Ending, Response};
use super::response_encoder::{ResponseEncoder, with_body, write_text};
use crate::fault::{Fault, RetryAfter};

const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

const SOFT_BLOCK: &[u8] = b"<!doctype html><title>One moment</title><h1>Are you human?</h1>\
    <p>Unusual traffic was seen from your network. Solve the captcha to go on.</p>\
    <form><input name=captcha></form>\n";

impl ResponseEncoder {
    /// The response of a URL with a fault.
    pub(super) fn faulty(&mut self, id: u64, fault: Fault, exchange: &Exchange) -> Response<'_> {
        let length = self.bodies.body_bytes;
        match fault {
            // It affects connections when they are accepted, not responses.
            Fault::Refuse => self.planned(id, exchange),
            Fault::Silence => self.planned(id, exchange).truncated(0, Ending::Stall),
            Fault::CloseBeforeReply => self.planned(id, exchange).truncated(0, Ending::Close),
            Fault::ResetBeforeHead => self.planned(id, exchange).truncated(0, Ending::Reset),
            Fault::ResetMidHead => self.planned(id, exchange).truncated("HTTP/1.1 200".len(), Ending::Reset),
            Fault::ResetMidBody(at) => self.planned(id, exchange).truncated_in_body(at, Ending::Reset),
            Fault::CloseMidBody(at) => self.planned(id, exchange).truncated_in_body(at, Ending::Close),
            Fault::StallMidBody(at) => self.planned(id, exchange).truncated_in_body(at, Ending::Stall),
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
            Fault::EndlessInterim => Response::repeated(INTERIM),
            Fault::TooManyRequests(when) => self.retry_later("429 Too Many Requests", when, exchange),
            Fault::Unavailable(when) => self.retry_later("503 Service Unavailable", when, exchange),
            Fault::RedirectChain(hops) if exchange.hop >= hops => self.planned(id, exchange),
            Fault::RedirectChain(_) => {
                self.redirect(format_args!("/u/{id}?hop={}", exchange.hop + 1), exchange)
            }
            Fault::RedirectLoop => self.redirect(format_args!("/u/{id}"), exchange),
            Fault::TruncatedGzip | Fault::GzipBomb(_) => {
                let length = self.gzip_bodies.body(fault).len();
                self.begin_head(format_args!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}"));
                self.end_head(exchange);
                with_body(&self.head, self.gzip_bodies.body(fault), exchange)
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

    /// The planned body as one chunk, then `after` instead of the last chunk, then a close.
    fn one_chunk(&mut self, id: u64, exchange: &Exchange, after: &'static [u8]) -> Response<'_> {
        self.begin_head(format_args!("200 OK\r\ntransfer-encoding: chunked"));
        self.with_planned_body(id, exchange, Some(after)).ending(Ending::Close)
    }

    fn retry_later(&mut self, status: &str, when: RetryAfter, exchange: &Exchange) -> Response<'_> {
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

    fn redirect(&mut self, location: std::fmt::Arguments<'_>, exchange: &Exchange) -> Response<'_> {
        self.begin_head(format_args!("302 Found\r\nlocation: {location}\r\ncontent-length: 0"));
        self.end_head(exchange);
        with_body(&self.head, &[], exchange)
    }
}
