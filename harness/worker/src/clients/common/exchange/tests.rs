//! Known answers, limits, and properties: no split changes the result, and no input panics.

use proptest::prelude::*;

use super::*;
use crate::protocol::Plan;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const OK_1_0: &str = "HTTP/1.0 200 OK\r\n";
const INTERIM_AND_OK: &str =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n";

fn endpoint() -> Endpoint {
    let url_prefix = "http://127.0.0.1:80/u/".to_owned();
    Endpoint::of(&Plan { url_prefix, ..Plan::default() }).unwrap()
}

/// The result of receiving `pieces` and then the end of the connection.
fn exchange(
    method: Method,
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<Response, ErrorKind> {
    let mut exchange = Exchange::default();
    exchange.begin(method, &endpoint(), 7);
    exchange.sent(exchange.to_send().len());
    for piece in pieces {
        if let Progress::Done(response) = exchange.receive(piece.as_ref())? {
            return Ok(response);
        }
    }
    exchange.close()
}

fn get(response: impl AsRef<[u8]>) -> Result<Response, ErrorKind> {
    exchange(Method::Get, [response])
}

/// In one piece, and byte by byte.
#[track_caller]
fn assert_result(response: &str, expected: Result<Response, ErrorKind>) {
    assert_eq!(get(response), expected, "{response:?}");
    assert_eq!(exchange(Method::Get, response.as_bytes().chunks(1)), expected, "{response:?} by bytes");
}

#[test]
fn request_has_a_request_line_and_a_host_field() {
    let mut exchange = Exchange::default();
    for id in [0, u64::MAX] {
        exchange.begin(Method::Get, &endpoint(), id);
        let expected = format!("GET /u/{id} HTTP/1.1\r\nhost: 127.0.0.1:80\r\n\r\n");
        assert_eq!(exchange.to_send(), expected.as_bytes());
        exchange.sent(4);
        assert_eq!(exchange.to_send(), &expected.as_bytes()[4..]);
    }
}

#[test]
fn framing_and_fields_decide_where_a_body_ends_and_whether_the_connection_is_reused() {
    for (status_line, rest, body, reusable) in [
        // A length.
        (OK, "content-length: 5\r\n\r\nhello", "hello", true),
        (OK, "Content-Length: 5 \r\n\r\nhello", "hello", true),
        (OK, "content-length: 2\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
        ("HTTP/1.1 404 Not Found\r\n", "content-length: 0\r\n\r\n", "", true),
        // Chunks.
        (OK, "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", true),
        (
            OK,
            "transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0A;x=y\r\nlo, world!\r\n000\r\n\r\n",
            "hello, world!",
            true,
        ),
        (OK, "transfer-encoding: chunked\r\n\r\n0\r\na: trailer\r\nb: another\r\n\r\n", "", true),
        (OK, "content-length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", true),
        // Neither.
        (OK, "\r\nhello", "hello", false),
        (OK_1_0, "\r\n", "", false),
        (OK, "transfer-encoding: gzip\r\ncontent-length: 1\r\n\r\nhello", "hello", false),
        // A status without a body.
        ("HTTP/1.1 204 No Content\r\n", "\r\n", "", true),
        ("HTTP/1.1 304 Not Modified\r\n", "content-length: 9\r\n\r\n", "", true),
        // Interim responses before it.
        (INTERIM_AND_OK, "content-length: 2\r\n\r\nhi", "hi", true),
        // Folded fields.
        (OK, "x: folded\r\n\tonce\r\n  again\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
        (OK, "content-length:\r\n 2\r\n\r\nhi", "hi", true),
        (OK, "connection: x,\r\n close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
        (OK, "transfer-encoding: gzip,\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", true),
        // The field `connection`, or its absence.
        (OK, "x: y\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
        (OK, "connection: close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
        (OK, "Connection: x, Close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
        (OK_1_0, "x: y\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
        (OK_1_0, "connection: Keep-Alive\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
        (OK_1_0, "connection: keep-alive, close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
    ] {
        let status = status_line.lines().last().unwrap()[9..12].parse().unwrap();
        let outcome = Outcome::response(status, body.as_bytes());
        assert_result(&format!("{status_line}{rest}"), Ok(Response { outcome, reusable }));
    }
}

#[test]
fn response_to_head_has_no_body() {
    let head = exchange(Method::Head, [format!("{OK}content-length: 9\r\n\r\n")]);
    assert_eq!(head, Ok(Response { outcome: Outcome::response(200, b""), reusable: true }));
}

#[test]
fn surplus_bytes_prevent_reuse() {
    let response = get(format!("{OK}content-length: 2\r\n\r\nhi there")).unwrap();
    assert_eq!(response, Response { outcome: Outcome::response(200, b"hi"), reusable: false });
}

#[test]
fn early_end_is_truncated() {
    for response in [
        "",
        "HTTP/1.1 2",
        INTERIM_AND_OK.strip_suffix(OK).unwrap(),
        &format!("{OK}content-len"),
        &format!("{OK}content-length: 5\r\n\r\nhell"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
    ] {
        assert_result(response, Err(ErrorKind::Truncated));
    }
}

#[test]
fn invalid_http_is_malformed() {
    for response in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        &format!("{OK} x: y\r\n\r\n"),
        &format!("{OK}content-length: 1\r\n 2\r\n\r\nhi"),
        &format!("{OK}content-length: -1\r\n\r\n"),
        &format!("{OK}content-length: 99999999999999999999\r\n\r\n"),
        &format!("{OK}content-length: 1099511627777\r\n\r\n"),
        &format!("{OK}content-length: 1\r\ncontent-length: 2\r\n\r\nhi"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\nnot-a-size\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n11111111111111111\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n2\r\nhi0\r\n\r\n"),
    ] {
        assert_result(response, Err(ErrorKind::Malformed));
    }
}

#[test]
fn heads_and_trailers_are_limited() {
    let padded = |bytes| format!("{OK}x: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(bytes));
    let rest = padded(0).len();
    assert!(get(padded(HEAD_LIMIT - rest)).is_ok());
    assert_eq!(get(padded(HEAD_LIMIT + 1 - rest)), Err(ErrorKind::Malformed));
    let pieces = padded(HEAD_LIMIT + 1 - rest);
    assert_eq!(exchange(Method::Get, pieces.as_bytes().chunks(1 << 14)), Err(ErrorKind::Malformed));
    assert_eq!(get(format!("{OK}{}\r\n", "a: b\r\n".repeat(101))), Err(ErrorKind::Malformed));
    let trailer = format!("{OK}transfer-encoding: chunked\r\n\r\n0\r\n{}", "a".repeat(1 << 17));
    assert_eq!(get(trailer), Err(ErrorKind::Malformed));
}

/// Responses of every kind of framing, some of them invalid.
fn responses() -> impl Strategy<Value = Vec<u8>> {
    let version = prop_oneof![Just("HTTP/1.1 "), Just("HTTP/1.0 ")];
    let interim = prop::option::of(Just("HTTP/1.1 100 Continue\r\n\r\n"));
    let status = prop_oneof![Just("200 OK"), Just("204 Gone By"), Just("404 "), Just("503 x"), Just("2x0")];
    let fields = prop::collection::vec(
        prop_oneof![
            Just("content-length: 4"),
            Just("content-length: 40"),
            Just("transfer-encoding: chunked"),
            Just("connection: close"),
            Just("connection: keep-alive"),
            Just("x-y: z"),
            Just("no colon"),
        ],
        0..4,
    );
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        Just(b"4\r\nbody\r\n0\r\n\r\n".to_vec()),
        Just(b"a;b\r\n0123456789\r\n1\r\nx\r\n0\r\nt: u\r\n\r\n".to_vec()),
    ];
    (interim, version, status, fields, body).prop_map(|(interim, version, status, fields, body)| {
        let mut response = interim.unwrap_or_default().as_bytes().to_vec();
        response.extend_from_slice(version.as_bytes());
        response.extend_from_slice(status.as_bytes());
        for field in fields {
            response.extend_from_slice(b"\r\n");
            response.extend_from_slice(field.as_bytes());
        }
        response.extend_from_slice(b"\r\n\r\n");
        response.extend(body);
        response
    })
}

/// The outcome, which no split may change. A split may change whether the connection is reused: surplus bytes
/// are noticed only when they arrive together with the end.
fn outcome(result: Result<Response, ErrorKind>) -> Result<Outcome, ErrorKind> {
    result.map(|response| response.outcome)
}

proptest! {
    #[test]
    fn splits_do_not_change_the_outcome(response in responses(), cuts in prop::collection::vec(0_usize..200, 0..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(response.len())).collect();
        cuts.extend([0, response.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &response[ends[0]..ends[1]]);
        prop_assert_eq!(outcome(exchange(Method::Get, pieces)), outcome(get(&response)));
        prop_assert_eq!(outcome(exchange(Method::Get, response.chunks(1))), outcome(get(&response)));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
        let _ = exchange(Method::Get, &pieces);
        let pieces = std::iter::once(format!("{OK}transfer-encoding: chunked\r\n\r\n").into_bytes()).chain(pieces);
        let _ = exchange(Method::Get, pieces);
    }

    #[test]
    fn splits_of_mutated_responses_do_not_change_the_outcome(mut response in responses(), at in any::<prop::sample::Index>(), byte: u8) {
        let at = at.index(response.len());
        response[at] = byte;
        prop_assert_eq!(
            outcome(exchange(Method::Get, response.chunks(3))),
            outcome(get(&response))
        );
    }
}
