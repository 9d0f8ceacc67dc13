use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> Request {
    match parse(text.as_bytes()) {
        Parsed::Request(request, length) if length == text.len() => request,
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn a_head_is_complete_with_its_last_byte() {
    let text = "GET /u/42 HTTP/1.1\r\nhost: a\r\naccept: */*\r\n\r\n";
    for end in 0..text.len() {
        assert_eq!(parse(&text.as_bytes()[..end]), Parsed::Incomplete, "{end}");
    }
    let request = parsed(text);
    assert_eq!((request.route, request.persistence), (Route::Url(42), Persistence::KeepAlive));
    assert_eq!((request.head_only, request.body, request.attempt), (false, None, 1));
    let two = [text, text].concat();
    assert_eq!(parse(two.as_bytes()), Parsed::Request(request, text.len()));
}

#[test]
fn persistence_follows_version_and_connection_field() {
    for (version, field, persistence) in [
        ("1.1", "x: y", Persistence::KeepAlive),
        ("1.1", "connection: foo, Close", Persistence::Close),
        ("1.0", "x: y", Persistence::Close),
        ("1.0", "connection: Keep-Alive", Persistence::KeepAliveExplicit),
        ("1.0", "connection: keep-alive, close", Persistence::Close),
    ] {
        let request = parsed(&format!("GET /u/1 HTTP/{version}\r\nhost: a\r\n{field}\r\n\r\n"));
        assert_eq!(request.persistence, persistence, "{version} {field}");
    }
}

#[test]
fn unplanned_requests_get_an_error_status() {
    for (line, status) in [
        ("GET / HTTP/1.1", 404),
        ("GET /u/ HTTP/1.1", 404),
        ("GET /u/+1 HTTP/1.1", 404),
        ("GET /u/99999999999999999999 HTTP/1.1", 404),
        ("DELETE /u/1 HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 405),
        ("get /u/1 HTTP/1.1", 501),
        ("BREW /u/1 HTTP/1.1", 501),
    ] {
        let request = parsed(&format!("{line}\r\nhost: a\r\n\r\n"));
        assert_eq!(request.route, Route::Refusal(status), "{line}");
    }
}

#[test]
fn the_attempt_number_is_read_from_its_field() {
    assert_eq!(parsed("GET /u/1 HTTP/1.1\r\nhost: a\r\nX-Attempt: 4\r\n\r\n").attempt, 4);
}

#[test]
fn body_framing_is_parsed() {
    let body = |fields: &str| parsed(&format!("POST /u/1 HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n")).body;
    assert_eq!(body("content-length: 0"), None);
    assert_eq!(body("content-length: 7"), Some(Drain::of_length(7).expect("small")));
    assert_eq!(body("transfer-encoding: Chunked"), Some(Drain::chunked()));
}

#[test]
fn ambiguous_framing_and_invalid_fields_are_refused() {
    for (fields, status) in [
        ("host: a\r\ncontent-length: 1\r\ncontent-length: 2", 400),
        ("host: a\r\ncontent-length: 1\r\ncontent-length: 1", 400),
        ("host: a\r\ncontent-length: 1, 1", 400),
        ("host: a\r\ncontent-length: +1", 400),
        ("host: a\r\ncontent-length: ", 400),
        ("host: a\r\ncontent-length: 99999999999999999999", 400),
        ("host: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked", 400),
        ("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked", 400),
        ("host: a\r\ntransfer-encoding: chunked, gzip", 400),
        ("host: a\r\ntransfer-encoding: identity", 400),
        ("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: gzip", 400),
        ("host: a\r\ntransfer-encoding: chunked,", 400),
        ("host: a\r\ntransfer-encoding: ", 400),
        ("host: a\r\ncontent-length: 5\r\ntransfer-encoding: gzip, chunked", 400),
        ("host: a\r\ntransfer-encoding: gzip, chunked", 501),
        ("host: a\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked", 501),
        ("host: a\nx: y", 400),
        ("host: a\r\nx: y\rz: q", 400),
        ("host: a\r\nx: y\r\n folded", 400),
        ("host: a\r\n folded: y", 400),
        ("host: a\r\nx : y", 400),
        ("host : a", 400),
        ("host: a\r\nx: a\0b", 400),
        ("x: y", 400),
        ("host: a\r\nhost: a", 400),
        ("host: a b", 400),
        ("host: u@a", 400),
        ("host: [::1", 400),
        ("host: a\r\ncontent-length: 99999999", 413),
    ] {
        let text = format!("GET /u/1 HTTP/1.1\r\n{fields}\r\n\r\n");
        assert_eq!(parse(text.as_bytes()), Parsed::Invalid(status), "{text:?}");
    }
    let http_1_0 = "GET /u/1 HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(parse(http_1_0.as_bytes()), Parsed::Invalid(400));
}

#[test]
fn targets_without_a_valid_form_are_refused() {
    for line in ["GET foo/bar", "GET *", "CONNECT /u/1", "OPTIONS a:80", "GET /u/1#x"] {
        let text = format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(parse(text.as_bytes()), Parsed::Invalid(400), "{line}");
    }
    for line in ["CONNECT a:80", "OPTIONS *"] {
        let request = parsed(&format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n"));
        assert_eq!(request.route, Route::Refusal(405), "{line}");
    }
}

#[test]
fn invalid_heads_are_refused_with_their_status() {
    assert_eq!(parse(b"\x16\x03\x01 tls\r\n\r\n"), Parsed::Invalid(400));
    for (version, status) in [
        ("HTTP/2.0", 505),
        ("HTTP/9.9", 505),
        ("HTTP/x.1", 400),
        ("HTTP/11", 400),
        ("IHTTP/1.1", 400),
        ("ICE/1.0", 400),
        ("http/1.1", 400),
        ("", 400),
        ("a HTTP/1.1", 400),
    ] {
        let text = format!("\r\nGET /u/1 {version}\r\nhost: a\r\n\r\n");
        assert_eq!(parse(text.as_bytes()), Parsed::Invalid(status), "{version}");
        let refused_at = (0..text.len()).find(|end| parse(&text.as_bytes()[..*end]) != Parsed::Incomplete);
        let first = refused_at.map(|end| parse(&text.as_bytes()[..end]));
        assert_eq!(first, Some(Parsed::Invalid(status)), "{version}: with any number of bytes");
    }
    assert_eq!(parse(b"GET /u/1 HTTP/1.1\nhost: a\n\n"), Parsed::Invalid(400));
    let endless_line = format!("GET /{}", "a".repeat(MAX_LINE_BYTES));
    assert_eq!(parse(endless_line.as_bytes()), Parsed::Invalid(414));
    let endless_field = format!("GET /u/1 HTTP/1.1\r\nx: {}", "a".repeat(MAX_HEAD_BYTES));
    assert_eq!(parse(endless_field.as_bytes()), Parsed::Invalid(431));
    let many = format!("GET /u/1 HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(parse(many.as_bytes()), Parsed::Invalid(431));
}

proptest! {
    #[test]
    fn no_bytes_panic_and_no_head_is_longer_than_the_input(bytes: Vec<u8>) {
        if let Parsed::Request(_, length) = parse(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    #[test]
    fn almost_valid_requests_do_not_panic(
        pieces in prop::collection::vec(prop::sample::select(&[
            "GET ", "/u/1", " HTTP/1.1\r\n", "host: a\r\n", "content-length: ", "5", "\r\n", "\r", "\n",
            "transfer-encoding: chunked\r\n", " ", ":", "\0", "\t", "expect: 100-continue\r\n", "é",
        ][..]), 0..24),
    ) {
        parse(pieces.concat().as_bytes());
    }
}
