//! Test vectors like those of other servers, each with the result that RFC 9110 and 9112 require.

use std::io::{ErrorKind, Read};

use crate::client::{Client, start};

/// The result of the bytes that a client sends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// This many responses, none of them an error of syntax; the connection stays open.
    Served(usize),
    /// The same, and the connection is closed.
    ServedThenClosed(usize),
    /// One response with this status, and the connection is closed: nothing after the error is read.
    Refused(u16),
}

use Expected::{Refused, Served, ServedThenClosed};

/// A request with a host, followed by `rest`.
fn with(line: &str, rest: &str) -> String {
    format!("{line}\r\nHost: a\r\n{rest}")
}

/// Sent after every vector. It is served where the connection stays open.
const NEXT: &str = "GET /u/9 HTTP/1.1\r\nHost: a\r\n\r\n";

#[track_caller]
fn check(vectors: &[(String, Expected)]) {
    let target = start("fixed:0ms");
    for (bytes, expected) in vectors {
        let mut client = Client::connect(target.address());
        client.send(bytes.chars().map(|char| u8::try_from(char).expect("Latin-1")).collect::<Vec<_>>());
        client.send(NEXT);
        let (responses, stays) = match expected {
            Served(number) => (*number, true),
            ServedThenClosed(number) => (*number, false),
            Refused(_) => (1, false),
        };
        for _ in 0..responses {
            let status = client.response().status();
            match expected {
                Refused(wanted) => assert_eq!(status, *wanted, "{bytes:?}"),
                _ => assert!([200, 404, 405, 501].contains(&status), "{bytes:?}: {status}"),
            }
        }
        if stays {
            assert_eq!(client.response().status(), 200, "the connection stays open: {bytes:?}");
        } else {
            assert_eq!(client.rest(), b"", "the connection is closed: {bytes:?}");
        }
    }
}

#[test]
fn an_incomplete_request_gets_no_response() {
    let target = start("fixed:0ms");
    let whole = "POST /u/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n0\r\nt: v\r\n\r\n";
    let mut other = Client::connect(target.address());
    for end in 1..whole.len() {
        let mut client = Client::connect(target.address());
        client.send(&whole[..end]);
        // The event loop has read both when it sends this response.
        assert_eq!(other.get(2).status(), 200);
        client.0.set_nonblocking(true).expect("it can be set");
        let read = client.0.read(&mut [0]).expect_err("neither a response nor an end");
        assert_eq!(read.kind(), ErrorKind::WouldBlock, "{:?}", &whole[..end]);
        client.0.set_nonblocking(false).expect("it can be set");
        client.send(&whole[end..]);
        assert_eq!(client.response().status(), 405, "{:?}", &whole[..end]);
    }
}

#[test]
fn request_lines_are_parsed_or_refused() {
    let refused = |status, lines: &[&str]| -> Vec<_> {
        lines.iter().map(|line| (with(line, "\r\n"), Refused(status))).collect()
    };
    let served = |lines: &[&str]| -> Vec<_> {
        lines.iter().map(|line| (with(&format!("{line} HTTP/1.1"), "\r\n"), Served(1))).collect()
    };
    check(&refused(505, &["GET /u/1 HTTP/2.0", "GET /u/1 HTTP/5.6", "PRI * HTTP/2.0"]));
    check(&refused(
        400,
        &[
            "GET /u/1",
            "GET /u/1 ",
            "GET /u/1 ICE/1.0",
            "GET /u/1 XHTTP/1.1",
            "GET /u/1 HTTP/1.1 x",
            "GET /u/1 x HTTP/1.1",
            "GET  /u/1 HTTP/1.1",
            " GET /u/1 HTTP/1.1",
            "\tGET /u/1 HTTP/1.1",
            "G@T /u/1 HTTP/1.1",
            "G[T] /u/1 HTTP/1.1",
            "GET /u/1\0 HTTP/1.1",
            "GET /\"u\" HTTP/1.1",
            "GET /u/1?a|b HTTP/1.1",
            "GET /\u{e9} HTTP/1.1",
            "GET /u/1#part HTTP/1.1",
            "GET http://me:word@a/u/1 HTTP/1.1",
            "GET u/1 HTTP/1.1",
        ],
    ));
    check(&served(&[
        "GET /u/1?a=b?c",
        "GET http://b:81/u/1",
        "GET http://b?q",
        "OPTIONS *",
        "CONNECT b_0.c:443",
    ]));
    check(&served(&["PROPFIND /u/1", "get /u/1", "-ODD!#$%&'*+.^_`|~9 /u/1"]));
    check(&[
        ("GET /u/1 HTTP/1.0\r\n\r\n".to_owned(), ServedThenClosed(1)),
        (with("\r\n\r\nGET /u/1 HTTP/1.1", "\r\n"), Served(1)),
        ("GET /u/1 HTTP/1.1\nHost: a\n\n".to_owned(), Refused(400)),
    ]);
}

#[test]
fn header_fields_are_parsed_or_refused() {
    let get = |rest: &str, outcome| (with("GET /u/1 HTTP/1.1", &format!("{rest}\r\n\r\n")), outcome);
    for name in ["x y", "x@", "x[]", "", "x\0", "x\u{1}", "x\u{e9}", "x ", "(x)", "x\r"] {
        check(&[get(&format!("{name}: v"), Refused(400))]);
    }
    for value in ["a\0b", "a\u{7}", "a\u{7f}", "a\rb: c", "a\nb: c", "\n", "\r", "a\r\n b", "a\r\n\tb"] {
        check(&[get(&format!("x: {value}"), Refused(400))]);
    }
    for value in ["", " \t v \t ", "\u{e9}\u{ff}", "a, \"b\"; c=(d)", "::"] {
        check(&[get(&format!("x:{value}"), Served(1))]);
    }
    check(&[
        get("no colon", Refused(400)),
        get(": v", Refused(400)),
        get("Host: b", Refused(400)),
        get("Connection: x, Close, keep-alive", ServedThenClosed(1)),
        get("Connection: upgrade\r\nUpgrade: websocket", Served(1)),
        ("GET /u/1 HTTP/1.1\r\n Host: a\r\n\r\n".to_owned(), Refused(400)),
        ("GET /u/1 HTTP/1.1\r\nx: y\r\n\r\n".to_owned(), Refused(400)),
        ("GET /u/1 HTTP/1.1\r\nHost:\ta\r\n\r\n".to_owned(), Served(1)),
        ("GET /u/1 HTTP/1.1\r\nHost: a\r\n\rGET /u/2: x\r\n\r\n".to_owned(), Refused(400)),
    ]);
}

#[test]
fn lengths_and_codings_are_parsed_or_refused() {
    let post = |rest: &str, outcome| (with("POST /u/1 HTTP/1.1", rest), outcome);
    for length in [
        "-1",
        "+1",
        "0x1",
        "1e1",
        "1 2",
        "1,1",
        "1;",
        "abc",
        "",
        "99999999999999999999",
        "-99999999999999999999",
    ] {
        check(&[post(&format!("Content-Length: {length}\r\n\r\nx"), Refused(400))]);
    }
    for codings in
        ["", "identity", "gzip", "chunkedx", "xchunked", "\"chunked\"", "chunked;a", "chunked, gzip"]
    {
        check(&[post(&format!("Transfer-Encoding: {codings}\r\n\r\n0\r\n\r\n"), Refused(400))]);
    }
    for codings in
        ["gzip, chunked", "gzip,chunked", "gzip\r\nTransfer-Encoding: chunked", "identity, chunked"]
    {
        check(&[post(&format!("Transfer-Encoding: {codings}\r\n\r\n0\r\n\r\n"), Refused(501))]);
    }
    check(&[
        post("Content-Length:  003 \r\n\r\nabc", Served(1)),
        post("content-LENGTH: 0\r\n\r\n", Served(1)),
        post("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", Refused(400)),
        post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(400)),
        post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", Refused(400)),
        post("Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", Refused(400)),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(400)),
        post("Transfer-Encoding: chunked\r\n x\r\n\r\n0\r\n\r\n", Refused(400)),
        ("POST /u/1 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), Refused(400)),
        (format!("{}\r\n{}", with("POST /u/1 HTTP/1.1", "Content-Length: 1\r\n\r\nx"), NEXT), Served(2)),
        ("PUT /u/1 HTTP/1.0\r\n\r\nPUT /u/1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), ServedThenClosed(1)),
    ]);
}

#[test]
fn chunked_bodies_are_parsed_or_refused() {
    let chunked = |body: &str, outcome| {
        (with("POST /u/1 HTTP/1.1", &format!("Transfer-Encoding: chunked\r\n\r\n{body}")), outcome)
    };
    for body in [
        "0\r\n\r\n",
        "a\r\n0123456789\r\n0\r\n\r\n",
        "0A\r\n0123456789\r\n000\r\n\r\n",
        "1;a;b=c;d=\"e;\\\"\\\\\"\r\nx\r\n0\r\n\r\n",
        "1\r\nx\r\n0\r\na: b\r\nc:\r\n\r\n",
    ] {
        check(&[chunked(body, Served(1))]);
    }
    for body in [
        "\r\n",
        "g\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "1_0\r\nx\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "1 \r\nx\r\n0\r\n\r\n",
        "1 a\r\nx\r\n0\r\n\r\n",
        "1;\r\nx\r\n0\r\n\r\n",
        "1;a=\"b\r\nx\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1\r\r;\r\nx\r\n0\r\n\r\n",
        "1\n \r\nx\r\n0\r\n\r\n",
        "1\r\nx0\r\n\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "1\r\nx\n0\r\n\r\n",
        "1\r\nx\r\n\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\na : b\r\n\r\n",
        "0\r\na: b\nc: d\r\n\r\n",
    ] {
        check(&[chunked(body, Refused(400))]);
    }
}
