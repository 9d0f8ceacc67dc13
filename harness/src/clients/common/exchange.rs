//! One HTTP/1.1 exchange without a socket: request bytes out, response bytes in, done or need more.
//!
//! How a response is framed follows RFC 9112, section 6.3. The body is not kept: its length and its
//! CRC-32 are all that anybody asks for. An exchange is used again for the next request on its
//! connection, and allocates nothing once its buffers have grown to what the server sends.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use super::chunked::Chunks;
use super::site::Site;
use crate::protocol::{ErrorKind, Fetched, Outcome};

/// The longest head that is read, in bytes: what hyper reads unless told otherwise.
pub const HEAD_LIMIT: usize = 8_192 + 100 * 4_096;

/// The most header fields, as hyper has it.
const FIELDS_LIMIT: usize = 100;

/// The longest body that is read, in bytes.
pub const BODY_LIMIT: u64 = 1 << 40;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The whole response.
    Get,
    /// The head alone.
    Head,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more of the response to come.
    NeedMore,
    /// The response is complete.
    Done(Reply),
}

/// A complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What goes into the sample.
    pub outcome: Outcome,
    /// Whether the connection may carry another request.
    pub reusable: bool,
}

impl From<Reply> for Fetched {
    fn from(reply: Reply) -> Fetched {
        reply.outcome.into()
    }
}

/// One request and its response, again and again.
#[derive(Debug)]
pub struct Exchange {
    method: Method,
    request: Vec<u8>,
    sent: usize,
    stage: Stage,
    touched: bool,
    /// A head of which a part has come; empty while heads come in one piece.
    head: Vec<u8>,
    status: u16,
    keep_alive: bool,
    bytes: u64,
    crc: crc32fast::Hasher,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Length(u64),
    Chunked(Chunks),
    UntilClose,
    Complete,
}

impl Default for Exchange {
    fn default() -> Exchange {
        Exchange {
            method: Method::Get,
            request: Vec::new(),
            sent: 0,
            stage: Stage::Complete,
            touched: false,
            head: Vec::new(),
            status: 0,
            keep_alive: false,
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        }
    }
}

impl Exchange {
    /// Begins anew, with a request for the URL of `id`.
    pub fn begin(&mut self, method: Method, site: &Site, id: u64) {
        site.write_request(method, id, &mut self.request);
        self.method = method;
        self.sent = 0;
        self.stage = Stage::Head;
        self.touched = false;
        self.head.clear();
        self.bytes = 0;
        self.crc.reset();
    }

    /// What is left to send.
    pub fn to_send(&self) -> &[u8] {
        &self.request[self.sent..]
    }

    /// Says that the first `bytes` of what was left are sent.
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// Whether not a byte of the response has come.
    pub fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Takes in what came. Bytes beyond the end of the response belong to no request: the connection
    /// is not used again.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when it is not HTTP, or more of it than the limits allow.
    pub fn receive(&mut self, mut input: &[u8]) -> Result<Progress, ErrorKind> {
        self.touched |= !input.is_empty();
        while self.stage == Stage::Head {
            match self.take_head(input)? {
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
            Stage::Chunked(chunks) => {
                let mut chunks = *chunks;
                while !input.is_empty() && !chunks.is_complete() {
                    let (body, rest) = chunks.step(input)?;
                    self.digest(body)?;
                    input = rest;
                }
                self.stage = if chunks.is_complete() { Stage::Complete } else { Stage::Chunked(chunks) };
                input
            }
            Stage::UntilClose => {
                self.digest(input)?;
                &[]
            }
        };
        self.keep_alive &= rest.is_empty();
        Ok(if self.stage == Stage::Complete { Progress::Done(self.reply()) } else { Progress::NeedMore })
    }

    /// Takes in that the server sends no more.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] when the response is not complete, [`ErrorKind::Malformed`] when what
    /// came of it is not HTTP.
    pub fn close(&mut self) -> Result<Reply, ErrorKind> {
        match self.stage {
            Stage::UntilClose => Ok(self.reply()),
            Stage::Head => Err(parse(&self.head).err().unwrap_or(ErrorKind::Truncated)),
            _ => Err(ErrorKind::Truncated),
        }
    }

    fn reply(&self) -> Reply {
        let crc32 = self.crc.clone().finalize();
        let outcome = Outcome::Response { status: self.status, bytes: self.bytes, crc32 };
        Reply { outcome, reusable: self.keep_alive && self.sent == self.request.len() }
    }

    fn digest(&mut self, body: &[u8]) -> Result<(), ErrorKind> {
        self.bytes += body.len() as u64;
        self.crc.update(body);
        if self.bytes > BODY_LIMIT { Err(ErrorKind::Malformed) } else { Ok(()) }
    }

    /// Takes a head from the beginning of `input`, together with what came of it before, and gives
    /// the rest. `None` when there is more of it to come.
    fn take_head<'i>(&mut self, input: &'i [u8]) -> Result<Option<&'i [u8]>, ErrorKind> {
        let before = self.head.len();
        let parsed = if before == 0 {
            parse(input)?
        } else {
            self.keep(input);
            // Where no line became complete there is nothing new to read.
            if input.contains(&b'\n') { parse(&self.head)? } else { None }
        };
        if let Some((head, length)) = parsed {
            self.head.clear();
            self.enter(head)?;
            return Ok(Some(&input[length - before..]));
        }
        if before == 0 {
            self.keep(input);
        }
        if self.head.len() > HEAD_LIMIT { Err(ErrorKind::Malformed) } else { Ok(None) }
    }

    fn keep(&mut self, input: &[u8]) {
        let room = HEAD_LIMIT + 1 - self.head.len();
        self.head.extend_from_slice(&input[..input.len().min(room)]);
    }

    /// Goes on from a complete head to what it announces.
    fn enter(&mut self, head: Head) -> Result<(), ErrorKind> {
        if head.status == 101 {
            return Err(ErrorKind::Malformed); // nobody asked for another protocol
        }
        if (100..200).contains(&head.status) {
            return Ok(()); // an interim response: the real one follows
        }
        self.status = head.status;
        self.keep_alive = head.keep_alive;
        if self.method == Method::Head || matches!(head.status, 204 | 304) {
            // No body, whatever the fields say. What should not have announced one may send it all the same.
            self.keep_alive &= head.status != 204 || head.announces_nothing();
            self.stage = Stage::Complete;
            return Ok(());
        }
        self.stage = match head.body()? {
            Body::Length(0) => Stage::Complete,
            Body::Length(length) if length > BODY_LIMIT => return Err(ErrorKind::Malformed),
            Body::Length(length) => Stage::Length(length),
            Body::Chunked => Stage::Chunked(Chunks::default()),
            Body::UntilClose => Stage::UntilClose,
        };
        self.keep_alive &= self.stage != Stage::UntilClose;
        Ok(())
    }
}

/// What a head says of the response.
struct Head {
    status: u16,
    minor: u8,
    keep_alive: bool,
    /// The one length that it states, however often.
    length: Result<Option<u64>, ErrorKind>,
    /// Whether the last of its transfer codings is `chunked`, where it names any.
    chunked: Option<bool>,
}

#[derive(Clone, Copy)]
enum Body {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// How the body is framed: RFC 9112, sections 6.1 and 6.3. Beside a transfer coding no length counts,
    /// whatever it says.
    fn body(&self) -> Result<Body, ErrorKind> {
        match (self.chunked, self.length) {
            (Some(_), _) if self.minor == 0 => Err(ErrorKind::Malformed),
            (Some(true), _) => Ok(Body::Chunked),
            (Some(false), _) => Ok(Body::UntilClose),
            (None, length) => Ok(length?.map_or(Body::UntilClose, Body::Length)),
        }
    }

    fn announces_nothing(&self) -> bool {
        self.chunked.is_none() && matches!(self.length, Ok(None | Some(0)))
    }
}

/// The head at the beginning of `input` and its length, once all of it is there.
fn parse(input: &[u8]) -> Result<Option<(Head, usize)>, ErrorKind> {
    let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut []);
    // Folded fields are obsolete, and a client still reads them: RFC 9112, section 5.2.
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
            head.length = head.length.and_then(|known| the_same_length(known, field.value).map(Some));
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            let last = words(field.value).last().map(|word| word.eq_ignore_ascii_case(b"chunked"));
            head.chunked = last.or(head.chunked).or(Some(false));
        } else if field.name.eq_ignore_ascii_case("connection") {
            for word in words(field.value) {
                if word.eq_ignore_ascii_case(b"close") {
                    head.keep_alive = false;
                } else if word.eq_ignore_ascii_case(b"keep-alive") && minor == 0 {
                    head.keep_alive = true;
                }
            }
        }
    }
    Ok(Some((head, length)))
}

/// A head of a later HTTP/1 as one of HTTP/1.1, as which it is to be read: RFC 9110, section 2.5.
fn as_1_1(input: &[u8]) -> Option<Vec<u8>> {
    const PREFIX: &[u8] = b"HTTP/1.";
    let minor = input.strip_prefix(PREFIX)?.first()?;
    (b'2'..=b'9').contains(minor).then(|| {
        let mut input = input.to_vec();
        input[PREFIX.len()] = b'1';
        input
    })
}

/// The words of a list in a header field. Empty ones do not count: RFC 9110, section 5.6.1.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

/// The length in a field, which may be a list of it, and must be the one that is `known`, if any.
fn the_same_length(known: Option<u64>, value: &[u8]) -> Result<u64, ErrorKind> {
    let length = words(value).try_fold(known, |known, word| {
        let length = length_of(word)?;
        if known.is_none_or(|known| known == length) { Ok(Some(length)) } else { Err(ErrorKind::Malformed) }
    });
    // A field without a number is no length, whatever another says.
    length?.filter(|_| words(value).next().is_some()).ok_or(ErrorKind::Malformed)
}

fn length_of(digits: &[u8]) -> Result<u64, ErrorKind> {
    let text = str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    text.and_then(|text| text.parse().ok()).ok_or(ErrorKind::Malformed)
}

#[cfg(test)]
mod tests;
