//! Request targets in their four forms: RFC 9112, section 3.2.

use super::authority::Authority;
use super::grammar;

/// A parsed request target: the id of `/u/<id>`, and the attempt and redirect counts in its query.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RequestTarget {
    pub(super) id: Option<u64>,
    pub(super) attempt: Option<u32>,
    pub(super) hop: u32,
}

impl RequestTarget {
    /// Parses the target of a request with this method; `None` if it has none of the forms that the method
    /// may have.
    pub(super) fn parse(method: &str, text: &str) -> Option<RequestTarget> {
        if method == "CONNECT" {
            // Authority form. The port cannot be left out, since no scheme has a default for it.
            return Authority::parse(text.as_bytes())?.port.map(|_| RequestTarget::default());
        }
        // The common case.
        if let Some(id) = planned(text) {
            return Some(RequestTarget { id: Some(id), ..RequestTarget::default() });
        }
        match text {
            "*" => (method == "OPTIONS").then(RequestTarget::default),
            _ if text.starts_with('/') => RequestTarget::of_path(text),
            _ => RequestTarget::absolute(text),
        }
    }

    /// Absolute form, as if to a proxy.
    fn absolute(text: &str) -> Option<RequestTarget> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
            Authority::parse(authority.as_bytes())?;
            return RequestTarget::of_path(path);
        }
        let mut letters = scheme.bytes();
        let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'-' | b'.'));
        // No URL of the scenario has another scheme.
        (is_scheme && grammar::is_path_and_query(rest.as_bytes())).then(RequestTarget::default)
    }

    /// A path, which an absolute URL may omit, and a query.
    fn of_path(text: &str) -> Option<RequestTarget> {
        if !grammar::is_path_and_query(text.as_bytes()) {
            return None;
        }
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut target = RequestTarget { id: planned(path), ..RequestTarget::default() };
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = grammar::decimal(value.as_bytes()).and_then(|value| u32::try_from(value).ok());
            match key {
                "attempt" => target.attempt = value,
                "hop" => target.hop = value.unwrap_or(0),
                _ => {}
            }
        }
        Some(target)
    }
}

/// The id in the path of a URL of the scenario.
fn planned(path: &str) -> Option<u64> {
    grammar::decimal(path.strip_prefix("/u/")?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_parsed() {
        let target = |id, attempt, hop| Some(RequestTarget { id, attempt, hop });
        for (text, expected) in [
            ("/u/7", target(Some(7), None, 0)),
            ("/u/7?attempt=3&hop=2&x", target(Some(7), Some(3), 2)),
            ("/u/7/", target(None, None, 0)),
            ("/", target(None, None, 0)),
            ("//a//b", target(None, None, 0)),
            ("/a:b@c;d=%20?/?", target(None, None, 0)),
            ("http://127.0.0.1:80/u/7", target(Some(7), None, 0)),
            ("HTTPS://[::1]/u/7?hop=1", target(Some(7), None, 1)),
            ("http://host", target(None, None, 0)),
            ("http://host?a", target(None, None, 0)),
            ("ftp://u@host/u/7", target(None, None, 0)),
        ] {
            assert_eq!(RequestTarget::parse("GET", text), expected, "{text}");
        }
        assert_eq!(RequestTarget::parse("OPTIONS", "*"), target(None, None, 0));
        for text in ["a:80", "[::1]:443", "127.0.0.1:1"] {
            assert_eq!(RequestTarget::parse("CONNECT", text), target(None, None, 0), "{text}");
        }
    }

    #[test]
    fn targets_without_a_valid_form_are_rejected() {
        let words = "* ** foo/bar u/1 a:80 a ?a http:/u/1 http:u/1 http:///u/1 http://:80/u/1 http:// http://u@a/u/1 \
                     http://a:x/u/1 http://[::1/u/1 1a://b ://a ftp://a< mailto:a@b /u/1#a /u/% /u/%g0 /a|b /\"a\" \
                     /{a} /\u{e9} /a\\b /a^b";
        for text in words.split(' ').chain(["http://a b"]) {
            assert_eq!(RequestTarget::parse("GET", text), None, "{text}");
        }
        for text in ["/u/1", "*", "a", "a:", "a:x", "a:99999", "u@a:80", "http://a:80", "a:80/"] {
            assert_eq!(RequestTarget::parse("CONNECT", text), None, "{text}");
        }
        assert_eq!(RequestTarget::parse("BREW", "*"), None);
        assert_eq!(RequestTarget::parse("OPTIONS", "a"), None);
    }
}
