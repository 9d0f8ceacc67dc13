//! Histories as tables: for a terminal, and in Markdown.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};

use super::History;
use super::changes::{LEAST_GATES, Way};
use super::reference::list;
use super::series::{Point, Series, date};
use crate::numbers::{self, NONE, count};
use crate::printable::{clipped, printable};
use crate::tables::data::{Cell, Data};
use crate::tables::markdown::{escaped, table};

/// The longest line of prose, however wide the terminal.
const PROSE_WIDTH: usize = 100;

/// Names of heads are cut after this many characters: the beginning of a revision identifies it.
const NAME_CHARS: usize = 32;

/// Renders for a terminal of so many columns, ending in a newline.
pub fn terminal(histories: &[History], width: usize) -> String {
    let prose = |lines: Vec<String>| {
        let fill = |line: String| textwrap::fill(&line, width.min(PROSE_WIDTH)) + "\n";
        lines.into_iter().map(fill).collect::<String>()
    };
    let mut text = String::new();
    for history in histories {
        let (class, lines) = heading(history);
        let heading = prose([vec![class], lines].concat());
        text += &format!("{heading}\n{}\n\n", drawn(&data(history, "\n"), width));
    }
    text + &prose(legend())
}

fn drawn(data: &Data, width: usize) -> String {
    const GAP: u16 = 2;
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_header(data.columns.iter().map(|column| column.title));
    let mut cell_above = "";
    for row in &data.rows {
        let mut texts: Vec<&str> = row.iter().map(|cell| cell.text.as_str()).collect();
        if std::mem::replace(&mut cell_above, texts[0]) == texts[0] {
            texts[0] = "";
        }
        table.add_row(texts);
    }
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    for (at, (drawn, column)) in table.column_iter_mut().zip(&data.columns).enumerate() {
        drawn.set_padding((0, if at + 1 < data.columns.len() { GAP } else { 0 }));
        if column.numeric {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
        if column.numeric || column.key == "figure" {
            drawn.set_constraint(ColumnConstraint::ContentWidth); // only columns of text may wrap
        }
    }
    table.trim_fmt()
}

/// Renders in Markdown, ending in a newline.
pub fn markdown(histories: &[History]) -> String {
    let mut text = String::new();
    for history in histories {
        let (class, lines) = heading(history);
        text += &format!("### {}\n\n", escaped(&class));
        text += &lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\\\n");
        text += &format!("\n\n{}\n\n", table(&data(history, "; ")));
    }
    text + &legend().iter().map(|line| escaped(line)).collect::<Vec<_>>().join(" ") + "\n"
}

/// The class of machines; and below it the gates, the reference and what was left out.
pub(crate) fn heading(history: &History) -> (String, Vec<String>) {
    let date = |started_at: &String| printable(&date(started_at));
    let gates = match &history.started_at[..] {
        [] => "no gate".to_owned(),
        [only] => format!("1 gate, on {}", date(only)),
        [first, .., last] => {
            let gates = count(history.started_at.len() as u64);
            format!("{gates} gates from {} to {}", date(first), date(last))
        }
    };
    let mut lines = vec![format!("{gates}, each head against {}", history.reference.label())];
    if !history.left_out.is_empty() {
        let others = list(&history.left_out);
        lines.push(format!("left out, since their base is another: {others} (--reference)"));
    }
    (printable(&history.class.name()), lines)
}

/// The data of the table: a row for each series, its changes separated by `between`.
pub(crate) fn data(history: &History, between: &str) -> Data {
    let mut data = Data::new(&[
        ("cell", "cell", false),
        ("figure", "figure", false),
        ("gates", "gates", true),
        ("first", "first_ratio", true),
        ("last", "last_ratio", true),
        ("changed", "changed", false),
    ]);
    data.rows.extend(history.series.iter().map(|series| row(series, between)));
    data
}

fn row(series: &Series, between: &str) -> Vec<Cell> {
    let ratio = |point: Option<&Point>| {
        point.map_or_else(Cell::none, |point| Cell::figure(numbers::change(point.ratio), point.ratio))
    };
    let gates = series.points.len();
    vec![
        Cell::text(printable(&series.cell)),
        Cell::text(series.figure.name()),
        Cell::figure(count(gates as u64), gates as f64),
        ratio(series.points.first()),
        ratio(series.points.last()),
        Cell::text(changes(series).join(between)),
    ]
}

/// Each change, or why there is none.
fn changes(series: &Series) -> Vec<String> {
    let mut lines: Vec<String> = series
        .steps()
        .map(|step| {
            let way = match step.way {
                Way::Better => ", better",
                Way::Worse => ", worse",
                Way::Spread => "",
            };
            let head = clipped(&printable(&step.after.head), NAME_CHARS);
            format!("{} {head}: {}{way}", printable(&step.after.date()), step.text())
        })
        .collect();
    if series.levels.is_empty() && !series.points.is_empty() {
        let (all, complete) = (series.points.len(), series.points.iter().filter(|p| p.counts()).count());
        let [shown, of] = [complete, all].map(|gates| count(gates as u64));
        let too_few = format!("too few complete gates ({shown} of {of})");
        lines.push(if complete == all { "too few gates".to_owned() } else { too_few });
    }
    if series.without > 0 {
        lines.push(format!("{} without a ratio", count(series.without as u64)));
    }
    if lines.is_empty() {
        lines.push(NONE.to_owned());
    }
    lines
}

/// The meaning of the columns.
pub(crate) fn legend() -> Vec<String> {
    vec![
        "first, last: the head of that gate against the reference. Throughput +1 % is better, for all other figures it \
         is worse."
            .to_owned(),
        format!(
            "changed: where the distribution changed, by E-divisive, from {LEAST_GATES} complete gates on, with the \
             change of the median, or \"spread\" where that is less than 0.05 %. The head is the first after the \
             change. It is a hint: of a hundred lines about one changes by chance, and a drift looks like a change too."
        ),
        "complete: no pair and no count of the figure is missing. without a ratio: one of the two builds has no count, \
         or no pair was valid."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Build, Gate, GateFigure, Side, example};

    fn histories(gates: &[Gate]) -> Vec<History> {
        History::all(gates, None).unwrap()
    }

    /// The example, and three gates on another machine, one of them against another base.
    fn two_classes() -> Vec<Gate> {
        let mut gates = example::gates(27);
        for gate in &mut gates[24..] {
            gate.machine.cores = 4;
        }
        gates[24].base = Build { name: "v0.9".to_owned(), digest: "f00dfeed".repeat(8) };
        gates
    }

    #[test]
    fn a_history_on_a_terminal() {
        insta::assert_snapshot!("terminal", terminal(&histories(&two_classes()), 120));
    }

    #[test]
    fn sixty_columns() {
        let text = terminal(&histories(&two_classes()), 60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        insta::assert_snapshot!("sixty_columns", text);
    }

    #[test]
    fn a_history_in_markdown() {
        insta::assert_snapshot!("markdown", markdown(&histories(&two_classes())));
    }

    #[test]
    fn incomplete_gates_are_distinguished_from_few_gates() {
        let mut gates = example::gates(12);
        for gate in &mut gates[..3] {
            gate.pairs.retain(|pair| pair.cell != 0 || pair.first == Side::Base);
        }
        let histories = histories(&gates);
        let of = |figure| histories[0].series.iter().find(|series| series.figure == figure).unwrap();
        assert_eq!(changes(of(GateFigure::Throughput)), ["too few complete gates (9 of 12)"]);
        assert_eq!(changes(of(GateFigure::Instructions)), ["–"]);
    }

    #[test]
    fn a_spread_that_changed_is_neither_better_nor_worse() {
        let mut series = histories(&example::gates(24))[0].series[0].clone();
        series.levels[1].ratio = series.levels[0].ratio;
        assert_eq!(changes(&series), ["2026-03-14 head-14: spread"]);
    }
}
