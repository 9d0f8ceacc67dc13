//! Known answers, limits, and properties: no split changes the result, and no input panics.

use proptest::prelude::*;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\n";

fn endpoint() -> Endpoint {
    let plan = r#"{"protocol":1,"contender":"","model":"","client":"","url_prefix":"http://127.0.0.1:80/u/",
        "ids":[],"in_flight":1,"cores":1,"connect_timeout_ms":1,"request_timeout_ms":1}"#;
    Endpoint::of(&serde_json::from_str(plan).unwrap()).unwrap()
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

#[track_caller]
fn assert_response(response: &str, status: u16, body: &str, reusable: bool) {
    let outcome = Outcome::response(status, body.as_bytes());
    assert_eq!(get(response), Ok(Response { outcome, reusable }), "{response:?}");
    let bytes = response.as_bytes().chunks(1);
    assert_eq!(exchange(Method::Get, bytes), Ok(Response { outcome, reusable }), "{response:?} by bytes");
}

#[track_caller]
fn assert_failure(response: &str, kind: ErrorKind) {
    assert_eq!(get(response), Err(kind), "{response:?}");
    assert_eq!(exchange(Method::Get, response.as_bytes().chunks(1)), Err(kind), "{response:?} by bytes");
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
fn content_length_ends_a_body() {
    assert_response(&format!("{OK}content-length: 5\r\n\r\nhello"), 200, "hello", true);
    assert_response(&format!("{OK}Content-Length: 5, \r\n\r\nhello").replace(", ", " "), 200, "hello", true);
    assert_response("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, "", true);
    assert_response(&format!("{OK}content-length: 2\r\ncontent-length: 2\r\n\r\nhi"), 200, "hi", true);
}

#[test]
fn last_chunk_ends_a_body() {
    let chunked = format!("{OK}transfer-encoding: chunked\r\n\r\n");
    assert_response(&format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), 200, "hello", true);
    assert_response(
        &format!("{chunked}3\r\nhel\r\n0A;x=y\r\nlo, world!\r\n000\r\n\r\n"),
        200,
        "hello, world!",
        true,
    );
    assert_response(&format!("{chunked}0\r\na: trailer\r\nb: another\r\n\r\n"), 200, "", true);
    let with_length =
        format!("{OK}content-length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    assert_response(&with_length, 200, "hi", true);
}

#[test]
fn close_ends_a_body_without_length() {
    assert_response(&format!("{OK}\r\nhello"), 200, "hello", false);
    assert_response("HTTP/1.0 200 OK\r\n\r\n", 200, "", false);
    assert_response(
        &format!("{OK}transfer-encoding: gzip\r\ncontent-length: 1\r\n\r\nhello"),
        200,
        "hello",
        false,
    );
}

#[test]
fn responses_to_head_and_204_and_304_have_no_body() {
    assert_response("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true);
    assert_response("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, "", true);
    let head = exchange(Method::Head, [format!("{OK}content-length: 9\r\n\r\n")]);
    assert_eq!(head, Ok(Response { outcome: Outcome::response(200, b""), reusable: true }));
}

#[test]
fn folded_fields_are_accepted() {
    assert_response(
        &format!("{OK}x: folded\r\n\tonce\r\n  again\r\ncontent-length: 2\r\n\r\nhi"),
        200,
        "hi",
        true,
    );
    assert_response(&format!("{OK}content-length:\r\n 2\r\n\r\nhi"), 200, "hi", true);
    assert_response(
        &format!("{OK}connection: x,\r\n close\r\ncontent-length: 2\r\n\r\nhi"),
        200,
        "hi",
        false,
    );
    assert_response(
        &format!("{OK}transfer-encoding: gzip,\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
        200,
        "hi",
        true,
    );
    assert_failure(&format!("{OK}content-length: 1\r\n 2\r\n\r\nhi"), ErrorKind::Malformed);
    assert_failure(&format!("{OK} x: y\r\n\r\n"), ErrorKind::Malformed);
}

#[test]
fn interim_responses_are_skipped() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    assert_response(&format!("{interim}{OK}content-length: 2\r\n\r\nhi"), 200, "hi", true);
    assert_failure(interim, ErrorKind::Truncated);
    assert_failure("HTTP/1.1 101 Switching Protocols\r\n\r\n", ErrorKind::Malformed);
}

#[test]
fn connection_is_reused_unless_the_response_forbids_it() {
    for (version, field, reusable) in [
        ("1.1", "x: y", true),
        ("1.1", "connection: close", false),
        ("1.1", "Connection: x, Close", false),
        ("1.0", "x: y", false),
        ("1.0", "connection: Keep-Alive", true),
        ("1.0", "connection: keep-alive, close", false),
    ] {
        let response = format!("HTTP/{version} 200 OK\r\n{field}\r\ncontent-length: 2\r\n\r\nhi");
        assert_response(&response, 200, "hi", reusable);
    }
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
        &format!("{OK}content-len"),
        &format!("{OK}content-length: 5\r\n\r\nhell"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
    ] {
        assert_failure(response, ErrorKind::Truncated);
    }
}

#[test]
fn invalid_http_is_malformed() {
    for response in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        &format!("{OK}content-length: -1\r\n\r\n"),
        &format!("{OK}content-length: 99999999999999999999\r\n\r\n"),
        &format!("{OK}content-length: 1099511627777\r\n\r\n"),
        &format!("{OK}content-length: 1\r\ncontent-length: 2\r\n\r\nhi"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\nnot-a-size\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n11111111111111111\r\n"),
        &format!("{OK}transfer-encoding: chunked\r\n\r\n2\r\nhi0\r\n\r\n"),
    ] {
        assert_failure(response, ErrorKind::Malformed);
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
