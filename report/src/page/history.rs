//! The page of a history: the pictures of its file, in as many columns as the window has room for.

use maud::{Markup, html};

use super::{bar, document, table};
use crate::charts::history::{HOW_TO_READ, TITLE, description, pictures};
use crate::charts::{Cell, Data, Picture, inline};
use crate::history::{History, Series, table as told};
use crate::numbers::count;
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
        footer { @for words in told::legend() { p { (words) } } }
    };
    document("Inflight: how the figures developed", content)
}

fn section(history: &History, index: usize) -> Markup {
    html! {
        section {
            @for (line, words) in told::heading(history).iter().enumerate() {
                @if line == 0 { h2 { (words) } } @else { p.note { (words) } }
            }
            @for (at, (cell, pictures)) in pictures(history, WIDTH).iter().enumerate() {
                h3 { (printable(cell)) }
                (panels(history, pictures, &format!("history-{index}-{at}")))
            }
            h3 { "In figures" }
            (table::shown("history", &data(history)))
        }
    }
}

fn panels(history: &History, pictures: &[Picture], id: &str) -> Markup {
    let description = description(std::slice::from_ref(history));
    html! {
        div class="panels few" {
            @for (at, picture) in pictures.iter().enumerate() {
                (inline(picture, &format!("{id}-{at}"), &description))
            }
        }
    }
}

fn data(history: &History) -> Data {
    let mut data = Data::new(&[
        ("cell", "cell", false),
        ("figure", "figure", false),
        ("gates", "gates", true),
        ("first", "first_ratio", true),
        ("last", "last_ratio", true),
        ("changed", "changed", false),
    ]);
    data.rows.extend(history.series.iter().map(line));
    data
}

fn line(series: &Series) -> Vec<Cell> {
    let ratio = |point: Option<&crate::history::Point>| {
        let told = |ratio| Cell::figure(crate::numbers::change(ratio), ratio);
        point.map_or_else(Cell::none, |point| told(point.ratio))
    };
    vec![
        Cell::text(&series.cell),
        Cell::text(series.figure.name()),
        Cell::figure(count(series.points.len() as u64), series.points.len() as f64),
        ratio(series.points.first()),
        ratio(series.points.last()),
        Cell::text(told::changes(series).join("; ")),
    ]
}

#[cfg(test)]
mod tests {
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
        assert!(page.contains("2026-03-14 head-14: −5.6 %, worse"), "{page}");
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "no id stands twice");
    }

    #[test]
    fn hostile_names_are_text() {
        let mut gates = example::gates(12);
        for gate in &mut gates {
            for text in [&mut gate.head.name, &mut gate.base.name, &mut gate.cells[0].contender] {
                "<img src=x>\u{1b}\u{202e}</script>\"".clone_into(text);
            }
            gate.machine.cpu_model.clone_from(&gate.head.name);
        }
        let page = render(&History::all(&gates, None).unwrap());
        assert!(!page.contains("<img") && !page.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(page.matches("</script>").count(), 1);
    }
}
