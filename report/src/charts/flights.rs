//! Flights: every request as a thin line from its start to its end, one lane a slot. The picture that teaches.

mod lanes;

use maud::html;

use super::data::{figure, number, table, time, words};
use super::palette::class;
use super::scale::Scale;
use super::svg::{Anchor, axis_below, mark, panel_head, px, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Row};
use crate::numbers::{count, duration, round_duration, three_digits};
use crate::record::{Record, Run};
use lanes::Lanes;

/// Contenders that take longer than so many times the fastest go on beyond the axis: it would have no room
/// for the others.
const LONGEST_OVER_SHORTEST: u64 = 12;

/// How many requests are drawn in all, and the least of any contender: what a page can carry.
const MOST_REQUESTS: usize = 40_000;
const LEAST_REQUESTS: usize = 400;

const LEFT: f64 = 36.0;
const CURVE_TOP: f64 = 42.0;
const CURVE_HEIGHT: f64 = 30.0;
const LANES_TOP: f64 = 80.0;
const LANES_HEIGHT: f64 = 96.0;
const HEIGHT: f64 = 198.0;

pub(super) struct Flights<'a> {
    panels: Vec<Panel<'a>>,
    comparison: &'a Comparison,
    /// Where the axis that all share ends, in nanoseconds.
    end_ns: u64,
}

struct Panel<'a> {
    row: &'a Row,
    run: &'a Run,
    lanes: Lanes,
}

impl<'a> Flights<'a> {
    pub(super) fn of(record: &'a Record, comparison: &'a Comparison) -> Option<Flights<'a>> {
        let flown: Vec<(&Row, &Run)> =
            comparison.contenders.iter().filter_map(|row| Some((row, drawn_run(record, row)?))).collect();
        let end_ns = end_of_axis(&flown)?;
        let most = (MOST_REQUESTS / flown.len()).max(LEAST_REQUESTS);
        let panels = flown
            .into_iter()
            .map(|(row, run)| Panel { row, run, lanes: Lanes::of(&run.samples, row.processes, end_ns, most) })
            .collect();
        Some(Flights { panels, comparison, end_ns })
    }
}

impl Panel<'_> {
    fn tip(&self) -> String {
        let samples = &self.run.samples;
        format!(
            "{}\n{} run, wall {}\n{} in flight at most\n{} of {} requests drawn",
            self.row.name,
            self.verdict(),
            duration(self.took_ns()),
            count(self.lanes.most_in_flight()),
            count(self.lanes.drawn() as u64),
            count(samples.id.len() as u64 + samples.left_out),
        )
    }

    fn took_ns(&self) -> u64 {
        self.run.figures.as_ref().map_or_else(|| lanes::end_ns(&self.run.samples), |figures| figures.wall_ns)
    }

    fn is_invalid(&self) -> bool {
        !self.run.verdict.is_valid()
    }

    fn verdict(&self) -> &'static str {
        if self.is_invalid() { "invalid" } else { "valid" }
    }

    fn goes_on(&self, end_ns: u64) -> bool {
        self.took_ns() > end_ns.saturating_add(end_ns / 20)
    }
}

impl Chart for Flights<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "flights", title: "Flights: every request from start to end", short: "flights" }
    }

    fn caption(&self) -> String {
        let mut caption =
            "One lane a slot, dark and light by turns as one request follows another; processes \
                           stand apart. Above, the number in flight. All on the same time axis"
                .to_owned();
        if self.panels.iter().any(|panel| panel.goes_on(self.end_ns)) {
            caption += ", which some leave at the right";
        }
        caption += ". Of each contender one run is drawn";
        if self.panels.iter().any(Panel::is_invalid) {
            caption += ", an invalid one where no valid one has its requests in the record";
        }
        caption += ".";
        let thinned = self.panels.iter().map(|panel| panel.lanes.one_slot_of).max().unwrap_or(1);
        if thinned > 1 {
            caption += &format!(" Where there are too many, one slot of up to {thinned} is drawn.");
        }
        if self.panels.iter().any(|panel| panel.run.samples.left_out > 0) {
            caption += " Of long runs the record holds the first requests alone: they are what is drawn.";
        }
        caption
    }

    fn description(&self) -> String {
        format!(
            "{} small pictures. The more requests a contender has in flight, the taller and the shorter the \
             block of its requests.",
            self.panels.len()
        )
    }

    fn data(&self) -> Data {
        table(&self.panels, |panel| {
            let mean = panel.lanes.mean_in_flight();
            let mean = (three_digits(mean), (mean * 100.0).round() / 100.0);
            vec![
                words("contender", &panel.row.name),
                number("round", "round", panel.run.round.into()),
                words("verdict", panel.verdict()),
                time("wall", "wall_ns", Some(panel.took_ns())),
                number("requests in the record", "requests", panel.run.samples.id.len() as u64),
                number("drawn", "requests_drawn", panel.lanes.drawn() as u64),
                number("most in flight", "most_in_flight", panel.lanes.most_in_flight()),
                figure("mean in flight", "mean_in_flight", Some(mean)),
            ]
        })
    }

    fn small_multiples(&self) -> Option<usize> {
        Some(self.panels.len())
    }

    fn picture(&self, index: usize, width: f64) -> Picture {
        let panel = &self.panels[index];
        let Panel { row, lanes, .. } = panel;
        let right = width - 8.0;
        let scale = Scale::exact(0.0, self.end_ns as f64, LEFT, right);
        let curve = lanes.curve(&scale, CURVE_TOP, CURVE_HEIGHT);
        let took = duration(panel.took_ns());
        let (label, label_class) = match panel.is_invalid() {
            true => (format!("invalid, {took}"), "mute bad-text"),
            false => (took.clone(), "ink"),
        };
        let body = html! {
            g class=(class(self.comparison, row)) {
                (panel_head(&row.name, width, 29.0, label_class, &label))
                (text(10.0, 28.0, Anchor::Start, "mute small", &shape(row)))
                (axis_below(&scale, CURVE_TOP, LANES_TOP + LANES_HEIGHT + 2.0, |ns| round_duration(ns as u64)))
                (text(LEFT - 5.0, CURVE_TOP + 9.0, Anchor::End, "mute small", &count(lanes.most_in_flight())))
                path class="faint" d={ (curve) "V" (px(CURVE_TOP + CURVE_HEIGHT)) "Z" } {}
                path class="thin" d=(curve) {}
                (mark(&panel.tip(), html! {
                    (room(LEFT, CURVE_TOP, right - LEFT, LANES_TOP + LANES_HEIGHT - CURVE_TOP))
                    g class="lanes" transform={ "translate(" (px(LEFT)) " " (px(LANES_TOP)) ") scale(.1)" }
                        data-ns-per-unit=(format!("{:.0}", self.end_ns as f64 / lanes::units(&scale))) {
                        (lanes.paths(&scale, LANES_HEIGHT))
                    }
                }))
                @if panel.goes_on(self.end_ns) {
                    (text(right, LANES_TOP + LANES_HEIGHT - 4.0, Anchor::End, "mute small", &format!("goes on to {took} →")))
                }
            }
        };
        Picture { width, height: HEIGHT, title: row.name.clone(), body }
    }
}

/// The run to draw: the first valid one that has samples, else the first invalid one. A record keeps those of no
/// other.
fn drawn_run<'a>(record: &'a Record, row: &Row) -> Option<&'a Run> {
    let runs = record.runs.iter().filter(|run| run.contender == row.name && !run.samples.id.is_empty());
    runs.min_by_key(|run| (run.warm_up, !run.verdict.is_valid()))
}

/// Where the axis ends: with the longest valid run that is not far beyond the shortest. Invalid runs, which may
/// have ended early or hung, count only where there are no others.
fn end_of_axis(flown: &[(&Row, &Run)]) -> Option<u64> {
    let any_valid = flown.iter().any(|(_, run)| run.verdict.is_valid());
    let counted = flown.iter().filter(|(_, run)| run.verdict.is_valid() == any_valid);
    let ends: Vec<u64> = counted.map(|(_, run)| lanes::end_ns(&run.samples)).collect();
    let shortest = *ends.iter().min()?;
    ends.into_iter().filter(|end| *end <= shortest.saturating_mul(LONGEST_OVER_SHORTEST)).max()
}

fn shape(row: &Row) -> String {
    let slots = count(u64::from(row.in_flight));
    match row.processes {
        1 => format!("{slots} in flight"),
        processes => format!("{processes} processes, {slots} in flight in each"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::record::Verdict;

    #[test]
    fn an_invalid_run_is_marked_and_does_not_set_the_axis() {
        let mut record = example::record_of_rounds(1);
        let end_of = |record: &Record| {
            let comparison = Comparison::of(record);
            let flights = Flights::of(record, &comparison).unwrap();
            let verdicts: Vec<String> = flights.data().rows.iter().map(|row| row[2].text.clone()).collect();
            let heads = flights.pictures(380.0).into_iter().map(|picture| picture.body.into_string());
            (flights.end_ns, verdicts, heads.filter(|head| head.contains(">invalid, ")).count())
        };
        let (end_ns, verdicts, invalid) = end_of(&record);
        assert_eq!((verdicts, invalid), (vec!["valid".to_owned(); 4], 0));
        for run in record.runs.iter_mut().filter(|run| run.contender == "tokio:128") {
            run.verdict = Verdict::Invalid { reasons: Vec::new() };
            run.samples.end_ns.iter_mut().for_each(|end| *end = 1_000);
            run.samples.start_ns.iter_mut().for_each(|start| *start = 0);
        }
        let (with_invalid, verdicts, invalid) = end_of(&record);
        assert_eq!(with_invalid, end_ns, "the others would have left the axis");
        assert_eq!((verdicts[2].as_str(), invalid), ("invalid", 1));
    }
}
