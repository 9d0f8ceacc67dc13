//! An incremental decoder of the chunked transfer coding (RFC 9112, section 7.1).

use super::exchange::BODY_LIMIT;
use crate::protocol::ErrorKind;

/// The most bytes of chunk extensions and trailers in one body.
const OVERHEAD_LIMIT: u32 = 64 << 10;

/// The decoder of one chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkedDecoder {
    state: State,
    overhead: u32,
}

/// The part of the body that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the size; `None` before its first digit.
    Size(Option<u64>),
    /// In the whitespace after a size, which an extension may follow.
    Space(u64),
    /// In an extension, which is ignored.
    Extension(u64),
    /// Before the line feed that ends a size.
    SizeEnd(u64),
    /// In the data, of which so many bytes are left.
    Data(u64),
    /// Before the carriage return after the data.
    DataReturn,
    /// Before the line feed after the data.
    DataEnd,
    /// At the beginning of a trailer line, or of the empty line that ends the trailers. `foldable` where the line
    /// may continue the previous one.
    Line {
        foldable: bool,
    },
    /// In the name of a trailer.
    Name,
    /// In the value of a trailer, which is ignored.
    Trailer,
    TrailerEnd,
    LastEnd,
    Complete,
}

impl Default for ChunkedDecoder {
    fn default() -> ChunkedDecoder {
        ChunkedDecoder { state: State::Size(None), overhead: 0 }
    }
}

impl ChunkedDecoder {
    pub(super) fn is_complete(self) -> bool {
        self.state == State::Complete
    }

    /// Consumes some of `input`, which is not empty. Returns the bytes of body among them, if any, and the
    /// rest of `input`.
    pub(super) fn decode<'i>(&mut self, input: &'i [u8]) -> Result<(&'i [u8], &'i [u8]), ErrorKind> {
        if let State::Data(left) = &mut self.state {
            let (body, rest) = input.split_at(input.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
            *left -= body.len() as u64;
            if *left == 0 {
                self.state = State::DataReturn;
            }
            return Ok((body, rest));
        }
        let (&byte, rest) = input.split_first().ok_or(ErrorKind::Malformed)?;
        self.state = self.after(byte).ok_or(ErrorKind::Malformed)?;
        Ok((&[], rest))
    }

    /// The state after a `byte` of framing; `None` where the byte is not allowed.
    fn after(&mut self, byte: u8) -> Option<State> {
        Some(match (self.state, byte) {
            (State::Size(size), digit) if digit.is_ascii_hexdigit() => {
                let digit = u64::from(char::from(digit).to_digit(16)?);
                // `size` is at most the limit, so this does not overflow.
                let size = Some(size.unwrap_or(0) * 16 + digit).filter(|&size| size <= BODY_LIMIT)?;
                State::Size(Some(size))
            }
            (State::Size(Some(size)) | State::Space(size) | State::Extension(size), b'\r') => {
                State::SizeEnd(size)
            }
            (State::Size(Some(size)) | State::Space(size), b';') => State::Extension(size),
            (State::Size(Some(size)) | State::Space(size), b' ' | b'\t') => {
                self.count_overhead(State::Space(size))?
            }
            (State::Extension(size), other) if other != b'\n' => {
                self.count_overhead(State::Extension(size))?
            }
            (State::SizeEnd(0), b'\n') => State::Line { foldable: false },
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size(None),
            (State::Line { .. }, b'\r') => State::LastEnd,
            (State::LastEnd, b'\n') => State::Complete,
            (State::Line { foldable: true }, b' ' | b'\t') => self.count_overhead(State::Trailer)?,
            (State::Line { .. } | State::Name, byte) if is_token(byte) => self.count_overhead(State::Name)?,
            (State::Name, b':') => State::Trailer,
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::TrailerEnd, b'\n') => State::Line { foldable: true },
            (State::Trailer, other) if !matches!(other, b'\n' | 0) => self.count_overhead(State::Trailer)?,
            _ => return None,
        })
    }

    /// Counts one byte of overhead. Returns `state` unless that exceeds the limit.
    fn count_overhead(&mut self, state: State) -> Option<State> {
        self.overhead += 1;
        (self.overhead <= OVERHEAD_LIMIT).then_some(state)
    }
}

/// Whether `byte` may be part of a field name: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
