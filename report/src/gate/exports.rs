//! A gate for other programs, in the formats that [`crate::exports`] describes. What is told is head ÷ base: the
//! one figure that keeps its meaning on another machine.

use std::collections::BTreeMap;
use std::io;

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use super::judgement::Ratio;
use super::summary;
use super::{GateFigure, Gate, Judgement, GateOutcome, Row, State};
use crate::exports::bmf::{Metric, benchmark_name};
use crate::exports::github_benchmark::{Entry, listed};
use crate::exports::{junit, pretty};
use crate::numbers::three_digits;
use crate::printable::printable;

/// Bencher Metric Format: a benchmark a cell, a measure a figure. `None` where no figure has a ratio.
pub fn bmf(gate: &Gate, judgement: &Judgement) -> Option<String> {
    let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
    for (name, row, ratio) in ratios(gate, judgement) {
        let (estimate, interval) = as_told(row.figure, ratio);
        let metric = Metric {
            value: estimate,
            lower_value: interval.map(|(low, _)| low),
            upper_value: interval.map(|(_, high)| high),
        };
        benchmarks
            .entry(benchmark_name(&name))
            .or_default()
            .insert(format!("{}_over_base", word(row.figure)), metric);
    }
    (!benchmarks.is_empty()).then(|| pretty(&benchmarks))
}

/// The custom JSON of github-action-benchmark, for `customSmallerIsBetter`: of throughput, the time that the
/// same requests took. `None` where no figure has a ratio: the action refuses an empty list.
pub fn github_benchmark(gate: &Gate, judgement: &Judgement) -> Option<String> {
    let entry = |(name, row, ratio): (String, &Row, Ratio)| {
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

/// JUnit XML: a test case a figure of a cell. What is worse is a failure, what was not measured an error, what
/// this machine cannot count and what is the target's is skipped.
pub fn junit(gate: &Gate, judgement: &Judgement) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml, gate, judgement).expect("memory takes every byte");
    String::from_utf8(xml.into_inner()).expect("it was made of text") + "\n"
}

/// Every figure that has a ratio of the builds, the hidden cell's left out: no format here has a mark for a ratio
/// that is the target's.
fn ratios<'a>(gate: &'a Gate, judgement: &'a Judgement) -> impl Iterator<Item = (String, &'a Row, Ratio)> {
    let own = judgement.rows.iter().filter(|row| row.state != State::TargetLimited);
    own.filter_map(|row| {
        let cell = &gate.cells[row.cell];
        (!cell.control).then(|| printable(&cell.name())).zip(row.ratio).map(|(name, ratio)| (name, row, ratio))
    })
}

/// Of throughput requests a second, not the time that they took.
fn as_told(figure: GateFigure, ratio: Ratio) -> (f64, Option<(f64, f64)>) {
    match figure {
        GateFigure::Throughput => {
            (1.0 / ratio.estimate, ratio.interval.map(|(low, high)| (1.0 / high, 1.0 / low)))
        }
        _ => (ratio.estimate, ratio.interval),
    }
}

/// A figure's name as a part of an identifier.
fn word(figure: GateFigure) -> String {
    figure.name().to_lowercase().replace(' ', "_")
}

fn write(xml: &mut Writer<Vec<u8>>, gate: &Gate, judgement: &Judgement) -> io::Result<()> {
    let rows: Vec<&Row> = judgement.rows.iter().filter(|row| !gate.cells[row.cell].control).collect();
    let number = |is: fn(&State) -> bool| rows.iter().filter(|row| is(&row.state)).count();
    let errors = number(|state| matches!(state, State::Missing(_) | State::Unreliable));
    let skipped = number(|state| matches!(state, State::NotOffered | State::TooNoisy | State::TargetLimited));
    let inconclusive = judgement.outcome == GateOutcome::Inconclusive;
    let attributes = [
        ("id", "0".to_owned()),
        ("package", "inflight".to_owned()),
        ("name", "gate".to_owned()),
        ("timestamp", junit::timestamp(&gate.started_at)),
        ("hostname", "localhost".to_owned()),
        ("tests", (rows.len() + 1).to_string()),
        ("failures", number(|state| *state == State::Worse).to_string()),
        ("errors", (errors + usize::from(inconclusive)).to_string()),
        ("skipped", skipped.to_string()),
        ("time", junit::seconds(gate.took_ns)),
    ];
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").write_inner_content(|xml| {
        xml.create_element("testsuite").with_attributes(attributes).write_inner_content(|xml| {
            xml.create_element("properties").write_empty()?;
            rows.iter().try_for_each(|row| write_row(xml, gate, row))?;
            write_outcome(xml, judgement)?;
            let said = summary::found(gate, judgement).join("\n");
            xml.create_element("system-out").write_text_content(BytesText::new(&said))?;
            xml.create_element("system-err").write_empty()?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

/// A gate that could not tell is no success, though no figure of it failed.
fn write_outcome(xml: &mut Writer<Vec<u8>>, judgement: &Judgement) -> io::Result<()> {
    let time = junit::seconds(0);
    let case = [("name", "conclusive"), ("classname", "gate"), ("time", time.as_str())];
    let case = xml.create_element("testcase").with_attributes(case);
    if judgement.outcome != GateOutcome::Inconclusive {
        case.write_empty()?;
        return Ok(());
    }
    let doubts = printable(&judgement.doubts.join("; "));
    case.write_inner_content(|xml| {
        let error = xml.create_element("error");
        error.with_attributes([("type", "inconclusive"), ("message", doubts.as_str())]).write_empty()?;
        Ok(())
    })?;
    Ok(())
}

fn write_row(xml: &mut Writer<Vec<u8>>, gate: &Gate, row: &Row) -> io::Result<()> {
    let class = printable(&gate.cells[row.cell].name());
    let case = xml.create_element("testcase").with_attributes([
        ("name", row.figure.name()),
        ("classname", class.as_str()),
        ("time", &junit::seconds(0)),
    ]);
    let (element, kind, message) = match &row.state {
        State::NotWorse | State::NotConfirmed => {
            case.write_empty()?;
            return Ok(());
        }
        State::NotOffered | State::TooNoisy | State::TargetLimited => {
            case.write_inner_content(|xml| xml.create_element("skipped").write_empty().map(|_| ()))?;
            return Ok(());
        }
        State::Worse => ("failure", "regression", summary::finding(gate, row)),
        State::Unreliable => ("error", "not believed", summary::finding(gate, row)),
        State::Missing(why) => ("error", "not measured", printable(why)),
    };
    case.write_inner_content(|xml| {
        let element = xml.create_element(element);
        element.with_attributes([("type", kind), ("message", message.as_str())]).write_empty()?;
        Ok(())
    })?;
    Ok(())
}
