//! Requests: bytes in, a meaning out; no socket.

use std::mem::MaybeUninit;

/// The longest request head that is read, in bytes.
pub(super) const LONGEST_HEAD_BYTES: usize = 16 << 10;

const MOST_HEADERS: usize = 64;

/// What the bytes at hand amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A whole request, and how many of the bytes are its.
    Request(Request, usize),
    /// The beginning of one.
    Incomplete,
    /// Something that cannot be taken for a request, nor anything after it: the status to answer with.
    Invalid(u16),
}

/// A request as far as a target cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// What is asked for.
    pub(super) wish: Wish,
    /// Whether the client wants to use the connection again.
    pub(super) keep_alive: bool,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The URL of this id.
    Url(u64),
    /// Something that no plan answers: the status to answer with.
    Unplanned(u16),
}

/// Reads the first request in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let head_bytes = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(head_bytes)) if head_bytes <= LONGEST_HEAD_BYTES => head_bytes,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD_BYTES => return Parsed::Incomplete,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Parsed::Invalid(431),
        Err(httparse::Error::Version) => return Parsed::Invalid(505),
        Err(_) => return Parsed::Invalid(400),
    };
    let mut keep_alive = request.version == Some(1);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("connection") {
            keep_alive &= !has_token(header.value, b"close");
        }
        // Where a body begins and ends must be certain before anything after the head is read.
        if header.name.eq_ignore_ascii_case("transfer-encoding")
            || (header.name.eq_ignore_ascii_case("content-length") && header.value != b"0")
        {
            return Parsed::Invalid(413);
        }
    }
    let wish = match request.method {
        Some("GET") => request.path.and_then(id_of).map_or(Wish::Unplanned(404), Wish::Url),
        _ => Wish::Unplanned(405),
    };
    Parsed::Request(Request { wish, keep_alive }, head_bytes)
}

/// The id in a path `/u/<id>`.
fn id_of(path: &str) -> Option<u64> {
    let digits = path.strip_prefix("/u/")?;
    // `parse` alone would take a plus sign too.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Whether a comma-separated list holds a word, in any case.
fn has_token(list: &[u8], word: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(id: u64, keep_alive: bool) -> Request {
        Request { wish: Wish::Url(id), keep_alive }
    }

    #[test]
    fn a_request_is_complete_with_its_last_byte_and_not_before() {
        let bytes = b"GET /u/42 HTTP/1.1\r\nhost: a\r\naccept: */*\r\n\r\n";
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Parsed::Incomplete, "{end}");
        }
        assert_eq!(parse(bytes), Parsed::Request(url(42, true), bytes.len()));
        let two = [&bytes[..], &bytes[..]].concat();
        assert_eq!(parse(&two), Parsed::Request(url(42, true), bytes.len()));
    }

    #[test]
    fn a_client_may_ask_for_the_end_of_the_connection() {
        let parsed = |text: &str| match parse(text.as_bytes()) {
            Parsed::Request(request, _) => request,
            other => panic!("{text:?}: {other:?}"),
        };
        assert_eq!(parsed("GET /u/1 HTTP/1.1\r\nhost: a\r\nConnection: foo, Close\r\n\r\n"), url(1, false));
        assert_eq!(parsed("GET /u/1 HTTP/1.0\r\n\r\n"), url(1, false));
    }

    #[test]
    fn what_no_plan_answers_gets_a_status() {
        for (line, status) in [
            ("GET / HTTP/1.1", 404),
            ("GET /u/ HTTP/1.1", 404),
            ("GET /u/+1 HTTP/1.1", 404),
            ("GET /u/99999999999999999999 HTTP/1.1", 404),
            ("DELETE /u/1 HTTP/1.1", 405),
        ] {
            match parse(format!("{line}\r\nhost: a\r\n\r\n").as_bytes()) {
                Parsed::Request(Request { wish, .. }, _) => {
                    assert_eq!(wish, Wish::Unplanned(status), "{line}");
                }
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_request_ends_the_connection() {
        assert_eq!(parse(b"\x16\x03\x01 tls\r\n\r\n"), Parsed::Invalid(400));
        assert_eq!(parse(b"GET /u/1 HTTP/2.0\r\n\r\n"), Parsed::Invalid(505));
        let long = format!("GET /u/1 HTTP/1.1\r\nx: {}", "a".repeat(LONGEST_HEAD_BYTES));
        assert_eq!(parse(long.as_bytes()), Parsed::Invalid(431));
        let many = format!("GET /u/1 HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(parse(many.as_bytes()), Parsed::Invalid(431));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_request_is_longer_than_its_bytes(bytes: Vec<u8>) {
            if let Parsed::Request(_, length) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
