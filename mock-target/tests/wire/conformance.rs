//! Test vectors like those of other servers, each with the result that RFC 9110 and 9112 require, and no request
//! smuggling.

use std::io::{ErrorKind, Read};

use crate::client::{Client, REQUEST, start, stats};

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

/// Sends each vector on a connection of its own, and a valid request after it, which is served where the connection
/// stays open.
#[track_caller]
fn check(expected: Expected, vectors: impl IntoIterator<Item = String>) {
    let target = start("fixed:0ms");
    for bytes in vectors {
        let latin_1 = bytes.chars().map(|char| u8::try_from(char).expect("Latin-1")).collect::<Vec<_>>();
        let mut client = Client::sending(target.address(), latin_1);
        client.send(REQUEST);
        let responses = match expected {
            Served(number) | ServedThenClosed(number) => number,
            Refused(_) => 1,
        };
        for _ in 0..responses {
            let status = client.response().status();
            match expected {
                Refused(wanted) => assert_eq!(status, wanted, "{bytes:?}"),
                _ => assert!([200, 404, 405, 501].contains(&status), "{bytes:?}: {status}"),
            }
        }
        if matches!(expected, Served(_)) {
            assert_eq!(client.response().status(), 200, "the connection stays open: {bytes:?}");
        } else {
            assert_eq!(client.rest(), b"", "the connection is closed: {bytes:?}");
        }
    }
    if matches!(expected, Refused(_)) {
        assert_eq!(stats(&target).received, 0, "nothing is smuggled");
    }
}

/// A request with a host, followed by `rest`.
fn with(line: &str, rest: &str) -> String {
    format!("{line}\r\nHost: a\r\n{rest}")
}

fn get(fields: &str) -> String {
    with("GET /u/1 HTTP/1.1", &format!("{fields}\r\n\r\n"))
}

fn post(rest: &str) -> String {
    with("POST /u/1 HTTP/1.1", rest)
}

fn chunked(body: &str) -> String {
    post(&format!("Transfer-Encoding: chunked\r\n\r\n{body}"))
}

#[test]
fn an_incomplete_request_gets_no_response() {
    let target = start("fixed:0ms");
    let whole = chunked("2;x=\"y\"\r\nab\r\n0\r\nt: v\r\n\r\n");
    let mut other = Client::connect(target.address());
    for end in 1..whole.len() {
        let mut client = Client::sending(target.address(), &whole[..end]);
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
    let refused = [
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
        "GET * HTTP/1.1",
        "CONNECT /u/1 HTTP/1.1",
    ];
    check(Refused(400), refused.map(|line| with(line, "\r\n")));
    let versions = ["GET /u/1 HTTP/2.0", "GET /u/1 HTTP/5.6", "PRI * HTTP/2.0"];
    check(Refused(505), versions.map(|line| with(line, "\r\n")));
    let served = [
        "GET /u/1?a=b?c",
        "GET http://b:81/u/1",
        "GET http://b?q",
        "OPTIONS *",
        "CONNECT b_0.c:443",
        "PROPFIND /u/1",
        "get /u/1",
        "-ODD!#$%&'*+.^_`|~9 /u/1",
        "\r\n\r\nGET /u/1",
    ];
    check(Served(1), served.map(|line| with(&format!("{line} HTTP/1.1"), "\r\n")));
    check(ServedThenClosed(1), ["GET /u/1 HTTP/1.0\r\n\r\n".to_owned()]);
    check(Refused(400), ["GET /u/1 HTTP/1.1\nHost: a\n\n".to_owned()]);
}

#[test]
fn header_fields_are_parsed_or_refused() {
    let names = ["x y", "x@", "x[]", "", "x\0", "x\u{1}", "x\u{e9}", "x ", "(x)", "x\r"];
    check(Refused(400), names.map(|name| get(&format!("{name}: v"))));
    let values = ["a\0b", "a\u{7}", "a\u{7f}", "a\rb: c", "a\nb: c", "\n", "\r", "a\r\n b", "a\r\n\tb"];
    check(Refused(400), values.map(|value| get(&format!("x: {value}"))));
    let values = ["", " \t v \t ", "\u{e9}\u{ff}", "a, \"b\"; c=(d)", "::"];
    check(Served(1), values.map(|value| get(&format!("x:{value}"))));
    check(Refused(400), ["no colon", ": v", "Host: b"].map(get));
    check(Served(1), ["Connection: upgrade\r\nUpgrade: websocket"].map(get));
    check(ServedThenClosed(1), ["Connection: x, Close, keep-alive"].map(get));
    let host = |field: &str| format!("GET /u/1 HTTP/1.1\r\n{field}\r\n\r\n");
    let refused =
        [" Host: a", "Host : a", "x: y", "Host: a b", "Host: u@a", "Host: a:b", "Host: [::1", "Host: a/b"];
    check(Refused(400), refused.map(host));
    check(Refused(400), ["Host: a\r\n\rGET /u/2: x"].map(host));
    check(Served(1), ["Host:\ta", "Host:", "Host: a:80", "Host: [::1]:80", "Host: %41_~"].map(host));
}

#[test]
fn lengths_and_codings_are_parsed_or_refused() {
    let lengths = ["-1", "+1", "0x1", "1e1", "1 2", "1,1", "1;", "abc", "", "9999999999999999999999"];
    check(Refused(400), lengths.map(|length| post(&format!("Content-Length: {length}\r\n\r\nx"))));
    check(Refused(413), [post("Content-Length: 99999999\r\n\r\n")]);
    let codings = |codings: &str| post(&format!("Transfer-Encoding: {codings}\r\n\r\n0\r\n\r\n"));
    let refused = ["", "identity", "gzip", "chunkedx", "xchunked", "\"chunked\"", "chunked;a", "chunked,"];
    check(Refused(400), refused.map(codings));
    check(Refused(400), ["chunked, gzip", "gzip, chunked\r\nContent-Length: 5"].map(codings));
    let after = [" x", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Content-Length: 3"];
    check(Refused(400), after.map(|field| codings(&format!("chunked\r\n{field}"))));
    let unknown =
        ["gzip, chunked", "gzip,chunked", "gzip\r\nTransfer-Encoding: chunked", "identity, chunked"];
    check(Refused(501), unknown.map(codings));
    let served = ["Content-Length:  003 \r\n\r\nabc", "content-LENGTH: 0\r\n\r\n"];
    check(Served(1), served.map(post));
    let refused = [
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
    ];
    check(Refused(400), refused.map(post));
    check(Served(2), [format!("{}\r\n{REQUEST}", post("Content-Length: 1\r\n\r\nx"))]);
    check(Refused(400), ["POST /u/1 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()]);
    let two = "PUT /u/1 HTTP/1.0\r\n\r\nPUT /u/1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    check(ServedThenClosed(1), [two]);
}

#[test]
fn chunked_bodies_are_parsed_or_refused() {
    let served = [
        "0\r\n\r\n",
        "a\r\n0123456789\r\n0\r\n\r\n",
        "0A\r\n0123456789\r\n000\r\n\r\n",
        "1;a;b=c ; d=\"e;\\\"\\\\\"\r\nx\r\n0\r\n\r\n",
        "1\r\nx\r\n0\r\na: b\r\nc:\r\n\r\n",
    ];
    check(Served(1), served.map(chunked));
    let sizes = ["", "g", "-1", "+1", "0x1", "1_0", " 1", "1 ", "1 a", "1\r\r;", "1\rx", "1\n "];
    check(Refused(400), sizes.map(|size| chunked(&format!("{size}\r\nx\r\n0\r\n\r\n"))));
    let extensions = ["", "a=", "a ", "=a", "a,b", "a\0", "a=b c", "a=\"b", "a=\"b\"c"];
    check(Refused(400), extensions.map(|text| chunked(&format!("1;{text}\r\nx\r\n0\r\n\r\n"))));
    let ends = ["x0\r\n", "xy\r\n0\r\n", "x\n0\r\n", "x\r\n"];
    check(Refused(400), ends.map(|end| chunked(&format!("1\r\n{end}\r\n"))));
    check(Refused(400), [chunked("1\nx\n0\n\n")]);
    let trailers = [
        "GET /u/7 HTTP/1.1\r\nHost: p",
        "no colon",
        "a : b",
        ": no name",
        "a: b\nc: d",
        "a: b\r\n folded",
        "a: b\0",
        "a: b\n",
    ];
    check(Refused(400), trailers.map(|trailer| chunked(&format!("0\r\n{trailer}\r\n\r\n"))));
}
