//! The comparison in Markdown, as GitHub renders it: for a file, a comment or a README.

use super::columns::{self, Column};
use super::words;
use crate::comparison::Comparison;
use crate::conclusion::conclusion;
use crate::printable::printable;

/// Renders `comparison` with all its columns, ending in a newline. It has no headings of its own, so that it
/// fits under any.
pub fn render(comparison: &Comparison) -> String {
    let columns = columns::for_contenders(comparison);
    let common = comparison.common();
    let costs = columns::COSTS.iter().filter(|column| !common.is_empty() && column.is_only_of_costs());
    let explained = columns.iter().chain(costs);
    let legend: Vec<String> =
        explained.map(|column| format!("{}: {}", column.title_in_one_line(), column.meaning)).collect();

    let mut parts = vec![
        labelled(words::heading(comparison)) + "\\\n**command** " + &code(&comparison.command),
        table(&columns, &comparison.deployed()),
        conclusion(comparison).iter().map(|line| strong(line)).collect::<Vec<_>>().join("\\\n"),
    ];
    if !common.is_empty() {
        let heading = labelled(words::costs_heading(comparison));
        parts.push(folded(
            "What each model costs, all with the same client",
            &heading,
            &table(&columns::COSTS, &common),
        ));
    }
    for reference in &comparison.references {
        let rows: Vec<_> = reference.rows.iter().collect();
        parts.push(labelled(words::published_heading(reference)));
        parts.push(table(&columns::PUBLISHED.iter().collect::<Vec<_>>(), &rows));
    }
    parts.push(list(&words::notes(comparison)));
    parts.push(folded("What the columns mean", "", &list(&legend)));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

fn folded(summary: &str, heading: &str, text: &str) -> String {
    let parts = [&format!("<details><summary>{summary}</summary>"), heading, text, "</details>"];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn table<R>(columns: &[&Column<R>], rows: &[&R]) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(columns.iter().map(|column| escaped(&column.title_in_one_line())).collect()),
        line(columns.iter().map(|column| if column.numeric { "---:" } else { ":---" }.to_owned()).collect()),
    ];
    for row in rows {
        lines.push(line(columns.iter().map(|column| escaped(&(column.cell)(row))).collect()));
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
fn escaped(text: &str) -> String {
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
    use crate::splice;

    #[test]
    fn models_with_a_client_in_common_have_a_table_of_their_own() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record_with_common_client())));
    }

    #[test]
    fn all_columns() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record())));
    }

    #[test]
    fn hostile_texts_and_a_race_that_was_stopped() {
        insta::assert_snapshot!(render(&Comparison::of(&example::hostile_record())));
    }

    #[test]
    fn every_line_of_a_table_has_the_same_cells() {
        let shown = render(&Comparison::of(&example::hostile_record()));
        for table in shown.split("\n\n").filter(|part| part.starts_with('|')) {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let first = table.lines().next().map(bars);
            assert!(table.lines().all(|line| Some(bars(line)) == first), "{table}");
        }
    }

    #[test]
    fn what_is_rendered_can_be_spliced_whatever_the_record_says() {
        let shown = render(&Comparison::of(&example::hostile_record()));
        let document = "<!-- inflight:begin t -->\n<!-- inflight:end t -->\n";
        let once = splice::splice(document, "t", &shown).unwrap();
        assert_eq!(splice::splice(&once, "t", &shown).unwrap(), once);
        assert!(!shown.contains("<script>"));
    }

    #[test]
    fn a_code_span_outlasts_its_backticks() {
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(code("a ``b`"), "``` a ``b` ```");
    }
}
