//! Lanes: which slot carried which request, and all requests of a run as a few paths.

use std::collections::BTreeSet;
use std::fmt::Write;

use maud::{Markup, html};

use super::super::scale::Scale;
use super::super::svg::px;
use crate::record::Samples;

/// Paths are written in whole units, of which there are so many in a pixel.
const UNITS_IN_PIXEL: f64 = 10.0;

/// Requests shorter than this are drawn as one: the eye could not separate them.
const SHORTEST_UNITS: u64 = 4;

/// Room between two processes, in pixels, where there are not too many.
const BETWEEN_PROCESSES: f64 = 3.0;

/// The requests of a run, assigned to lanes.
pub(super) struct Lanes {
    /// Of each process its lanes, and in each lane its requests in order.
    processes: Vec<Vec<Vec<Flight>>>,
    /// How the number in flight changed: nanoseconds since `go`, and the number from then on.
    in_flight: Vec<(u64, u64)>,
    /// So many slots stand for one that is drawn.
    pub one_slot_of: usize,
}

#[derive(Clone, Copy)]
struct Flight {
    start_ns: u64,
    end_ns: u64,
    failed: bool,
}

/// Where the drawing of `samples` ends: where some are left out, at the last start that is known, since what
/// was in flight after that is not.
pub(super) fn end_ns(samples: &Samples) -> u64 {
    let ends = if samples.left_out > 0 { &samples.start_ns } else { &samples.end_ns };
    ends.iter().copied().max().unwrap_or(0)
}

/// The width of `scale` in the units of paths.
pub(super) fn units(scale: &Scale) -> f64 {
    (scale.end - scale.start) * UNITS_IN_PIXEL
}

impl Lanes {
    /// Of what begins before `axis_end_ns`, no more than about `most` requests.
    pub(super) fn of(samples: &Samples, processes: u32, axis_end_ns: u64, most: usize) -> Lanes {
        let mut order: Vec<usize> = (0..samples.id.len()).collect();
        order.sort_by_key(|index| (samples.start_ns[*index], samples.end_ns[*index]));
        let last_ns = end_ns(samples).min(axis_end_ns);
        let mut assigners: Vec<LaneAssigner> = Vec::new();
        assigners.resize_with(processes as usize, LaneAssigner::default);
        for index in order {
            let process = samples.process[index] as usize;
            if process >= assigners.len() {
                assigners.resize_with(process + 1, LaneAssigner::default);
            }
            assigners[process].assign(Flight {
                start_ns: samples.start_ns[index],
                end_ns: samples.end_ns[index],
                failed: samples.errors.iter().any(|(failed, _)| *failed == index),
            });
        }
        let mut processes: Vec<Vec<Vec<Flight>>> =
            assigners.into_iter().map(|assigner| assigner.lanes).collect();
        for lane in processes.iter_mut().flatten() {
            lane.retain(|flight| flight.start_ns < last_ns);
        }
        let mut lanes = Lanes { processes, in_flight: in_flight(samples, last_ns), one_slot_of: 1 };
        lanes.one_slot_of = lanes.drawn().div_ceil(most.max(1)).max(1);
        for process in &mut lanes.processes {
            *process = std::mem::take(process).into_iter().step_by(lanes.one_slot_of).collect();
        }
        lanes
    }

    pub(super) fn drawn(&self) -> usize {
        self.processes.iter().flatten().map(Vec::len).sum()
    }

    pub(super) fn most_in_flight(&self) -> u64 {
        self.in_flight.iter().map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// Over the time that is drawn.
    pub(super) fn mean_in_flight(&self) -> f64 {
        let area: f64 =
            self.in_flight.windows(2).map(|pair| (pair[1].0 - pair[0].0) as f64 * pair[0].1 as f64).sum();
        let last = self.in_flight.last().map_or(0, |(at, _)| *at);
        if last == 0 { 0.0 } else { area / last as f64 }
    }

    /// The number in flight as a path, from `top` down `height` pixels. In each pixel it shows the most.
    pub(super) fn curve(&self, scale: &Scale, top: f64, height: f64) -> String {
        let most = self.most_in_flight().max(1) as f64;
        let bottom = top + height;
        let mut columns: Vec<(i64, u64, u64)> = Vec::new();
        for &(at_ns, number) in &self.in_flight {
            let column = scale.at(at_ns as f64).round() as i64;
            match columns.last_mut() {
                Some(last) if last.0 == column => (last.1, last.2) = (last.1.max(number), number),
                _ => columns.push((column, number, number)),
            }
        }
        let y = |number: u64| px(bottom - number as f64 / most * height).to_string();
        let last_column = columns.last().map_or(0, |column| column.0);
        let mut path = String::new();
        let mut drawn = y(0);
        for (column, most, last) in columns {
            let (most, last) = (y(most), y(last));
            if path.is_empty() {
                let _ = write!(path, "M{column} {drawn}");
            } else if column == last_column || most != drawn || last != drawn {
                let _ = write!(path, "H{column}");
            }
            for next in [most, last] {
                if next != drawn {
                    let _ = write!(path, "V{next}");
                    drawn = next;
                }
            }
        }
        path
    }

    /// The requests as paths, in units of a tenth of a pixel: of every process the odd ones of each lane, the
    /// even ones, and those that failed. Each line is as thick as its lane allows.
    pub(super) fn paths(&self, scale: &Scale, height: f64) -> Markup {
        let lanes: usize = self.processes.iter().map(Vec::len).sum();
        let gaps = self.processes.len().saturating_sub(1) as f64;
        let gap = if self.processes.len() <= 12 { BETWEEN_PROCESSES } else { 0.0 };
        let pitch = ((height - gaps * gap) / lanes.max(1) as f64).min(14.0) * UNITS_IN_PIXEL;
        let thickness = if pitch > 25.0 { pitch * 0.75 } else { pitch };
        let mut top = 0.0;
        let mut paths = Vec::new();
        for lanes in &self.processes {
            paths.extend(CLASSES.into_iter().zip(paths_of(lanes, scale, top, pitch)));
            top += lanes.len() as f64 * pitch + gap * UNITS_IN_PIXEL;
        }
        html! {
            @for (class, path) in paths.iter().filter(|(_, path)| !path.is_empty()) {
                path class=(class) stroke-width=(format!("{thickness:.1}")) d=(path) {}
            }
        }
    }
}

/// Assigns the requests of one process to lanes, in the order of their starts: each to the lane that became
/// free last, which is the slot that was waiting for it.
#[derive(Default)]
struct LaneAssigner {
    lanes: Vec<Vec<Flight>>,
    /// When each lane becomes free.
    free: BTreeSet<(u64, usize)>,
}

impl LaneAssigner {
    fn assign(&mut self, flight: Flight) {
        let last = self.free.range(..=(flight.start_ns, usize::MAX)).next_back().copied();
        let lane = last.map_or(self.lanes.len(), |(_, lane)| lane);
        match last {
            Some(free) => _ = self.free.remove(&free),
            None => self.lanes.push(Vec::new()),
        }
        self.lanes[lane].push(flight);
        self.free.insert((flight.end_ns, lane));
    }
}

/// The number in flight from each moment on, up to `last_ns`.
fn in_flight(samples: &Samples, last_ns: u64) -> Vec<(u64, u64)> {
    let mut changes: Vec<(u64, i64)> = Vec::with_capacity(samples.id.len() * 2);
    changes.extend(samples.end_ns.iter().map(|at| (*at, -1)));
    changes.extend(samples.start_ns.iter().map(|at| (*at, 1)));
    changes.sort_unstable();
    let mut number = 0_i64;
    let mut steps: Vec<(u64, u64)> = vec![(0, 0)];
    for (at, change) in changes.into_iter().filter(|(at, _)| *at <= last_ns) {
        number += change;
        match steps.last_mut() {
            Some(last) if last.0 == at => last.1 = number.max(0) as u64,
            _ => steps.push((at, number.max(0) as u64)),
        }
    }
    steps.push((last_ns, steps[steps.len() - 1].1));
    steps
}

/// Every second span of a lane and the others, those that failed, and of each kind the spans that stand for
/// many requests.
const CLASSES: [&str; 6] = ["even", "odd", "even bad", "even many", "odd many", "even bad many"];
const FAILED: usize = 2;
const MANY: usize = 3;

/// The paths of one process, one for each of [`CLASSES`], in relative steps, which are shorter than places.
fn paths_of(lanes: &[Vec<Flight>], scale: &Scale, top: f64, pitch: f64) -> [String; CLASSES.len()] {
    let mut paths = CLASSES.map(|_| String::new());
    let unit = |ns: u64| ((scale.at(ns as f64) - scale.start) * UNITS_IN_PIXEL).round() as u64;
    for (index, lane) in lanes.iter().enumerate() {
        let y = (top + (index as f64 + 0.5) * pitch).round() as u64;
        let mut ends = CLASSES.map(|_| None);
        for (place, Span { start, end, failed, requests }) in merged(lane, unit).into_iter().enumerate() {
            let kind = if failed { FAILED } else { place % 2 };
            let which = if requests > 1 { MANY + kind } else { kind };
            let length = end - start;
            let _ = match ends[which].replace(end) {
                Some(before) => write!(paths[which], "m{} 0h{length}", start.saturating_sub(before)),
                None => write!(paths[which], "M{start} {y}h{length}"),
            };
        }
    }
    paths
}

/// What is drawn as one line, in units: a request, or several that are too short to be distinguished.
struct Span {
    start: u64,
    end: u64,
    failed: bool,
    requests: usize,
}

/// The requests of a lane, short ones that follow on one another as one. One that can be seen stays by itself.
fn merged(lane: &[Flight], unit: impl Fn(u64) -> u64) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for flight in lane {
        let (start, end) = (unit(flight.start_ns), unit(flight.end_ns).max(unit(flight.start_ns) + 1));
        let is_short = |start: u64, end: u64| end - start < SHORTEST_UNITS;
        match merged.last_mut() {
            Some(last)
                if start <= last.end + 1
                    && last.failed == flight.failed
                    && is_short(start, end)
                    && (last.requests > 1 || is_short(last.start, last.end)) =>
            {
                last.end = end;
                last.requests += 1;
            }
            _ => merged.push(Span { start, end, failed: flight.failed, requests: 1 }),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples(flights: &[(u64, u64, u32)]) -> Samples {
        Samples {
            id: (0..flights.len() as u64).collect(),
            process: flights.iter().map(|flight| flight.2).collect(),
            start_ns: flights.iter().map(|flight| flight.0).collect(),
            end_ns: flights.iter().map(|flight| flight.0 + flight.1).collect(),
            planned_ns: vec![0; flights.len()],
            ..Samples::default()
        }
    }

    #[test]
    fn two_slots_are_two_lanes_with_their_requests_by_turns() {
        let lanes = Lanes::of(&samples(&[(0, 40, 0), (0, 60, 0), (40, 40, 0), (60, 40, 0)]), 1, 100, 100);
        let scale = Scale::exact(0.0, 100.0, 0.0, 10.0);
        assert_eq!(
            lanes.paths(&scale, 20.0).into_string(),
            "<path class=\"even\" stroke-width=\"75.0\" d=\"M0 50h40M0 150h60\"></path>\
             <path class=\"odd\" stroke-width=\"75.0\" d=\"M40 50h40M60 150h40\"></path>"
        );
        assert_eq!((lanes.most_in_flight(), lanes.drawn(), lanes.one_slot_of), (2, 4, 1));
        assert!((lanes.mean_in_flight() - 1.8).abs() < 1e-9);
        assert_eq!(lanes.curve(&scale, 0.0, 10.0), "M0 10V0H8V5H10V10");
    }

    #[test]
    fn short_requests_share_a_span_and_a_long_one_has_its_own() {
        let lanes =
            Lanes::of(&samples(&[(0, 3, 0), (3, 3, 0), (6, 3, 0), (9, 41, 0), (50, 3, 0)]), 1, 100, 100);
        let scale = Scale::exact(0.0, 100.0, 0.0, 10.0);
        assert_eq!(
            lanes.paths(&scale, 10.0).into_string(),
            "<path class=\"even\" stroke-width=\"75.0\" d=\"M50 50h3\"></path>\
             <path class=\"odd\" stroke-width=\"75.0\" d=\"M9 50h41\"></path>\
             <path class=\"even many\" stroke-width=\"75.0\" d=\"M0 50h9\"></path>"
        );
    }

    #[test]
    fn a_truncated_run_is_drawn_as_far_as_it_is_known() {
        let mut some = samples(&[(0, 40, 0), (10, 90, 0), (50, 20, 0)]);
        some.left_out = 7;
        assert_eq!(end_ns(&some), 50);
        let lanes = Lanes::of(&some, 1, 100, 100);
        assert_eq!(
            lanes.in_flight.last(),
            Some(&(50, 2)),
            "what ends later says nothing of what began later"
        );
    }

    proptest! {
        /// Whoever may be in flight together, no lane carries two at a time, and there are as many lanes as
        /// were ever in flight at once.
        #[test]
        fn a_lane_carries_one_request_at_a_time(
            flights in prop::collection::vec((0_u64..200, 1_u64..50, 0_u32..3), 1..120),
        ) {
            let samples = samples(&flights);
            let lanes = Lanes::of(&samples, 3, u64::MAX, usize::MAX);
            prop_assert!(lanes.drawn() <= flights.len());
            for lane in lanes.processes.iter().flatten() {
                prop_assert!(lane.windows(2).all(|pair| pair[0].end_ns <= pair[1].start_ns));
            }
            for (process, carried) in lanes.processes.iter().enumerate() {
                let own: Vec<_> = flights.iter().copied().filter(|flight| flight.2 as usize == process).collect();
                let most = in_flight(&self::samples(&own), u64::MAX).iter().map(|step| step.1).max().unwrap();
                prop_assert_eq!(carried.len() as u64, most);
            }
        }

        #[test]
        fn no_more_is_drawn_than_the_page_can_carry(slots in 1_u64..300, each in 1_u64..20, most in 50_usize..400) {
            let flights: Vec<_> =
                (0..slots).flat_map(|_| (0..each).map(|turn| (turn * 10, 10, 0))).collect();
            let lanes = Lanes::of(&samples(&flights), 1, u64::MAX, most);
            prop_assert!(lanes.drawn() <= most + each as usize, "{}", lanes.drawn());
            prop_assert!(lanes.drawn() > 0);
        }
    }
}
