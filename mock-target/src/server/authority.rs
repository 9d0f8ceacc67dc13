//! `uri-host [ ":" port ]`, as in the field Host and in request targets: RFC 9110, section 7.2, and RFC 3986,
//! section 3.2.2.

use std::net::Ipv6Addr;

use super::grammar;

/// A valid host, which is never empty, and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) port: Option<u16>,
}

impl Authority {
    /// Parses all of `text`; `None` if it is no authority of an `http` URI.
    pub(super) fn parse(text: &[u8]) -> Option<Authority> {
        let host_bytes = match text.first()? {
            b'[' => ip_literal(text)?,
            _ => grammar::host_name(text)?,
        };
        let port = match &text[host_bytes..] {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port(digits)?),
            _ => return None,
        };
        (host_bytes > 0).then_some(Authority { port })
    }
}

/// Whether this is a valid value of the field Host. It is empty where the client's URI has no host.
pub(super) fn is_host_field(value: &[u8]) -> bool {
    value.is_empty() || Authority::parse(value).is_some()
}

/// A port, up to 65,535.
fn port(digits: &[u8]) -> Option<u16> {
    grammar::decimal(digits)?.try_into().ok()
}

/// The length of the address in brackets at the start of `text`.
fn ip_literal(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == b']')?;
    let address = &text[1..end];
    let valid = match address {
        [b'v' | b'V', future @ ..] => is_future_address(future),
        _ => std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok()),
    };
    valid.then_some(end + 1)
}

/// What follows the `v` of `IPvFuture`: a version, a point, an address.
fn is_future_address(text: &[u8]) -> bool {
    let Some(point) = text.iter().position(|byte| *byte == b'.') else { return false };
    let (version, address) = (&text[..point], &text[point + 1..]);
    let is_address = |part: &[u8]| !part.contains(&b'%') && grammar::host_name(part) == Some(part.len());
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !address.is_empty()
        && address.split(|byte| *byte == b':').all(is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_hosts_and_ports_are_parsed() {
        let hosts = "a 127.0.0.1 [::1] [2001:db8::7] [::ffff:1.2.3.4] [v7.a:b] x_y-z.example %41.example";
        for host in hosts.split(' ') {
            for (end, port) in [("", None), (":", None), (":80", Some(80)), (":0065535", Some(65_535))] {
                let text = format!("{host}{end}");
                assert_eq!(Authority::parse(text.as_bytes()), Some(Authority { port }), "{text}");
                assert!(is_host_field(text.as_bytes()));
            }
        }
        assert!(is_host_field(b""));
    }

    #[test]
    fn invalid_hosts_are_rejected() {
        let words = "u@a u:p@a a/b a?b a#b a\\b a:b a:80:80 a:-1 a:+1 a:65536 :80 ::1 [::1 ::1] [] [::1]a [::1]:x [:::] \
                     [1.2.3.4] [::1%25lo] [a] [v.a] [v1.] [vg.a] [v1.a%41] [[::1]] a%4 a%zz <a> \"a\" \u{e9} a^ {a}";
        for text in words.split(' ').chain(["a b", "a:80 ", "a\tb"]) {
            assert!(!is_host_field(text.as_bytes()), "{text}");
        }
    }
}
