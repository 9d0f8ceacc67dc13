//! The custom JSON of github-action-benchmark: a list of entries with a name, a unit and a value.
//!
//! The action takes a file for one [`Direction`] alone, its tool `customSmallerIsBetter` or
//! `customBiggerIsBetter`: <https://github.com/benchmark-action/github-action-benchmark#examples>

use serde::Serialize;

use super::{Contender, measured, pretty};
use crate::comparison::{Named, Spread};
use crate::numbers::three_digits;
use crate::record::MemoryMethod;

/// Which figures a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Wall, or in an open loop the p99 of latency, CPU and memory, for `customSmallerIsBetter`.
    SmallerIsBetter,
    /// Efficiency and requests a second, or in an open loop the achieved rate, for `customBiggerIsBetter`.
    BiggerIsBetter,
}

#[derive(Serialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    /// Empty where a figure has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) range: String,
    pub(crate) extra: String,
}

/// Renders the contenders of `records` that have valid runs, ending in a newline. `None` where that would be an empty
/// list, which the action refuses.
pub fn render(records: &[Named], direction: Direction) -> Option<String> {
    let entries: Vec<Entry> = measured(records)
        .flat_map(|contender| match direction {
            Direction::SmallerIsBetter => smaller_is_better(&contender),
            Direction::BiggerIsBetter => bigger_is_better(&contender),
        })
        .collect();
    listed(&entries)
}

/// `entries` as a file for the action; `None` where there are none.
pub(crate) fn listed(entries: &[Entry]) -> Option<String> {
    (!entries.is_empty()).then(|| pretty(&entries))
}

fn smaller_is_better(contender: &Contender<'_>) -> Vec<Entry> {
    let figures = contender.figures;
    let mut memory =
        entry(contender, "peak memory", "MB", figures.peak_memory_bytes.map(|bytes| bytes as f64 / 1e6));
    memory.extra += match figures.peak_memory_method {
        MemoryMethod::HighWaterMark => "",
        MemoryMethod::HighWaterMarkSinceStart => "; since the program was started, an upper bound",
        MemoryMethod::SampledTree => "; sampled, a lower bound",
    };
    let time = match (contender.comparison.rate.is_some(), figures.latency_ns) {
        _ if !contender.has_own_wall() => None,
        (false, _) => Some(entry(contender, "wall", "ms", figures.wall_ns.map(|ns| ns as f64 / 1e6))),
        (true, latency) => latency.map(|latency| {
            let p99 = latency.p99 as f64 / 1e6;
            let alone = Spread { median: p99, low: p99, high: p99 };
            Entry { range: String::new(), ..entry(contender, "p99 of latency", "ms", alone) }
        }),
    };
    time.into_iter()
        .chain([entry(contender, "CPU", "µs/request", figures.cpu_us_per_request), memory])
        .collect()
}

fn bigger_is_better(contender: &Contender<'_>) -> Vec<Entry> {
    if !contender.has_own_wall() {
        return Vec::new();
    }
    let urls = contender.comparison.scenario.urls as f64;
    if contender.comparison.rate.is_some() {
        let rate = contender.figures.achieved_per_second;
        return rate.map(|rate| entry(contender, "achieved rate", "requests/s", rate)).into_iter().collect();
    }
    // The slowest run has the lowest throughput.
    let wall_ns = &contender.figures.wall_ns;
    let swapped = Spread { median: wall_ns.median, low: wall_ns.high, high: wall_ns.low };
    let mut entries =
        vec![entry(contender, "throughput", "requests/s", swapped.map(|ns| urls / (ns as f64 / 1e9)))];
    if let Some(efficiency) = contender.figures.efficiency {
        entries.push(entry(contender, "efficiency", "%", efficiency.map(|part| part * 100.0)));
    }
    entries
}

fn entry(contender: &Contender<'_>, figure: &str, unit: &'static str, spread: Spread<f64>) -> Entry {
    let row = contender.row;
    Entry {
        name: format!("{} {figure}", contender.name),
        unit,
        value: spread.median,
        range: format!("{}–{}", three_digits(spread.low), three_digits(spread.high)),
        extra: format!("{} of {} runs valid", row.valid_runs, row.rounds),
    }
}
