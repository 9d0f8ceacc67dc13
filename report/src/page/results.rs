//! The results as a table: every figure that an expert would ask for.

use maud::{Markup, html};

use super::table;
use crate::charts::{Cell, Data};
use crate::comparison::{Comparison, Finding, Measured, PublishedTable, Row};
use crate::numbers::{
    as_published, bytes, count, duration, duration_range, efficiency, percent, signed_duration, times,
};
use crate::printable::printable;
use crate::record::MemoryMethod;
use crate::tables::ranking as words_of_ranking;

pub(super) fn section(comparison: &Comparison) -> Markup {
    let common = comparison.common();
    html! {
        section id="results" {
            h2 { "Every figure" }
            @if comparison.ranking.len() > 1 {
                h3 { "Ranking" }
                (table::shown("ranking", &ranking(comparison)))
                @for (label, text) in words_of_ranking::heading(comparison) { p.note { (label) ": " (printable(&text)) } }
                h3 { "Figures" }
            }
            (table::shown("results", &results(&comparison.deployed())))
            @if !common.is_empty() && common.len() < comparison.contenders.len() {
                h3 { "All with one common client" }
                p.note { "Every model with the same client, so that they differ in the model alone." }
                (table::shown("common client", &results(&common)))
            }
            @for (index, reference) in comparison.references.iter().enumerate() {
                h3 { (printable(&reference.title)) }
                p.note { (printable(&reference.source)) }
                (table::shown(&format!("published {}", index + 1), &published(reference)))
                p.note { "Floor and efficiency are ours, computed from " (printable(&reference.floors_from.replace('`', ""))) "; the rest was not measured here and cannot be compared with what was." }
            }
        }
    }
}

fn ranking(comparison: &Comparison) -> Data {
    let mut data = Data::new(&[
        ("rank", "rank", true),
        ("contender", "contender", false),
        ("wall", "wall_ns", true),
        ("÷ first", "times_the_first", true),
        ("interval", "times_the_first_low", true),
        ("rounds", "rounds", true),
        ("p", "adjusted_p", true),
        ("finding", "finding", false),
    ]);
    for ranked in &comparison.ranking {
        let pair = ranked.to_first.as_ref();
        let ratio = pair.and_then(|pair| pair.ratio);
        let of = |cell: Option<Cell>| cell.unwrap_or_else(Cell::none);
        data.rows.push(vec![
            Cell::figure(ranked.rank.to_string(), ranked.rank as f64),
            Cell::text(&ranked.name),
            Cell::figure(duration(ranked.wall_ns), ranked.wall_ns as f64),
            of(ratio.map(|ratio| Cell::figure(times(ratio.estimate), ratio.estimate))),
            of(ratio
                .map(|ratio| Cell::figure(format!("{}–{}", times(ratio.low), times(ratio.high)), ratio.low))),
            of(pair.map(|pair| Cell::figure(count(pair.rounds.into()), f64::from(pair.rounds)))),
            of(pair.and_then(|pair| pair.adjusted_p).map(|p| Cell::figure(format!("{p:.3}"), p))),
            of(pair.map(|pair| Cell::text(found(pair.finding)))),
        ]);
    }
    data
}

/// What is known of a contender beside the first.
fn found(finding: Finding) -> &'static str {
    match finding {
        Finding::Bound => "slower: its shape has to wait longer",
        Finding::Apart => "slower",
        Finding::NotDetected => "no difference detected",
        Finding::TooFewRounds => "too few rounds to tell",
    }
}

fn results(rows: &[&Row]) -> Data {
    let mut data = Data::new(&[
        ("contender", "contender", false),
        ("wall", "wall_ns", true),
        ("interval", "wall_high_minus_low_ns", true),
        ("floor", "floor_ns", true),
        ("efficiency", "efficiency", true),
        ("speed-up", "speed_up", true),
        ("CPU time", "cpu_ns", true),
        ("CPU of a core", "cpu_percent", true),
        ("CPU per request", "cpu_us_per_request", true),
        ("peak memory", "peak_memory_bytes", true),
        ("connections", "connections", true),
        ("startup", "startup_ns", true),
        ("added p50", "added_latency_p50_ns", true),
        ("added p99", "added_latency_p99_ns", true),
        ("valid runs", "valid_runs", true),
    ]);
    data.rows = rows.iter().map(|row| cells(row)).collect();
    data
}

fn cells(row: &Row) -> Vec<Cell> {
    let figure = |cell: &dyn Fn(&Measured) -> Cell| row.measured.as_ref().map_or_else(Cell::none, cell);
    let time = |ns: u64| Cell::figure(duration(ns), ns as f64);
    let added = |pick: fn(&crate::record::Quantiles) -> i64| {
        let quantiles = row.measured.as_ref().and_then(|measured| measured.added_latency_ns.as_ref());
        quantiles.map(pick).map_or_else(Cell::none, |ns| Cell::figure(signed_duration(ns), ns as f64))
    };
    vec![
        Cell::text(&row.name),
        figure(&|m| time(m.wall_ns.median)),
        figure(&|m| Cell::figure(range(row, m), (m.wall_ns.high - m.wall_ns.low) as f64)),
        time(row.floor_ns),
        figure(&|m| match row.floor_ns {
            0 => Cell::none(),
            _ => Cell::figure(efficiency(m.efficiency.median), m.efficiency.median),
        }),
        figure(&|m| m.speed_up.map_or_else(Cell::none, |ratio| Cell::figure(times(ratio), ratio))),
        figure(&|m| time(m.cpu_ns.median)),
        figure(&|m| Cell::figure(percent(m.cpu_percent.median / 100.0), m.cpu_percent.median)),
        figure(&|m| {
            let us = m.cpu_us_per_request.median;
            Cell::figure(duration((us * 1e3).round() as u64), us)
        }),
        figure(&|m| Cell::figure(memory(m), m.peak_memory_bytes.median as f64)),
        figure(&|m| Cell::figure(count(m.connections.median), m.connections.median as f64)),
        figure(&|m| time(m.startup_ns.median)),
        added(|quantiles| quantiles.p50),
        added(|quantiles| quantiles.p99),
        Cell::figure(format!("{} of {}", row.valid_runs, row.rounds), f64::from(row.valid_runs)),
    ]
}

fn range(row: &Row, measured: &Measured) -> String {
    match row.valid_runs {
        1 => "1 run".to_owned(),
        _ => duration_range(measured.wall_ns.low, measured.wall_ns.high),
    }
}

fn memory(measured: &Measured) -> String {
    let bound = if measured.peak_memory_method == MemoryMethod::SampledTree { "≥ " } else { "" };
    format!("{bound}{}", bytes(measured.peak_memory_bytes.median))
}

fn published(reference: &PublishedTable) -> Data {
    let mut data = Data::new(&[
        ("approach", "approach", false),
        ("shape", "shape", false),
        ("wall", "wall_ns", true),
        ("floor", "floor_ns", true),
        ("efficiency", "efficiency", true),
        ("CPU", "cpu_percent", true),
        ("memory", "memory_bytes", true),
    ]);
    for row in &reference.rows {
        let as_it_was = &row.published;
        data.rows.push(vec![
            Cell::text(&as_it_was.approach),
            Cell::text(&as_it_was.shape),
            Cell::figure(as_published(&duration(as_it_was.wall_ns)), as_it_was.wall_ns as f64),
            Cell::figure(duration(as_it_was.floor_ns), as_it_was.floor_ns as f64),
            Cell::figure(format!("{:.0} %", row.efficiency * 100.0), row.efficiency),
            Cell::figure(format!("{} %", as_it_was.cpu_percent), as_it_was.cpu_percent),
            Cell::figure(as_published(&bytes(as_it_was.memory_bytes)), as_it_was.memory_bytes as f64),
        ]);
    }
    data
}
