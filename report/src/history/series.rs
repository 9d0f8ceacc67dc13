//! One figure of one cell from gate to gate.

use super::changes::Level;
use crate::gate::{Cell, GateFigure, Gate, Row, State};

/// One figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The cell, as it is called in tables.
    pub cell: String,
    /// Which figure.
    pub figure: GateFigure,
    /// Each gate that has a ratio of it, oldest first.
    pub points: Vec<Point>,
    /// Gates that should have it and have no ratio: nothing of one of the two was counted, or no pair was valid.
    pub without: usize,
    /// What it was between its changes: one where there is none, and none where there are too few gates to say.
    pub levels: Vec<Level>,
}

/// What one gate says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which gate of the history.
    pub gate: usize,
    /// When it began, as it is saved.
    pub started_at: String,
    /// The head's name.
    pub head: String,
    /// Head ÷ reference: of requests a second where the figure is throughput, else of what it costs.
    pub ratio: f64,
    /// Its interval. A count has none, nor has one that lacks pairs, which promises nothing.
    pub interval: Option<(f64, f64)>,
    /// What the gate made of it.
    pub state: State,
}

impl Series {
    /// All that `gates`, oldest first, have, but of the cell that holds the reference against itself.
    pub(super) fn all(gates: &[&Gate]) -> Vec<Series> {
        let mut cells: Vec<&Cell> = Vec::new();
        let mut found: Vec<(usize, Series)> = Vec::new();
        for (index, gate) in gates.iter().enumerate() {
            for row in Row::reliable(gate) {
                let cell = &gate.cells[row.cell];
                if cell.control || row.state == State::NotOffered {
                    continue;
                }
                let place = cells.iter().position(|known| is_same(known, cell)).unwrap_or(cells.len());
                if place == cells.len() {
                    cells.push(cell);
                }
                let at = found.iter().position(|(at, series)| (*at, series.figure) == (place, row.figure));
                let at = at.unwrap_or(found.len());
                if at == found.len() {
                    found.push((place, Series::new(row.figure)));
                }
                found[at].1.add(index, gate, row);
            }
        }
        found.sort_by_key(|(place, series)| (*place, series.figure));
        let named = found.into_iter().map(|(place, series)| {
            let cell = name(cells[place], &cells);
            Series { cell, levels: series.levels(), ..series }
        });
        named.collect()
    }

    fn new(figure: GateFigure) -> Series {
        Series { cell: String::new(), figure, points: Vec::new(), without: 0, levels: Vec::new() }
    }

    fn add(&mut self, index: usize, gate: &Gate, row: Row) {
        let is_ratio = |ratio: f64| ratio > 0.0 && ratio.is_finite();
        let Some(ratio) = row.ratio.filter(|ratio| is_ratio(ratio.estimate)) else {
            self.without += 1;
            return;
        };
        // A gate tells the ratio of walls, which is the other way round.
        let told = |ratio: f64| if self.is_better_above() { 1.0 / ratio } else { ratio };
        let is_whole = !matches!(row.state, State::Missing(_));
        let interval = ratio.interval.filter(|_| is_whole).map(|(low, high)| (told(low), told(high)));
        self.points.push(Point {
            gate: index,
            started_at: gate.started_at.clone(),
            head: gate.head.name.clone(),
            ratio: told(ratio.estimate),
            interval: interval.map(|(one, other)| (one.min(other), one.max(other))),
            state: row.state,
        });
    }

    /// Whether a larger ratio is the better one.
    pub fn is_better_above(&self) -> bool {
        self.figure == GateFigure::Throughput
    }
}

impl Point {
    /// The day on which its gate began.
    pub fn date(&self) -> String {
        date(&self.started_at)
    }

    /// Whether it counts where changes are looked for: one that was not measured as it should have been does not, nor
    /// one that is the target's.
    pub fn counts(&self) -> bool {
        !matches!(self.state, State::Missing(_) | State::TargetLimited)
    }
}

/// The day of a time: RFC 3339 begins with it.
pub(crate) fn date(started_at: &str) -> String {
    started_at.chars().take("2026-01-01".len()).collect()
}

/// Whether a figure of the one can stand beside that of the other. How many runs make a measurement does not matter.
fn is_same(one: &Cell, other: &Cell) -> bool {
    (&one.contender, &one.preset, one.urls) == (&other.contender, &other.preset, other.urls)
}

/// Its name, with the number of URLs where another has the same.
fn name(cell: &Cell, cells: &[&Cell]) -> String {
    let name = cell.name();
    let others = cells.iter().filter(|other| !is_same(other, cell));
    if others.into_iter().any(|other| other.name() == name) {
        return format!("{name}, {} URLs", crate::numbers::count(cell.urls));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::example;

    fn all(gates: &[Gate]) -> Vec<Series> {
        Series::all(&gates.iter().collect::<Vec<_>>())
    }

    fn of(series: &[Series], cell: &str, figure: GateFigure) -> Series {
        series.iter().find(|series| series.cell == cell && series.figure == figure).unwrap().clone()
    }

    #[test]
    fn a_machine_that_is_not_believed_makes_nothing_worse() {
        let mut gates = example::gates(24);
        gates[20].noise.others_cpu_ns = Some(gates[20].took_ns);
        let throughput = of(&all(&gates), example::STEPPED, GateFigure::Throughput);
        let states = [19, 20, 21].map(|gate| throughput.points[gate].state.clone());
        assert_eq!(states, [State::Worse, State::Unreliable, State::Worse]);
    }

    #[test]
    fn throughput_is_told_the_other_way_round_than_cost() {
        let series = all(&example::gates(24));
        let throughput = of(&series, example::STEPPED, GateFigure::Throughput).points.pop().unwrap();
        let (low, high) = throughput.interval.unwrap();
        assert!(low < throughput.ratio && throughput.ratio < high && high < 1.0, "{throughput:?}");
        assert_eq!(throughput.state, State::Worse);
    }

    #[test]
    fn the_cell_of_the_base_against_itself_is_left_out() {
        let gates = example::gates(2);
        let controls = gates[0].cells.iter().filter(|cell| cell.control).count();
        assert_eq!(controls, 1);
        let cells: Vec<String> = all(&gates).into_iter().map(|series| series.cell).collect();
        assert!(
            cells.iter().all(|cell| [example::STEPPED, example::STEADY].contains(&cell.as_str())),
            "{cells:?}"
        );
    }

    #[test]
    fn a_gate_that_lost_pairs_is_told_and_does_not_count() {
        let mut gates = example::gates(10);
        gates[3].pairs.retain(|pair| pair.cell != 0 || pair.first == crate::gate::Side::Base);
        let throughput = of(&all(&gates), example::STEPPED, GateFigure::Throughput);
        assert_eq!((throughput.points.len(), throughput.levels.len()), (10, 0));
        assert!(!throughput.points[3].counts());
        let has_interval = [3, 4].map(|gate| throughput.points[gate].interval.is_some());
        assert_eq!(has_interval, [false, true]);
    }

    #[test]
    fn what_the_reference_has_none_of_has_no_ratio() {
        let allocations = of(&all(&example::gates(10)), example::STEADY, GateFigure::Allocations);
        assert_eq!((allocations.points.len(), allocations.without), (0, 10));
    }

    #[test]
    fn cells_of_one_name_are_told_apart_by_their_urls() {
        let mut gates = example::gates(2);
        gates[1].cells[0].urls *= 2;
        let cells: Vec<String> = all(&gates).into_iter().map(|series| series.cell).collect();
        for urls in ["1,000", "2,000"] {
            assert!(cells.contains(&format!("{}, {urls} URLs", example::STEPPED)), "{cells:?}");
        }
    }
}
