//! One HTTP/1.1 exchange without I/O: request bytes out, response bytes in, complete or more needed.
//!
//! Responses are framed as in RFC 9112, section 6.3. The body is not kept: only its length and its CRC-32 are needed.
//! An exchange is reused for the next request on its connection, and allocates nothing once its buffers have grown to
//! the size of the server's heads.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use super::chunked::ChunkedDecoder;
use super::endpoint::Endpoint;
use crate::protocol::{ErrorKind, Fetched, Outcome};

/// The longest head that is read, in bytes: the default of hyper.
pub const HEAD_LIMIT: usize = 8_192 + 100 * 4_096;

/// The most header fields, as in hyper.
const FIELDS_LIMIT: usize = 100;

/// The longest body that is read, in bytes.
pub const BODY_LIMIT: u64 = 1 << 40;

/// The method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// GET: the response has a body.
    #[default]
    Get,
    /// HEAD: the response is a head alone.
    Head,
}

/// The progress of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The response is not complete.
    NeedMore,
    /// The response is complete.
    Done(Response),
}

/// A complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The outcome of the request.
    pub outcome: Outcome,
    /// Whether the connection may carry another request.
    pub reusable: bool,
}

impl From<Response> for Fetched {
    fn from(response: Response) -> Fetched {
        response.outcome.into()
    }
}

/// The state of a request and its response. It is reused for one request after another.
#[derive(Debug, Default)]
pub struct Exchange {
    method: Method,
    request: Vec<u8>,
    sent: usize,
    stage: Stage,
    received_any: bool,
    /// The received part of an incomplete head. Empty while heads arrive in one piece.
    head: Vec<u8>,
    status: u16,
    keep_alive: bool,
    bytes: u64,
    crc: crc32fast::Hasher,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    Head,
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
    #[default]
    Complete,
}

impl Exchange {
    /// Starts the next exchange: a request for the URL of `id`.
    pub fn begin(&mut self, method: Method, endpoint: &Endpoint, id: u64) {
        endpoint.write_request(method, id, &mut self.request);
        self.method = method;
        self.sent = 0;
        self.stage = Stage::Head;
        self.received_any = false;
        self.head.clear();
        self.bytes = 0;
        self.crc.reset();
    }

    /// The part of the request that has not been sent.
    pub fn to_send(&self) -> &[u8] {
        &self.request[self.sent..]
    }

    /// Records that the first `bytes` of [`Exchange::to_send`] were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// Whether not one byte of the response was received.
    pub fn has_received_nothing(&self) -> bool {
        !self.received_any
    }

    /// Consumes received bytes. Bytes beyond the end of the response belong to no request: the connection
    /// is not reused then.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when the bytes are not HTTP, or exceed a limit.
    pub fn receive(&mut self, mut input: &[u8]) -> Result<Progress, ErrorKind> {
        self.received_any |= !input.is_empty();
        while self.stage == Stage::Head {
            match self.parse_head(input)? {
                Some(rest) => input = rest,
                None => return Ok(Progress::NeedMore),
            }
        }
        let rest = match &mut self.stage {
            Stage::Head | Stage::Complete => input,
            Stage::Length(left) => {
                let (body, rest) =
                    input.split_at(input.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
                *left -= body.len() as u64;
                if *left == 0 {
                    self.stage = Stage::Complete;
                }
                self.digest(body)?;
                rest
            }
            Stage::Chunked(decoder) => {
                let mut decoder = *decoder;
                while !input.is_empty() && !decoder.is_complete() {
                    let (body, rest) = decoder.decode(input)?;
                    self.digest(body)?;
                    input = rest;
                }
                self.stage = if decoder.is_complete() { Stage::Complete } else { Stage::Chunked(decoder) };
                input
            }
            Stage::UntilClose => {
                self.digest(input)?;
                &[]
            }
        };
        self.keep_alive &= rest.is_empty();
        Ok(if self.stage == Stage::Complete { Progress::Done(self.response()) } else { Progress::NeedMore })
    }

    /// Ends the exchange because the server has closed the connection.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] when the response is not complete, [`ErrorKind::Malformed`] when the received
    /// part is not HTTP.
    pub fn close(&mut self) -> Result<Response, ErrorKind> {
        match self.stage {
            Stage::UntilClose => Ok(self.response()),
            Stage::Head => Err(parse(&self.head).err().unwrap_or(ErrorKind::Truncated)),
            _ => Err(ErrorKind::Truncated),
        }
    }

    fn response(&self) -> Response {
        let crc32 = self.crc.clone().finalize();
        let outcome = Outcome::Response { status: self.status, bytes: self.bytes, crc32 };
        Response { outcome, reusable: self.keep_alive && self.sent == self.request.len() }
    }

    fn digest(&mut self, body: &[u8]) -> Result<(), ErrorKind> {
        self.bytes += body.len() as u64;
        self.crc.update(body);
        if self.bytes > BODY_LIMIT { Err(ErrorKind::Malformed) } else { Ok(()) }
    }

    /// Parses a head from the part received before and the beginning of `input`, and returns the rest of
    /// `input`. `None` when the head is not complete.
    fn parse_head<'i>(&mut self, input: &'i [u8]) -> Result<Option<&'i [u8]>, ErrorKind> {
        let before = self.head.len();
        let parsed = if before == 0 {
            parse(input)?
        } else {
            self.buffer_head(input);
            // A head ends with a line, so it is parsed again only when one is complete.
            if input.contains(&b'\n') { parse(&self.head)? } else { None }
        };
        if let Some((head, length)) = parsed {
            self.head.clear();
            self.finish_head(head)?;
            return Ok(Some(&input[length - before..]));
        }
        if before == 0 {
            self.buffer_head(input);
        }
        if self.head.len() > HEAD_LIMIT { Err(ErrorKind::Malformed) } else { Ok(None) }
    }

    fn buffer_head(&mut self, input: &[u8]) {
        let free = HEAD_LIMIT + 1 - self.head.len();
        self.head.extend_from_slice(&input[..input.len().min(free)]);
    }

    /// Enters the stage that a complete head announces.
    fn finish_head(&mut self, head: Head) -> Result<(), ErrorKind> {
        if head.status == 101 {
            return Err(ErrorKind::Malformed); // no other protocol was requested
        }
        if (100..200).contains(&head.status) {
            return Ok(()); // an interim response: the final one follows
        }
        self.status = head.status;
        self.keep_alive = head.keep_alive;
        if self.method == Method::Head || matches!(head.status, 204 | 304) {
            // No body, whatever the fields say. After a 204 that announces one the connection is not reused.
            self.keep_alive &= head.status != 204 || head.announces_no_body();
            self.stage = Stage::Complete;
            return Ok(());
        }
        self.stage = head.body()?;
        self.keep_alive &= self.stage != Stage::UntilClose;
        Ok(())
    }
}

struct Head {
    status: u16,
    minor: u8,
    keep_alive: bool,
    /// The value of `content-length`, which may be repeated.
    length: Result<Option<u64>, ErrorKind>,
    /// Whether the last transfer coding is `chunked`; `None` without any.
    chunked: Option<bool>,
}

impl Head {
    /// The stage in which the body is received, by its framing: RFC 9112, sections 6.1 and 6.3. A transfer coding
    /// overrides any length, even an invalid one.
    fn body(&self) -> Result<Stage, ErrorKind> {
        match (self.chunked, self.length) {
            (Some(_), _) if self.minor == 0 => Err(ErrorKind::Malformed),
            (Some(true), _) => Ok(Stage::Chunked(ChunkedDecoder::default())),
            (Some(false), _) | (None, Ok(None)) => Ok(Stage::UntilClose),
            (None, Ok(Some(0))) => Ok(Stage::Complete),
            (None, Ok(Some(length))) if length <= BODY_LIMIT => Ok(Stage::Length(length)),
            (None, _) => Err(ErrorKind::Malformed),
        }
    }

    fn announces_no_body(&self) -> bool {
        self.chunked.is_none() && matches!(self.length, Ok(None | Some(0)))
    }
}

/// The head at the beginning of `input`, and its length in bytes; `None` when it is not complete.
fn parse(input: &[u8]) -> Result<Option<(Head, usize)>, ErrorKind> {
    let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut []);
    // Folded fields are obsolete, but a client must accept them: RFC 9112, section 5.2.
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let parsed = config.parse_response_with_uninit_headers(&mut response, input, &mut fields);
    let length = match parsed {
        Ok(Status::Complete(length)) if length <= HEAD_LIMIT => length,
        Ok(Status::Complete(_)) => return Err(ErrorKind::Malformed),
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::Version) => {
            return as_1_1(input).map_or(Err(ErrorKind::Malformed), |input| parse(&input));
        }
        Err(_) => return Err(ErrorKind::Malformed),
    };
    let (status, minor) = (response.code.unwrap_or(0), response.version.unwrap_or(0));
    let mut head = Head { status, minor, keep_alive: minor == 1, length: Ok(None), chunked: None };
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            head.length = head.length.and_then(|known| merged_length(known, field.value).map(Some));
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            let last = list_items(field.value).last().map(|item| item.eq_ignore_ascii_case(b"chunked"));
            head.chunked = last.or(head.chunked).or(Some(false));
        } else if field.name.eq_ignore_ascii_case("connection") {
            for item in list_items(field.value) {
                if item.eq_ignore_ascii_case(b"close") {
                    head.keep_alive = false;
                } else if item.eq_ignore_ascii_case(b"keep-alive") && minor == 0 {
                    head.keep_alive = true;
                }
            }
        }
    }
    Ok(Some((head, length)))
}

/// A head of a later HTTP/1.x, with its version replaced by 1.1, as which it is parsed: RFC 9110, section 2.5.
fn as_1_1(input: &[u8]) -> Option<Vec<u8>> {
    const PREFIX: &[u8] = b"HTTP/1.";
    let minor = input.strip_prefix(PREFIX)?.first()?;
    (b'2'..=b'9').contains(minor).then(|| {
        let mut input = input.to_vec();
        input[PREFIX.len()] = b'1';
        input
    })
}

/// The elements of a list in a header field. Empty ones are ignored: RFC 9110, section 5.6.1.
fn list_items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// The length in a `content-length` field, which may repeat it in a list, and must equal `known`, if any.
fn merged_length(known: Option<u64>, value: &[u8]) -> Result<u64, ErrorKind> {
    let length = list_items(value).try_fold(known, |known, item| {
        let length = parse_length(item)?;
        if known.is_none_or(|known| known == length) { Ok(Some(length)) } else { Err(ErrorKind::Malformed) }
    });
    // A field without a number is invalid, even beside a valid one.
    length?.filter(|_| list_items(value).next().is_some()).ok_or(ErrorKind::Malformed)
}

fn parse_length(digits: &[u8]) -> Result<u64, ErrorKind> {
    let text = str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    text.and_then(|text| text.parse().ok()).ok_or(ErrorKind::Malformed)
}

#[cfg(test)]
mod tests;
