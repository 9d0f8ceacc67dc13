//! Request heads: bytes in, a meaning out; no socket.
//!
//! Strict where being lenient lets two readers of the same bytes disagree on where a request ends
//! (RFC 9112, sections 3.2, 5.1, 5.2, 6.1, 6.3, 11.2): such bytes are answered with 400 and nothing after them
//! is read.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::authority;
use super::drain::Drain;
use super::request_target::RequestTarget;

/// The longest request head that is read, in bytes.
pub(super) const LONGEST_HEAD_BYTES: usize = 16 << 10;

/// The longest request line, in bytes: beyond RFC 9112's recommended minimum of 8,000 octets.
const LONGEST_LINE_BYTES: usize = 8 << 10;

const MOST_HEADERS: usize = 64;

/// What the bytes at hand amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A whole request head, and how many of the bytes are its.
    Request(Request, usize),
    /// The beginning of one.
    Incomplete,
    /// Something after which no further request can be found: the status to answer with.
    Invalid(u16),
}

/// A request as far as a target cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// What is asked for.
    pub(super) wish: Wish,
    /// Whether the response's body is to be left out: HEAD.
    pub(super) head_only: bool,
    pub(super) persistence: Persistence,
    /// The body that follows, if any.
    pub(super) body: Option<Drain>,
    /// Whether the client waits for a word before it sends that body.
    pub(super) expects_continue: bool,
    /// Which attempt at this URL the client says it is making, from 1.
    pub(super) attempt: u32,
    /// How many redirects of this URL the client has followed.
    pub(super) hop: u32,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The URL of this id.
    Url(u64),
    /// Something that no plan answers: the status to answer with.
    Unplanned(u16),
}

/// What becomes of the connection after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// It stays, as HTTP/1.1 takes for granted.
    Stays,
    /// It stays, and an HTTP/1.0 client must be told.
    StaysAsAsked,
    /// It ends.
    Ends,
}

/// Reads the first request head in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) if length <= LONGEST_HEAD_BYTES => {
            match understand(&request, &bytes[..length]) {
                Ok(request) => Parsed::Request(request, length),
                Err(status) => Parsed::Invalid(status),
            }
        }
        Ok(Status::Partial) if bytes.len() < LONGEST_HEAD_BYTES && !has_long_line(bytes) => {
            Parsed::Incomplete
        }
        Ok(_) if has_long_line(bytes) => Parsed::Invalid(414),
        Ok(_) | Err(Error::TooManyHeaders) => Parsed::Invalid(431),
        Err(Error::Version) => match names_a_version(bytes) {
            None => Parsed::Incomplete,
            Some(true) => Parsed::Invalid(505),
            Some(false) => Parsed::Invalid(400),
        },
        Err(_) => Parsed::Invalid(400),
    }
}

/// Whether a version of HTTP stands where one belongs, though none that is spoken here: a request line without one is
/// malformed. `None` while the bytes at hand may become either.
fn names_a_version(bytes: &[u8]) -> Option<bool> {
    const SHAPE: &[u8] = b"HTTP/0.0";
    let line_start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    let version = bytes[line_start..].splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    let fits = version.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    });
    if fits && version.len() < SHAPE.len() { None } else { Some(fits) }
}

fn has_long_line(bytes: &[u8]) -> bool {
    bytes.len() > LONGEST_LINE_BYTES && !bytes[..LONGEST_LINE_BYTES].contains(&b'\n')
}

/// What a head means, or the status to refuse it with.
fn understand(request: &httparse::Request<'_, '_>, head: &[u8]) -> Result<Request, u16> {
    if !has_strict_line_ends(head) {
        return Err(400);
    }
    let fields = Fields::of(request.headers)?;
    let newer = request.version == Some(1);
    if newer && !fields.host {
        return Err(400);
    }
    // Without "chunked" at the end the length of the body cannot be known at all.
    if fields.other_coding && !fields.chunked {
        return Err(400);
    }
    // Framing by transfer-encoding is unknown to HTTP/1.0: someone on the way may not have seen it.
    if fields.chunked && (!newer || fields.length.is_some()) {
        return Err(400);
    }
    if fields.other_coding {
        return Err(501);
    }
    let body = match fields.length {
        None | Some(0) if !fields.chunked => None,
        Some(length) => Some(Drain::of_length(length)?),
        None => Some(Drain::chunked()),
    };
    let persistence = match (newer, fields.close, fields.keep_alive) {
        (_, true, _) | (false, _, false) => Persistence::Ends,
        (true, false, _) => Persistence::Stays,
        (false, false, true) => Persistence::StaysAsAsked,
    };
    let method = request.method.unwrap_or_default();
    let target = RequestTarget::parse(method, request.path.unwrap_or_default()).ok_or(400_u16)?;
    let wish = match method {
        "GET" | "HEAD" => target.id.map_or(Wish::Unplanned(404), Wish::Url),
        "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS" | "TRACE" | "CONNECT" => Wish::Unplanned(405),
        _ => Wish::Unplanned(501),
    };
    Ok(Request {
        wish,
        head_only: method == "HEAD",
        persistence,
        body,
        expects_continue: newer && fields.expects_continue,
        attempt: fields.attempt.or(target.attempt).unwrap_or(1),
        hop: target.hop,
    })
}

/// Whether every CR is followed by LF, and every LF preceded by CR.
fn has_strict_line_ends(head: &[u8]) -> bool {
    let mut after_cr = false;
    head.iter().all(|byte| {
        let strict = (*byte == b'\n') == after_cr;
        after_cr = *byte == b'\r';
        strict
    })
}

/// The header fields that matter.
#[derive(Default)]
struct Fields {
    host: bool,
    close: bool,
    keep_alive: bool,
    length: Option<u64>,
    /// Whether the last transfer coding is "chunked".
    chunked: bool,
    /// Whether there is a transfer coding besides.
    other_coding: bool,
    expects_continue: bool,
    attempt: Option<u32>,
}

impl Fields {
    fn of(headers: &[Header<'_>]) -> Result<Fields, u16> {
        let mut fields = Fields::default();
        for Header { name, value } in headers {
            // Most names are told apart from these by their length alone.
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
            match name.len() {
                4 if is("host") && (fields.host || !authority::is_host_field(value)) => return Err(400),
                4 if is("host") => fields.host = true,
                6 if is("expect") => fields.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
                9 if is("x-attempt") => fields.attempt = number(value).and_then(|n| u32::try_from(n).ok()),
                10 if is("connection") => {
                    fields.close |= has_word(value, b"close");
                    fields.keep_alive |= has_word(value, b"keep-alive");
                }
                14 if is("content-length") => {
                    let length = number(value).ok_or(400_u16)?;
                    if fields.length.replace(length).is_some() {
                        return Err(400);
                    }
                }
                // Several fields are one list. Nothing may follow "chunked" in it.
                17 if is("transfer-encoding") => {
                    for coding in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                        if fields.chunked || coding.is_empty() {
                            return Err(400);
                        }
                        let chunked = coding.eq_ignore_ascii_case(b"chunked");
                        (fields.chunked, fields.other_coding) = (chunked, fields.other_coding || !chunked);
                    }
                }
                _ => {}
            }
        }
        Ok(fields)
    }
}

/// A number of digits only: `parse` alone would take a plus sign too.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether a comma-separated list holds a word, in any case.
fn has_word(list: &[u8], word: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
