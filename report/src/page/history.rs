//! The page of a history: the pictures of its file, in as many columns as the window has room for.

use maud::{Markup, html};

use super::{bar, document, table};
use crate::charts::inline;
use crate::history::chart::{HOW_TO_READ, TITLE, description_of, pictures};
use crate::history::{History, table as history_table};
use crate::printable::printable;

/// How wide a picture is drawn, in pixels; the page stretches it a little.
const WIDTH: f64 = 380.0;

/// Renders the page of `histories`.
pub fn render(histories: &[History]) -> String {
    let content = html! {
        header {
            (bar())
            h1 { (TITLE) }
            @for words in HOW_TO_READ { p.note { (words) } }
        }
        main { @for (index, history) in histories.iter().enumerate() { (section(history, index)) } }
        footer { @for words in history_table::legend() { p { (words) } } }
    };
    document("Inflight: how the figures developed", content)
}

fn section(history: &History, index: usize) -> Markup {
    let (class, lines) = history_table::heading(history);
    html! {
        section {
            h2 { (class) }
            @for words in lines { p.note { (words) } }
            @for (at, (cell, pictures)) in pictures(history, WIDTH).iter().enumerate() {
                h3 { (printable(cell)) }
                div class="panels few" {
                    @for (place, (series, picture)) in pictures.iter().enumerate() {
                        (inline(picture, &format!("history-{index}-{at}-{place}"), &description_of(series)))
                    }
                }
            }
            h3 { "In figures" }
            (table::shown("history", &history_table::data(history, "; ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::assert_ids_stand_once;
    use super::*;
    use crate::gate::example;

    #[test]
    fn every_picture_and_every_line_is_on_the_page() {
        let mut gates = example::gates(27);
        for gate in &mut gates[24..] {
            gate.machine.cores = 4;
        }
        let page = render(&History::all(&gates, None).unwrap());
        assert_eq!(page.matches("<svg ").count(), 2 * 9, "of two machines, and one figure has no ratio");
        assert_eq!(page.matches("<th scope=\"row\"").count(), 2 * 10);
        assert!(page.contains("2026-03-14 head-14: −5.5 %, worse"), "{page}");
        let descriptions = page.split("<desc ").skip(1).filter_map(|rest| rest.split("</desc>").next());
        let descriptions: BTreeSet<&str> =
            descriptions.filter_map(|rest| rest.split_once('>')).map(|(_, text)| text).collect();
        assert_eq!(descriptions.len(), 2 * 9, "each picture is described by what it shows: {descriptions:?}");
        assert_ids_stand_once(&page);
    }
}
