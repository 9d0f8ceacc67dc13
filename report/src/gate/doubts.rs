//! Why a gate may be inconclusive.

use super::candidates::MUST_FIND;
use super::judgement::change;
use super::{FigureResult, Gate, GateFigure, State};
use crate::numbers::percent;

/// The largest acceptable share of repeated runs: repeating those that the target delayed is a selection.
const MOST_REPEATED: f64 = 0.05;

/// Why measured figures are not reliable. Counts are reliable nevertheless.
pub(super) fn of_the_machine(gate: &Gate, rows: &[FigureResult]) -> Vec<String> {
    if !rows.iter().any(|row| row.figure.is_measured()) {
        return Vec::new(); // noise affects no figure
    }
    let disturbances = gate.noise.disturbances(gate.took_ns).into_iter().map(|disturbance| {
        format!("{disturbance}: {}", percent(disturbance.share(&gate.noise, gate.took_ns)))
    });
    let distinguished =
        rows.iter().filter(|row| gate.cells[row.cell].control && row.is_significant()).map(|row| {
            format!("the A/A control shows a difference in {}: the machine is biased", row.figure.name())
        });
    disturbances.chain(distinguished).collect()
}

/// Why regressions could have been missed.
pub(super) fn of_the_rows(gate: &Gate, rows: &[FigureResult]) -> Vec<String> {
    let mut doubts = Vec::new();
    for (index, cell) in gate.cells.iter().enumerate() {
        let of_cell = || rows.iter().filter(|row| row.cell == index);
        if !cell.control && of_cell().all(|row| matches!(row.state, State::NotOffered | State::TooNoisy)) {
            doubts.push(format!("{}: no figure was measured", cell.name()));
        }
        let is_limited = of_cell().any(|row| row.state == State::TargetLimited);
        if !cell.control && is_limited && !of_cell().any(stands_for_throughput) {
            doubts.push(format!(
                "throughput of {}: the target was the limit, and neither CPU nor instructions are judged in its \
                 place: add cpu to its figures, or take fewer in flight or longer delays",
                cell.name()
            ));
        }
        let pairs = || gate.pairs.iter().filter(|pair| pair.cell == index);
        let repeated: u32 = pairs().map(|pair| pair.repeated).sum();
        let share = f64::from(repeated) / (pairs().count().max(1) as f64 * f64::from(cell.runs.max(1)));
        if share > MOST_REPEATED && of_cell().any(|row| row.figure.is_measured()) {
            doubts.push(format!("{}: the target delayed {} of its runs", cell.name(), percent(share)));
        }
        for row in of_cell() {
            let what = || format!("{} of {}", row.figure.name(), cell.name());
            match (&row.state, row.detectable) {
                (State::Missing(why), _) => doubts.push(format!("{}: {why}", what())),
                (State::NotWorse | State::NotConfirmed, Some(least))
                    if row.figure.is_measured() && least.ln() > MUST_FIND =>
                {
                    doubts.push(format!("{}: {} could have been missed", what(), change(row.figure, least)));
                }
                (State::NotWorse | State::NotConfirmed, None)
                    if row.figure.is_measured() && !cell.control =>
                {
                    doubts.push(format!("{}: no change is detectable", what()));
                }
                _ => {}
            }
        }
    }
    // A gate may have only contenders that are new or removed.
    if rows.is_empty() && gate.unmatched.is_empty() {
        doubts.push("nothing was measured".to_owned());
    }
    doubts
}

/// Whether it was judged and is the contender's own figure, even where the target limits the wall time.
fn stands_for_throughput(row: &FigureResult) -> bool {
    matches!(row.figure, GateFigure::Cpu | GateFigure::Instructions)
        && matches!(row.state, State::NotWorse | State::NotConfirmed | State::Worse | State::Unreliable)
}
