//! Why a gate is inconclusive, and what else its reader should know.

use std::time::Duration;

use super::judgement::change;
use super::{FigureResult, Gate, GateFigure, State};
use crate::numbers::{duration, percent};

/// The share of repeated runs from which on they are mentioned.
const MANY_REPEATED: f64 = 0.05;

/// Why regressions could have been missed, each in one line.
pub(super) fn of(gate: &Gate, rows: &[FigureResult]) -> Vec<String> {
    let biased = gate.biased().into_iter().map(|figure| {
        format!(
            "the A/A control shows a difference in {}: the machine favours one of two equal programs",
            figure.name()
        )
    });
    let mut doubts: Vec<String> = biased.collect();
    // A gate that stopped at a regression left the others where they were.
    let stopped = !gate.keep_going && rows.iter().any(FigureResult::is_worse);
    for (index, cell) in gate.cells.iter().enumerate().filter(|(_, cell)| !cell.control && !stopped) {
        let of_cell = || rows.iter().filter(|row| row.cell == index);
        if of_cell().all(|row| matches!(row.state, State::NotOffered | State::TooNoisy)) {
            doubts.push(format!("{}: no figure was measured", cell.name()));
        }
        let is_limited = of_cell().any(|row| row.state == State::TargetLimited);
        if is_limited && !of_cell().any(stands_for_throughput) {
            doubts.push(format!(
                "throughput of {}: the target was the limit, and neither CPU nor instructions are judged in its \
                 place: add cpu to its figures, or take fewer in flight or longer delays",
                cell.name()
            ));
        }
        doubts.extend(of_cell().filter(|row| row.required).filter_map(|row| undecided(gate, row)));
        if !of_cell().any(|row| row.required) && !of_cell().any(FigureResult::is_decided) {
            doubts.extend(of_cell().filter_map(|row| undecided(gate, row)));
        }
    }
    // A gate may have only contenders that are new or removed.
    if rows.is_empty() && gate.unmatched.is_empty() {
        doubts.push("nothing was measured".to_owned());
    }
    doubts
}

/// A figure that is neither worse nor not worse: what could have gone unnoticed, and what would decide it.
fn undecided(gate: &Gate, row: &FigureResult) -> Option<String> {
    let what = format!("{} of {}", row.figure.name(), gate.cells[row.cell].name());
    let why = match (&row.state, row.ratio) {
        (State::Missing(why), _) => why.clone(),
        (State::Undecided, Some(ratio)) => {
            let most = ratio.interval.map(|(_, most)| change(row.figure, most));
            let unnoticed = most.map_or("any change".to_owned(), |most| format!("as much as {most}"));
            let estimate = change(row.figure, ratio.estimate);
            format!(
                "{estimate} after {} pairs, {unnoticed} could have gone unnoticed{}",
                row.pairs,
                longer(gate, row)
            )
        }
        _ => return None,
    };
    Some(format!("{what}: {why}"))
}

/// How much longer it would take to decide a figure, at this noise.
fn longer(gate: &Gate, row: &FigureResult) -> String {
    let Some(pairs) = row.pairs_to_decide else {
        return "; this machine is too noisy to decide it".to_owned();
    };
    let each_ns = gate.took_ns / (gate.pairs.len().max(1) as u64);
    let more_ns = each_ns * u64::from(pairs.saturating_sub(row.pairs));
    let budget = gate.budget_ns.map_or(String::new(), |budget_ns| {
        // With its A/A control.
        let minutes = Duration::from_nanos(budget_ns + 2 * more_ns).as_secs().div_ceil(60);
        format!(" (--budget {minutes}m)")
    });
    format!("; about {pairs} pairs would decide it, {} more{budget}", duration(more_ns))
}

/// What the machine did, without an effect on the outcome: noise is in the pairs.
pub(super) fn notes(gate: &Gate, rows: &[FigureResult]) -> Vec<String> {
    if !rows.iter().any(|row| row.figure.is_measured()) {
        return Vec::new(); // noise affects no figure
    }
    let disturbances = gate.noise.disturbances(gate.took_ns).into_iter();
    let disturbances = disturbances.map(|disturbance| {
        format!("{disturbance}: {}", percent(disturbance.share(&gate.noise, gate.took_ns)))
    });
    let own = gate.cells.iter().enumerate().filter(|(_, cell)| !cell.control);
    let repeated = own.filter_map(|(index, cell)| {
        let pairs = || gate.judged_pairs(index);
        let repeated: u32 = pairs().map(|pair| pair.repeated).sum();
        let share = f64::from(repeated) / (pairs().count().max(1) as f64 * f64::from(cell.runs.max(1)));
        let is_much = share > MANY_REPEATED;
        is_much.then(|| {
            format!(
                "{}: the target delayed {} of its runs; both builds ran again",
                cell.name(),
                percent(share)
            )
        })
    });
    let open = rows.iter().filter(|row| !row.required && !gate.cells[row.cell].control);
    let open = open.filter_map(|row| undecided(gate, row)).map(|line| format!("not required: {line}"));
    disturbances.chain(repeated).chain(open).collect()
}

/// Whether it was judged and is the contender's own figure, even where the target limits the wall time.
fn stands_for_throughput(row: &FigureResult) -> bool {
    matches!(row.figure, GateFigure::Cpu | GateFigure::Instructions)
        && matches!(row.state, State::NotWorse | State::Worse | State::Undecided)
}
