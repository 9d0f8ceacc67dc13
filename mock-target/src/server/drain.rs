//! Request bodies: read to their end, within a limit, and discarded.
//!
//! No response depends on them, but the next request begins where they end. So a chunked body is parsed in full and
//! strictly, extensions and trailers included: RFC 9112, section 7.1.

use super::grammar;

/// The largest request body that is read, in bytes: 1 MiB.
pub(super) const MAX_BODY_BYTES: u64 = 1 << 20;

/// The longest line of a chunked body, in bytes without its end.
const MAX_LINE_BYTES: usize = 8 << 10;

/// The state of reading a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drain {
    state: State,
    /// How many bytes may still be read before the body is too large.
    allowance: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The body has this many bytes left.
    Length(u64),
    /// A line with the size of a chunk.
    Size,
    /// The chunk has this many bytes left, then its line end.
    Chunk(u64),
    /// The line end of a chunk.
    ChunkEnd,
    /// Fields until an empty line.
    Trailers,
}

/// The result of reading further bytes of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// The body ended after this many of the bytes.
    Complete(usize),
    /// This many of the bytes were used, and more are needed.
    Partial(usize),
    /// The body is invalid or too large: the status to refuse it with.
    Invalid(u16),
}

impl Drain {
    /// A body of `length` bytes, or 413 when that is too many.
    pub(super) fn of_length(length: u64) -> Result<Drain, u16> {
        if length > MAX_BODY_BYTES {
            return Err(413);
        }
        Ok(Drain { state: State::Length(length), allowance: MAX_BODY_BYTES })
    }

    /// A body in chunks; RFC 9112, section 7.1.
    pub(super) fn chunked() -> Drain {
        Drain { state: State::Size, allowance: MAX_BODY_BYTES }
    }

    /// Reads further bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Drained {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match self.state {
                State::Length(left) => {
                    let length = within(left, rest);
                    used += length;
                    if length as u64 == left {
                        return Drained::Complete(used);
                    }
                    self.state = State::Length(left - length as u64);
                    return Drained::Partial(used);
                }
                State::Chunk(left) => {
                    let length = within(left, rest);
                    used += length;
                    if (length as u64) < left {
                        self.state = State::Chunk(left - length as u64);
                        return Drained::Partial(used);
                    }
                    self.state = State::ChunkEnd;
                }
                State::Size | State::ChunkEnd | State::Trailers => {
                    let line = match line(rest) {
                        Ok(Some(line)) => line,
                        Ok(None) => return Drained::Partial(used),
                        Err(status) => return Drained::Invalid(status),
                    };
                    used += line.len() + 2;
                    // Lines count too, or trailers could be endless.
                    let size = if self.state == State::Size { chunk_size(line) } else { Some(0) };
                    let Some(size) = size else { return Drained::Invalid(400) };
                    let Some(allowance) =
                        self.allowance.checked_sub(size.saturating_add(line.len() as u64 + 2))
                    else {
                        return Drained::Invalid(413);
                    };
                    self.allowance = allowance;
                    self.state = match self.state {
                        State::Size if size > 0 => State::Chunk(size),
                        State::Trailers if line.is_empty() => return Drained::Complete(used),
                        State::ChunkEnd if line.is_empty() => State::Size,
                        State::Size => State::Trailers,
                        State::Trailers if is_field_line(line) => State::Trailers,
                        _ => return Drained::Invalid(400),
                    };
                }
            }
        }
    }
}

/// How many of `bytes` belong to something with `left` bytes left.
fn within(left: u64, bytes: &[u8]) -> usize {
    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))
}

/// The first line, without its CR LF; `None` when it is not complete.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, u16> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > MAX_LINE_BYTES + 1 { Err(400) } else { Ok(None) };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(400_u16)?;
    if line.len() > MAX_LINE_BYTES || line.contains(&b'\r') { Err(400) } else { Ok(Some(line)) }
}

/// The size of a chunk from its line, which may have extensions; `None` if the line is invalid.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at(digits);
    if size.is_empty() || !are_extensions(extensions) {
        return None;
    }
    let digits = size.iter().filter_map(|digit| char::from(*digit).to_digit(16));
    // A size beyond 64 bits saturates, and is then refused as too large.
    Some(digits.fold(0, |size: u64, digit| size.saturating_mul(16).saturating_add(u64::from(digit))))
}

/// Any number of `;name`, `;name=token` and `;name="text"`, with blanks around `;` and `=`.
fn are_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let name = grammar::after_whitespace(text).strip_prefix(b";").map(grammar::after_whitespace);
        let Some(after_name) = name.and_then(grammar::after_token) else { return false };
        text = match grammar::after_whitespace(after_name).strip_prefix(b"=").map(grammar::after_whitespace) {
            None => after_name,
            Some(value) => {
                match grammar::after_token(value).or_else(|| grammar::after_quoted_string(value)) {
                    Some(rest) => rest,
                    None => return false,
                }
            }
        };
    }
    true
}

/// `name: value`, not folded.
fn is_field_line(line: &[u8]) -> bool {
    let value = grammar::after_token(line).and_then(|rest| rest.strip_prefix(b":"));
    value.is_some_and(grammar::is_field_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds a body in two pieces, keeping what was not used, as a connection does.
    fn drain(mut drain: Drain, bytes: &[u8], cut: usize) -> Drained {
        let mut used = match drain.read(&bytes[..cut]) {
            Drained::Partial(used) => used,
            ended => return ended,
        };
        match drain.read(&bytes[used..]) {
            Drained::Complete(more) => {
                used += more;
                Drained::Complete(used)
            }
            other => other,
        }
    }

    #[test]
    fn a_body_ends_at_its_length_however_it_is_split() {
        let chunked = b"5\r\nhello\r\n1;x=y\r\n!\r\n0 ; last = \"a\\\"b\"\r\nsome: trailer\r\nother:\r\n\r\n";
        let next = b"GET /u/1";
        for (kind, body) in
            [(Drain::chunked(), &chunked[..]), (Drain::of_length(10).expect("small"), &b"0123456789"[..])]
        {
            let bytes = [body, next].concat();
            for cut in 0..=bytes.len() {
                assert_eq!(drain(kind, &bytes, cut), Drained::Complete(body.len()), "{cut}");
            }
        }
    }

    #[test]
    fn line_length_is_limited_however_lines_are_split() {
        for (length, status) in [(MAX_LINE_BYTES, None), (MAX_LINE_BYTES + 1, Some(400))] {
            let bytes = [b"0\r\nx:", &vec![b'a'; length - 2][..], b"\r\n\r\n"].concat();
            let expected = status.map_or(Drained::Complete(bytes.len()), Drained::Invalid);
            for cut in [0, 3, bytes.len() - 4, bytes.len() - 3, bytes.len() - 2, bytes.len()] {
                assert_eq!(drain(Drain::chunked(), &bytes, cut), expected, "{length} {cut}");
            }
        }
        assert_eq!(Drain::chunked().read(&vec![b'1'; 2 * MAX_LINE_BYTES]), Drained::Invalid(400));
    }

    #[test]
    fn bodies_beyond_the_limit_are_refused() {
        assert_eq!(Drain::of_length(MAX_BODY_BYTES + 1), Err(413));
        assert_eq!(Drain::chunked().read(b"ffffffff\r\n"), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(b"ffffffffffffffff\r\n"), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(&[&[b'1'; 40][..], b"\r\n"].concat()), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(&[&[b'0'; 40][..], b"\r\n\r\n"].concat()), Drained::Complete(44));
        let trailers = [b"0\r\n".to_vec(), b"x: y\r\n".repeat(200_000)].concat();
        assert_eq!(Drain::chunked().read(&trailers), Drained::Invalid(413));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, cut: prop::sample::Index) {
            drain(Drain::chunked(), &bytes, cut.index(bytes.len() + 1));
        }
    }
}
