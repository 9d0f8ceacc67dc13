use super::*;

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
fn invalid_heads_are_refused_with_their_status() {
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
    assert_eq!(parse(b"\x16\x03\x01 tls\r\n\r\n"), Parsed::Invalid(400));
    let endless_line = format!("GET /{}", "a".repeat(MAX_LINE_BYTES));
    assert_eq!(parse(endless_line.as_bytes()), Parsed::Invalid(414));
    let endless_field = format!("GET /u/1 HTTP/1.1\r\nx: {}", "a".repeat(MAX_HEAD_BYTES));
    assert_eq!(parse(endless_field.as_bytes()), Parsed::Invalid(431));
    let many = format!("GET /u/1 HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(parse(many.as_bytes()), Parsed::Invalid(431));
}
