//! The comparison for other programs: one file a format, each as its owner publishes it. A new one is such a file and a
//! line of [`EXPORTS`].
//!
//! A contender without a valid run has no figures. It is left out where a format is of figures alone, and
//! stands with its reasons in CSV, JSON and JUnit XML. Formats of figures alone are not rendered when they
//! would hold none: their readers fail on an empty list.
//!
//! Where the target was the limit of a contender, its wall and all that follows from it is the target's. CSV and
//! JSON count such runs beside the figures. Bencher Metric Format and github-benchmark have no field for a mark, so there
//! these figures are left out; hyperfine's format is wall times, so there the command's name says it.
//!
//! Several records stand one beside the other, never as if they had been run together: CSV has a column
//! for the record, JSON a list, JUnit XML a suite each. The other formats know nothing but names, so there
//! a contender is called `RECORD: CONTENDER`.

pub mod bmf;
pub mod csv;
pub mod github_benchmark;
pub mod hyperfine;
pub mod json;
pub mod junit;

use serde::Serialize;

use crate::comparison::{Comparison, Measured, Named, Row};
use crate::figures::{Figure, Loops};
use crate::printable::printable;
use github_benchmark::Direction;

/// A format for other programs.
#[derive(Clone, Copy)]
pub struct Export {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Renders the records, ending in a newline; `None` where a format of figures alone would hold none. The
    /// direction matters to github-benchmark alone.
    pub render: fn(&[Named], Direction) -> Option<String>,
}

/// Every format.
pub const EXPORTS: &[Export] = &[
    Export { name: "csv", about: "A line a contender", render: |records, _| Some(csv::render(records)) },
    Export {
        name: "json",
        about: "Every figure of every run that counts: neither warm-ups nor A/A controls",
        render: |records, _| Some(json::render(records)),
    },
    Export { name: "bmf", about: "Bencher Metric Format", render: |records, _| bmf::render(records) },
    Export {
        name: "github-benchmark",
        about: "Custom JSON of github-action-benchmark",
        render: github_benchmark::render,
    },
    Export {
        name: "junit",
        about: "JUnit XML: a test case a run",
        render: |records, _| Some(junit::render(records)),
    },
    Export {
        name: "hyperfine",
        about: "As `hyperfine --export-json`",
        render: |records, _| hyperfine::render(records),
    },
];

/// A contender that has figures.
struct Contender<'a> {
    /// A name that no two of the records' contenders share.
    name: String,
    comparison: &'a Comparison,
    row: &'a Row,
    measured: &'a Measured,
}

impl Contender<'_> {
    /// Whether its wall, and with it throughput and latency, is its own and not the target's.
    fn has_own_wall(&self) -> bool {
        !self.row.is_target_limited()
    }

    /// Whether a format without marks has this figure of it, which it has in `loops`.
    fn exports(&self, figure: &Figure, loops: Loops) -> bool {
        loops.includes(self.comparison.rate.is_some()) && (self.has_own_wall() || !figure.follows_wall)
    }
}

/// The contenders of `records` that have figures.
fn measured(records: &[Named]) -> impl Iterator<Item = Contender<'_>> {
    let several = records.len() > 1;
    records.iter().flat_map(move |Named { record, comparison }| {
        comparison.contenders.iter().filter_map(move |row| {
            let name = if several { format!("{record}: {}", row.name) } else { row.name.clone() };
            Some(Contender { name: printable(&name), comparison, row, measured: row.measured.as_ref()? })
        })
    })
}

/// `value` as indented JSON, ending in a newline.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value).expect("its keys are strings");
    json + "\n"
}

#[cfg(test)]
mod tests;
