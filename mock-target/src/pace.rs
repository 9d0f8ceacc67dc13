//! How fast a body is sent once its response has begun.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units;

/// A body sent in pieces of equal size at equal intervals. The head is sent with the first piece.
///
/// Written `1KiB/20ms` (a piece of 1 KiB every 20 ms) or `1MiB/s` (a bandwidth, sent as a hundredth of it
/// every 10 ms). Pieces are due at fixed times after the first, so that a late one
/// delays none after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pace {
    /// Bytes of a piece, at least 1.
    pub piece_bytes: u64,
    /// Time from one piece to the next, in nanoseconds, at least 1 µs.
    pub gap_ns: u64,
}

/// Why a pace could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a pace: write 1KiB/20ms (a piece, and the time to the next) or 1MiB/s (a bandwidth)")]
pub struct PaceError(String);

impl Pace {
    /// From the first byte of a body until its last is due, in nanoseconds.
    pub fn duration_ns(&self, body_bytes: u64) -> u64 {
        let pieces = body_bytes.div_ceil(self.piece_bytes).max(1);
        (pieces - 1).saturating_mul(self.gap_ns)
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let wrong = || PaceError(text.to_owned());
        let (bytes, time) = text.trim().split_once('/').ok_or_else(wrong)?;
        let bytes = units::parse_bytes(bytes).map_err(|_| wrong())?;
        let (piece_bytes, gap_ns) = match time {
            "s" => (bytes.div_ceil(100), 10_000_000),
            _ => (bytes, units::parse_duration(time).map_err(|_| wrong())?),
        };
        if piece_bytes == 0 || gap_ns < 1_000 { Err(wrong()) } else { Ok(Pace { piece_bytes, gap_ns }) }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.piece_bytes, units::format_duration(self.gap_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_parsed_from_pieces_or_bandwidth() {
        let pieces: Pace = "1KiB/20ms".parse().expect("a pace");
        assert_eq!(pieces, Pace { piece_bytes: 1_024, gap_ns: 20_000_000 });
        assert_eq!(pieces.to_string().parse(), Ok(pieces));
        assert_eq!("1MB/s".parse(), Ok(Pace { piece_bytes: 10_000, gap_ns: 10_000_000 }));
        for text in ["", "1KiB", "0/20ms", "1KiB/0", "/s", "1KiB/ms"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }

    #[test]
    fn duration_runs_to_the_last_piece() {
        let pace: Pace = "10/5ms".parse().expect("a pace");
        assert_eq!(
            [0, 1, 10, 11, 100].map(|bytes| pace.duration_ns(bytes)),
            [0, 0, 0, 5_000_000, 45_000_000]
        );
    }
}
