//! What a gate says: each figure of each cell, and the whole.

use std::cell::LazyCell;

use super::candidates::{ALPHA, MARGIN, MUST_FIND, Candidate, confirm, pairs_needed, screen};
use super::{GateFigure, Gate, SCREEN_PAIRS, Side, Stage};
use crate::numbers::{self, percent};
use crate::stats::{hodges_lehmann, holm, signed_rank, smallest_shift_that_all_find};

/// How sure the interval of a ratio is: its lower end is where the one-sided test at [`ALPHA`] stands.
const CONFIDENCE: f64 = 1.0 - 2.0 * ALPHA;

/// How often a drop of the size that is told as detectable would have been found.
const POWER: f64 = 0.8;

/// What a gate says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The whole.
    pub outcome: GateOutcome,
    /// Every cell with each of its figures, in the order of the cells, the hidden one last.
    pub rows: Vec<Row>,
    /// Why it is inconclusive, or would be if nothing had been found: each in one line.
    pub doubts: Vec<String>,
}

/// The whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOutcome {
    /// Everything was measured well enough to find what must be found, and nothing was found.
    Pass,
    /// Something is worse.
    Regression,
    /// Nothing was found that is believed, and something could have been missed.
    Inconclusive,
}

/// One figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Index of the cell.
    pub cell: usize,
    /// Which figure.
    pub figure: GateFigure,
    /// What became of it.
    pub state: State,
    /// Head ÷ base.
    pub ratio: Option<Ratio>,
    /// The medians of a count, base's and head's.
    pub counts: Option<(f64, f64)>,
    /// Pairs behind it: those of the last stage that it went through.
    pub pairs: u32,
    /// Of a candidate, the p of its last test, adjusted for all candidates.
    pub p: Option<f64>,
    /// The least ratio that would have been found in four of five such gates.
    pub detectable: Option<f64>,
}

/// What became of a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Nothing looks worse.
    Even,
    /// It looked worse at first, and fresh pairs did not bear it out.
    Cleared,
    /// It is worse.
    Worse,
    /// By its pairs it is worse, and the machine is such that no pair is believed.
    Doubtful,
    /// A count that varies too much by itself to be judged here.
    Restless,
    /// It was not measured as it should have been: why.
    Missing(String),
    /// This machine cannot count it.
    NotOffered,
    /// The target was the limit of the wall of one of the builds, so the ratio is not that of the builds.
    TargetLimited,
}

/// A ratio with its interval; a count's is without.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The estimate of Hodges and Lehmann, or the ratio of two medians.
    pub estimate: f64,
    /// The interval that inverts the test by itself, without the adjustment for the other candidates.
    pub interval: Option<(f64, f64)>,
}

impl Row {
    /// Every figure of the gate tested, without what was [detectable](Row#structfield.detectable), which takes its time.
    pub fn tested(gate: &Gate) -> Vec<Row> {
        let candidates = gate.candidates();
        let heard: Vec<f64> = candidates.iter().map(|candidate| p_of(gate, candidate)).collect();
        let adjusted = holm(&heard);
        let rows = gate.judged().map(|(cell, _, figure)| {
            if !figure.is_measured() {
                return Row::of_count(gate, cell, figure);
            }
            let at = candidates.iter().position(|candidate| (candidate.cell, candidate.figure) == (cell, figure));
            Row::of_pairs(gate, cell, figure, at.map(|at| (candidates[at], adjusted[at])))
        });
        rows.collect()
    }

    /// As [`Row::tested`], and where the machine is not believed nothing that was measured is worse.
    pub fn believed(gate: &Gate) -> Vec<Row> {
        let mut rows = Row::tested(gate);
        if !doubts_of_the_machine(gate, &rows).is_empty() {
            for row in rows.iter_mut().filter(|row| row.figure.is_measured() && row.is_worse()) {
                row.state = State::Unreliable;
            }
        }
        rows
    }

    fn new(cell: usize, figure: GateFigure, state: State) -> Row {
        Row { cell, figure, state, ratio: None, counts: None, pairs: 0, p: None, detectable: None }
    }

    fn of_pairs(gate: &Gate, cell: usize, figure: GateFigure, candidate: Option<(Candidate, f64)>) -> Row {
        let (stage, asked) = match candidate {
            None => (Stage::Screen, SCREEN_PAIRS),
            Some((candidate, _)) => (Stage::Confirm, candidate.pairs),
        };
        let differences = gate.differences(cell, figure, stage);
        let pairs = differences.len() as u32;
        let is_limited = |side| figure == GateFigure::Throughput && gate.is_target_limited(cell, stage, side);
        // Where only the base's wall is the target's, its own is no longer: what is worse than that is worse.
        let state = match candidate {
            _ if pairs < asked => State::Missing(format!("{pairs} of {asked} pairs were valid")),
            _ if is_limited(Side::Head) => State::TargetLimited,
            Some((_, p)) if p <= ALPHA => State::Worse,
            _ if is_limited(Side::Base) => State::TargetLimited,
            None => State::NotWorse,
            Some(_) => State::NotConfirmed,
        };
        let ratio = hodges_lehmann(&differences, CONFIDENCE).map(|location| Ratio {
            estimate: location.estimate.exp(),
            interval: Some((location.low.exp(), location.high.exp())),
        });
        Row { ratio, pairs, p: candidate.map(|(_, p)| p), ..Row::new(cell, figure, state) }
    }

    fn of_count(gate: &Gate, cell: usize, figure: GateFigure) -> Row {
        let first = gate.counted(cell, figure, Stage::Screen);
        let not_offered = gate.not_offered.iter().any(|(missing, _)| *missing == figure);
        let Some(first) = first else {
            let missing = || State::Missing("it was not counted".to_owned());
            return Row::new(cell, figure, if not_offered { State::NotOffered } else { missing() });
        };
        let restless = first.unnoticed > MUST_FIND.exp_m1();
        let again = LazyCell::new(|| gate.counted(cell, figure, Stage::Confirm));
        let (state, told) = match (first.worse, figure, *again) {
            (false, ..) if restless => (State::TooNoisy, first),
            (false, ..) => (State::NotWorse, first),
            // Every run was counted, not three.
            (true, GateFigure::Connections, _) => (State::Worse, first),
            (true, _, None) => (State::Missing("it was not counted again".to_owned()), first),
            (true, _, Some(again)) if again.worse => (State::Worse, again),
            (true, _, Some(again)) => (State::NotConfirmed, again),
        };
        let ratio = (told.base > 0.0).then(|| Ratio { estimate: told.head / told.base, interval: None });
        let detectable = Some(1.0 + told.unnoticed);
        Row { ratio, counts: Some((told.base, told.head)), detectable, ..Row::new(cell, figure, state) }
    }

    /// The least ratio that this row would have shown, had there been one, found by drawing from the noise
    /// that it has. `candidates` is how many were heard.
    fn detectable(&self, gate: &Gate, candidates: usize) -> Option<f64> {
        let of_stage = |stage| {
            let differences = gate.differences(self.cell, self.figure, stage);
            let centre = hodges_lehmann(&differences, CONFIDENCE).map_or(0.0, |location| location.estimate);
            differences.into_iter().map(move |difference| difference - centre)
        };
        let noise: Vec<f64> = [Stage::Screen, Stage::Confirm].into_iter().flat_map(of_stage).collect();
        let pairs = pairs_needed(&gate.differences(self.cell, self.figure, Stage::Screen));
        // Had it looked worse there would have been one candidate more, unless it was one.
        let candidates = candidates + usize::from(self.p.is_none());
        let tests = [screen(), confirm(pairs, candidates)];
        smallest_shift_that_all_find(&noise, &tests, POWER, gate.seed).map(f64::exp)
    }

    /// Whether its test says that it is worse, be it believed or not.
    fn is_called(&self) -> bool {
        matches!(self.state, State::Worse | State::Unreliable)
    }

    /// Whether a count or a test says that it is worse.
    pub fn is_worse(&self) -> bool {
        self.state == State::Worse
    }
}

/// The p of a candidate's fresh pairs; 1 where they are too few.
fn p_of(gate: &Gate, candidate: &Candidate) -> f64 {
    let fresh = gate.differences(candidate.cell, candidate.figure, Stage::Confirm);
    if (fresh.len() as u32) < candidate.pairs {
        return 1.0;
    }
    let beyond: Vec<f64> = fresh.iter().map(|difference| difference - MARGIN).collect();
    signed_rank::greater(&beyond)
}

impl Judgement {
    /// What `gate` says.
    pub fn of(gate: &Gate) -> Judgement {
        let mut rows = Row::believed(gate);
        let candidates = rows.iter().filter(|row| row.p.is_some()).count();
        for row in &mut rows {
            let is_open = matches!(row.state, State::NotWorse | State::NotConfirmed);
            if is_open && row.figure.is_measured() && !gate.cells[row.cell].control {
                row.detectable = row.detectable(gate, candidates);
            }
        }
        // Had the hidden cell been called worse, nothing that is measured would be left.
        let found = rows.iter().any(Row::is_worse);
        let noisy = doubts_of_the_machine(gate, &rows);
        let doubts: Vec<String> = noisy.into_iter().chain(doubts_of_the_rows(gate, &rows)).collect();
        let outcome = match (found, doubts.is_empty()) {
            (true, _) => GateOutcome::Regression,
            (false, true) => GateOutcome::Pass,
            (false, false) => GateOutcome::Inconclusive,
        };
        Judgement { outcome, rows, doubts }
    }
}

/// Repeating runs that the target kept back changes which of them are seen: more than this part of them are too
/// many.
const MOST_REPEATED: f64 = 0.05;

/// Why nothing that was measured is believed. Counts are believed all the same.
fn doubts_of_the_machine(gate: &Gate, rows: &[Row]) -> Vec<String> {
    if !rows.iter().any(|row| row.figure.is_measured()) {
        return Vec::new(); // nothing that noise could touch
    }
    let disturbances = gate.noise.disturbances(gate.took_ns).into_iter().map(|disturbance| {
        format!("{disturbance}: {}", percent(disturbance.share(&gate.noise, gate.took_ns)))
    });
    let distinguished = rows.iter().filter(|row| gate.cells[row.cell].control && row.is_called()).map(|row| {
        format!("the base was told from itself, by its {}: the machine makes differences", row.figure.name())
    });
    disturbances.chain(distinguished).collect()
}

/// What could have been missed.
fn doubts_of_the_rows(gate: &Gate, rows: &[Row]) -> Vec<String> {
    let mut doubts = Vec::new();
    for (index, cell) in gate.cells.iter().enumerate() {
        let of_cell = || rows.iter().filter(|row| row.cell == index);
        if !cell.control && of_cell().all(|row| matches!(row.state, State::NotOffered | State::TooNoisy)) {
            doubts.push(format!("{}: nothing of it was measured", cell.name()));
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
            doubts.push(format!("{}: the target kept back {} of its runs", cell.name(), percent(share)));
        }
        for row in of_cell() {
            let what = || format!("{} of {}", row.figure.name(), cell.name());
            match (&row.state, row.detectable) {
                (State::Missing(why), _) => doubts.push(format!("{}: {why}", what())),
                (State::NotWorse | State::NotConfirmed, Some(least))
                    if row.figure.is_measured() && least.ln() > MUST_FIND =>
                {
                    doubts.push(format!(
                        "{}: {} could have gone unnoticed",
                        what(),
                        change(row.figure, least)
                    ));
                }
                (State::NotWorse | State::NotConfirmed, None) if row.figure.is_measured() && !cell.control => {
                    doubts.push(format!("{}: no change at all would have been noticed", what()));
                }
                _ => {}
            }
        }
    }
    // Contenders that are new or gone are all that there may be.
    if rows.is_empty() && gate.unmatched.is_empty() {
        doubts.push("nothing was measured".to_owned());
    }
    doubts
}

/// Whether it was judged and is what a contender costs by itself, however much its wall is the target's.
fn stands_for_throughput(row: &Row) -> bool {
    matches!(row.figure, GateFigure::Cpu | GateFigure::Instructions)
        && matches!(row.state, State::NotWorse | State::NotConfirmed | State::Worse | State::Unreliable)
}

/// A ratio of costs as people say it: `−4.8 %` of throughput, `+12 %` of anything else.
pub(super) fn change(figure: GateFigure, ratio: f64) -> String {
    numbers::change(if figure == GateFigure::Throughput { 1.0 / ratio } else { ratio })
}
