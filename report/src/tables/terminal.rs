//! The comparison on a terminal: a table that fits its width, with the words a reader needs around it.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets};

use super::columns::{self, Column};
use super::words;
use crate::comparison::{Comparison, Named};
use crate::conclusion::conclusion;
use crate::printable::{clipped, printable};

/// Lines of prose do not get longer than this, however wide the terminal: the eye loses the next one.
const PROSE_WIDTH: usize = 100;

/// Cells are cut after so many characters.
const CELL_CHARS: usize = 40;

/// Space between columns.
const GAP: u16 = 2;

/// Renders `comparison` for a terminal `width` columns wide, without colour, ending in a newline.
///
/// Where there is no room for all columns they give way in this order: startup, % of a core, ramp,
/// connections, added p50, floor, speed-up, CPU per request, added p99, min–max, peak memory, CPU time; a
/// note says which. Contender, wall, efficiency and verdict always stay: where even they do not fit, their cells are
/// wrapped.
pub fn render(comparison: &Comparison, width: usize) -> String {
    let prose = width.min(PROSE_WIDTH);
    let ours = Fitted::new(columns::for_contenders(comparison), &comparison.deployed(), width);
    let mut notes = words::notes(comparison);
    if !ours.hidden.is_empty() {
        let hidden: Vec<String> = ours.hidden.iter().map(|column| column.title_in_one_line()).collect();
        notes.insert(0, format!("Not shown for want of room: {}", hidden.join(", ")));
    }
    let mut heading = words::heading(comparison);
    heading.push(("command", comparison.command.clone()));
    let mut explained = ours.shown;

    let mut parts = vec![
        paragraphs(heading, prose),
        ours.text,
        paragraphs(conclusion(comparison).into_iter().map(|line| ("→", line)), prose),
    ];
    if !comparison.common().is_empty() {
        let costs = Fitted::new(columns::COSTS.to_vec(), &comparison.common(), width);
        parts.push(paragraphs(words::costs_heading(comparison), prose));
        parts.push(costs.text);
        explained.extend(costs.shown.into_iter().filter(|column| column.is_only_of_costs()));
    }
    for reference in &comparison.references {
        let rows: Vec<_> = reference.rows.iter().collect();
        parts.push(paragraphs(words::published_heading(reference), prose));
        parts.push(Fitted::new(columns::PUBLISHED.iter().collect(), &rows, width).text);
    }
    let legend = explained.iter().map(|column| (column.title_in_one_line(), column.meaning.to_owned()));
    parts.push(paragraphs(notes.into_iter().map(|note| ("·", note)), prose));
    parts.push(paragraphs(legend, prose));
    parts.join("\n\n") + "\n"
}

/// Renders every record, one below the other.
pub fn render_all(records: &[Named], width: usize) -> String {
    let several = records.len() > 1;
    let named = records.iter().map(|Named { record, comparison }| {
        let title =
            if several { paragraphs([("record", record.clone())], width) + "\n" } else { String::new() };
        title + &render(comparison, width)
    });
    named.collect::<Vec<_>>().join("\n")
}

/// A table with as many of its columns as there is room for.
struct Fitted<R: 'static> {
    text: String,
    shown: Vec<&'static Column<R>>,
    hidden: Vec<&'static Column<R>>,
}

impl<R> Fitted<R> {
    fn new(columns: Vec<&'static Column<R>>, rows: &[&R], width: usize) -> Fitted<R> {
        let mut shown = columns;
        let mut hidden = Vec::new();
        loop {
            let table = draw(&shown, rows, width);
            let next =
                shown.iter().enumerate().filter_map(|(at, column)| Some((column.gives_way?, at))).min();
            match next {
                Some((_, at)) if natural_width(&table) > width => hidden.push(shown.remove(at)),
                _ => return Fitted { text: table.trim_fmt(), shown, hidden },
            }
        }
    }
}

fn draw<R>(columns: &[&Column<R>], rows: &[&R], width: usize) -> Table {
    let mut table = Table::new();
    table.force_no_tty().load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_header(columns.iter().map(|column| column.title_at_the_bottom(columns)));
    for row in rows {
        table.add_row(columns.iter().map(|column| printable(&clipped(&(column.cell)(row), CELL_CHARS))));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        let gap = if at + 1 < columns.len() { GAP } else { 0 };
        column.set_padding((0, gap));
        if columns[at].numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    wrapped(table, width)
}

/// How wide `table` is where nothing is wrapped.
fn natural_width(table: &Table) -> usize {
    let contents: usize = table.column_max_content_widths().iter().map(|width| usize::from(*width)).sum();
    let padding: usize = table.column_iter().map(|column| usize::from(column.padding_width())).sum();
    contents + padding
}

/// Texts one below the other, each behind its label and wrapped to `width`.
fn paragraphs<L: ToString>(texts: impl IntoIterator<Item = (L, String)>, width: usize) -> String {
    let mut table = Table::new();
    table.force_no_tty().load_style(presets::NOTHING);
    for (label, text) in texts {
        table.add_row([label.to_string(), printable(&text)]);
    }
    for (column, gap) in table.column_iter_mut().zip([GAP, 0]) {
        column.set_padding((0, gap));
    }
    wrapped(table, width).trim_fmt()
}

/// `table` with whatever would go beyond `width` wrapped within its cell.
fn wrapped(mut table: Table, width: usize) -> Table {
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_wide_terminal_shows_every_column() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record()), 200));
    }

    #[test]
    fn models_with_a_client_in_common_have_a_table_of_their_own() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record_with_common_client()), 160));
    }

    #[test]
    fn eighty_columns() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record()), 80));
    }

    #[test]
    fn sixty_columns() {
        insta::assert_snapshot!(render(&Comparison::of(&example::record()), 60));
    }

    #[test]
    fn hostile_texts_and_a_race_that_was_stopped() {
        insta::assert_snapshot!(render(&Comparison::of(&example::hostile_record()), 120));
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        for record in [example::record(), example::hostile_record()] {
            let comparison = Comparison::of(&record);
            for width in 30..220 {
                for line in render(&comparison, width).lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let shown = render(&Comparison::of(&example::hostile_record()), 100);
        let steers = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert!(!shown.contains(steers));
    }

    #[test]
    fn columns_give_way_in_the_order_that_is_documented() {
        let comparison = Comparison::of(&example::record());
        let mut order: Vec<&str> = Vec::new();
        for width in (30..200).rev() {
            let columns = columns::for_contenders(&comparison);
            let fitted = Fitted::new(columns, &comparison.deployed(), width);
            let hidden: Vec<&str> = fitted.hidden.iter().map(|column| column.title).collect();
            assert!(hidden.starts_with(&order), "{width}: what gave way came back");
            order = hidden;
        }
        assert_eq!(
            order,
            [
                "startup",
                "CPU % of\na core",
                "ramp",
                "connections",
                "added\np50",
                "floor",
                "speed-up",
                "CPU per\nrequest",
                "added\np99",
                "wall\nmin–max",
                "peak\nmemory",
                "CPU\ntime"
            ]
        );
    }
}
