//! Responses of every kind of framing, valid and invalid, with their outcomes by RFC 9110 and RFC 9112.

use inflight::worker::protocol::ErrorKind::{self, Malformed, Reset, Truncated};
use inflight::worker::protocol::Outcome;

/// The bytes that a server sends for one request, and what it does next.
pub(super) struct Response {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// Bytes that are sent with the last piece, and are not part of the response.
    pub(super) surplus: Vec<u8>,
    pub(super) then: Then,
    /// The outcome in the common client.
    pub(super) expected: Outcome,
}

impl Response {
    /// Whether the server ends the connection when it may already be idle in the client.
    pub(super) fn ends_when_idle(&self) -> bool {
        self.then != Wait && matches!(self.expected, Outcome::Response { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Answers the next request on the connection.
    Wait,
    /// Ends the connection.
    Close,
    /// Ends it with RST.
    Reset,
    /// Closes its sending side, and continues to read.
    HalfClose,
}
use Then::{Close, HalfClose, Wait};

const OK: &str = "HTTP/1.1 200 OK\r\n";
const FIVE: &str = "content-length: 5\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";
const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

/// `hello` compressed by gzip.
const GZIPPED: [u8; 25] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0,
    0,
];

/// Every response, in the order of the table.
pub(super) fn responses() -> Vec<Response> {
    let mut all = Vec::new();
    let groups = [interim, lengths, codings, chunks, fields, status_lines, bodiless, ends, afterwards];
    groups.iter().for_each(|group| group(&mut all));
    all
}

fn hello() -> Outcome {
    Outcome::response(200, b"hello")
}

fn failure(error: ErrorKind) -> Outcome {
    Outcome::Failure { error }
}

fn add(all: &mut Vec<Response>, name: &str, bytes: impl Into<Vec<u8>>, then: Then, expected: Outcome) {
    all.push(Response { name: name.to_owned(), bytes: bytes.into(), surplus: Vec::new(), then, expected });
}

fn add_with_surplus(all: &mut Vec<Response>, name: &str, bytes: &str, surplus: &str, expected: Outcome) {
    let (name, bytes, surplus) = (name.to_owned(), bytes.into(), surplus.into());
    all.push(Response { name, bytes, surplus, then: Wait, expected });
}

fn interim(all: &mut Vec<Response>) {
    let final_response = format!("{OK}{FIVE}\r\nhello");
    for (name, before) in [
        ("100 before 200", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("103 before 200", "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"),
        ("100, 102, 103 before 200", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n"),
        ("199 before 200", "HTTP/1.1 199 Unknown\r\n\r\n"),
        ("103 that states a length", "HTTP/1.1 103 Early Hints\r\ncontent-length: 9\r\n\r\n"),
        ("103 that states a bad length", "HTTP/1.1 103 Early Hints\r\ncontent-length: x\r\n\r\n"),
        ("103 that says chunked", "HTTP/1.1 103 Early Hints\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("103 that says close", "HTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n"),
    ] {
        add(all, name, format!("{before}{final_response}"), Wait, hello());
    }
    add(all, "100 and no more", "HTTP/1.1 100 Continue\r\n\r\n", Close, failure(Truncated));
    let switching = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    add(all, "101 that was not requested", switching, Close, failure(Malformed));
}

fn lengths(all: &mut Vec<Response>) {
    add(all, "length", format!("{OK}{FIVE}\r\nhello"), Wait, hello());
    add(all, "length of 0", format!("{OK}content-length: 0\r\n\r\n"), Wait, Outcome::response(200, b""));
    add(all, "no length, then a close", format!("{OK}\r\nhello"), Close, hello());
    let length = |value: &str| format!("{OK}content-length: {value}\r\n\r\nhello");
    for (name, value) in [
        ("0005", "0005"),
        ("5 within tabs", "\t5\t"),
        ("5, 5", "5, 5"),
        ("5,5,5", "5,5,5"),
        ("5, and nothing", "5,"),
        (", , 5", ", , 5"),
    ] {
        add(all, &format!("length {name}"), length(value), Wait, hello());
    }
    let malformed = [
        "+5", "-5", "-0", "5 5", "5, 6", "5; 5", "5.0", "5e0", "0x5", "5h", "five", "\"5\"", ",", "",
        "5\u{b2}", "\u{665}",
    ];
    let too_large = [
        "99999999999999999999",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
        "4294967296000000",
    ];
    for value in malformed.into_iter().chain(too_large) {
        add(all, &format!("length `{value}`"), length(value), Wait, failure(Malformed));
    }
    add(all, "length twice, the same", format!("{OK}{FIVE}{FIVE}\r\nhello"), Wait, hello());
    for (name, first, second) in
        [("5, then 6", "5", "6"), ("6, then 5", "6", "5"), ("5, then none", "5", ""), ("x, then 5", "x", "5")]
    {
        let bytes = format!("{OK}content-length: {first}\r\ncontent-length: {second}\r\n\r\nhello");
        add(all, &format!("length {name}"), bytes, Wait, failure(Malformed));
    }
}

fn codings(all: &mut Vec<Response>) {
    for (name, fields) in [
        ("chunked", CHUNKED.to_owned()),
        ("CHUNKED", "transfer-encoding: CHUNKED\r\n".to_owned()),
        ("chunked, and nothing", "transfer-encoding: chunked,\r\n".to_owned()),
        ("gzip, chunked", "transfer-encoding: gzip, chunked\r\n".to_owned()),
        ("gzip, then chunked", format!("transfer-encoding: gzip\r\n{CHUNKED}")),
        ("length, then chunked", format!("content-length: 3\r\n{CHUNKED}")),
        ("chunked, then length", format!("{CHUNKED}content-length: 3\r\n")),
        ("bad length, then chunked", format!("content-length: -5\r\n{CHUNKED}")),
        ("two lengths, then chunked", format!("content-length: 3\r\ncontent-length: 4\r\n{CHUNKED}")),
    ] {
        add(all, name, format!("{OK}{fields}\r\n{CHUNKS}"), Wait, hello());
    }
    for name in ["gzip", "chunked, gzip", "xchunked", "chunked;q=1"] {
        let bytes = format!("{OK}transfer-encoding: {name}\r\ncontent-length: 3\r\n\r\nhello");
        add(all, &format!("coding {name}"), bytes, Close, hello());
    }
    let of_1_0 = format!("HTTP/1.0 200 OK\r\n{CHUNKED}\r\n{CHUNKS}");
    add(all, "chunked in HTTP/1.0", of_1_0, Close, failure(Malformed));
    let gzip = |fields: &str, body: &[u8]| {
        let head = format!("{OK}content-encoding: gzip\r\ncontent-length: {}\r\n{fields}\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    add(all, "gzip that was not requested", gzip("", &GZIPPED), Wait, Outcome::response(200, &GZIPPED));
    add(all, "gzip that is none", gzip("", b"hello"), Wait, hello());
}

fn chunks(all: &mut Vec<Response>) {
    let head = format!("{OK}{CHUNKED}\r\n");
    for (name, body) in [
        ("of 5", CHUNKS),
        ("in two", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        ("005 and 000", "005\r\nhello\r\n000\r\n\r\n"),
        ("5;ext", "5;ext\r\nhello\r\n0\r\n\r\n"),
        ("5;a=b;c=\"d;e\"", "5;a=b;c=\"d;e\"\r\nhello\r\n0;f\r\n\r\n"),
        ("5 ;ext", "5 ;ext\r\nhello\r\n0\r\n\r\n"),
        ("5 and a space", "5 \r\nhello\r\n0\r\n\r\n"),
        ("trailer", "5\r\nhello\r\n0\r\nx-a: b\r\n\r\n"),
        ("two trailers", "5\r\nhello\r\n0\r\nx-a: b\r\nx-c:\r\n\r\n"),
        ("folded trailer", "5\r\nhello\r\n0\r\nx-a: b\r\n\tc\r\n\r\n"),
        ("trailer of a length", "5\r\nhello\r\n0\r\ncontent-length: 9\r\n\r\n"),
    ] {
        add(all, &format!("chunk {name}"), format!("{head}{body}"), Wait, hello());
    }
    let upper = format!("{head}A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n");
    add(all, "chunk A and a", upper, Wait, Outcome::response(200, b"01234567890123456789"));
    let sizes = ["-5", "+5", "0x5", "5h", "0_5", "5 5", "5,5"].map(|size| (size, size));
    let described = [
        ("space 5", " 5"),
        ("empty size", ""),
        ("extension without a size", ";ext"),
        ("words", "no size"),
        ("2^64", "10000000000000000"),
        ("2^64 + 5", "10000000000000005"),
        ("2^64 - 1", "ffffffffffffffff"),
        ("2^63", "8000000000000000"),
    ];
    for (name, size) in sizes.into_iter().chain(described) {
        let bytes = format!("{head}{size}\r\nhello\r\n0\r\n\r\n");
        add(all, &format!("chunk {name}"), bytes, Wait, failure(Malformed));
    }
    for (name, body) in [
        ("bare LF after the size", "5\nhello\r\n0\r\n\r\n"),
        ("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("bare CR after the size", "5\rhello\r\n0\r\n\r\n"),
        ("no CRLF after the data", "5\r\nhello0\r\n\r\n"),
        ("bare LF after the data", "5\r\nhello\n0\r\n\r\n"),
        ("longer than its size", "5\r\nhello!\r\n0\r\n\r\n"),
        ("trailer without a colon", "5\r\nhello\r\n0\r\ntrailer\r\n\r\n"),
        ("trailer without a name", "5\r\nhello\r\n0\r\n: b\r\n\r\n"),
        ("space before the first trailer", "5\r\nhello\r\n0\r\n x-a: b\r\n\r\n"),
        ("bare CR in a trailer", "5\r\nhello\r\n0\r\nx-a: b\rc\r\n\r\n"),
        ("NUL in a trailer", "5\r\nhello\r\n0\r\nx-a: \0\r\n\r\n"),
    ] {
        add(all, &format!("chunk {name}"), format!("{head}{body}"), Wait, failure(Malformed));
    }
}

fn fields(all: &mut Vec<Response>) {
    let bare = format!("{OK}x-a: b\r\n{FIVE}\r\nhello");
    for (name, bytes) in [
        ("fold", format!("{OK}x-a: b\r\n\tc\r\n   d\r\n{FIVE}\r\nhello")),
        ("fold of nothing", format!("{OK}x-a: b\r\n \r\n{FIVE}\r\nhello")),
        ("fold before a value", format!("{OK}content-length:\r\n 5\r\n\r\nhello")),
        ("bare LF", "HTTP/1.1 200 OK\nx-a: b\ncontent-length: 5\n\nhello".to_owned()),
        ("bare LF and CRLF", format!("{OK}x-a: b\n{FIVE}\nhello")),
        ("no space after the colon", format!("{OK}content-length:5\r\n\r\nhello")),
        ("value that is empty", format!("{OK}x-a:\r\n{FIVE}\r\nhello")),
        ("value beyond ASCII", format!("{OK}x-a: \u{e9}\r\n{FIVE}\r\nhello")),
        ("CONTENT-LENGTH", format!("{OK}CONTENT-LENGTH: 5\r\n\r\nhello")),
        ("90 fields", format!("{OK}{}{FIVE}\r\nhello", "x-a: b\r\n".repeat(89))),
    ] {
        add(all, &format!("head: {name}"), bytes, Wait, hello());
    }
    for (name, bytes) in [
        ("fold before all fields", format!("{OK} x-a: b\r\n{FIVE}\r\nhello")),
        ("fold within a length", format!("{OK}content-length: 5\r\n 5\r\n\r\nhello")),
        ("bare CR in a value", bare.replace(": b", ": b\rc")),
        ("NUL in a value", bare.replace(": b", ": b\0c")),
        ("space before the colon", bare.replace("x-a:", "x-a :")),
        ("space in a name", bare.replace("x-a:", "x a:")),
        ("no colon", bare.replace("x-a: b", "x-a")),
        ("no name", bare.replace("x-a: b", ": b")),
        ("1 MB", format!("{OK}x-a: {}\r\n{FIVE}\r\nhello", "b".repeat(1_000_000))),
        ("1,000 fields", format!("{OK}{}{FIVE}\r\nhello", "x-a: b\r\n".repeat(1_000))),
    ] {
        add(all, &format!("head: {name}"), bytes, Wait, failure(Malformed));
    }
}

fn status_lines(all: &mut Vec<Response>) {
    let rest = format!("{FIVE}\r\nhello");
    for (line, status) in [
        ("HTTP/1.1 200 ", 200),
        ("HTTP/1.1 200", 200),
        ("HTTP/1.1 200 Très bien", 200),
        ("HTTP/1.1 404 Not Found", 404),
        ("HTTP/1.1 599 Own", 599),
        ("HTTP/1.1 600 Beyond", 600),
        ("HTTP/1.1 999 Beyond", 999),
        ("HTTP/1.1 099 Below", 99),
        ("HTTP/1.0 200 OK", 200),
        ("HTTP/1.2 200 OK", 200),
    ] {
        let expected = Outcome::response(status, b"hello");
        add(all, &format!("`{line}`"), format!("{line}\r\n{rest}"), Wait, expected);
    }
    for line in [
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 OK",
        "HTTP/1.1 ",
        "HTTP/1.1",
        "HTTP/1.1200 OK",
        "HTTP/1 200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/x.y 200 OK",
        "http/1.1 200 OK",
        "HTTP 200 OK",
        "HTTPS/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "ICY 200 OK",
        "200 OK",
        "SSH-2.0-OpenSSH_9.6",
        "<html>hello</html>",
        "\0\0\0\0",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 O\0K",
    ] {
        let name = format!("`{}`", line.escape_default());
        add(all, &name, format!("{line}\r\n{rest}"), Close, failure(Malformed));
    }
    let one = |fields: &str| format!("HTTP/1.0 200 OK\r\n{fields}\r\nhello");
    add(all, "HTTP/1.0 keep-alive", one(&format!("connection: keep-alive\r\n{FIVE}")), Wait, hello());
    add(all, "HTTP/1.0 without a length", one(""), Close, hello());
    add(all, "HTTP/1.0 keep-alive without a length", one("connection: keep-alive\r\n"), Close, hello());
    add(all, "HTTP/1.0 cut short", one("content-length: 9\r\n"), Close, failure(Truncated));
}

fn bodiless(all: &mut Vec<Response>) {
    let (no_content, not_modified) = ("HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\n");
    for (name, line, fields, surplus) in [
        ("204", no_content, "", ""),
        ("204 with a body", no_content, "", "hello"),
        ("204 with a length and a body", no_content, FIVE, "hello"),
        ("204 with a bad length", no_content, "content-length: five\r\n", ""),
        ("204 with chunks", no_content, CHUNKED, CHUNKS),
        ("304", not_modified, "", ""),
        ("304 with a length", not_modified, FIVE, ""),
        ("304 with a length and a body", not_modified, FIVE, "hello"),
        ("304 that says chunked", not_modified, CHUNKED, ""),
    ] {
        let status = line[9..12].parse().unwrap();
        add_with_surplus(all, name, &format!("{line}{fields}\r\n"), surplus, Outcome::response(status, b""));
    }
    let reset_content = "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n";
    add(all, "205", reset_content, Wait, Outcome::response(205, b""));
}

/// Every state in which a connection can end too early, by a close, a half-close and a reset.
fn ends(all: &mut Vec<Response>) {
    let chunked = format!("{OK}{CHUNKED}\r\n");
    for (name, bytes) in [
        ("before the response", String::new()),
        ("within the status line", "HTTP/1.1 2".to_owned()),
        ("after the status line", OK.to_owned()),
        ("within a name", format!("{OK}content-le")),
        ("within a value", format!("{OK}content-length: 5")),
        ("before the end of the head", format!("{OK}{FIVE}")),
        ("within the end of the head", format!("{OK}{FIVE}\r")),
        ("between head and body", format!("{OK}{FIVE}\r\n")),
        ("within the body", format!("{OK}{FIVE}\r\nhel")),
        ("before the first chunk", chunked.clone()),
        ("within a chunk's size", format!("{chunked}1")),
        ("within an extension", format!("{chunked}5;ex")),
        ("after a chunk's size", format!("{chunked}5\r\n")),
        ("within a chunk", format!("{chunked}5\r\nhel")),
        ("after a chunk's data", format!("{chunked}5\r\nhello")),
        ("after a chunk", format!("{chunked}5\r\nhello\r\n")),
        ("after the last size", format!("{chunked}5\r\nhello\r\n0\r\n")),
        ("within a trailer", format!("{chunked}5\r\nhello\r\n0\r\nx-a: ")),
        ("after a trailer", format!("{chunked}5\r\nhello\r\n0\r\nx-a: b\r\n")),
        ("within the last CRLF", format!("{chunked}5\r\nhello\r\n0\r\n\r")),
    ] {
        add(all, &format!("close {name}"), bytes.clone(), Close, failure(Truncated));
        add(all, &format!("half-close {name}"), bytes.clone(), HalfClose, failure(Truncated));
        add(all, &format!("reset {name}"), bytes, Then::Reset, failure(Reset));
    }
    add(all, "reset within a body without a length", format!("{OK}\r\nhel"), Then::Reset, failure(Reset));
}

/// Complete responses, and what follows them.
fn afterwards(all: &mut Vec<Response>) {
    let response = format!("{OK}{FIVE}\r\nhello");
    let chunked = format!("{OK}{CHUNKED}\r\n{CHUNKS}");
    for (name, then) in [("close", Close), ("half-close", HalfClose), ("reset", Then::Reset)] {
        add(all, &format!("{name} after a response"), response.clone(), then, hello());
        add(all, &format!("{name} after chunks"), chunked.clone(), then, hello());
    }
    let says_close = format!("{OK}{FIVE}connection: close\r\n\r\nhello");
    add(all, "says close", says_close.clone(), Close, hello());
    add(all, "says close, and no close", says_close, Wait, hello());
    add_with_surplus(all, "surplus after a length", &response, " world", hello());
    add_with_surplus(all, "surplus after chunks", &chunked, "5\r\nworld\r\n0\r\n\r\n", hello());
    let bad = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    add_with_surplus(all, "a second response", &response, bad, hello());
    add_with_surplus(all, "CRLF after a response", &response, "\r\n", hello());
    add(all, "CRLF before a response", format!("\r\n{response}"), Wait, hello());
}
