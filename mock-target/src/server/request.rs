//! Parses request heads. It reads no socket.
//!
//! It is strict where leniency would let two parsers of the same bytes disagree on where a request ends
//! (RFC 9112, sections 3.2, 5.1, 5.2, 6.1, 6.3, 11.2): such bytes are answered with 400 and nothing after them
//! is read.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::authority;
use super::drain::Drain;
use super::grammar;
use super::request_target::RequestTarget;

/// The longest request head that is read, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 16 << 10;

/// The longest request line, in bytes: beyond RFC 9112's recommended minimum of 8,000 octets.
const MAX_LINE_BYTES: usize = 8 << 10;

const MAX_HEADERS: usize = 64;

/// The result of parsing the bytes received so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A complete request head, and its length in bytes.
    Request(Request, usize),
    /// The beginning of a head.
    Incomplete,
    /// The status to refuse it with. No further request can be found after it.
    Invalid(u16),
}

/// The parts of a request that a target uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// How the request is answered.
    pub(super) route: Route,
    /// Whether the response's body is omitted: HEAD.
    pub(super) head_only: bool,
    pub(super) persistence: Persistence,
    /// The body that follows, if any.
    pub(super) body: Option<Drain>,
    /// Whether the client waits for a 100 response before it sends that body.
    pub(super) expects_continue: bool,
    /// The number of the attempt at this URL, from 1, as the client states it.
    pub(super) attempt: u32,
    /// How many redirects of this URL the client has followed.
    pub(super) hop: u32,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// With the planned response of the URL with this id.
    Url(u64),
    /// With this error status.
    Refusal(u16),
}

impl Default for Route {
    fn default() -> Self {
        Route::Refusal(400)
    }
}

/// Whether the connection stays open after the response: RFC 9112, section 9.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Persistence {
    /// It stays open, the default of HTTP/1.1.
    #[default]
    KeepAlive,
    /// It stays open, which the response must state to an HTTP/1.0 client.
    KeepAliveExplicit,
    /// It is closed.
    Close,
}

/// Parses the first request head in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) if length <= MAX_HEAD_BYTES => {
            match interpret(&request, &bytes[..length]) {
                Ok(request) => Parsed::Request(request, length),
                Err(status) => Parsed::Invalid(status),
            }
        }
        Ok(Status::Partial) if bytes.len() < MAX_HEAD_BYTES && !has_long_line(bytes) => Parsed::Incomplete,
        Ok(_) if has_long_line(bytes) => Parsed::Invalid(414),
        Ok(_) | Err(Error::TooManyHeaders) => Parsed::Invalid(431),
        Err(Error::Version) => match has_version(bytes) {
            None => Parsed::Incomplete,
            Some(true) => Parsed::Invalid(505),
            Some(false) => Parsed::Invalid(400),
        },
        Err(_) => Parsed::Invalid(400),
    }
}

/// Whether the request line has a version of HTTP where one belongs, though not a supported one. A request line without
/// a version is malformed. `None` while further bytes may decide it.
fn has_version(bytes: &[u8]) -> Option<bool> {
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
    bytes.len() > MAX_LINE_BYTES && !bytes[..MAX_LINE_BYTES].contains(&b'\n')
}

/// Converts a parsed head to a request, or to the status to refuse it with.
fn interpret(request: &httparse::Request<'_, '_>, head: &[u8]) -> Result<Request, u16> {
    if !has_strict_line_ends(head) {
        return Err(400);
    }
    let fields = Fields::of(request.headers)?;
    let is_http_1_1 = request.version == Some(1);
    if is_http_1_1 && !fields.host {
        return Err(400);
    }
    // Without "chunked" at the end the length of the body cannot be known at all.
    if fields.other_coding && !fields.chunked {
        return Err(400);
    }
    // HTTP/1.0 does not know transfer-encoding, so an intermediary may have ignored it.
    if fields.chunked && (!is_http_1_1 || fields.length.is_some()) {
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
    let persistence = match (is_http_1_1, fields.close, fields.keep_alive) {
        (_, true, _) | (false, _, false) => Persistence::Close,
        (true, false, _) => Persistence::KeepAlive,
        (false, false, true) => Persistence::KeepAliveExplicit,
    };
    let method = request.method.unwrap_or_default();
    let target = RequestTarget::parse(method, request.path.unwrap_or_default()).ok_or(400_u16)?;
    let route = match method {
        "GET" | "HEAD" => target.id.map_or(Route::Refusal(404), Route::Url),
        "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS" | "TRACE" | "CONNECT" => Route::Refusal(405),
        _ => Route::Refusal(501),
    };
    Ok(Request {
        route,
        head_only: method == "HEAD",
        persistence,
        body,
        expects_continue: is_http_1_1 && fields.expects_continue,
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

/// The header fields that a target uses.
#[derive(Default)]
struct Fields {
    host: bool,
    close: bool,
    keep_alive: bool,
    length: Option<u64>,
    /// Whether the last transfer coding is "chunked".
    chunked: bool,
    /// Whether there is another transfer coding.
    other_coding: bool,
    expects_continue: bool,
    attempt: Option<u32>,
}

impl Fields {
    fn of(headers: &[Header<'_>]) -> Result<Fields, u16> {
        let mut fields = Fields::default();
        for Header { name, value } in headers {
            // The length alone rules out most names.
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
            match name.len() {
                4 if is("host") && (fields.host || !authority::is_host_field(value)) => return Err(400),
                4 if is("host") => fields.host = true,
                6 if is("expect") => fields.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
                9 if is("x-attempt") => {
                    fields.attempt = grammar::decimal(value).and_then(|n| u32::try_from(n).ok());
                }
                10 if is("connection") => {
                    fields.close |= contains_token(value, b"close");
                    fields.keep_alive |= contains_token(value, b"keep-alive");
                }
                14 if is("content-length") => {
                    let length = grammar::decimal(value).ok_or(400_u16)?;
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

/// Whether a comma-separated list contains a token, in any case.
fn contains_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
