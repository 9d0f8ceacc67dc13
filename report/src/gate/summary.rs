//! The summary of a gate for readers: a headline, a table and notes. In Markdown for a pull request or a step's
//! summary, and for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::candidates::{ALPHA, MARGIN, MUST_FIND};
use super::judgement::{Ratio, change};
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
    let mut text = format!("### {}\n\n", headline(judgement));
    for line in found(gate, judgement) {
        text += &format!("- {line}\n");
    }
    let [titles, rows @ ..] = &table(gate, judgement)[..] else { unreachable!("a table has titles") };
    text += &format!("\n| {} |\n|:--{}|\n", titles.join(" | "), "|--:".repeat(titles.len() - 1));
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text += &format!("\n{}\n", LEGEND.join(" "));
    let method: String = method(gate).iter().map(|line| format!("- {line}\n")).collect();
    text += &format!("\n<details><summary>How it was measured</summary>\n\n{method}\n</details>\n");
    text
}

/// Renders for a terminal of so many columns, ending in a newline.
pub fn terminal(gate: &Gate, judgement: &Judgement, width: usize) -> String {
    let mut table_of_cells = Table::new();
    table_of_cells.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let [titles, rows @ ..] = &table(gate, judgement)[..] else { unreachable!("a table has titles") };
    let plain = |row: &Vec<String>| row.iter().map(|text| text.replace("**", "")).collect::<Vec<_>>();
    table_of_cells.set_header(titles.clone()).add_rows(rows.iter().map(plain));
    table_of_cells.set_content_arrangement(ContentArrangement::Dynamic).set_width(width as u16);
    for column in table_of_cells.column_iter_mut().skip(1) {
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
        "{}\n\n{}\n{table_of_cells}\n\n{}{}",
        headline(judgement),
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

const LEGEND: [&str; 4] = [
    "Head against base: throughput +1 % is better, for all other figures it is worse. ± is half the 98 % interval, of \
     a count its variation.",
    "**worse**: found and confirmed by new runs. not confirmed: looked worse, and new runs did not confirm it.",
    "?: see above. In parentheses: a count that varies too much to be judged. –: not judged.",
    "†: the target was the limit of a wall time, so the ratio is not that of the builds and is not judged.",
];

/// The outcome in one line.
fn headline(judgement: &Judgement) -> String {
    let worse = judgement.rows.iter().filter(|row| row.is_worse()).count();
    let figures = if worse == 1 { "figure is" } else { "figures are" };
    match judgement.outcome {
        GateOutcome::Pass => "Pass: nothing is worse".to_owned(),
        GateOutcome::Regression => format!("Regression: {worse} {figures} worse"),
        GateOutcome::Inconclusive => "Inconclusive: a regression could have been missed".to_owned(),
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
    findings.chain(doubts).chain(limited).chain(not_offered).chain(unmatched).chain(same).collect()
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
        (None, Some(Ratio { estimate, interval: Some((low, high)) })) => {
            let [estimate, one, other] = [estimate, low, high].map(|ratio| change(row.figure, ratio));
            format!(
                "{name}: {of} {estimate} (98 % interval {one} to {other}, {} new pairs, p = {:.1e} adjusted)",
                row.pairs,
                row.p.unwrap_or(1.0)
            )
        }
        _ => format!("{name}: {of}"),
    }
}

/// A count with all its digits where it is a small whole number.
fn three_or_all(number: f64) -> String {
    let whole = number.fract() == 0.0 && number < 1e6;
    if whole { count(number as u64) } else { three_digits(number) }
}

/// Titles, then a line per cell. Figures that no cell has are left out.
fn table(gate: &Gate, judgement: &Judgement) -> Vec<Vec<String>> {
    let judged = |figure: &GateFigure| judgement.rows.iter().any(|row| row.figure == *figure);
    let figures: Vec<GateFigure> = GateFigure::ALL.into_iter().filter(judged).collect();
    let titles = ["cell"].into_iter().chain(figures.iter().map(|figure| figure.name())).map(str::to_owned);
    let mut lines = vec![titles.collect::<Vec<_>>()];
    for (index, cell) in gate.cells.iter().enumerate() {
        let of = |figure: &GateFigure| {
            judgement.rows.iter().find(|row| (row.cell, row.figure) == (index, *figure))
        };
        let texts = figures.iter().map(|figure| of(figure).map_or("–".to_owned(), text));
        lines.push([named(cell)].into_iter().chain(texts).collect());
    }
    lines
}

fn named(cell: &Cell) -> String {
    let name = printable(&cell.name());
    if cell.control { format!("{name}: A/A control") } else { name }
}

/// A figure in a cell of the table.
fn text(row: &FigureResult) -> String {
    let ratio = row.ratio.map(|ratio| {
        let change = change(row.figure, ratio.estimate);
        let half = match ratio.interval {
            Some((low, high)) => (high - low) / 2.0,
            None => row.detectable.map_or(0.0, |least| least - 1.0),
        };
        format!("{change} ± {:.1}", half * 100.0)
    });
    let counts = || row.counts.map(|(base, head)| format!("{} → {}", three_or_all(base), three_or_all(head)));
    let text = ratio.or_else(counts).unwrap_or_default();
    match row.state {
        State::NotWorse => text,
        State::NotConfirmed => format!("{text} not confirmed"),
        State::Worse => format!("**{text} worse**"),
        State::Unreliable | State::Missing(_) => format!("{text} ?"),
        State::TooNoisy => format!("({text})"),
        State::NotOffered => "–".to_owned(),
        State::TargetLimited => format!("{text} †"),
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
    let screened = super::SCREEN_PAIRS;
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
            "{screened} pairs of each cell screen for candidates, new pairs confirm them: worse than {} at {}, adjusted \
             for all candidates; a drop of {} must be detectable",
            percent(MARGIN.exp() - 1.0),
            percent(ALPHA),
            percent(1.0 - (-MUST_FIND).exp()),
        ),
        printable(&gate.command),
    ]
}
