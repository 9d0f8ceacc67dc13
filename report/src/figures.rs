//! The figures of a contender, each in one place: what it is called, what it means, how it is read and where it is
//! shown.
//!
//! The tables (terminal, Markdown, page), CSV, Bencher Metric Format and github-benchmark walk [`FIGURES`]. A new figure
//! is a meter, a field of [`crate::record::Figures`] and an entry there. JSON holds every field of the comparison
//! by its name, so it has the new one without an entry.

mod table;

pub use table::FIGURES;
pub(crate) use table::TIMED;

use crate::comparison::{Comparison, Measured, Row, Spread, interval};
use crate::numbers::{bytes, count, duration, efficiency, percent, three_digits, times};
use crate::record;

/// A figure of a contender.
pub struct Figure {
    /// Its name for programs. It ends in the unit.
    pub key: &'static str,
    /// Its title for readers; a newline where a narrow table may break it.
    pub heading: &'static str,
    /// What it is, in one sentence.
    pub meaning: &'static str,
    /// What its values are in, and how they are written.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// Where its value comes from.
    pub reading: Reading,
    /// Whether it follows from the wall time: where the target was the limit of a contender, such a figure is the
    /// target's and not the contender's own.
    pub follows_wall: bool,
    /// Its column in the tables.
    pub column: Option<Placement>,
    /// Its title in CSV; where it has an interval, the beginning of three.
    pub csv: Option<&'static str>,
    /// In which loops Bencher Metric Format has it, by its key.
    pub bmf: Option<Loops>,
    /// How github-benchmark has it.
    pub github: Option<GithubEntry>,
    /// How the gate judges it.
    pub gate: Option<GateRule>,
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; a difference may lie below zero.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Per cent.
    Percent,
    /// A part of a whole, from 0 to 1.
    Fraction,
    /// A part of what is ideal, 1 where it is reached.
    Efficiency,
    /// A multiple of something else.
    Times,
    /// A number of things.
    Count,
    /// Things a second.
    PerSecond,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The less the better.
    Smaller,
    /// The more the better.
    Larger,
    /// It describes, and says nothing of better or worse.
    Neither,
}

/// Where the value of a figure comes from.
#[derive(Clone, Copy)]
pub enum Reading {
    /// A field of every run: the median of the valid runs with its interval. `None` of any run is none of all.
    Run(fn(&record::Figures) -> Option<f64>),
    /// A median with its interval that the comparison has worked out.
    Spread(fn(&Comparison, &Measured) -> Option<Spread<f64>>),
    /// One value of all valid runs together.
    Pooled(fn(&Measured) -> Option<f64>),
    /// A value of the contender that needs no valid run.
    Contender(fn(&Row) -> Option<f64>),
}

/// The tables that have columns of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Contenders with the client that people use.
    Native,
    /// Contenders with the client that all models share.
    Common,
    /// [`Table::Native`] with the few columns that most readers ask for.
    BriefNative,
    /// [`Table::Common`] likewise.
    BriefCommon,
    /// Latency since due, and how the schedule of an open loop was kept.
    OpenLoop,
}

/// The column of a figure.
#[derive(Clone, Copy)]
pub struct Placement {
    /// The tables that have it.
    pub tables: &'static [Table],
    /// Where it stands among the figures of a table: the lowest is leftmost.
    pub place: u8,
    /// Where there is no room, the column with the lowest rank gives way first; `None` stays.
    pub gives_way: Option<u8>,
    /// Adds to the text what marks this contender's figure.
    pub marked: fn(&Row, String) -> String,
}

/// In which loops an export has a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loops {
    /// In an open loop and in a closed one.
    Both,
    /// In a closed loop alone.
    Closed,
    /// In an open loop alone.
    Open,
}

/// A figure as an entry of github-benchmark.
#[derive(Clone, Copy)]
pub struct GithubEntry {
    /// What stands behind the contender's name.
    pub name: &'static str,
    /// The unit of what `convert` gives.
    pub unit: &'static str,
    /// Converts to that unit without changing the order.
    pub convert: fn(f64) -> f64,
    /// In which loops it is there.
    pub loops: Loops,
    /// What a reader should know of this contender's value.
    pub remark: fn(&Measured) -> &'static str,
}

/// How the gate judges a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateRule {
    /// Its name in the gate's tables and exports.
    pub name: &'static str,
    /// Whether it varies from run to run as time does, so that pairs of runs are tested; else it is a count, of
    /// which a few runs are enough.
    pub is_timed: bool,
    /// The smallest increase of a count that is a regression, relative to the base.
    pub least_share: f64,
    /// The same, absolute: per request, of connections per run.
    pub least_amount: f64,
}

impl Figure {
    /// The figure of this key.
    pub(crate) fn by_key(key: &str) -> Option<&'static Figure> {
        FIGURES.iter().find(|figure| figure.key == key)
    }

    /// The figures that `table` has columns of, from left to right.
    pub(crate) fn of_table(table: Table) -> Vec<&'static Figure> {
        let place = |figure: &Figure| {
            figure.column.filter(|column| column.tables.contains(&table)).map(|column| column.place)
        };
        let mut placed: Vec<(u8, &Figure)> =
            FIGURES.iter().filter_map(|figure| Some((place(figure)?, figure))).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, figure)| figure).collect()
    }

    /// Whether it has an interval wherever it has a value.
    pub(crate) fn has_interval(&self) -> bool {
        matches!(self.reading, Reading::Run(_) | Reading::Spread(_))
    }

    /// Its median with its interval. `None` where it has no interval or was not measured.
    pub(crate) fn spread(&self, comparison: &Comparison, row: &Row) -> Option<Spread<f64>> {
        match self.reading {
            Reading::Run(read) => spread_of_runs(comparison, row, read),
            Reading::Spread(read) => read(comparison, row.measured.as_ref()?),
            Reading::Pooled(_) | Reading::Contender(_) => None,
        }
    }

    /// Its value for a contender, the median where there are several runs.
    pub(crate) fn value(&self, comparison: &Comparison, row: &Row) -> Option<f64> {
        match self.reading {
            Reading::Run(_) | Reading::Spread(_) => self.spread(comparison, row).map(|spread| spread.median),
            Reading::Pooled(read) => read(row.measured.as_ref()?),
            Reading::Contender(read) => read(row),
        }
    }

    /// Its value as tables show it, with its mark.
    pub(crate) fn text(&self, comparison: &Comparison, row: &Row) -> Option<String> {
        let text = self.unit.text(self.value(comparison, row)?);
        Some(match &self.column {
            Some(column) => (column.marked)(row, text),
            None => text,
        })
    }
}

/// The median of all valid runs of `row`, with the interval that the comparison's other medians have.
fn spread_of_runs(
    comparison: &Comparison,
    row: &Row,
    read: fn(&record::Figures) -> Option<f64>,
) -> Option<Spread<f64>> {
    let values: Vec<f64> = row.valid_figures().map(read).collect::<Option<_>>()?;
    let interval = interval(comparison.budget, values.len());
    Spread::of(values, interval)
}

impl Unit {
    /// `value` in three digits, with its unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Nanoseconds => {
                let sign = if value.round() < 0.0 { "-" } else { "" };
                format!("{sign}{}", duration(whole(value.abs())))
            }
            Unit::Microseconds => duration(whole(value * 1e3)),
            Unit::Bytes => bytes(whole(value)),
            Unit::Percent => percent(value / 100.0),
            Unit::Fraction => percent(value),
            Unit::Efficiency => efficiency(value),
            Unit::Times => times(value),
            Unit::Count => count(whole(value)),
            Unit::PerSecond => format!("{}/s", three_digits(value)),
        }
    }
}

fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// What stands behind a wall that is the target's.
pub(crate) fn limit_mark(row: &Row) -> &'static str {
    if row.is_target_limited() { " †" } else { "" }
}

impl Loops {
    /// Whether a record of an open loop, or of a closed one, has the figure.
    pub(crate) fn includes(self, is_open_loop: bool) -> bool {
        match self {
            Loops::Both => true,
            Loops::Closed => !is_open_loop,
            Loops::Open => is_open_loop,
        }
    }
}

#[cfg(test)]
mod tests;
