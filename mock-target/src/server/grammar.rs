//! The basic elements of HTTP's grammar: RFC 9110, section 5.6, and RFC 3986, section 2.

/// `tchar`: the bytes of tokens.
const TOKEN: u8 = 1;
/// `field-vchar`, space and tab: the bytes of field values.
const FIELD_VALUE: u8 = 2;
/// `qdtext`: the bytes that need no escape in a quoted string.
const QUOTED: u8 = 4;
/// `unreserved` and `sub-delims`: the bytes of host names, besides percent-encoded ones.
const NAME: u8 = 8;
/// `pchar`, `/` and `?`: the bytes of paths and queries, besides percent-encoded ones.
const PATH: u8 = 16;

/// The classes that each byte belongs to.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        let class = &mut classes[byte];
        let character = byte as u8;
        if matches!(character, b'\t' | b' '..=b'~' | 0x80..) {
            *class |= FIELD_VALUE;
            if !matches!(character, b'"' | b'\\') {
                *class |= QUOTED;
            }
        }
        let unreserved = character.is_ascii_alphanumeric() || matches!(character, b'-' | b'.' | b'_' | b'~');
        if unreserved || matches!(character, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'^' | b'`' | b'|') {
            *class |= TOKEN;
        }
        if unreserved || matches!(character, b'!' | b'$' | b'&'..=b',' | b';' | b'=') {
            *class |= NAME | PATH;
        }
        if matches!(character, b':' | b'@' | b'/' | b'?') {
            *class |= PATH;
        }
        byte += 1;
    }
    classes
}

/// How many bytes at the start of `text` belong to `class`.
fn span(text: &[u8], class: u8) -> usize {
    text.iter().position(|byte| CLASSES[usize::from(*byte)] & class == 0).unwrap_or(text.len())
}

/// `text` after the token that it starts with, if it does.
pub(super) fn after_token(text: &[u8]) -> Option<&[u8]> {
    match span(text, TOKEN) {
        0 => None,
        length => Some(&text[length..]),
    }
}

/// `text` after the quoted string that it starts with, if it does.
pub(super) fn after_quoted_string(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        rest = &rest[span(rest, QUOTED)..];
        match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', escaped, after @ ..] if is_field_value(&[*escaped]) => rest = after,
            _ => return None,
        }
    }
}

/// `text` after spaces and tabs, if any.
pub(super) fn after_whitespace(text: &[u8]) -> &[u8] {
    let length = text.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    &text[length..]
}

pub(super) fn is_field_value(text: &[u8]) -> bool {
    span(text, FIELD_VALUE) == text.len()
}

/// A path, a query, or both.
pub(super) fn is_path_and_query(text: &[u8]) -> bool {
    span_encoded(text, PATH) == Some(text.len())
}

/// How many bytes at the start of `text` may be a host name; `None` if its percent-encoding is invalid.
pub(super) fn host_name(text: &[u8]) -> Option<usize> {
    span_encoded(text, NAME)
}

/// As [`span`], but `%` with two hexadecimal digits belongs to the class too; `None` for `%` without them.
fn span_encoded(text: &[u8], class: u8) -> Option<usize> {
    let mut length = 0;
    loop {
        length += span(&text[length..], class);
        match &text[length..] {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => length += 3,
            [b'%', ..] => return None,
            _ => return Some(length),
        }
    }
}

/// A number of decimal digits only. `parse` alone would accept a plus sign too.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(class: u8) -> String {
        let is_member = |byte: &u8| CLASSES[usize::from(*byte)] & class != 0;
        (0..0x80_u8).filter(is_member).filter(|byte| !byte.is_ascii_alphanumeric()).map(char::from).collect()
    }

    #[test]
    fn character_classes_match_the_standards() {
        assert_eq!(members(TOKEN), "!#$%&'*+-.^_`|~");
        assert_eq!(members(NAME), "!$&'()*+,-.;=_~");
        assert_eq!(members(PATH), "!$&'()*+,-./:;=?@_~");
        assert_eq!(members(QUOTED), "\t !#$%&'()*+,-./:;<=>?@[]^_`{|}~");
        assert_eq!(members(FIELD_VALUE), "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
        for class in [TOKEN, NAME, PATH, QUOTED, FIELD_VALUE] {
            assert!((b'0'..=b'9').all(|digit| CLASSES[usize::from(digit)] & class != 0));
            assert_eq!(CLASSES[0x80] & class != 0, class & (QUOTED | FIELD_VALUE) != 0);
        }
    }

    #[test]
    fn quoted_strings_end_at_an_unescaped_quote() {
        for (text, after) in [
            (r#""""#, Some("")),
            (r#""a b";c"#, Some(";c")),
            (r#""a\"b"c"#, Some("c")),
            (r#""\\" "#, Some(" ")),
            (r#""a"#, None),
            (r#""a\"#, None),
            ("a", None),
            ("\"a\0\"", None),
            ("\"a\\\r\"", None),
        ] {
            assert_eq!(after_quoted_string(text.as_bytes()), after.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn a_percent_sign_needs_two_hexadecimal_digits() {
        assert!(is_path_and_query(b"/a%2Fb?c%20d") && is_path_and_query(b""));
        for text in ["/%", "/%2", "/%2g", "/%%20", "/a b", "/#a", "/\"", "/\u{e9}", "/\\"] {
            assert!(!is_path_and_query(text.as_bytes()), "{text}");
        }
    }
}
