//! A gate for other programs, in the formats that [`crate::exports`] documents. Figures are head ÷ base, which can be
//! compared between machines.

use std::collections::BTreeMap;

use super::judgement::Ratio;
use super::summary;
use super::{FigureResult, Gate, GateFigure, GateOutcome, Judgement, State};
use crate::exports::bmf::{Metric, benchmark_name};
use crate::exports::github_benchmark::{Entry, listed};
use crate::exports::pretty;
use crate::junit_xml::{self, Case, CaseResult, Problem, Suite};
use crate::numbers::three_digits;
use crate::printable::printable;

/// Bencher Metric Format: a benchmark per cell, a measure per figure. `None` where no figure has a ratio.
pub fn bmf(gate: &Gate, judgement: &Judgement) -> Option<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
    for (name, row, ratio) in ratios(gate, judgement) {
        let (estimate, interval) = of_rates(row.figure, ratio);
        let (lower_value, upper_value) = interval.unzip();
        let metric = Metric { value: estimate, lower_value, upper_value };
        benchmarks
            .entry(benchmark_name(&name))
            .or_default()
            .insert(format!("{}_over_base", identifier(row.figure)), metric);
    }
    (!benchmarks.is_empty()).then(|| pretty(&benchmarks))
}

/// The custom JSON of github-action-benchmark, for `customSmallerIsBetter`: of throughput, the time that the
/// same requests took. `None` where no figure has a ratio: the action refuses an empty list.
pub fn github_benchmark(gate: &Gate, judgement: &Judgement) -> Option<String> {
    let entry = |(name, row, ratio): (String, &FigureResult, Ratio)| {
        let figure = if row.figure == GateFigure::Throughput { "wall" } else { row.figure.name() };
        let range = ratio.interval.map(|(low, high)| format!("{}–{}", three_digits(low), three_digits(high)));
        Entry {
            name: format!("{name} {figure}"),
            unit: "× base",
            value: ratio.estimate,
            range: range.unwrap_or_default(),
            extra: summary::finding(gate, row),
        }
    };
    listed(&ratios(gate, judgement).map(entry).collect::<Vec<_>>())
}

/// Every figure with a ratio of the two builds. The control cell is left out, and so are ratios that the target
/// limited, since these formats cannot mark them.
fn ratios<'a>(
    gate: &'a Gate,
    judgement: &'a Judgement,
) -> impl Iterator<Item = (String, &'a FigureResult, Ratio)> {
    let own = judgement.rows.iter().filter(|row| row.state != State::TargetLimited);
    own.filter_map(|row| {
        let cell = &gate.cells[row.cell];
        (!cell.control)
            .then(|| printable(&cell.name()))
            .zip(row.ratio)
            .map(|(name, ratio)| (name, row, ratio))
    })
}

/// The ratio of requests per second for throughput, whose ratio is otherwise that of wall times.
fn of_rates(figure: GateFigure, ratio: Ratio) -> (f64, Option<(f64, f64)>) {
    match figure {
        GateFigure::Throughput => {
            (1.0 / ratio.estimate, ratio.interval.map(|(low, high)| (1.0 / high, 1.0 / low)))
        }
        _ => (ratio.estimate, ratio.interval),
    }
}

/// A figure's name as a part of an identifier.
fn identifier(figure: GateFigure) -> String {
    figure.name().to_lowercase().replace(' ', "_")
}

/// JUnit XML: a test case per figure of a cell, and one for the outcome. A regression is a failure, a required figure
/// that was not decided an error. One that is not required, that this machine cannot count or that the target limited is
/// skipped.
pub fn junit(gate: &Gate, judgement: &Judgement) -> String {
    let rows = judgement.rows.iter().filter(|row| !gate.cells[row.cell].control);
    junit_xml::render(&[Suite {
        name: "gate".to_owned(),
        started_at: gate.started_at.clone(),
        time_ns: gate.took_ns,
        properties: Vec::new(),
        cases: rows.map(|row| case(gate, row)).chain([conclusive(judgement)]).collect(),
        output: summary::found(gate, judgement),
    }])
}

fn case(gate: &Gate, row: &FigureResult) -> Case {
    let problem = |kind: &str, message| Problem { kind: kind.to_owned(), message, details: Vec::new() };
    let result = match &row.state {
        State::NotWorse => CaseResult::Passed,
        State::NotOffered | State::TooNoisy | State::TargetLimited => CaseResult::Skipped,
        State::Undecided | State::Missing(_) if !row.required => CaseResult::Skipped,
        State::Worse => CaseResult::Failure(problem("regression", summary::finding(gate, row))),
        State::Undecided => CaseResult::Error(problem("undecided", summary::finding(gate, row))),
        State::Missing(why) => CaseResult::Error(problem("not measured", why.clone())),
    };
    Case { name: row.figure.name().to_owned(), class: gate.cells[row.cell].name(), time_ns: 0, result }
}

/// An inconclusive gate is an error, though no figure failed.
fn conclusive(judgement: &Judgement) -> Case {
    let result = if judgement.outcome == GateOutcome::Inconclusive {
        let message = judgement.doubts.join("; ");
        CaseResult::Error(Problem { kind: "inconclusive".to_owned(), message, details: Vec::new() })
    } else {
        CaseResult::Passed
    };
    Case { name: "conclusive".to_owned(), class: "gate".to_owned(), time_ns: 0, result }
}
