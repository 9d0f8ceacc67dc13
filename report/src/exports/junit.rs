//! JUnit XML, for the CI systems that show it: a suite a record, a test case a run. An invalid run is a failure
//! with its reasons, a run that never took place is skipped.
//!
//! Elements, their order and their attributes are those of Apache Ant's junitreport, as Windy Road's schema
//! writes them down: <https://github.com/windyroad/JUnit-Schema/blob/master/JUnit.xsd>. All of them are in the schema of
//! Jenkins' xUnit plugin as well, which besides wants times as Maven Surefire writes them:
//! <https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>

#[cfg(test)]
pub(crate) mod schema;

use std::io;

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use crate::comparison::{Comparison, Named, Row, RunSummary};
use crate::conclusion::conclusion;
use crate::printable::printable;
use crate::record::Verdict;

type Xml = Writer<Vec<u8>>;

/// Renders `records`, ending in a newline.
pub fn render(records: &[Named]) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write_all(&mut xml, records).expect("memory takes every byte");
    String::from_utf8(xml.into_inner()).expect("it was made of text") + "\n"
}

fn write_all(xml: &mut Xml, records: &[Named]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").write_inner_content(|xml| {
        records.iter().enumerate().try_for_each(|(id, named)| write_suite(xml, id, named))
    })?;
    Ok(())
}

fn write_suite(xml: &mut Xml, id: usize, named: &Named) -> io::Result<()> {
    let comparison = &named.comparison;
    let rows = &comparison.contenders;
    let invalid: u32 = rows.iter().map(|row| row.void_runs).sum();
    let missing: u32 = rows.iter().map(Row::missing_runs).sum();
    let runs: usize = rows.iter().map(|row| row.runs.len()).sum();
    let wall_ns: u64 = rows.iter().flat_map(|row| &row.runs).map(wall_ns).sum();
    let attributes = [
        ("id", id.to_string()),
        ("package", "inflight".to_owned()),
        ("name", printable(&named.record)),
        ("timestamp", timestamp(&comparison.started_at)),
        ("hostname", "localhost".to_owned()),
        ("tests", (runs + missing as usize).to_string()),
        ("failures", invalid.to_string()),
        ("errors", "0".to_owned()),
        ("skipped", missing.to_string()),
        ("time", seconds(wall_ns)),
    ];
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    xml.create_element("testsuite").with_attributes(attributes).write_inner_content(|xml| {
        write_properties(xml, comparison)?;
        for row in rows {
            row.runs.iter().try_for_each(|run| write_run(xml, row, run))?;
            (1..=row.missing_runs()).try_for_each(|number| write_missing(xml, row, number))?;
        }
        let sentences = printable_lines(&conclusion(comparison));
        xml.create_element("system-out").write_text_content(BytesText::new(&sentences))?;
        xml.create_element("system-err").write_empty()?;
        Ok(())
    })?;
    Ok(())
}

/// What was run, and where.
fn write_properties(xml: &mut Xml, comparison: &Comparison) -> io::Result<()> {
    let properties = [
        ("command", comparison.command.clone()),
        ("inflight_version", comparison.inflight_version.clone()),
        ("latency", comparison.scenario.latency.clone()),
        ("urls", comparison.scenario.urls.to_string()),
        ("cpu_model", comparison.machine.cpu_model.clone()),
        ("cores", comparison.machine.cores.to_string()),
    ];
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in properties {
            let attributes = [("name", name), ("value", &printable(&value))];
            xml.create_element("property").with_attributes(attributes).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_run(xml: &mut Xml, row: &Row, run: &RunSummary) -> io::Result<()> {
    let name = format!("{} round {}", printable(&row.name), run.round);
    let (class, time) = (printable(&row.name), seconds(wall_ns(run)));
    let case = xml.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", &class),
        ("time", &time),
    ]);
    match &run.verdict {
        Verdict::Valid => case.write_empty()?,
        Verdict::Void { reasons } => case.write_inner_content(|xml| {
            let first = reasons.first();
            let message = printable(first.map_or("invalid", |reason| &reason.text));
            let kind = first.map_or_else(|| "invalid".to_owned(), |reason| reason.kind.name());
            let texts: Vec<String> = reasons.iter().map(|reason| reason.text.clone()).collect();
            xml.create_element("failure")
                .with_attributes([("type", kind.as_str()), ("message", &message)])
                .write_text_content(BytesText::new(&printable_lines(&texts)))?;
            Ok(())
        })?,
    };
    Ok(())
}

/// Cases of one name would count as one: those that were not run are numbered.
fn write_missing(xml: &mut Xml, row: &Row, number: u32) -> io::Result<()> {
    let class = printable(&row.name);
    xml.create_element("testcase")
        .with_attributes([
            ("name", format!("{class} not run {number}").as_str()),
            ("classname", &class),
            ("time", &seconds(0)),
        ])
        .write_inner_content(|xml| {
            xml.create_element("skipped").write_empty()?;
            Ok(())
        })?;
    Ok(())
}

fn wall_ns(run: &RunSummary) -> u64 {
    run.figures.as_ref().map_or(0, |figures| figures.wall_ns)
}

/// A time as the schemas have it: with three decimals, and neither an exponent nor a thousands separator.
pub(crate) fn seconds(ns: u64) -> String {
    let ms = ns / 1_000_000 + u64::from(ns % 1_000_000 >= 500_000);
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

fn printable_lines(texts: &[String]) -> String {
    texts.iter().map(|text| printable(text)).collect::<Vec<_>>().join("\n")
}

/// The schema wants no time zone. What is no time at all, which only a record that was tampered with has,
/// becomes the beginning of Unix time.
pub(crate) fn timestamp(rfc3339: &str) -> String {
    const SHAPE: &str = "0000-00-00T00:00:00";
    let shape = |char: char| if char.is_ascii_digit() { '0' } else { char };
    let seconds: String = rfc3339.chars().take(SHAPE.len()).collect();
    let fits = seconds.chars().map(shape).eq(SHAPE.chars());
    if fits { seconds } else { "1970-01-01T00:00:00".to_owned() }
}
