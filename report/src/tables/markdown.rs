//! The comparison in Markdown, as GitHub renders it: for a file, a comment or a README.

use thiserror::Error;

use super::data::{Column, Data};
use super::{contenders, heading, notes, open_loop, published, ranking, slopes};
use crate::comparison::{Comparison, Named, Row};
use crate::conclusion::conclusion;
use crate::figures;
use crate::printable::printable;

/// What of a record stands in a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section {
    /// Which tables.
    pub tables: Tables,
    /// Only the figures that most readers ask for, and one line about them.
    pub brief: bool,
    /// Behind a line to click on.
    pub folded: bool,
}

/// Which tables of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tables {
    /// All that it has.
    #[default]
    All,
    /// The contenders with the client that people use.
    Native,
    /// The contenders with the client that all models share.
    Common,
    /// What others published.
    Published,
}

/// A table was asked for that a record does not have.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{record} has no {what}: ask for another table")]
pub struct NoSuchTable {
    /// The record's name.
    pub record: String,
    /// What it lacks.
    pub what: &'static str,
}

/// Renders all of `comparison` with all its columns, ending in a newline. It has no headings of its own, so
/// that it fits under any.
pub fn render(comparison: &Comparison) -> String {
    joined(whole(comparison, Tables::All))
}

/// Renders a section of every record, one below the other, ending in a newline.
///
/// # Errors
/// Where a record does not have the table.
pub fn render_all(records: &[Named], section: Section) -> Result<String, NoSuchTable> {
    let mut parts = Vec::new();
    for Named { record, comparison } in records {
        if let Some(what) = lacks(comparison, section.tables) {
            return Err(NoSuchTable { record: record.clone(), what });
        }
        if records.len() > 1 {
            parts.push(labelled(vec![("record", record.clone())]));
        }
        let tables = section.tables;
        let text = if section.brief { brief(comparison, tables) } else { whole(comparison, tables) };
        parts.extend(if section.folded { vec![folded(summary(tables), text)] } else { text });
    }
    Ok(joined(parts))
}

fn lacks(comparison: &Comparison, tables: Tables) -> Option<&'static str> {
    match tables {
        Tables::Common if comparison.common().is_empty() => Some("contender with the common client"),
        Tables::Published if comparison.references.is_empty() => Some("published figures"),
        _ => None,
    }
}

/// The line that a folded section is behind.
fn summary(tables: Tables) -> &'static str {
    match tables {
        Tables::All => "All figures",
        Tables::Native => "Each model with the client that people use with it",
        Tables::Common => COSTS_SUMMARY,
        Tables::Published => "What others published",
    }
}

const COSTS_SUMMARY: &str = "What each model costs, all with the same client";

/// Every column, with everything that explains them.
fn whole(comparison: &Comparison, tables: Tables) -> Vec<String> {
    let common = comparison.common();
    let mut explained: Vec<Column> = Vec::new();
    let mut explain = |data: &Data| {
        for column in &data.columns {
            if explained.iter().all(|known| known.title != column.title) {
                explained.push(*column);
            }
        }
    };
    let mut parts =
        vec![labelled(heading::of_record(comparison)) + "\\\n**command** " + &code(&comparison.command)];
    if matches!(tables, Tables::All | Tables::Native) {
        let native = contenders::table(comparison, &comparison.deployed(), figures::Table::Native);
        parts.push(table(&native));
        explain(&native);
        if comparison.rate.is_some() {
            let latencies = open_loop_table(comparison);
            parts.push(labelled(open_loop::heading(comparison)));
            parts.push(table(&latencies));
            explain(&latencies);
        }
        parts.push(conclusion(comparison).iter().map(|line| strong(line)).collect::<Vec<_>>().join("\\\n"));
    }
    if tables == Tables::All && comparison.ranking.len() > 1 {
        parts.push(labelled(ranking::heading(comparison)));
        parts.push(table(&ranking::table(comparison)));
    }
    if !common.is_empty() && matches!(tables, Tables::All | Tables::Common) {
        let data = contenders::table(comparison, &common, figures::Table::Common);
        let costs = vec![labelled(heading::of_common(comparison)), table(&data)];
        parts.extend(if tables == Tables::All { vec![folded(COSTS_SUMMARY, costs)] } else { costs });
        explain(&data);
    }
    if tables == Tables::All && !comparison.memory_slopes.is_empty() {
        parts.push(labelled(slopes::heading(comparison)));
        parts.push(table(&slopes::table(comparison)));
    }
    if matches!(tables, Tables::All | Tables::Published) {
        for reference in &comparison.references {
            parts.push(labelled(published::heading(reference)));
            parts.push(table(&published::table(comparison, reference)));
        }
    }
    if tables != Tables::Published {
        let legend: Vec<String> = explained
            .iter()
            .map(|column| format!("{}: {}", column.title_in_one_line(), column.meaning))
            .collect();
        parts.push(list(&[ranking::noise(comparison), notes::notes(comparison)].concat()));
        parts.push(folded("What the columns mean", vec![list(&legend)]));
    }
    parts
}

/// The figures that most readers ask for, and one line about them.
fn brief(comparison: &Comparison, tables: Tables) -> Vec<String> {
    let mut parts = Vec::new();
    let mut shown = Vec::new();
    if matches!(tables, Tables::All | Tables::Native) {
        let native = comparison.deployed();
        parts.push(table(&contenders::table(comparison, &native, figures::Table::BriefNative)));
        if comparison.rate.is_some() {
            parts.push(table(&open_loop_table(comparison)));
        }
        shown.extend(native);
    }
    if matches!(tables, Tables::All | Tables::Common) && !comparison.common().is_empty() {
        let common = comparison.common();
        parts.push(table(&contenders::table(comparison, &common, figures::Table::BriefCommon)));
        shown.extend(common);
    }
    if tables == Tables::Published {
        for reference in &comparison.references {
            parts.push(table(&published::table(comparison, reference)));
            parts.push(labelled(published::heading(reference)));
        }
        return parts;
    }
    parts.extend(heading::disturbances(comparison).map(|words| format!("Warning: {}.", escaped(&words))));
    let footnotes = [notes::target_limited(&shown), notes::faster_than_ideal(&shown)];
    parts.extend(footnotes.into_iter().flatten().map(|line| escaped(&line) + "."));
    parts.extend(open_loop::rate_too_high(comparison).map(|line| escaped(&line) + "."));
    parts.push(format!("{}, {}", escaped(&heading::caption(comparison)), code(&comparison.command)));
    parts
}

/// Latency since due and how the schedule was kept, of all contenders.
fn open_loop_table(comparison: &Comparison) -> Data {
    let rows: Vec<&Row> = comparison.contenders.iter().collect();
    contenders::table(comparison, &rows, figures::Table::OpenLoop)
}

fn joined(mut parts: Vec<String>) -> String {
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

fn folded(summary: &str, parts: Vec<String>) -> String {
    let mut all = vec![format!("<details><summary>{summary}</summary>")];
    all.extend(parts.into_iter().filter(|part| !part.is_empty()));
    all.push("</details>".to_owned());
    all.join("\n\n")
}

pub(crate) fn table(data: &Data) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let columns = &data.columns;
    let mut lines = vec![
        line(columns.iter().map(|column| escaped(&column.title_in_one_line())).collect()),
        line(columns.iter().map(|column| if column.numeric { "---:" } else { ":---" }.to_owned()).collect()),
    ];
    for row in &data.rows {
        lines.push(line(row.iter().map(|cell| escaped(&cell.text)).collect()));
    }
    lines.join("\n")
}

/// Lines of one paragraph, each behind its label.
fn labelled(texts: Vec<(&'static str, String)>) -> String {
    let lines: Vec<String> =
        texts.iter().map(|(label, text)| format!("**{label}** {}", escaped(text))).collect();
    lines.join("\\\n")
}

fn strong(text: &str) -> String {
    format!("**{}**", escaped(text))
}

/// A code span. Nothing can be escaped in one, so its fence is longer than any run of backticks in the text.
fn code(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn list(texts: &[String]) -> String {
    let lines: Vec<String> = texts.iter().map(|text| format!("- {}", escaped(text))).collect();
    lines.join("\n")
}

/// Text that Markdown shows as it is. A `<` becomes an entity, so that no tag and no comment can begin.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for char in printable(text).chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '~' | '$' | '#' => escaped.extend(['\\', char]),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn models_with_a_client_in_common_have_a_table_of_their_own() {
        let shown = render(&Comparison::of(&example::record_with_common_client()));
        let (above_the_legend, _) = shown.split_once("<details><summary>What the columns mean").unwrap();
        insta::assert_snapshot!(above_the_legend.trim_end());
    }

    #[test]
    fn hostile_texts_and_an_incomplete_record() {
        let shown = render(&Comparison::of(&example::hostile_record()));
        let parts: Vec<&str> = shown.split("\n\n").filter(|part| part.contains("&lt;")).collect();
        insta::assert_snapshot!(parts.join("\n\n"));
    }

    #[test]
    fn a_brief_table_hides_neither_a_disturbance_nor_what_its_mark_means() {
        let mut record = example::record();
        let brief = |record: &crate::record::Record| joined(brief(&Comparison::of(record), Tables::Native));
        let undisturbed = brief(&record);
        assert!(!undisturbed.contains("Warning") && !undisturbed.contains('†'), "{undisturbed}");
        for figures in example::all_figures(&mut record) {
            figures.noise.others_cpu_ns = Some(figures.wall_ns);
            figures.target.limit = Some(crate::record::TargetLimit::Loop);
        }
        let disturbed = brief(&record);
        for words in
            ["Warning: the machine was busy: ", "† Target-limited: the target was the limit of sync:1,"]
        {
            assert!(disturbed.contains(words), "{disturbed}");
        }
    }

    #[test]
    fn a_code_span_is_longer_than_its_backticks() {
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(code("a ``b`"), "``` a ``b` ```");
    }
}
