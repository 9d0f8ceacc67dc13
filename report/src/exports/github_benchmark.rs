//! The custom JSON of github-action-benchmark: a list of entries with a name, a unit and a value.
//!
//! The action takes a file for one [`Direction`] alone, its tool `customSmallerIsBetter` or
//! `customBiggerIsBetter`: <https://github.com/benchmark-action/github-action-benchmark#examples>

use serde::Serialize;

use super::{Contender, measured, pretty};
use crate::comparison::Named;
use crate::figures::{Better, FIGURES, Figure, GithubEntry};
use crate::numbers::three_digits;

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
    let entries: Vec<Entry> = measured(records).flat_map(|one| entries_of(&one, direction)).collect();
    listed(&entries)
}

/// `entries` as a file for the action; `None` where there are none.
pub(crate) fn listed(entries: &[Entry]) -> Option<String> {
    (!entries.is_empty()).then(|| pretty(&entries))
}

fn entries_of(contender: &Contender<'_>, direction: Direction) -> Vec<Entry> {
    let better = match direction {
        Direction::SmallerIsBetter => Better::Smaller,
        Direction::BiggerIsBetter => Better::Larger,
    };
    let exported = FIGURES.iter().filter(|figure| figure.better == better).filter_map(|figure| {
        let entry = figure.github.filter(|entry| contender.exports(figure, entry.loops))?;
        Some((figure, entry))
    });
    let mut exported: Vec<(&Figure, GithubEntry)> = exported.collect();
    // Time first, then what it cost.
    exported.sort_by_key(|(figure, _)| !figure.follows_wall);
    exported.into_iter().filter_map(|(figure, github)| entry(contender, figure, github)).collect()
}

fn entry(contender: &Contender<'_>, figure: &Figure, github: GithubEntry) -> Option<Entry> {
    let Contender { name, comparison, row, measured } = contender;
    let spread = figure.spread(comparison, row).map(|spread| spread.map(github.convert));
    let value = match &spread {
        Some(spread) => spread.median,
        None => (github.convert)(figure.value(comparison, row)?),
    };
    let range = spread.map(|spread| format!("{}–{}", three_digits(spread.low), three_digits(spread.high)));
    Some(Entry {
        name: format!("{name} {}", github.name),
        unit: github.unit,
        value,
        range: range.unwrap_or_default(),
        extra: format!("{} of {} runs valid{}", row.valid_runs, row.rounds, (github.remark)(measured)),
    })
}
