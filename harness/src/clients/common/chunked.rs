//! The chunked coding, taken apart as it comes (RFC 9112, section 7.1).

use super::exchange::BODY_LIMIT;
use crate::protocol::ErrorKind;

/// Bytes of chunk extensions and trailers that are read past in one body before it is given up.
const OVERHEAD_LIMIT: u32 = 64 << 10;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    place: Place,
    overhead: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the size; whether a digit of it has come.
    Size {
        size: u64,
        begun: bool,
    },
    /// In the space after a size, which an extension may follow.
    Space {
        size: u64,
    },
    /// In an extension, which means nothing to us.
    Extension {
        size: u64,
    },
    /// Before the line feed that ends a size.
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// Before the carriage return, then the line feed, that follow the data.
    DataReturn,
    DataEnd,
    /// At the beginning of a trailer, or of the empty line that ends them; whether a line may be the folded rest of
    /// the one before.
    Line {
        foldable: bool,
    },
    /// In the name of a trailer.
    Name,
    /// In its value, which means nothing to us.
    Trailer,
    TrailerEnd,
    LastEnd,
    Complete,
}

impl Default for Chunks {
    fn default() -> Chunks {
        Chunks { place: Place::Size { size: 0, begun: false }, overhead: 0 }
    }
}

impl Chunks {
    pub(super) fn is_complete(self) -> bool {
        self.place == Place::Complete
    }

    /// Takes a step in `input`, which is not empty: gives the bytes of body it went over, if any, and
    /// the rest.
    pub(super) fn step<'i>(&mut self, input: &'i [u8]) -> Result<(&'i [u8], &'i [u8]), ErrorKind> {
        if let Place::Data { left } = &mut self.place {
            let (body, rest) = input.split_at(input.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
            *left -= body.len() as u64;
            if *left == 0 {
                self.place = Place::DataReturn;
            }
            return Ok((body, rest));
        }
        let (&byte, rest) = input.split_first().ok_or(ErrorKind::Malformed)?;
        self.place = self.after(byte).ok_or(ErrorKind::Malformed)?;
        Ok((&[], rest))
    }

    /// The place after a `byte` of framing, if it may stand there.
    fn after(&mut self, byte: u8) -> Option<Place> {
        let after_size =
            |size| if size == 0 { Place::Line { foldable: false } } else { Place::Data { left: size } };
        Some(match (self.place, byte) {
            (Place::Size { size, .. }, digit) if digit.is_ascii_hexdigit() => {
                let digit = u64::from(char::from(digit).to_digit(16)?);
                // No body is as long as the limit times 16, so this does not overflow.
                Place::Size { size: Some(size * 16 + digit).filter(|&size| size <= BODY_LIMIT)?, begun: true }
            }
            (
                Place::Size { size, begun: true } | Place::Space { size } | Place::Extension { size },
                b'\r',
            ) => Place::SizeEnd { size },
            (Place::Size { size, begun: true } | Place::Space { size }, b';') => Place::Extension { size },
            (Place::Size { size, begun: true } | Place::Space { size }, b' ' | b'\t') => {
                self.passing(Place::Space { size })?
            }
            (Place::Extension { size }, other) if other != b'\n' => {
                self.passing(Place::Extension { size })?
            }
            (Place::SizeEnd { size }, b'\n') => after_size(size),
            (Place::DataReturn, b'\r') => Place::DataEnd,
            (Place::DataEnd, b'\n') => Place::Size { size: 0, begun: false },
            (Place::Line { .. }, b'\r') => Place::LastEnd,
            (Place::LastEnd, b'\n') => Place::Complete,
            (Place::Line { foldable: true }, b' ' | b'\t') => self.passing(Place::Trailer)?,
            (Place::Line { .. } | Place::Name, byte) if is_token(byte) => self.passing(Place::Name)?,
            (Place::Name, b':') => Place::Trailer,
            (Place::Trailer, b'\r') => Place::TrailerEnd,
            (Place::TrailerEnd, b'\n') => Place::Line { foldable: true },
            (Place::Trailer, other) if !matches!(other, b'\n' | 0) => self.passing(Place::Trailer)?,
            _ => return None,
        })
    }

    /// `place`, one byte of overhead later.
    fn passing(&mut self, place: Place) -> Option<Place> {
        self.overhead += 1;
        (self.overhead <= OVERHEAD_LIMIT).then_some(place)
    }
}

/// Whether a `byte` may stand in the name of a field: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
