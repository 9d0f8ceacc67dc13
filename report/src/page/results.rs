//! The results as tables: the ranking, the figures of every contender, and what others published.

use maud::{Markup, html};

use super::table;
use crate::comparison::{Comparison, Finding, Row};
use crate::figures::Table;
use crate::printable::printable;
use crate::tables::data::{Cell, Data};
use crate::tables::{contenders, heading, open_loop, published, ranking, slopes};

pub(super) fn section(comparison: &Comparison) -> Markup {
    let common = comparison.common();
    let all: Vec<&Row> = comparison.contenders.iter().collect();
    let figures = |rows: &[&Row], table| contenders::table(comparison, rows, table);
    html! {
        section id="results" {
            h2 { "The figures" }
            @if comparison.rate.is_some() {
                h3 { "Latency under a fixed arrival rate" }
                (table::shown("open loop", &figures(&all, Table::OpenLoop)))
                (notes(&open_loop::heading(comparison)))
            }
            @if comparison.ranking.len() > 1 {
                h3 { "Ranking" }
                (table::shown("ranking", &ranking(comparison)))
                (notes(&ranking::heading(comparison)))
                h3 { "Of every contender" }
            }
            (table::shown("results", &figures(&comparison.deployed(), Table::Native)))
            @if !common.is_empty() && common.len() < comparison.contenders.len() {
                h3 { "All with one common client" }
                (notes(&heading::of_common(comparison)))
                (table::shown("common client", &figures(&common, Table::Common)))
            }
            @if !comparison.memory_slopes.is_empty() {
                h3 { "Memory per request in flight" }
                (table::shown("memory per in flight", &slopes::table(comparison)))
                (notes(&slopes::heading(comparison)))
            }
            @for (index, reference) in comparison.references.iter().enumerate() {
                h3 { (printable(&reference.title)) }
                (table::shown(&format!("published {}", index + 1), &published::table(comparison, reference)))
                (notes(&published::heading(reference)[1..]))
            }
        }
    }
}

/// Texts below a table, each behind its label; what Markdown marks as code is plain here.
fn notes(texts: &[(&'static str, String)]) -> Markup {
    html! { @for (label, text) in texts { p.note { (label) ": " (printable(&text.replace('`', ""))) } } }
}

/// The ranking with a column of what was found.
fn ranking(comparison: &Comparison) -> Data {
    let mut data = ranking::table(comparison);
    data.columns.extend(Data::new(&[("finding", "finding", false)]).columns);
    for (cells, ranked) in data.rows.iter_mut().zip(&comparison.ranking) {
        let pair = ranked.to_first.as_ref();
        cells.push(pair.map_or_else(Cell::none, |pair| Cell::text(found(pair.finding))));
    }
    data
}

/// What is known of a contender beside the first.
fn found(finding: Finding) -> &'static str {
    match finding {
        Finding::Bound => "behind: its concurrency has to wait longer",
        Finding::Significant => "behind",
        Finding::NotDetected => "no difference detected",
        Finding::TooFewRounds => "too few rounds to compare",
    }
}
