//! Generated text between two markers of a document that people write.
//!
//! ```text
//! <!-- inflight:begin NAME -->
//! whatever was generated last
//! <!-- inflight:end NAME -->
//! ```

use thiserror::Error;

use crate::printable::printable;

/// Why nothing could be put into a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpliceError {
    /// A marker is not there.
    #[error("the marker `{0}` is missing")]
    Missing(String),
    /// A marker is there more than once.
    #[error("the marker `{0}` stands more than once")]
    Repeated(String),
    /// The end marker comes before the begin marker.
    #[error("the marker `{end}` stands before `{begin}`")]
    Swapped {
        /// The begin marker, whole.
        begin: String,
        /// The end marker, whole.
        end: String,
    },
    /// The generated text holds a marker: the next splice would cut it in two.
    #[error("the generated text holds the marker `{0}` itself")]
    Nested(String),
}

/// Replaces what stands in `document` between the markers of `name` with `generated`, on lines of its own.
/// Doing so again with the same text changes nothing.
///
/// # Errors
/// Unless each marker stands there exactly once, begin before end, and `generated` holds neither.
pub fn splice(document: &str, name: &str, generated: &str) -> Result<String, SpliceError> {
    let (begin, end) = (marker("begin", name), marker("end", name));
    let start = only_place(document, &begin)? + begin.len();
    let stop = only_place(document, &end)?;
    if stop < start {
        return Err(SpliceError::Swapped { begin, end });
    }
    if let Some(marker) = [begin, end].into_iter().find(|marker| generated.contains(marker)) {
        return Err(SpliceError::Nested(marker));
    }
    let text = generated.trim_matches('\n');
    let framed = if text.is_empty() { "\n".to_owned() } else { format!("\n{text}\n") };
    Ok([&document[..start], &framed, &document[stop..]].concat())
}

/// `generated` below the command that makes it again, in a comment that readers of the document do not see.
pub fn with_command(command: &str, generated: &str) -> String {
    // Nothing that the command quotes may end the comment.
    let command = printable(command).replace("-->", "--&gt;");
    format!("<!-- made by: {command} -->\n\n{generated}")
}

/// The marker that begins or ends the part called `name`.
fn marker(side: &str, name: &str) -> String {
    format!("<!-- inflight:{side} {name} -->")
}

fn only_place(document: &str, marker: &str) -> Result<usize, SpliceError> {
    let mut places = document.match_indices(marker);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => Err(SpliceError::Missing(marker.to_owned())),
        (Some(_), Some(_)) => Err(SpliceError::Repeated(marker.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &str =
        "# Title\n\n<!-- inflight:begin table -->\nold\n<!-- inflight:end table -->\n\nmore\n";

    #[test]
    fn what_stood_between_the_markers_is_replaced_and_nothing_else() {
        assert_eq!(
            splice(DOCUMENT, "table", "| a |\n| b |\n").unwrap(),
            "# Title\n\n<!-- inflight:begin table -->\n| a |\n| b |\n<!-- inflight:end table -->\n\nmore\n"
        );
    }

    #[test]
    fn a_part_is_found_by_its_whole_name() {
        let two = DOCUMENT.replace("table", "table-2") + DOCUMENT;
        let spliced = splice(&two, "table", "new").unwrap();
        assert!(spliced.starts_with(&DOCUMENT.replace("table", "table-2")));
        assert!(spliced.ends_with("begin table -->\nnew\n<!-- inflight:end table -->\n\nmore\n"));
    }

    #[test]
    fn the_command_stands_in_a_comment_that_it_cannot_end() {
        assert_eq!(
            with_command("inflight report --splice README.md", "| a |"),
            "<!-- made by: inflight report --splice README.md -->\n\n| a |"
        );
        let hostile = with_command("inflight report 'a --> <!-- inflight:end table -->\n'", "x");
        assert_eq!(hostile.matches("-->").count(), 1, "{hostile}");
        let once = splice(DOCUMENT, "table", &hostile).unwrap();
        assert_eq!(splice(&once, "table", &hostile).unwrap(), once);
    }

    #[test]
    fn each_marker_must_stand_exactly_once_and_in_order() {
        let (begin, end) = ("<!-- inflight:begin t -->", "<!-- inflight:end t -->");
        let cases = [
            (end.to_owned(), "x", format!("the marker `{begin}` is missing")),
            (begin.to_owned(), "x", format!("the marker `{end}` is missing")),
            ([begin, begin, end].concat(), "x", format!("the marker `{begin}` stands more than once")),
            ([begin, end, end].concat(), "x", format!("the marker `{end}` stands more than once")),
            ([end, begin].concat(), "x", format!("the marker `{end}` stands before `{begin}`")),
            ([begin, end].concat(), end, format!("the generated text holds the marker `{end}` itself")),
        ];
        for (document, generated, message) in cases {
            assert_eq!(splice(&document, "t", generated).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn splicing_keeps_the_rest_and_is_idempotent(
            before in any::<String>(), old in any::<String>(), after in any::<String>(), new in any::<String>(),
        ) {
            let document = [&before, marker("begin", "t").as_str(), &old, &marker("end", "t"), &after].concat();
            let once = splice(&document, "t", &new).unwrap();
            prop_assert!(once.starts_with(&before) && once.ends_with(&after));
            prop_assert!(once.contains(new.trim_matches('\n')));
            prop_assert_eq!(splice(&once, "t", &new).unwrap(), once);
        }
    }
}
