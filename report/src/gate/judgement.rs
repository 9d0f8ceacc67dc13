//! The judgement of a gate: the state of each figure of each cell, and the outcome.

use std::cell::LazyCell;

use super::counts::Counted;
use super::sequential::{LOSS, Look};
use super::{Gate, GateFigure, LOOKS, Side, Stage, doubts};
use crate::numbers;

/// The judgement of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The outcome.
    pub outcome: GateOutcome,
    /// Every cell with each of its figures, in the order of the cells, A/A controls last.
    pub rows: Vec<FigureResult>,
    /// Why it is inconclusive, or would be without a regression: each in one line.
    pub doubts: Vec<String>,
    /// What the reader should know of the machine, without an effect on the outcome: each in one line.
    pub notes: Vec<String>,
}

/// The outcome of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOutcome {
    /// Every required figure is decided, and nothing is worse.
    Pass,
    /// A figure is worse.
    Regression,
    /// A required figure is undecided, and nothing is worse.
    Inconclusive,
}

/// The judgement of one figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureResult {
    /// Index of the cell.
    pub cell: usize,
    /// The figure.
    pub figure: GateFigure,
    /// Whether the gate is inconclusive without it.
    pub required: bool,
    /// The result.
    pub state: State,
    /// Head ÷ base.
    pub ratio: Option<Ratio>,
    /// The medians of a count, base's and head's.
    pub counts: Option<(f64, f64)>,
    /// The number of pairs that its result is of.
    pub pairs: u32,
    /// How many pairs would about decide it, where it is undecided and they are not more than ten times as many.
    pub pairs_to_decide: Option<u32>,
}

/// The result of a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It is not worse: a loss of 5 % is excluded.
    NotWorse,
    /// It is worse.
    Worse,
    /// Its pairs show neither.
    Undecided,
    /// A count that varies too much to be judged.
    TooNoisy,
    /// It was not measured completely: why.
    Missing(String),
    /// This machine cannot count it.
    NotOffered,
    /// The target limited the wall time of one of the builds, so the ratio is not that of the builds.
    TargetLimited,
}

/// Head ÷ base with its bounds, which hold at every stopping time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The estimate of Hodges and Lehmann, or the ratio of two medians.
    pub estimate: f64,
    /// It is at least this, at 1 % for all figures of the gate together. Absent where there are too few pairs for it.
    pub at_least: Option<f64>,
    /// It lies in this interval, each end at 5 % for this figure. Absent likewise; of a count its variation.
    pub interval: Option<(f64, f64)>,
}

impl FigureResult {
    /// Every figure of the gate tested.
    pub fn tested(gate: &Gate) -> Vec<FigureResult> {
        let biased = gate.biased();
        let rows = gate.judged().map(|(cell, _, figure)| match figure.is_measured() {
            true => FigureResult::of_pairs(gate, cell, figure, &biased),
            false => FigureResult::of_count(gate, cell, figure),
        });
        rows.collect()
    }

    fn new(gate: &Gate, cell: usize, figure: GateFigure, state: State) -> FigureResult {
        let required = !gate.cells[cell].control && gate.cells[cell].requires(figure);
        FigureResult {
            cell,
            figure,
            required,
            state,
            ratio: None,
            counts: None,
            pairs: 0,
            pairs_to_decide: None,
        }
    }

    fn of_pairs(gate: &Gate, cell: usize, figure: GateFigure, biased: &[GateFigure]) -> FigureResult {
        let result = |state| FigureResult::new(gate, cell, figure, state);
        let Some(look) = gate.look(cell, figure) else {
            return result(State::Missing("no pair was measured".to_owned()));
        };
        let is_limited = |side| figure == GateFigure::Throughput && gate.is_target_limited(cell, side);
        let [first, ..] = LOOKS;
        let state = match () {
            () if look.pairs < first as usize => {
                State::Missing(format!("{} of {first} pairs were measured", look.pairs))
            }
            () if is_limited(Side::Head) => State::TargetLimited,
            // Where the target limited only the base, the base's own wall time is at most as long: a head that is worse than
            // that is worse.
            () if look.is_worse() && biased.is_empty() => State::Worse,
            () if is_limited(Side::Base) => State::TargetLimited,
            () if look.is_not_worse() => State::NotWorse,
            () => State::Undecided,
        };
        FigureResult {
            ratio: Some(Ratio::of(look)),
            pairs: look.pairs as u32,
            pairs_to_decide: look.pairs_to_decide().filter(|_| state == State::Undecided),
            ..result(state)
        }
    }

    fn of_count(gate: &Gate, cell: usize, figure: GateFigure) -> FigureResult {
        let result = |state| FigureResult::new(gate, cell, figure, state);
        let Some(first) = gate.counted(cell, figure, Stage::Measure) else {
            let not_offered = gate.not_offered.iter().any(|(missing, _)| *missing == figure);
            let missing = || State::Missing("it was not counted".to_owned());
            return result(if not_offered { State::NotOffered } else { missing() });
        };
        let too_noisy = first.undetectable > LOSS.exp_m1();
        let again = LazyCell::new(|| gate.counted(cell, figure, Stage::Confirm));
        let (state, counted) = match (first.worse, figure, *again) {
            (false, ..) if too_noisy => (State::TooNoisy, first),
            (false, ..) => (State::NotWorse, first),
            // Connections were counted in every run.
            (true, GateFigure::Connections, _) => (State::Worse, first),
            (true, _, None) => (State::Missing("it was not counted again".to_owned()), first),
            (true, _, Some(again)) if again.worse => (State::Worse, again),
            (true, _, Some(again)) => (State::NotWorse, again),
        };
        FigureResult {
            ratio: Ratio::of_count(counted),
            counts: Some((counted.base, counted.head)),
            ..result(state)
        }
    }

    /// Whether a count or a test finds it worse.
    pub fn is_worse(&self) -> bool {
        self.state == State::Worse
    }

    /// Whether it is known to be worse, or known not to be.
    pub fn is_decided(&self) -> bool {
        matches!(self.state, State::NotWorse | State::Worse)
    }
}

impl Ratio {
    fn of(look: Look) -> Ratio {
        let interval = look.interval.map(|(low, high)| (low.exp(), high.exp()));
        Ratio { estimate: look.estimate.exp(), at_least: look.at_least.map(f64::exp), interval }
    }

    /// `None` where the base has none.
    fn of_count(Counted { base, head, undetectable, .. }: Counted) -> Option<Ratio> {
        let estimate = (base > 0.0).then_some(head / base)?;
        let interval = Some((estimate - undetectable, estimate + undetectable));
        Some(Ratio { estimate, at_least: None, interval })
    }
}

impl Judgement {
    /// Judges `gate`.
    pub fn of(gate: &Gate) -> Judgement {
        let rows = FigureResult::tested(gate);
        let doubts = doubts::of(gate, &rows);
        let outcome = match (rows.iter().any(FigureResult::is_worse), doubts.is_empty()) {
            (true, _) => GateOutcome::Regression,
            (false, true) => GateOutcome::Pass,
            (false, false) => GateOutcome::Inconclusive,
        };
        let notes = doubts::notes(gate, &rows);
        Judgement { outcome, rows, doubts, notes }
    }
}

/// A ratio of costs as a change: `−4.8 %` of throughput, `+12 %` of any other figure.
pub(super) fn change(figure: GateFigure, ratio: f64) -> String {
    numbers::change(if figure == GateFigure::Throughput { 1.0 / ratio } else { ratio })
}
