//! The time series of one figure of one cell.

use std::collections::BTreeMap;

use super::changes::Level;
use crate::gate::{Cell, FigureResult, Gate, GateFigure, State};

/// One figure of one cell over the gates of a history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The cell's name in tables.
    pub cell: String,
    pub figure: GateFigure,
    /// A point for each gate that has a ratio of it, oldest first.
    pub points: Vec<Point>,
    /// The number of gates that judge it and have no ratio: a count of one build is zero or missing, or no pair was
    /// valid.
    pub without: usize,
    /// The levels between its changes: one where there is no change, none where there are too few gates.
    pub levels: Vec<Level>,
}

/// The figure in one gate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// The index of the gate in the history.
    pub gate: usize,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    pub head: String,
    /// Head ÷ reference: of requests per second where the figure is throughput, else of the cost.
    pub ratio: f64,
    /// Its interval. Counts and incomplete measurements have none.
    pub interval: Option<(f64, f64)>,
    pub state: State,
}

impl Series {
    /// All series of `gates`, oldest first, without the A/A control.
    pub(super) fn all(gates: &[&Gate]) -> Vec<Series> {
        let mut cells: Vec<&Cell> = Vec::new();
        let mut found: BTreeMap<(usize, GateFigure), Series> = BTreeMap::new();
        for (index, gate) in gates.iter().enumerate() {
            for row in FigureResult::tested(gate) {
                let cell = &gate.cells[row.cell];
                if cell.control || row.state == State::NotOffered {
                    continue;
                }
                let place = cells.iter().position(|known| is_same(known, cell)).unwrap_or(cells.len());
                if place == cells.len() {
                    cells.push(cell);
                }
                let series = found.entry((place, row.figure)).or_insert_with(|| Series {
                    cell: String::new(),
                    figure: row.figure,
                    points: Vec::new(),
                    without: 0,
                    levels: Vec::new(),
                });
                series.add(index, gate, row);
            }
        }
        let named = found.into_iter().map(|((place, _), series)| {
            let cell = name(cells[place], &cells);
            Series { cell, levels: series.levels(), ..series }
        });
        named.collect()
    }

    fn add(&mut self, index: usize, gate: &Gate, row: FigureResult) {
        let is_ratio = |ratio: f64| ratio > 0.0 && ratio.is_finite();
        let Some(ratio) = row.ratio.filter(|ratio| is_ratio(ratio.estimate)) else {
            self.without += 1;
            return;
        };
        // A gate has the ratio of wall times, which is the inverse.
        let of_rates = |ratio: f64| if self.is_better_above() { 1.0 / ratio } else { ratio };
        let is_complete = !matches!(row.state, State::Missing(_));
        let interval =
            ratio.interval.filter(|_| is_complete).map(|(low, high)| (of_rates(low), of_rates(high)));
        self.points.push(Point {
            gate: index,
            started_at: gate.started_at.clone(),
            head: gate.head.name.clone(),
            ratio: of_rates(ratio.estimate),
            interval: interval.map(|(one, other)| (one.min(other), one.max(other))),
            state: row.state,
        });
    }

    /// Whether a larger ratio is the better one.
    pub(super) fn is_better_above(&self) -> bool {
        self.figure == GateFigure::Throughput
    }
}

impl Point {
    /// The day on which its gate began.
    pub(super) fn date(&self) -> String {
        date(&self.started_at)
    }

    /// Whether it is used to detect changes: an incomplete or target-limited measurement is not.
    pub(super) fn counts(&self) -> bool {
        !matches!(self.state, State::Missing(_) | State::TargetLimited)
    }
}

pub(super) fn date(started_at: &str) -> String {
    started_at.chars().take("2026-01-01".len()).collect()
}

/// Whether figures of the two can be compared. The number of runs in a measurement does not matter.
fn is_same(one: &Cell, other: &Cell) -> bool {
    (&one.contender, &one.preset, one.urls) == (&other.contender, &other.preset, other.urls)
}

/// The cell's name, with the number of URLs where another cell has the same name.
fn name(cell: &Cell, cells: &[&Cell]) -> String {
    let name = cell.name();
    let others = cells.iter().filter(|other| !is_same(other, cell));
    if others.into_iter().any(|other| other.name() == name) {
        return format!("{name}, {} URLs", crate::numbers::count(cell.urls));
    }
    name
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::gate::example;

    pub(in crate::history) fn all(gates: &[Gate]) -> Vec<Series> {
        Series::all(&gates.iter().collect::<Vec<_>>())
    }

    pub(in crate::history) fn of(gates: &[Gate], cell: &str, figure: GateFigure) -> Series {
        all(gates).into_iter().find(|series| series.cell == cell && series.figure == figure).unwrap()
    }

    #[test]
    fn throughput_is_a_ratio_of_rates() {
        let gates = example::gates(24);
        let throughput = of(&gates, example::STEPPED, GateFigure::Throughput).points.pop().unwrap();
        let (low, high) = throughput.interval.unwrap();
        assert!(low < throughput.ratio && throughput.ratio < high && high < 1.0, "{throughput:?}");
        assert_eq!(throughput.state, State::Worse);
    }

    #[test]
    fn the_control_is_left_out() {
        let gates = example::gates(2);
        assert_eq!(gates[0].cells.iter().filter(|cell| cell.control).count(), 1);
        let mut cells: Vec<String> = all(&gates).into_iter().map(|series| series.cell).collect();
        cells.dedup();
        assert_eq!(cells, [example::STEPPED, example::STEADY]);
    }

    #[test]
    fn an_incomplete_gate_is_shown_and_does_not_count() {
        let mut gates = example::gates(10);
        gates[3].pairs.retain(|pair| pair.cell != 0 || pair.first == crate::gate::Side::Base);
        let throughput = of(&gates, example::STEPPED, GateFigure::Throughput);
        assert_eq!((throughput.points.len(), throughput.levels.len()), (10, 0));
        assert!(!throughput.points[3].counts());
        let has_interval = [3, 4].map(|gate| throughput.points[gate].interval.is_some());
        assert_eq!(has_interval, [false, true]);
    }

    #[test]
    fn a_count_of_zero_has_no_ratio() {
        let allocations = of(&example::gates(10), example::STEADY, GateFigure::Allocations);
        assert_eq!((allocations.points.len(), allocations.without), (0, 10));
    }

    #[test]
    fn cells_of_one_name_are_distinguished_by_their_urls() {
        let mut gates = example::gates(2);
        gates[1].cells[0].urls *= 2;
        let cells: Vec<String> = all(&gates).into_iter().map(|series| series.cell).collect();
        for urls in ["1,000", "2,000"] {
            assert!(cells.contains(&format!("{}, {urls} URLs", example::STEPPED)), "{cells:?}");
        }
    }
}
