//! Request bodies: read to their end, within a limit, and thrown away.
//!
//! No plan depends on them, but where they end is where the next request begins. So all of a chunked body is read by
//! the letter of RFC 9112, section 7.1, extensions and trailers too.

use super::grammar;

/// The most of a request body that is read, in bytes: 1 MiB.
pub(super) const LARGEST_BODY_BYTES: u64 = 1 << 20;

/// The longest line of a chunked body, in bytes without its end.
const LONGEST_LINE_BYTES: usize = 8 << 10;

/// How far a request body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drain {
    stage: Stage,
    /// What may still be read before the body is too large.
    allowance: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// So many bytes, then the body ends.
    Length(u64),
    /// A line with the size of a chunk.
    Size,
    /// So many bytes of a chunk, then its line end.
    Chunk(u64),
    /// The line end of a chunk.
    ChunkEnd,
    /// Fields until an empty line.
    Trailers,
}

/// How reading on went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// The body ended after so many of the bytes.
    Whole(usize),
    /// So many of the bytes were used, and more are needed.
    Part(usize),
    /// The body is wrong or too large: the status to answer with.
    Invalid(u16),
}

impl Drain {
    /// A body of `length` bytes, or 413 when that is too many.
    pub(super) fn of_length(length: u64) -> Result<Drain, u16> {
        if length > LARGEST_BODY_BYTES {
            return Err(413);
        }
        Ok(Drain { stage: Stage::Length(length), allowance: LARGEST_BODY_BYTES })
    }

    /// A body in chunks; RFC 9112, section 7.1.
    pub(super) fn chunked() -> Drain {
        Drain { stage: Stage::Size, allowance: LARGEST_BODY_BYTES }
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Drained {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match self.stage {
                Stage::Length(left) => {
                    let length = within(left, rest);
                    used += length;
                    if length as u64 == left {
                        return Drained::Whole(used);
                    }
                    self.stage = Stage::Length(left - length as u64);
                    return Drained::Part(used);
                }
                Stage::Chunk(left) => {
                    let length = within(left, rest);
                    used += length;
                    if (length as u64) < left {
                        self.stage = Stage::Chunk(left - length as u64);
                        return Drained::Part(used);
                    }
                    self.stage = Stage::ChunkEnd;
                }
                Stage::Size | Stage::ChunkEnd | Stage::Trailers => {
                    let line = match line(rest) {
                        Ok(Some(line)) => line,
                        Ok(None) => return Drained::Part(used),
                        Err(status) => return Drained::Invalid(status),
                    };
                    used += line.len() + 2;
                    // Lines count too, or trailers could go on for ever.
                    let size = if self.stage == Stage::Size { chunk_size(line) } else { Some(0) };
                    let Some(size) = size else { return Drained::Invalid(400) };
                    let Some(allowance) =
                        self.allowance.checked_sub(size.saturating_add(line.len() as u64 + 2))
                    else {
                        return Drained::Invalid(413);
                    };
                    self.allowance = allowance;
                    self.stage = match self.stage {
                        Stage::Size if size > 0 => Stage::Chunk(size),
                        Stage::Trailers if line.is_empty() => return Drained::Whole(used),
                        Stage::ChunkEnd if line.is_empty() => Stage::Size,
                        Stage::Size => Stage::Trailers,
                        Stage::Trailers if is_field_line(line) => Stage::Trailers,
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
        return if bytes.len() > LONGEST_LINE_BYTES + 1 { Err(400) } else { Ok(None) };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(400_u16)?;
    if line.len() > LONGEST_LINE_BYTES || line.contains(&b'\r') { Err(400) } else { Ok(Some(line)) }
}

/// The size of a chunk from its line, which may go on with extensions; `None` if the line is wrong.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at(digits);
    if size.is_empty() || !are_extensions(extensions) {
        return None;
    }
    let digits = size.iter().filter_map(|digit| char::from(*digit).to_digit(16));
    // A size beyond all bounds is too large like any other.
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
            Drained::Part(used) => used,
            ended => return ended,
        };
        match drain.read(&bytes[used..]) {
            Drained::Whole(more) => {
                used += more;
                Drained::Whole(used)
            }
            other => other,
        }
    }

    #[test]
    fn a_body_ends_where_it_says_however_it_is_cut() {
        let chunked = b"5\r\nhello\r\n1;x=y\r\n!\r\n0 ; last = \"a\\\"b\"\r\nsome: trailer\r\nother:\r\n\r\n";
        let next = b"GET /u/1";
        for (kind, body) in
            [(Drain::chunked(), &chunked[..]), (Drain::of_length(10).expect("small"), &b"0123456789"[..])]
        {
            let bytes = [body, next].concat();
            for cut in 0..=bytes.len() {
                assert_eq!(drain(kind, &bytes, cut), Drained::Whole(body.len()), "{cut}");
            }
        }
    }

    #[test]
    fn wrong_chunks_are_refused() {
        for body in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "5\r\nhello!",
            "5\r\nhelloX\r\n",
            "5\nhello\r\n",
            "1 2\r\n",
            "5\rx\r\n",
            "5 \r\n",
            "5;\r\n",
            "5;a=\r\n",
            "5;a \r\n",
            "5;=a\r\n",
            "5;a=b c\r\n",
            "5;a=\"b\r\n",
            "5;a=\"b\"c\r\n",
            "5;a,b\r\n",
            "5;a\0\r\n",
            "0x5\r\n",
            "0\r\nGET /u/7 HTTP/1.1\r\nhost: p\r\n",
            "0\r\nno colon\r\n",
            "0\r\n: no name\r\n",
            "0\r\nname : value\r\n",
            "0\r\na: b\r\n folded\r\n",
            "0\r\na: b\0\r\n",
            "0\r\na: b\n",
        ] {
            let bytes = [body.as_bytes(), b"\r\n"].concat();
            assert_eq!(Drain::chunked().read(&bytes), Drained::Invalid(400), "{body:?}");
        }
    }

    #[test]
    fn lines_have_a_longest_wherever_they_are_cut() {
        for (length, status) in [(LONGEST_LINE_BYTES, None), (LONGEST_LINE_BYTES + 1, Some(400))] {
            let bytes = [b"0\r\nx:", &vec![b'a'; length - 2][..], b"\r\n\r\n"].concat();
            let expected = status.map_or(Drained::Whole(bytes.len()), Drained::Invalid);
            for cut in [0, 3, bytes.len() - 4, bytes.len() - 3, bytes.len() - 2, bytes.len()] {
                assert_eq!(drain(Drain::chunked(), &bytes, cut), expected, "{length} {cut}");
            }
        }
        assert_eq!(Drain::chunked().read(&vec![b'1'; 2 * LONGEST_LINE_BYTES]), Drained::Invalid(400));
    }

    #[test]
    fn bodies_beyond_the_limit_are_refused() {
        assert_eq!(Drain::of_length(LARGEST_BODY_BYTES + 1), Err(413));
        assert_eq!(Drain::chunked().read(b"ffffffff\r\n"), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(b"ffffffffffffffff\r\n"), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(&[&[b'1'; 40][..], b"\r\n"].concat()), Drained::Invalid(413));
        assert_eq!(Drain::chunked().read(&[&[b'0'; 40][..], b"\r\n\r\n"].concat()), Drained::Whole(44));
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
