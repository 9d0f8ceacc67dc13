//! The summary of a gate for readers: a headline, a table and notes. In Markdown for a pull request or a step's
//! summary, and for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::judgement::{Ratio, change};
use super::sequential::{ALPHA, BETA, LOSS, MARGIN};
use super::{Cell, FigureResult, Gate, GateFigure, GateOutcome, Judgement, Side, State};
use crate::numbers::{count, duration, percent, three_digits};
use crate::printable::printable;

/// GitHub's limit of a step's summary, in bytes.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>
pub const STEP_SUMMARY_BYTES: usize = 1 << 20;

/// The longest line of prose, however wide the terminal.
const PROSE_WIDTH: usize = 100;

/// Renders in Markdown, ending in a newline.
pub fn markdown(gate: &Gate, judgement: &Judgement) -> String {
    let mut text = format!("### {}\n\n", headline(gate, judgement));
    for line in found(gate, judgement) {
        text += &format!("- {line}\n");
    }
    text += &format!("\n| {} |\n|:--|:--|--:|--:|:--|\n", TITLES.join(" | "));
    for row in table(gate, judgement) {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text += &format!("\n{}\n", LEGEND.join(" "));
    let method: String = method(gate).iter().map(|line| format!("- {line}\n")).collect();
    text += &format!("\n<details><summary>How it was measured</summary>\n\n{method}\n</details>\n");
    text
}

/// Renders for a terminal of so many columns, ending in a newline.
pub fn terminal(gate: &Gate, judgement: &Judgement, width: usize) -> String {
    let mut table_of_figures = Table::new();
    table_of_figures.load_style(presets::NOTHING);
    let plain = |row: [String; 5]| row.map(|text| text.replace("**", ""));
    table_of_figures.set_header(TITLES).add_rows(table(gate, judgement).into_iter().map(plain));
    table_of_figures.set_content_arrangement(ContentArrangement::Dynamic).set_width(width as u16);
    for column in [2, 3] {
        let column = table_of_figures.column_mut(column).expect("it has five columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    let prose = |lines: Vec<String>| {
        // Neither 1e-13 nor the name of a contender is broken at its hyphen.
        let options = textwrap::Options::new(width.min(PROSE_WIDTH))
            .subsequent_indent("   ")
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        lines.iter().map(|line| textwrap::fill(&format!("·  {line}"), &options) + "\n").collect::<String>()
    };
    let legend = LEGEND.map(|line| line.replace("**", ""));
    format!(
        "{}\n\n{}\n{table_of_figures}\n\n{}{}",
        headline(gate, judgement),
        prose(found(gate, judgement)),
        prose(legend.to_vec()),
        prose(method(gate))
    )
}

/// At most `most` bytes of `text`, cut after a line, with a note.
pub fn cut(text: &str, most: usize) -> String {
    const NOTE: &str = "\n… cut: the rest is in the file\n";
    if text.len() <= most {
        return text.to_owned();
    }
    if most < NOTE.len() {
        return String::new();
    }
    let mut end = most.saturating_sub(NOTE.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').map_or(0, |line| line + 1);
    format!("{}{NOTE}", &text[..end])
}

/// The titles of the table.
const TITLES: [&str; 5] = ["cell", "figure", "head against base", "bound", "result"];

const LEGEND: [&str; 2] = [
    "Throughput +1 % is better; of all other figures it is worse. The bound holds at every stopping time: how bad a \
     figure can be at most, or of what is worse at least; of a count it is its variation.",
    "target-limited: the target was the limit of a wall time, so the ratio is not that of the builds and is not judged.",
];

/// The most figures that a headline names.
const MOST_NAMED: usize = 3;

/// The outcome in one line, with what was decided.
fn headline(gate: &Gate, judgement: &Judgement) -> String {
    let own = || judgement.rows.iter().filter(|row| !gate.cells[row.cell].control);
    let name =
        |row: &FigureResult| format!("{} of {}", row.figure.name(), printable(&gate.cells[row.cell].name()));
    let list = |rows: Vec<&FigureResult>| {
        let named: Vec<String> = rows.iter().take(MOST_NAMED).map(|row| name(row)).collect();
        let more = rows.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", named.join("; "))
    };
    let count = |state: State| own().filter(|row| row.state == state).count();
    match judgement.outcome {
        GateOutcome::Regression => {
            let worse: Vec<_> = own().filter(|row| row.is_worse()).collect();
            let changed = |row: &&FigureResult| row.ratio.map(|ratio| change(row.figure, ratio.estimate));
            match (&worse[..], worse.first().and_then(changed)) {
                ([row], Some(change)) => format!("Regression: {} {change}", name(row)),
                _ => format!("Regression: {} figures are worse: {}", worse.len(), list(worse)),
            }
        }
        GateOutcome::Pass => {
            let open = count(State::Undecided);
            let open = if open > 0 {
                format!("; {open} that are not required are undecided")
            } else {
                String::new()
            };
            format!("Pass: nothing is worse; decided figures: {}{open}", count(State::NotWorse))
        }
        GateOutcome::Inconclusive => {
            let open: Vec<_> = own().filter(|row| row.required && !row.is_decided()).collect();
            let open: Vec<_> = open
                .into_iter()
                .filter(|row| matches!(row.state, State::Undecided | State::Missing(_)))
                .collect();
            let decided = match count(State::NotWorse) {
                0 => String::new(),
                decided => format!("; {decided} figures are not worse"),
            };
            match open.is_empty() {
                true => format!("Undecided: a regression could have been missed{decided}"),
                false => format!("Undecided: {}{decided}", list(open)),
            }
        }
    }
}

/// The findings, the doubts and the notes.
pub(super) fn found(gate: &Gate, judgement: &Judgement) -> Vec<String> {
    let findings = judgement.rows.iter().filter(|row| row.is_worse()).map(|row| finding(gate, row));
    let doubts = judgement.doubts.iter().map(|doubt| printable(doubt));
    let not_offered = gate
        .not_offered
        .iter()
        .map(|(figure, why)| format!("{} are not judged here: {}", figure.name(), printable(why)));
    let limited: Vec<String> = judgement
        .rows
        .iter()
        .filter(|row| row.state == State::TargetLimited && !gate.cells[row.cell].control)
        .map(|row| printable(&gate.cells[row.cell].name()))
        .collect();
    let limited = (!limited.is_empty())
        .then(|| format!("throughput not judged, since the target was the limit: {}", limited.join("; ")));
    let same = gate.base.digest == gate.head.digest;
    let same = same.then(|| "base and head are the same program".to_owned());
    let unmatched = [(Side::Head, "new, so not judged"), (Side::Base, "removed, so not judged")];
    let unmatched = unmatched.into_iter().filter_map(|(side, what)| {
        let cells = gate.unmatched.iter().filter(|unmatched| unmatched.only_in == side);
        let names: Vec<String> = cells.map(|unmatched| printable(&unmatched.cell)).collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join("; ")))
    });
    let notes = judgement.notes.iter().map(|note| printable(note));
    findings
        .chain(doubts)
        .chain(limited)
        .chain(not_offered)
        .chain(unmatched)
        .chain(same)
        .chain(notes)
        .collect()
}

/// A figure that is worse, in a sentence.
pub(super) fn finding(gate: &Gate, row: &FigureResult) -> String {
    let cell = &gate.cells[row.cell];
    let name = printable(&cell.name());
    let of = row.figure.name();
    match (row.counts, row.ratio) {
        (Some((base, head)), ratio) => {
            let each = if row.figure == GateFigure::Connections { "a run" } else { "a request" };
            let part = ratio.map(|ratio| format!(" ({})", change(row.figure, ratio.estimate)));
            let (base, head) = (three_or_all(base), three_or_all(head));
            format!("{name}: {of} went from {base} to {head} {each}{}", part.unwrap_or_default())
        }
        (None, Some(ratio)) => {
            let bound = bound(row, ratio).map_or(String::new(), |bound| format!(", {bound},"));
            format!("{name}: {of} {}{bound} after {} pairs", change(row.figure, ratio.estimate), row.pairs)
        }
        _ => format!("{name}: {of}"),
    }
}

/// A count with all its digits where it is a small whole number.
fn three_or_all(number: f64) -> String {
    let whole = number.fract() == 0.0 && number < 1e6;
    if whole { count(number as u64) } else { three_digits(number) }
}

/// A line for each figure; the first of a cell has its name.
fn table(gate: &Gate, judgement: &Judgement) -> Vec<[String; 5]> {
    let mut last = None;
    let mut line = |row: &FigureResult| {
        let is_first = last.replace(row.cell) != Some(row.cell);
        let cell = if is_first { named(&gate.cells[row.cell]) } else { String::new() };
        let counts =
            || row.counts.map(|(base, head)| format!("{} → {}", three_or_all(base), three_or_all(head)));
        let change = row.ratio.map(|ratio| change(row.figure, ratio.estimate)).or_else(counts);
        let bound = row.ratio.and_then(|ratio| bound(row, ratio));
        [
            cell,
            row.figure.name().to_owned(),
            change.unwrap_or_default(),
            bound.unwrap_or_default(),
            result(row),
        ]
    };
    judgement.rows.iter().map(&mut line).collect()
}

fn named(cell: &Cell) -> String {
    let name = printable(&cell.name());
    if cell.control { format!("{name}: A/A control") } else { name }
}

/// The result of a figure in a word or two.
fn result(row: &FigureResult) -> String {
    let open = if row.required { "undecided" } else { "undecided, not required" };
    match row.state {
        State::NotWorse => "not worse",
        State::Worse => "**worse**",
        State::Undecided => open,
        State::TooNoisy => "varies too much",
        State::Missing(_) => "not measured",
        State::NotOffered => "not counted here",
        State::TargetLimited => "target-limited",
    }
    .to_owned()
}

/// The bound that decides: `at most +2.1 %`, of what is worse `at least +1.9 %`, of a count `± 1.0 %`.
fn bound(row: &FigureResult, ratio: Ratio) -> Option<String> {
    match (row.is_worse(), ratio.at_least, ratio.interval) {
        (_, _, Some((_, most))) if row.counts.is_some() => {
            Some(format!("± {:.1} %", (most - ratio.estimate) * 100.0))
        }
        (true, Some(least), _) => Some(format!("at least {}", change(row.figure, least))),
        (false, _, Some((_, most))) => Some(format!("at most {}", change(row.figure, most))),
        _ => None,
    }
}

/// The builds, the machine, the time and the method, a line each.
fn method(gate: &Gate) -> Vec<String> {
    let machine = &gate.machine;

    let least = gate.cells.iter().map(|cell| cell.runs).min().unwrap_or(0);
    let most = gate.cells.iter().map(|cell| cell.runs).max().unwrap_or(0);
    let runs = match (least, most) {
        (1, 1) => "a run".to_owned(),
        _ if least == most => format!("{least} runs"),
        _ => format!("{least} to {most} runs"),
    };
    let quotas = machine.settings.cpu_quotas.iter();
    vec![
        format!("base {}, head {}", gate.base.label(), gate.head.label()),
        format!(
            "{}, {} cores{}, {}; {}; {} for {} pairs of {runs} of each build",
            printable(&machine.cpu_model),
            machine.cores,
            quotas.map(|quota| printable(&format!(", {quota}"))).collect::<String>(),
            printable(&machine.kernel),
            printable(&gate.started_at),
            duration(gate.took_ns),
            gate.pairs.len(),
        ),
        format!(
            "pairs were added until each figure was decided, at most {} of a cell: worse is more than {}, at {} for all \
             figures and looks together; not worse excludes a loss of {}, at {} for each",
            super::LOOKS[super::LOOKS.len() - 1],
            percent(MARGIN.exp() - 1.0),
            percent(ALPHA),
            percent(1.0 - (-LOSS).exp()),
            percent(BETA),
        ),
        printable(&gate.command),
    ]
}
