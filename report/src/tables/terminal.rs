//! The comparison on a terminal: a table that fits its width, with the words a reader needs around it.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle, presets,
};

use super::bars::Bars;
use super::data::{self, Column, Data};
use super::{contenders, heading, notes, open_loop, published, ranking, slopes};
use crate::comparison::{Comparison, Named, Row};
use crate::conclusion::conclusion;
use crate::figures;
use crate::printable::{clipped, printable};

/// Lines of prose do not get longer than this, however wide the terminal: the eye loses the next one.
const PROSE_WIDTH: usize = 100;

/// Cells are cut after so many characters.
const CELL_CHARS: usize = 40;

/// Space between columns.
const GAP: u16 = 2;

/// What a table is shown on.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    /// Whether it shows colours.
    pub colours: bool,
}

/// Renders `comparison` for a terminal, ending in a newline.
///
/// Where there is no room for all columns they give way in this order: startup, % of a core, ramp,
/// connections, added p50, ideal, speed-up, CPU time, added p99, interval, the bars, peak memory, CPU per
/// request. Contender, wall, efficiency and verdict always stay: where even they do not fit, their cells are
/// wrapped. The other tables do the same, and notes say which columns gave way in each.
pub fn render(comparison: &Comparison, screen: Screen) -> String {
    let prose = Screen { width: screen.width.min(PROSE_WIDTH), ..screen };
    let native = contenders_with_bars(comparison, &comparison.deployed(), figures::Table::Native, screen);
    let mut hidden = vec![("", native.hidden)];
    let mut heading = heading::of_record(comparison);
    heading.push(("command", comparison.command.clone()));
    let mut legend = native.legend;

    let mut parts = vec![paragraphs(heading, prose), native.text];
    let mut add = |parts: &mut Vec<String>, of, heading: Vec<(&str, String)>, table: Fitted| {
        parts.extend([paragraphs(heading, prose), table.text]);
        hidden.push((of, table.hidden));
        let known: Vec<String> = legend.iter().map(|(title, _)| title.clone()).collect();
        let explains = |(title, meaning): &(String, String)| !meaning.is_empty() && !known.contains(title);
        legend.extend(table.legend.into_iter().filter(explains));
    };
    if comparison.rate.is_some() {
        let rows: Vec<&Row> = comparison.contenders.iter().collect();
        let latencies = contenders::table(comparison, &rows, figures::Table::OpenLoop);
        let heading = open_loop::heading(comparison);
        add(&mut parts, " in the table of the open loop", heading, Fitted::new(&latencies, screen));
    }
    parts.push(paragraphs(conclusion(comparison).into_iter().map(|line| ("→", line)), prose));
    if comparison.ranking.len() > 1 {
        let ranking = Fitted::new(&ranking::table(comparison), screen);
        add(&mut parts, " in the ranking", ranking::heading(comparison), ranking);
    }
    let common = comparison.common();
    if !common.is_empty() {
        let costs = contenders_with_bars(comparison, &common, figures::Table::Common, screen);
        add(&mut parts, " in the table of costs", heading::of_common(comparison), costs);
    }
    if !comparison.memory_slopes.is_empty() {
        let slopes = Fitted::new(&slopes::table(comparison), screen);
        add(&mut parts, " of memory per request in flight", slopes::heading(comparison), slopes);
    }
    for reference in &comparison.references {
        let published = Fitted::new(&published::table(comparison, reference), screen);
        add(&mut parts, " of the published figures", published::heading(reference), published);
    }
    hidden.retain(|(_, titles)| !titles.is_empty());
    let hidden = hidden
        .into_iter()
        .map(|(of, titles)| format!("Hidden columns{of} (terminal too narrow): {}", titles.join(", ")));
    let notes = hidden.chain(ranking::noise(comparison)).chain(notes::notes(comparison));
    parts.push(paragraphs(notes.map(|note| ("·", note)), prose));
    parts.push(paragraphs(legend, prose));
    parts.join("\n\n") + "\n"
}

/// Renders every record, one below the other.
pub fn render_all(records: &[Named], screen: Screen) -> String {
    let several = records.len() > 1;
    let named = records.iter().map(|Named { record, comparison }| {
        let title =
            if several { paragraphs([("record", record.clone())], screen) + "\n" } else { String::new() };
        title + &render(comparison, screen)
    });
    named.collect::<Vec<_>>().join("\n")
}

/// A table of contenders, with bars on a scale of its own behind the wall.
fn contenders_with_bars(
    comparison: &Comparison,
    rows: &[&Row],
    table: figures::Table,
    screen: Screen,
) -> Fitted {
    let mut data = contenders::table(comparison, rows, table);
    let walls = |row: &Row| {
        row.measured.as_ref().map(|measured| (row.ideal_ns.unwrap_or(0), measured.wall_ns.median))
    };
    let bars = Bars::of(rows.iter().filter_map(|row| walls(row)));
    let cells = rows.iter().map(|row| {
        let bar = walls(row).map_or_else(String::new, |(ideal_ns, wall_ns)| bars.draw(ideal_ns, wall_ns));
        data::Cell::text(bar)
    });
    let after_wall =
        data.columns.iter().position(|column| column.key == "wall_ns").map_or(1, |wall| wall + 1);
    data.insert(after_wall, BARS, cells);
    let mut fitted = Fitted::new(&data, screen);
    let bar = fitted.legend.iter_mut().find(|(title, _)| *title == BARS.title_in_one_line());
    if let Some((_, meaning)) = bar {
        *meaning = bars.meaning();
    }
    fitted
}

/// The column of the bars. What they mean depends on all rows.
const BARS: Column = Column { gives_way: Some(12), ..Column::text("ideal █\nwall ░", "bars") };

/// A table with as many of its columns as there is room for.
struct Fitted {
    text: String,
    /// What each column that is shown means, behind its title.
    legend: Vec<(String, String)>,
    /// The titles of the columns that gave way.
    hidden: Vec<String>,
}

impl Fitted {
    fn new(data: &Data, screen: Screen) -> Fitted {
        let mut shown: Vec<usize> = (0..data.columns.len()).collect();
        let mut hidden = Vec::new();
        loop {
            let table = draw(data, &shown, screen);
            let ranks = shown.iter().enumerate();
            let next = ranks.filter_map(|(at, &column)| Some((data.columns[column].gives_way?, at))).min();
            match next {
                Some((_, at)) if natural_width(&table) > screen.width => {
                    hidden.push(data.columns[shown.remove(at)].title_in_one_line());
                }
                _ => {
                    let explained = shown.iter().map(|&column| &data.columns[column]);
                    let legend = explained
                        .map(|column| (column.title_in_one_line(), column.meaning.to_owned()))
                        .collect();
                    return Fitted { text: table.trim_fmt(), legend, hidden };
                }
            }
        }
    }
}

/// The columns at the places `shown`.
fn draw(data: &Data, shown: &[usize], screen: Screen) -> Table {
    let columns: Vec<&Column> = shown.iter().map(|&column| &data.columns[column]).collect();
    let mut table = plain(screen);
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    let title =
        |column: &&Column| Cell::new(column.title_at_the_bottom(&columns)).add_attribute(Attribute::Bold);
    table.set_header(columns.iter().map(title));
    for row in &data.rows {
        table.add_row(shown.iter().zip(&columns).map(|(&at, column)| {
            let text = printable(&clipped(&row[at].text, CELL_CHARS));
            coloured(column.title, text)
        }));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        let gap = if at + 1 < columns.len() { GAP } else { 0 };
        column.set_padding((0, gap));
        if columns[at].numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    wrapped(table, screen.width)
}

/// Few colours, each with a meaning: bars blue, what is not valid red, and the name of a contender bold.
fn coloured(title: &str, text: String) -> Cell {
    let invalid = title == "verdict" && !text.ends_with("valid");
    let cell = Cell::new(text);
    match title {
        "contender" => cell.add_attribute(Attribute::Bold),
        "verdict" if invalid => cell.fg(Color::Red),
        _ if title == BARS.title => cell.fg(Color::Blue),
        _ => cell,
    }
}

/// How wide `table` is where nothing is wrapped.
fn natural_width(table: &Table) -> usize {
    let contents: usize = table.column_max_content_widths().iter().map(|width| usize::from(*width)).sum();
    let padding: usize = table.column_iter().map(|column| usize::from(column.padding_width())).sum();
    contents + padding
}

/// Texts one below the other, each behind its label and wrapped to the screen's width.
fn paragraphs<L: ToString>(texts: impl IntoIterator<Item = (L, String)>, screen: Screen) -> String {
    let mut table = plain(screen);
    table.load_style(presets::NOTHING);
    for (label, text) in texts {
        table.add_row([
            Cell::new(label.to_string()).add_attribute(Attribute::Dim),
            Cell::new(printable(&text)),
        ]);
    }
    for (column, gap) in table.column_iter_mut().zip([GAP, 0]) {
        column.set_padding((0, gap));
    }
    wrapped(table, screen.width).trim_fmt()
}

/// An empty table. Whether there are colours is set here and nowhere else.
fn plain(screen: Screen) -> Table {
    let mut table = Table::new();
    table.force_no_tty();
    if screen.colours {
        table.enforce_styling();
    }
    table
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
    use crate::record::Record;

    fn shown(record: &Record, width: usize) -> String {
        render(&Comparison::of(record), plain_screen(width))
    }

    fn plain_screen(width: usize) -> Screen {
        Screen { width, colours: false }
    }

    #[test]
    fn a_wide_terminal_shows_every_column() {
        assert!(!shown(&example::record(), 200).contains("Hidden columns"));
    }

    #[test]
    fn models_with_a_client_in_common_have_a_table_of_their_own() {
        let shown = shown(&example::record_with_common_client(), 160);
        let (_, after) = shown.split_once("\n\ncommon").unwrap();
        let costs = format!("common{}", after.split_once("\n\npublished").unwrap().0);
        insta::assert_snapshot!(costs);
    }

    #[test]
    fn eighty_columns() {
        insta::assert_snapshot!(shown(&example::record(), 80));
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        for record in [example::record(), example::hostile_record()] {
            let comparison = Comparison::of(&record);
            for width in 30..220 {
                for line in render(&comparison, plain_screen(width)).lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    /// Ranks are shared, and notes and conclusion do not list everything.
    #[test]
    fn thirty_contenders_on_eighty_columns() {
        let shown = shown(&example::record_of_many(30), 80);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        for line in [
            "   compare 29 others (--rounds 21 is enough).",
            "tests    none: 30 had too few rounds for any test; --rounds 21 is enough",
            "  19  loop-7+common:64                  649 ms    11.8×    min–max 11.8–11.8×",
            "loop-1+common:4x64                220 ms      51.2 %   1.00×  4/5, 1 invalid",
            "·  Hidden columns in the ranking (terminal too narrow): p, rounds",
            "·  Hidden columns in the table of costs (terminal too narrow): ramp,",
            "·  Hidden columns of the published figures (terminal too narrow): ideal,",
        ] {
            assert!(shown.lines().any(|had| had == line), "{line}: {shown}");
        }
    }

    #[test]
    fn columns_give_way_in_the_order_that_is_documented() {
        let comparison = Comparison::of(&example::record());
        let mut order: Vec<String> = Vec::new();
        for width in (30..220).rev() {
            let (rows, table) = (comparison.deployed(), figures::Table::Native);
            let hidden = contenders_with_bars(&comparison, &rows, table, plain_screen(width)).hidden;
            assert!(hidden.starts_with(&order), "{width}: what gave way came back");
            order = hidden;
        }
        let documented = "startup, CPU % of a core, ramp, connections, added p50, ideal, speed-up, CPU time, \
                          added p99, wall interval, ideal █ wall ░, peak memory, CPU per request";
        assert_eq!(order.join(", "), documented);
    }

    #[test]
    fn colours_are_added_and_nothing_else_changes() {
        let comparison = Comparison::of(&example::record());
        let plain = render(&comparison, plain_screen(100));
        let coloured = render(&comparison, Screen { width: 100, colours: true });
        assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}["));
        let mut without = String::new();
        for (part, text) in coloured.split('\u{1b}').enumerate() {
            without += if part == 0 { text } else { text.split_once('m').unwrap().1 };
        }
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&without), trimmed(&plain));
    }
}
