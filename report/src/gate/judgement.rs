//! The judgement of a gate: the state of each figure of each cell, and the outcome.

use std::cell::LazyCell;

use super::candidates::{ALPHA, Candidate, MARGIN, MUST_FIND, confirm, pairs_needed, screen};
use super::{Gate, GateFigure, SCREEN_PAIRS, Side, Stage, doubts};
use crate::numbers;
use crate::stats::{hodges_lehmann, holm, signed_rank, smallest_shift_that_all_find};

/// The confidence of the interval of a ratio: its lower end corresponds to the one-sided test at [`ALPHA`].
const CONFIDENCE: f64 = 1.0 - 2.0 * ALPHA;

/// The power with which a detectable regression is found.
const POWER: f64 = 0.8;

/// The judgement of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The outcome.
    pub outcome: GateOutcome,
    /// Every cell with each of its figures, in the order of the cells, the A/A control last.
    pub rows: Vec<FigureResult>,
    /// Why it is inconclusive, or would be without a regression: each in one line.
    pub doubts: Vec<String>,
}

/// The outcome of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOutcome {
    /// No regression was found, and the measurements were good enough to find one.
    Pass,
    /// A figure is worse.
    Regression,
    /// No reliable regression was found, and one could have been missed.
    Inconclusive,
}

/// The judgement of one figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureResult {
    /// Index of the cell.
    pub cell: usize,
    /// The figure.
    pub figure: GateFigure,
    /// The result.
    pub state: State,
    /// Head ÷ base.
    pub ratio: Option<Ratio>,
    /// The medians of a count, base's and head's.
    pub counts: Option<(f64, f64)>,
    /// The number of pairs of its last stage.
    pub pairs: u32,
    /// Of a candidate, the p-value of its confirmation, adjusted for all candidates.
    pub p: Option<f64>,
    /// The smallest ratio that is found with a power of 80 %.
    pub detectable: Option<f64>,
}

/// The result of a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It is not worse.
    NotWorse,
    /// It looked worse at first, and new pairs did not confirm it.
    NotConfirmed,
    /// It is worse.
    Worse,
    /// Its pairs show a regression, but measurements on this machine are not reliable.
    Unreliable,
    /// A count that varies too much to be judged.
    TooNoisy,
    /// It was not measured completely: why.
    Missing(String),
    /// This machine cannot count it.
    NotOffered,
    /// The target limited the wall time of one of the builds, so the ratio is not that of the builds.
    TargetLimited,
}

/// Head ÷ base with an interval. The ratio of a count has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The estimate of Hodges and Lehmann, or the ratio of two medians.
    pub estimate: f64,
    /// The interval that inverts the test, without the adjustment for the other candidates.
    pub interval: Option<(f64, f64)>,
}

impl FigureResult {
    /// Every figure of the gate tested, without what is [detectable](FigureResult#structfield.detectable), which takes time to
    /// compute.
    pub fn tested(gate: &Gate) -> Vec<FigureResult> {
        let candidates = gate.candidates();
        let p: Vec<f64> = candidates.iter().map(|candidate| p_of(gate, candidate)).collect();
        let adjusted = holm(&p);
        let rows = gate.judged().map(|(cell, _, figure)| {
            if !figure.is_measured() {
                return FigureResult::of_count(gate, cell, figure);
            }
            let at =
                candidates.iter().position(|candidate| (candidate.cell, candidate.figure) == (cell, figure));
            FigureResult::of_pairs(gate, cell, figure, at.map(|at| (candidates[at], adjusted[at])))
        });
        rows.collect()
    }

    /// As [`FigureResult::tested`], except that on an unreliable machine no measured figure is worse.
    pub fn reliable(gate: &Gate) -> Vec<FigureResult> {
        let mut rows = FigureResult::tested(gate);
        if !doubts::of_the_machine(gate, &rows).is_empty() {
            for row in rows.iter_mut().filter(|row| row.figure.is_measured() && row.is_worse()) {
                row.state = State::Unreliable;
            }
        }
        rows
    }

    fn new(cell: usize, figure: GateFigure, state: State) -> FigureResult {
        FigureResult { cell, figure, state, ratio: None, counts: None, pairs: 0, p: None, detectable: None }
    }

    fn of_pairs(
        gate: &Gate,
        cell: usize,
        figure: GateFigure,
        candidate: Option<(Candidate, f64)>,
    ) -> FigureResult {
        let (stage, needed) = match candidate {
            None => (Stage::Screen, SCREEN_PAIRS),
            Some((candidate, _)) => (Stage::Confirm, candidate.pairs),
        };
        let differences = gate.differences(cell, figure, stage);
        let pairs = differences.len() as u32;
        let is_limited = |side| figure == GateFigure::Throughput && gate.is_target_limited(cell, stage, side);
        // Where the target limited only the base, the base's own wall time is at most as long: a head that is worse than
        // that is worse.
        let state = match candidate {
            _ if pairs < needed => State::Missing(format!("{pairs} of {needed} pairs were valid")),
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
        FigureResult { ratio, pairs, p: candidate.map(|(_, p)| p), ..FigureResult::new(cell, figure, state) }
    }

    fn of_count(gate: &Gate, cell: usize, figure: GateFigure) -> FigureResult {
        let first = gate.counted(cell, figure, Stage::Screen);
        let not_offered = gate.not_offered.iter().any(|(missing, _)| *missing == figure);
        let Some(first) = first else {
            let missing = || State::Missing("it was not counted".to_owned());
            return FigureResult::new(cell, figure, if not_offered { State::NotOffered } else { missing() });
        };
        let too_noisy = first.undetectable > MUST_FIND.exp_m1();
        let again = LazyCell::new(|| gate.counted(cell, figure, Stage::Confirm));
        let (state, counted) = match (first.worse, figure, *again) {
            (false, ..) if too_noisy => (State::TooNoisy, first),
            (false, ..) => (State::NotWorse, first),
            // Connections were counted in every run.
            (true, GateFigure::Connections, _) => (State::Worse, first),
            (true, _, None) => (State::Missing("it was not counted again".to_owned()), first),
            (true, _, Some(again)) if again.worse => (State::Worse, again),
            (true, _, Some(again)) => (State::NotConfirmed, again),
        };
        let ratio =
            (counted.base > 0.0).then(|| Ratio { estimate: counted.head / counted.base, interval: None });
        let detectable = Some(1.0 + counted.undetectable);
        FigureResult {
            ratio,
            counts: Some((counted.base, counted.head)),
            detectable,
            ..FigureResult::new(cell, figure, state)
        }
    }

    /// The smallest ratio that is detectable in this row, by resampling its noise. `candidates` is their number.
    fn detectable(&self, gate: &Gate, candidates: usize) -> Option<f64> {
        let of_stage = |stage| {
            let differences = gate.differences(self.cell, self.figure, stage);
            let centre = hodges_lehmann(&differences, CONFIDENCE).map_or(0.0, |location| location.estimate);
            differences.into_iter().map(move |difference| difference - centre)
        };
        let noise: Vec<f64> = [Stage::Screen, Stage::Confirm].into_iter().flat_map(of_stage).collect();
        let pairs = pairs_needed(&gate.differences(self.cell, self.figure, Stage::Screen));
        // With a regression this row would be one more candidate, unless it is one already.
        let candidates = candidates + usize::from(self.p.is_none());
        let tests = [screen(), confirm(pairs, candidates)];
        smallest_shift_that_all_find(&noise, &tests, POWER, gate.seed).map(f64::exp)
    }

    /// Whether its test finds it worse, reliable or not.
    pub(super) fn is_significant(&self) -> bool {
        matches!(self.state, State::Worse | State::Unreliable)
    }

    /// Whether a count or a test finds it worse.
    pub fn is_worse(&self) -> bool {
        self.state == State::Worse
    }
}

/// The p-value of a candidate's confirmation; 1 where there are too few pairs.
fn p_of(gate: &Gate, candidate: &Candidate) -> f64 {
    let differences = gate.differences(candidate.cell, candidate.figure, Stage::Confirm);
    if (differences.len() as u32) < candidate.pairs {
        return 1.0;
    }
    let beyond: Vec<f64> = differences.iter().map(|difference| difference - MARGIN).collect();
    signed_rank::greater(&beyond)
}

impl Judgement {
    /// Judges `gate`.
    pub fn of(gate: &Gate) -> Judgement {
        let mut rows = FigureResult::reliable(gate);
        let candidates = rows.iter().filter(|row| row.p.is_some()).count();
        for row in &mut rows {
            let is_open = matches!(row.state, State::NotWorse | State::NotConfirmed);
            if is_open && row.figure.is_measured() && !gate.cells[row.cell].control {
                row.detectable = row.detectable(gate, candidates);
            }
        }
        // Where the control is worse, all measured figures are unreliable.
        let found = rows.iter().any(FigureResult::is_worse);
        let of_machine = doubts::of_the_machine(gate, &rows);
        let doubts: Vec<String> = of_machine.into_iter().chain(doubts::of_the_rows(gate, &rows)).collect();
        let outcome = match (found, doubts.is_empty()) {
            (true, _) => GateOutcome::Regression,
            (false, true) => GateOutcome::Pass,
            (false, false) => GateOutcome::Inconclusive,
        };
        Judgement { outcome, rows, doubts }
    }
}

/// A ratio of costs as a change: `−4.8 %` of throughput, `+12 %` of any other figure.
pub(super) fn change(figure: GateFigure, ratio: f64) -> String {
    numbers::change(if figure == GateFigure::Throughput { 1.0 / ratio } else { ratio })
}
