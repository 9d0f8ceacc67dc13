//! Noise and validity: how far the runs of a contender lie apart, which are invalid and why, and what not to conclude.

use maud::{Markup, html};

use super::{facts, figure};
use crate::charts::Chart;
use crate::comparison::Comparison;
use crate::printable::printable;
use crate::tables::{notes, ranking};

/// What a reader should know, and should not conclude.
const BIAS: &str = include_str!("../../../BIAS.md");

pub(super) fn section(comparison: &Comparison, charts: &[&dyn Chart]) -> Markup {
    html! {
        section id="validity" {
            h2 { "Noise and validity" }
            @for chart in charts {
                div id=(chart.titles().name) {
                    h3 { (chart.titles().title) }
                    (figure::figure(*chart))
                }
            }
            h3 { "Notes" }
            (facts(comparison, |label| label == "machine"))
            ul { @for note in ranking::noise(comparison).iter().chain(&notes::notes(comparison)) { li { (printable(note)) } } }
            h3 { "Bias" }
            @for (title, points) in bias() {
                h4 { (title) }
                ul.bias {
                    @for (first, rest) in points { li { strong { (first) } (rest) } }
                }
            }
        }
    }
}

/// The sections of the document, each with its points: the first part in bold, and the rest.
fn bias() -> Vec<(&'static str, Vec<(String, String)>)> {
    let sections = BIAS.split("\n## ").skip(1).map(|section| {
        let (title, points) = section.split_once('\n').unwrap_or((section, ""));
        (title, points.split("\n- ").skip(1).map(point).collect())
    });
    sections.collect()
}

/// A point as plain text. What it says first is in bold, or else its first sentence.
fn point(markdown: &str) -> (String, String) {
    let text = without_links(&markdown.split_whitespace().collect::<Vec<_>>().join(" "));
    let (first, rest) = match text.strip_prefix("**").and_then(|text| text.split_once("**")) {
        Some(parts) => parts,
        None => text.find(['.', ':']).map_or((text.as_str(), ""), |end| text.split_at(end + 1)),
    };
    let plain = |text: &str| text.replace(['*', '`'], "");
    (plain(first), plain(rest))
}

/// Markdown's links as their texts: the page leads nowhere.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain += before;
        let Some((shown, after)) = after.split_once("](") else {
            rest = after;
            continue;
        };
        plain += shown;
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_bias_as_plain_sentences() {
        let bias = bias();
        assert!(bias.len() >= 3, "{bias:?}");
        for (title, points) in bias {
            assert!(!points.is_empty(), "{title}");
            for (first, rest) in points {
                let point = first + &rest;
                assert!(!point.contains(['*', '`', '[', ']']) && point.ends_with('.'), "{point}");
            }
        }
    }

    #[test]
    fn a_point_is_its_first_sentence_and_the_rest() {
        let parts = point("**Loopback.** No distance,\n  see [the method](METHOD.md).");
        assert_eq!(parts, ("Loopback.".to_owned(), " No distance, see the method.".to_owned()));
        assert_eq!(point("That: one. Two.").0, "That:");
    }
}
