//! Text from elsewhere, made harmless: names, reasons and versions may hold anything.

/// `text` with what would steer a terminal, begin a line or hide among other letters shown as an escape.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '"' | '\'' | '\\' => char.to_string(),
            _ => char.escape_debug().to_string(),
        })
        .collect()
}

/// At most `most_chars` characters of `text`, then an ellipsis.
pub(crate) fn clipped(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        assert_eq!(printable("it's \"5 µs\" × 2 – é"), "it's \"5 µs\" × 2 – é");
        assert_eq!(printable("a\n\u{1b}[31m\u{202e}"), "a\\n\\u{1b}[31m\\u{202e}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clipped("ééé", 3), "ééé");
        assert_eq!(clipped("éééé", 3), "ééé…");
    }
}
