//! Fault types that a target can inject, and the shares of URLs that they affect.
//!
//! A share is written `NAME[@PARAMETER]=SHARE%[,until=ATTEMPT]`, such as `reset-mid-body@512=2%` or
//! `503@date=10%,until=3`. The seed decides which URLs are affected, so a scenario's faults are as
//! deterministic as its delays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::suggest::did_you_mean;
use crate::units;

/// A fault type, defined byte for byte.
///
/// "The planned response" is the URL's head and body without the fault. Faults that end
/// the connection do so after exactly the bytes stated. What a client's system does on a reset
/// while bytes are still unread depends on that system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// `refuse`: a share of *connections*, not of URLs, is reset as soon as they are accepted.
    Refuse,
    /// `silence`: nothing is ever sent; the connection stays open until the client leaves.
    Silence,
    /// `close-before-reply`: after the delay the connection is closed in order, without a byte.
    CloseBeforeReply,
    /// `reset-before-head`: after the delay the connection is reset (RST), without a byte.
    ResetBeforeHead,
    /// `reset-mid-head`: the twelve bytes `HTTP/1.1 200`, then a reset.
    ResetMidHead,
    /// `reset-mid-body@N`: the planned head and the first N bytes of the body (half of it unless
    /// stated), then a reset.
    ResetMidBody(Option<u64>),
    /// `close-mid-body@N`: the same, then an orderly close.
    CloseMidBody(Option<u64>),
    /// `stall-mid-body@N`: the same, then nothing until the client leaves.
    StallMidBody(Option<u64>),
    /// `short-length`: `content-length` states half of the body, all of which follows, then a close.
    ShortLength,
    /// `bad-chunk`: the body as one chunk, then the chunk-size line `not-a-size`, then a close.
    BadChunk,
    /// `no-last-chunk`: the body as one chunk, then a close instead of the last chunk.
    NoLastChunk,
    /// `oversized-head@BYTES`: the planned response with a field `x-padding` of this many `a` (256 KiB
    /// unless stated).
    OversizedHead(u64),
    /// `endless-1xx`: `HTTP/1.1 102 Processing` and an empty line every 10 ms, until the client leaves.
    EndlessInterim,
    /// `429@WHEN`: 429 without a body, and `retry-after`.
    TooManyRequests(RetryAfter),
    /// `503@WHEN`: 503 without a body, and `retry-after`.
    Unavailable(RetryAfter),
    /// `redirect-chain@HOPS`: 302 to the same URL with `?hop=1` and so on (3 times unless stated),
    /// then the planned response.
    RedirectChain(u32),
    /// `redirect-loop`: 302 to the same URL, always.
    RedirectLoop,
    /// `truncated-gzip`: `content-encoding: gzip` and the first half of a gzip stream, with its length.
    TruncatedGzip,
    /// `gzip-bomb@BYTES`: a small gzip stream that decompresses to this many zeros (10 MiB unless stated).
    GzipBomb(u64),
    /// `wrong-encoding`: the planned body, which is not gzip, under `content-encoding: gzip`.
    WrongEncoding,
    /// `dribble@GAP`: the planned response, one byte at a time, at this interval (1 ms unless stated).
    Dribble(u64),
    /// `soft-block`: 200 with a small captcha page.
    SoftBlock,
}

/// The value of `retry-after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds: `@2s`; 1 unless stated.
    Seconds(u32),
    /// A date two seconds after the response's own: `@date`.
    Date,
    /// The word `soon`, which is neither: `@garbage`.
    Garbage,
}

/// The name of every fault type, and the fault with its default parameter.
const NAMED: [(&str, Fault); 22] = [
    ("refuse", Fault::Refuse),
    ("silence", Fault::Silence),
    ("close-before-reply", Fault::CloseBeforeReply),
    ("reset-before-head", Fault::ResetBeforeHead),
    ("reset-mid-head", Fault::ResetMidHead),
    ("reset-mid-body", Fault::ResetMidBody(None)),
    ("close-mid-body", Fault::CloseMidBody(None)),
    ("stall-mid-body", Fault::StallMidBody(None)),
    ("short-length", Fault::ShortLength),
    ("bad-chunk", Fault::BadChunk),
    ("no-last-chunk", Fault::NoLastChunk),
    ("oversized-head", Fault::OversizedHead(256 << 10)),
    ("endless-1xx", Fault::EndlessInterim),
    ("429", Fault::TooManyRequests(RetryAfter::Seconds(1))),
    ("503", Fault::Unavailable(RetryAfter::Seconds(1))),
    ("redirect-chain", Fault::RedirectChain(3)),
    ("redirect-loop", Fault::RedirectLoop),
    ("truncated-gzip", Fault::TruncatedGzip),
    ("gzip-bomb", Fault::GzipBomb(10 << 20)),
    ("wrong-encoding", Fault::WrongEncoding),
    ("dribble", Fault::Dribble(1_000_000)),
    ("soft-block", Fault::SoftBlock),
];

/// Every fault type with its default parameter.
pub static ALL: [Fault; NAMED.len()] = {
    let mut all = [Fault::Refuse; NAMED.len()];
    let mut index = 0;
    while index < all.len() {
        all[index] = NAMED[index].1;
        index += 1;
    }
    all
};

/// The largest decompressed size of a `gzip-bomb`, in bytes.
const LARGEST_BOMB_BYTES: u64 = 1 << 30;

/// The largest padding of an `oversized-head`, in bytes.
const LARGEST_PADDING_BYTES: u64 = 16 << 20;

impl Fault {
    /// Its name, without its parameter.
    pub fn name(&self) -> &'static str {
        let type_of = std::mem::discriminant::<Fault>;
        NAMED.iter().find(|(_, named)| type_of(named) == type_of(self)).map_or("", |(name, _)| *name)
    }

    /// The same fault with the parameter in `text`; `None` where it takes no such parameter.
    fn with_parameter(self, text: &str) -> Option<Fault> {
        let bytes = || units::parse_bytes(text).ok();
        let at_most = |most: u64| bytes().filter(|bytes| *bytes <= most);
        Some(match self {
            Fault::ResetMidBody(_) => Fault::ResetMidBody(Some(bytes()?)),
            Fault::CloseMidBody(_) => Fault::CloseMidBody(Some(bytes()?)),
            Fault::StallMidBody(_) => Fault::StallMidBody(Some(bytes()?)),
            Fault::OversizedHead(_) => Fault::OversizedHead(at_most(LARGEST_PADDING_BYTES)?),
            Fault::GzipBomb(_) => Fault::GzipBomb(at_most(LARGEST_BOMB_BYTES)?),
            Fault::RedirectChain(_) => Fault::RedirectChain(text.parse().ok()?),
            Fault::Dribble(_) => Fault::Dribble(units::parse_duration(text).ok()?),
            Fault::TooManyRequests(_) => Fault::TooManyRequests(RetryAfter::parse(text)?),
            Fault::Unavailable(_) => Fault::Unavailable(RetryAfter::parse(text)?),
            _ => return None,
        })
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, parameter) =
            text.trim().split_once('@').map_or((text.trim(), None), |(name, text)| (name, Some(text)));
        let unknown = || FaultError::Unknown(name.to_owned());
        let (_, fault) = *NAMED.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let Some(parameter) = parameter else { return Ok(fault) };
        fault.with_parameter(parameter).ok_or_else(|| FaultError::Parameter(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Fault::ResetMidBody(Some(n)) | Fault::CloseMidBody(Some(n)) | Fault::StallMidBody(Some(n)) => {
                write!(f, "@{n}")
            }
            Fault::OversizedHead(bytes) | Fault::GzipBomb(bytes) => write!(f, "@{bytes}"),
            Fault::RedirectChain(hops) => write!(f, "@{hops}"),
            Fault::Dribble(gap_ns) => write!(f, "@{}", units::format_duration(*gap_ns)),
            Fault::TooManyRequests(when) | Fault::Unavailable(when) => write!(f, "@{when}"),
            _ => Ok(()),
        }
    }
}

impl RetryAfter {
    fn parse(text: &str) -> Option<RetryAfter> {
        const SECOND_NS: u64 = 1_000_000_000;
        match text {
            "date" => Some(RetryAfter::Date),
            "garbage" => Some(RetryAfter::Garbage),
            // The field holds whole seconds.
            _ => {
                let ns = units::parse_duration(text).ok().filter(|ns| ns.is_multiple_of(SECOND_NS))?;
                u32::try_from(ns / SECOND_NS).ok().map(RetryAfter::Seconds)
            }
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetryAfter::Seconds(seconds) => write!(f, "{seconds}s"),
            RetryAfter::Date => f.write_str("date"),
            RetryAfter::Garbage => f.write_str("garbage"),
        }
    }
}

/// Why a fault or its share could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultError {
    /// No fault has that name.
    #[error(
        "there is no fault \"{name}\"; {near}there are: {all}",
        name = .0,
        near = did_you_mean(.0, ALL.iter().map(Fault::name)),
        all = names()
    )]
    Unknown(String),
    /// The fault takes no parameter, or no such parameter.
    #[error(
        "the parameter in \"{0}\" is wrong: such as reset-mid-body@512, gzip-bomb@10MiB, 503@2s, 503@date"
    )]
    Parameter(String),
    /// Not a fault with a share.
    #[error("\"{0}\" is not a fault with its share: write reset-mid-body=2% or 503@1s=10%,until=3")]
    Share(String),
}

fn names() -> String {
    ALL.iter().map(Fault::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatted_faults_parse_back() {
        for fault in ALL {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert_eq!(fault.name().parse(), Ok(fault));
        }
    }
}
