//! One figure of one cell from gate to gate, and where it changed.

use crate::gate::{Cell, Figure, Gate, Row, State};
use crate::stats::{Sorted, change_points};

/// With fewer gates no change is looked for: a test could hardly tell one.
pub const LEAST_GATES: usize = 10;

/// Between two changes there are so many gates at least.
const LEAST_BETWEEN: usize = 5;

/// Of the orders that the test draws, so that the same gates always say the same.
const SEED: u64 = 1;

/// One figure of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The cell, as it is called in tables.
    pub cell: String,
    /// Which figure.
    pub figure: Figure,
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
    /// Its interval; a count has none.
    pub interval: Option<(f64, f64)>,
    /// What the gate made of it.
    pub state: State,
}

/// A stretch between two changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Its first point.
    pub first: usize,
    /// Its last one.
    pub last: usize,
    /// The median of its ratios.
    pub ratio: f64,
}

/// A change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// The last point before it.
    pub before: &'a Point,
    /// The first one after it.
    pub after: &'a Point,
    /// The level after it ÷ the level before it.
    pub ratio: f64,
    /// Whether it went the wrong way.
    pub worse: bool,
}

impl Series {
    /// All that `gates`, oldest first, have, but of the cell that holds the reference against itself.
    pub(super) fn all(gates: &[&Gate]) -> Vec<Series> {
        let mut cells: Vec<&Cell> = Vec::new();
        let mut found: Vec<(usize, Series)> = Vec::new();
        for (index, gate) in gates.iter().enumerate() {
            for row in Row::believed(gate) {
                let cell = &gate.cells[row.cell];
                if cell.twin || row.state == State::NotOffered {
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

    fn new(figure: Figure) -> Series {
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
        let interval = ratio.interval.map(|(low, high)| (told(low), told(high)));
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
        self.figure == Figure::Throughput
    }

    fn levels(&self) -> Vec<Level> {
        let counted: Vec<usize> = (0..self.points.len()).filter(|at| self.points[*at].counts()).collect();
        if counted.len() < LEAST_GATES {
            return Vec::new();
        }
        let ratios: Vec<f64> = counted.iter().map(|at| self.points[*at].ratio.ln()).collect();
        let changes = change_points(&ratios, LEAST_BETWEEN, SEED);
        let ends: Vec<usize> = [0].into_iter().chain(changes).chain([counted.len()]).collect();
        let levels = ends.windows(2).filter_map(|stretch| {
            let median = Sorted::new(ratios[stretch[0]..stretch[1]].iter().copied())?.median();
            let (first, last) = (counted[stretch[0]], counted[stretch[1] - 1]);
            Some(Level { first, last, ratio: median.exp() })
        });
        levels.collect()
    }

    /// Where it changed, oldest first.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.levels.windows(2).map(|levels| {
            let ratio = levels[1].ratio / levels[0].ratio;
            let worse = (ratio < 1.0) == self.is_better_above();
            Step { before: &self.points[levels[0].last], after: &self.points[levels[1].first], ratio, worse }
        })
    }
}

impl Point {
    /// The day on which its gate began.
    pub fn date(&self) -> String {
        date(&self.started_at)
    }

    /// Whether it counts where changes are looked for: one that was not measured as it should have been does not.
    pub fn counts(&self) -> bool {
        !matches!(self.state, State::Missing(_))
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

    fn of(series: &[Series], cell: &str, figure: Figure) -> Series {
        series.iter().find(|series| series.cell == cell && series.figure == figure).unwrap().clone()
    }

    #[test]
    fn the_step_is_found_at_the_gate_that_made_it() {
        let series = all(&example::gates(24));
        let throughput = of(&series, example::STEPPED, Figure::Throughput);
        assert_eq!(throughput.points.len(), 24);
        let steps: Vec<Step<'_>> = throughput.steps().collect();
        let [Step { before, after, ratio, worse }] = steps[..] else { panic!("{steps:?}") };
        assert_eq!((before.gate, after.gate, after.head.as_str()), (12, 13, "head-14"));
        assert!((ratio - 1.0 / example::STEP).abs() < 0.01 && worse, "{ratio}");
        let cpu =
            of(&series, example::STEPPED, Figure::Cpu).steps().map(|step| step.worse).collect::<Vec<_>>();
        assert_eq!(cpu, [true], "more CPU is worse");
        assert_eq!(of(&series, example::STEADY, Figure::Throughput).steps().count(), 0);
    }

    #[test]
    fn a_machine_that_is_not_believed_makes_nothing_worse() {
        let mut gates = example::gates(24);
        gates[20].noise.others_cpu_ns = Some(gates[20].took_ns);
        let throughput = of(&all(&gates), example::STEPPED, Figure::Throughput);
        let states = [19, 20, 21].map(|gate| throughput.points[gate].state.clone());
        assert_eq!(states, [State::Worse, State::Doubtful, State::Worse]);
    }

    #[test]
    fn throughput_is_told_the_other_way_round_than_cost() {
        let series = all(&example::gates(24));
        let throughput = of(&series, example::STEPPED, Figure::Throughput).points.pop().unwrap();
        let (low, high) = throughput.interval.unwrap();
        assert!(low < throughput.ratio && throughput.ratio < high && high < 1.0, "{throughput:?}");
        assert_eq!(throughput.state, State::Worse);
    }

    #[test]
    fn the_cell_of_the_base_against_itself_is_left_out() {
        let gates = example::gates(2);
        let twins = gates[0].cells.iter().filter(|cell| cell.twin).count();
        assert_eq!(twins, 1);
        let cells: Vec<String> = all(&gates).into_iter().map(|series| series.cell).collect();
        assert!(
            cells.iter().all(|cell| [example::STEPPED, example::STEADY].contains(&cell.as_str())),
            "{cells:?}"
        );
    }

    #[test]
    fn with_few_gates_no_change_is_looked_for() {
        assert!(all(&example::gates(9)).iter().all(|series| series.levels.is_empty()));
        assert!(
            all(&example::gates(10))
                .iter()
                .all(|series| series.points.is_empty() || series.levels.len() == 1)
        );
    }

    #[test]
    fn a_gate_that_lost_pairs_is_told_and_does_not_count() {
        let mut gates = example::gates(10);
        gates[3].pairs.retain(|pair| pair.cell != 0 || pair.first == crate::gate::Side::Base);
        let throughput = of(&all(&gates), example::STEPPED, Figure::Throughput);
        assert_eq!((throughput.points.len(), throughput.levels.len()), (10, 0));
        assert!(!throughput.points[3].counts());
    }

    #[test]
    fn what_the_reference_has_none_of_has_no_ratio() {
        let allocations = of(&all(&example::gates(10)), example::STEADY, Figure::Allocations);
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
