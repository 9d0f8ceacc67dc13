//! The page: one HTML file with everything a record says, which needs nothing from anywhere else.

mod figure;
pub mod history;
mod results;
mod table;
mod validity;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::charts::{self, Chart, rules_of_page};
use crate::comparison::Comparison;
use crate::conclusion::conclusion;
use crate::printable::printable;
use crate::record::Record;
use crate::tables::heading;

/// Nothing is loaded and nothing is sent: the page has its styles and its script within it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// Renders the page of `record`, of which `comparison` was made.
pub fn render(record: &Record, comparison: &Comparison) -> String {
    let charts = charts::all(record, comparison);
    let (runs, others): (Vec<_>, Vec<_>) =
        charts.iter().map(AsRef::as_ref).partition(|chart: &&dyn Chart| chart.titles().name == "runs");
    let content = html! {
        (masthead(comparison, &others))
        main {
            @for chart in &others { (figure::section(*chart)) }
            (results::section(comparison))
            (validity::section(comparison, &runs))
        }
        footer { p { "Made with Inflight " (comparison.inflight_version) " from one record; nothing on this page is loaded from elsewhere." } }
    };
    document("Inflight: which concurrency model, and what it costs", content)
}

fn document(title: &str, content: Markup) -> String {
    let styles =
        [include_str!("page/style.css"), include_str!("charts/charts.css"), &rules_of_page()].concat();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(styles)) }
            }
            body {
                (content)
                div #tip role="status" aria-live="polite" hidden {}
                script { (PreEscaped(include_str!("page/script.js"))) }
            }
        }
    };
    page.into_string() + "\n"
}

/// What stands above every page.
fn bar() -> Markup {
    html! {
        div.bar {
            span.brand { "inflight" }
            button #theme type="button" aria-label="Light or dark" title="Light or dark" { "◐" }
        }
    }
}

/// The headline, drawn from the data, and what it is about.
fn masthead(comparison: &Comparison, charts: &[&dyn Chart]) -> Markup {
    let sentences = conclusion(comparison);
    let (headline, rest) =
        sentences.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    html! {
        header {
            (bar())
            h1 { (printable(headline)) }
            @for sentence in rest { p.lead { (printable(sentence)) } }
            (facts(comparison, |label| label != "machine"))
            nav aria-label="Sections" {
                @for titles in charts.iter().map(|chart| chart.titles()) {
                    a href={ "#" (titles.name) } { (titles.short) }
                }
                a href="#results" { "figures" }
                a href="#validity" { "noise and validity" }
            }
        }
    }
}

/// What was run, where and how: those of it whose labels are `wanted`.
fn facts(comparison: &Comparison, wanted: fn(&str) -> bool) -> Markup {
    let mut facts = heading::of_record(comparison);
    facts.push(("command", comparison.command.clone()));
    html! {
        dl.facts {
            @for (label, text) in facts.iter().filter(|(label, _)| wanted(label)) {
                dt { (label) } dd { (printable(text)) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
