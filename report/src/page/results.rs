//! The results as tables: who is ahead, the figures of every contender, and what others published.

use maud::{Markup, html};

use super::table;
use crate::charts::{Cell, Data};
use crate::comparison::{Comparison, Figure, Finding, Measured, MemorySlope, PublishedTable, Ranked, Row};
use crate::numbers::{bytes, count, duration, percent, signed_duration, times};
use crate::printable::printable;
use crate::tables::columns::{RANGE, limit_mark, marked};
use crate::tables::open_loop::{self, OPEN_LOOP};
use crate::tables::ranking;
use crate::tables::slopes::{self, SLOPES};
use crate::tables::{published, words};

pub(super) fn section(comparison: &Comparison) -> Markup {
    let common = comparison.common();
    html! {
        section id="results" {
            h2 { "The figures" }
            @if comparison.rate.is_some() {
                h3 { "Latency under a fixed arrival rate" }
                (table::shown("open loop", &open_loop(comparison)))
                (notes(&open_loop::heading(comparison)))
            }
            @if comparison.ranking.len() > 1 {
                h3 { "Ranking" }
                (table::shown("ranking", &ranking(comparison.ranked_by, &comparison.ranking)))
                (notes(&ranking::heading(comparison)))
                h3 { "Of every contender" }
            }
            (table::shown("results", &results(&comparison.deployed())))
            @if !common.is_empty() && common.len() < comparison.contenders.len() {
                h3 { "All with one common client" }
                (notes(&words::costs_heading(comparison)))
                (table::shown("common client", &costs(&common)))
            }
            @if !comparison.memory_slopes.is_empty() {
                h3 { "Memory per request in flight" }
                (table::shown("memory per in flight", &memory_slopes(&comparison.memory_slopes)))
                (notes(&slopes::heading(comparison)))
            }
            @for (index, reference) in comparison.references.iter().enumerate() {
                h3 { (printable(&reference.title)) }
                (table::shown(&format!("published {}", index + 1), &published(comparison, reference)))
                (notes(&published::heading(reference)[1..]))
            }
        }
    }
}

/// Texts below a table, each behind its label; what Markdown marks as code is plain here.
fn notes(texts: &[(&'static str, String)]) -> Markup {
    html! { @for (label, text) in texts { p.note { (label) ": " (printable(&text.replace('`', ""))) } } }
}

/// The columns of a ranking and what was found.
fn ranking(figure: Figure, ranking: &[Ranked]) -> Data {
    let median = match figure {
        Figure::WallNs => "wall_ns",
        Figure::CpuNs => "cpu_ns_per_request",
    };
    let keys: [&str; ranking::COLUMNS] = [
        "rank",
        "contender",
        median,
        "times_the_first",
        "times_the_first_low times_the_first_high",
        "rounds",
        "adjusted_p",
    ];
    let all = ranking::columns(figure);
    let columns = all.into_iter().zip(keys).map(|(column, key)| (column.title, key, column.numeric));
    let mut data = Data::new(&columns.chain([("finding", "finding", false)]).collect::<Vec<_>>());
    for ranked in ranking {
        let cells = all.into_iter().zip(figures(ranked));
        let found = ranked.to_first.as_ref().map_or_else(Cell::none, |pair| Cell::text(found(pair.finding)));
        let cells = cells.map(|(column, raw)| Cell { text: (column.cell)(ranked), raw });
        data.rows.push(cells.chain([found]).collect());
    }
    data
}

/// The figures behind these columns. Of one round there is no interval.
fn figures(ranked: &Ranked) -> [Vec<f64>; ranking::COLUMNS] {
    let pair = ranked.to_first.as_ref();
    let ratio = pair.and_then(|pair| pair.ratio);
    let interval = ratio.filter(|_| pair.is_some_and(|pair| pair.rounds > 1));
    [
        ranked.rank.map(|rank| rank as f64).into_iter().collect(),
        Vec::new(),
        vec![ranked.median_ns as f64],
        if pair.is_none() { vec![1.0] } else { ratio.map(|ratio| ratio.estimate).into_iter().collect() },
        interval.map_or_else(Vec::new, |ratio| vec![ratio.low, ratio.high]),
        pair.map(|pair| f64::from(pair.rounds)).into_iter().collect(),
        pair.and_then(|pair| pair.adjusted_p).into_iter().collect(),
    ]
}

/// What is known of a contender beside the first.
fn found(finding: Finding) -> &'static str {
    match finding {
        Finding::Bound => "behind: its shape has to wait longer",
        Finding::Apart => "behind",
        Finding::NotDetected => "no difference detected",
        Finding::TooFewRounds => "too few rounds to compare",
    }
}

/// The columns of [`OPEN_LOOP`], with the figures behind them.
fn open_loop(comparison: &Comparison) -> Data {
    const KEYS: [&str; OPEN_LOOP.len()] = [
        "contender",
        "latency_p50_ns",
        "latency_p90_ns",
        "latency_p99_ns",
        "latency_p999_ns",
        "latency_max_ns",
        "achieved_per_second",
        "late_share",
        "most_in_flight",
    ];
    let columns = OPEN_LOOP.iter().zip(KEYS).map(|(column, key)| (column.title, key, column.numeric));
    let mut data = Data::new(&columns.collect::<Vec<_>>());
    for row in &comparison.contenders {
        let figures = open_loop::figures(row);
        let raw = std::iter::once(None).chain(figures);
        let cells = OPEN_LOOP.iter().zip(raw);
        data.rows.push(
            cells
                .map(|(column, raw)| Cell { text: (column.cell)(row), raw: raw.into_iter().collect() })
                .collect(),
        );
    }
    data
}

fn results(rows: &[&Row]) -> Data {
    let mut data = Data::new(&[
        ("contender", "contender", false),
        ("wall", "wall_ns", true),
        ("interval", "wall_low_ns wall_high_ns", true),
        ("ideal", "floor_ns", true),
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

/// As [`results`], and what each model costs beside the base.
fn costs(rows: &[&Row]) -> Data {
    let mut data = results(rows);
    data.columns.extend(Data::new(&[("CPU ÷ base", "cpu_over_base", true)]).columns);
    for (cells, row) in data.rows.iter_mut().zip(rows) {
        cells.push(row.cost.map_or_else(Cell::none, |cost| Cell::figure(times(cost.cpu), cost.cpu)));
    }
    data
}

/// The columns of [`SLOPES`].
fn memory_slopes(slopes: &[MemorySlope]) -> Data {
    const KEYS: [&str; SLOPES.len()] = [
        "contender",
        "least_in_flight most_in_flight",
        "memory_per_in_flight_bytes",
        "memory_per_in_flight_low_bytes memory_per_in_flight_high_bytes",
        "rounds",
    ];
    let columns = SLOPES.into_iter().zip(KEYS).map(|(column, key)| (column.title, key, column.numeric));
    let mut data = Data::new(&columns.collect::<Vec<_>>());
    for slope in slopes {
        let spread = slope.memory_per_in_flight_bytes;
        let raw: [Vec<f64>; SLOPES.len()] = [
            Vec::new(),
            vec![slope.least_in_flight as f64, slope.most_in_flight as f64],
            vec![spread.median],
            if slope.rounds > 1 { vec![spread.low, spread.high] } else { Vec::new() },
            vec![f64::from(slope.rounds)],
        ];
        let cells = SLOPES.into_iter().zip(raw);
        data.rows.push(cells.map(|(column, raw)| Cell { text: (column.cell)(slope), raw }).collect());
    }
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
        figure(&|m| Cell::figure(duration(m.wall_ns.median) + limit_mark(row), m.wall_ns.median as f64)),
        figure(&|m| match row.valid_runs {
            1 => Cell::text((RANGE.cell)(row)),
            _ => Cell::interval((RANGE.cell)(row), m.wall_ns.low as f64, m.wall_ns.high as f64),
        }),
        row.floor_ns.map_or_else(Cell::none, time),
        figure(&|m| {
            m.efficiency.map_or_else(Cell::none, |part| Cell::figure(marked(part.median), part.median))
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

fn memory(measured: &Measured) -> String {
    format!("{}{}", measured.peak_memory_method.sign(), bytes(measured.peak_memory_bytes.median))
}

fn published(comparison: &Comparison, reference: &PublishedTable) -> Data {
    let mut data = Data::new(&[
        ("approach", "approach", false),
        ("shape", "shape", false),
        ("wall", "wall_ns", true),
        ("ideal", "floor_ns", true),
        ("efficiency", "efficiency", true),
        ("CPU", "cpu_percent", true),
        ("memory", "memory_bytes", true),
    ]);
    for line in published::lines(comparison, reference) {
        let texts = [line.approach, line.shape].map(Cell::text);
        let figures = [line.wall, line.ideal, line.efficiency, line.cpu, line.memory];
        data.rows.push(texts.into_iter().chain(figures).collect());
    }
    data
}
