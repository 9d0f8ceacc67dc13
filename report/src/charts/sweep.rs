//! The sweep: throughput, CPU and memory against the number in flight, with the law of its scaling.

mod fit;

use maud::{Markup, html};

use super::cost::{cpu_ns, cpu_per_request, memory_bytes, peak_memory};
use super::data::{figure, number, table, words};
use super::labels::clipped;
use super::palette::class;
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, polyline, px, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Measured, MemorySlope, Row};
use crate::figures::limit_mark;
use crate::numbers::{bytes, count, duration, round_bytes, round_duration, signed_bytes, three_digits};
use crate::tables::data::Cell;
use fit::{FEWEST_RUNS, Fit, Knee};

/// So many URLs there are, at least, for each request in flight of a step whose throughput counts: with one, every
/// request makes a connection of its own, and none is used again.
pub const REUSES: u64 = 10;

/// A model with fewer shapes is no sweep.
const FEWEST_STEPS: usize = 3;

const LEFT: f64 = 52.0;
const RATE: (f64, f64) = (40.0, 110.0);
const CPU: (f64, f64) = (166.0, 40.0);
const MEMORY: (f64, f64) = (222.0, 40.0);
const HEIGHT: f64 = 300.0;

pub(super) struct Sweep<'a> {
    panels: Vec<Panel<'a>>,
    comparison: &'a Comparison,
    urls: f64,
}

/// A model with one client, at several numbers in flight.
struct Panel<'a> {
    name: String,
    steps: Vec<(&'a Row, &'a Measured)>,
    /// Of the steps that reuse their connections.
    fit: Option<Fit>,
    memory: Option<&'a MemorySlope>,
}

/// Whether a step of `row` over so many `urls` is one that is compared with others: with fewer than [`REUSES`]
/// URLs for each request in flight, what it shows is how connections are made.
fn reuses_connections(row: &Row, urls: f64) -> bool {
    urls >= REUSES as f64 * row.slots() as f64
}

/// Whether the law is fitted to that step: not where its throughput is the target's.
fn counts_for_the_fit(row: &Row, urls: f64) -> bool {
    reuses_connections(row, urls) && !row.is_target_limited()
}

impl<'a> Sweep<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Option<Sweep<'a>> {
        let urls = comparison.scenario.urls as f64;
        let mut panels: Vec<Panel<'a>> = Vec::new();
        for row in &comparison.contenders {
            let Some(measured) = &row.measured else { continue };
            let name = row.name_of_sweep();
            match panels.iter_mut().find(|panel| panel.name == name) {
                Some(panel) => panel.steps.push((row, measured)),
                None => {
                    let memory =
                        comparison.memory_slopes.iter().find(|slope| slope.contenders.contains(&row.name));
                    panels.push(Panel { name, steps: vec![(row, measured)], fit: None, memory });
                }
            }
        }
        panels.retain(|panel| panel.steps.len() >= FEWEST_STEPS);
        for panel in &mut panels {
            panel.steps.sort_by_key(|(row, _)| row.slots());
            let fitted = panel.steps.iter().filter(|(row, _)| counts_for_the_fit(row, urls));
            panel.fit = Fit::of(fitted.map(|(row, _)| *row), urls);
        }
        (!panels.is_empty()).then_some(Sweep { panels, comparison, urls })
    }

    fn steps(&self) -> impl Iterator<Item = &(&'a Row, &'a Measured)> {
        self.panels.iter().flat_map(|panel| &panel.steps)
    }

    fn per_second(&self, wall_ns: u64) -> f64 {
        self.urls * 1e9 / wall_ns as f64
    }

    fn step(&self, row: &Row, measured: &Measured, x: &Scale, [rate, cpu, memory]: [&Scale; 3]) -> Markup {
        let at = x.at(row.slots() as f64);
        let wall = measured.wall_ns;
        let reuses = reuses_connections(row, self.urls);
        let dot = if reuses { "solid" } else { "thin" };
        let tip = format!(
            "{}\n{} requests a second{}\n{} of CPU a request\n{} at the peak{}",
            row.name,
            three_digits(self.per_second(wall.median)),
            limit_mark(row),
            duration(cpu_ns(measured) as u64),
            bytes(measured.peak_memory_bytes.median),
            if reuses { "" } else { "\nnot in the fit: hardly a connection is used again" },
        );
        let dots = [
            rate.at(self.per_second(wall.median)),
            cpu.at(cpu_ns(measured)),
            memory.at(memory_bytes(measured)),
        ];
        mark(
            &tip,
            html! {
                (room(at - 9.0, RATE.0, 18.0, MEMORY.0 + MEMORY.1 - RATE.0))
                (line("thin", at, rate.at(self.per_second(wall.high)), at, rate.at(self.per_second(wall.low))))
                @for y in dots { circle class=(dot) cx=(px(at)) cy=(px(y)) r="3.2" {} }
            },
        )
    }
}

impl Chart for Sweep<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "sweep", title: "The sweep: more and more in flight", short: "sweep" }
    }

    fn caption(&self) -> String {
        let mut caption =
            "Dots are measured, the upright lines through them their intervals. The line is the Universal \
             Scalability Law (Gunther, 2007) fitted to them, the band around it the fit's 95 % interval by \
             drawing the runs anew. The dashed mark is its knee, beyond which more in flight is slower; it is \
             uncertain where not every draw has one."
                .to_owned();
        if self.panels.iter().filter_map(|panel| panel.fit.as_ref()).any(|fit| fit.band.is_empty()) {
            caption += &format!(
                " There is no band, and the knee is uncertain, where a step has fewer than {FEWEST_RUNS} \
                 valid runs."
            );
        }
        let left_out = self.steps().filter(|(row, _)| !reuses_connections(row, self.urls));
        let left_out: Vec<&str> = left_out.map(|(row, _)| row.name.as_str()).collect();
        if !left_out.is_empty() {
            caption += &format!(
                " Hollow, and not in the fit, are steps with fewer than {REUSES} URLs for each request in flight, \
                 which hardly reuse a connection: {}.",
                left_out.join(", ")
            );
        }
        if self.steps().any(|(row, _)| row.is_target_limited()) {
            caption +=
                " Throughput with † is the target's and not the contender's own: no line is fitted to it.";
        }
        caption + " The end of the batch, where slots run dry, counts too."
    }

    fn description(&self) -> String {
        let knees = self.panels.iter().filter_map(|panel| Some((panel, panel.fit.as_ref()?.knee.text()?)));
        let knees: Vec<String> = knees.map(|(panel, knee)| format!("{} {knee}", panel.name)).collect();
        let shown = "Throughput, CPU and memory against the number in flight.";
        if knees.is_empty() { shown.to_owned() } else { format!("{shown} Knees: {}.", knees.join(", ")) }
    }

    fn data(&self) -> Data {
        let steps = self.panels.iter().flat_map(|panel| panel.steps.iter().map(move |step| (panel, step)));
        table(steps, |(panel, (row, measured))| {
            let rate = self.per_second(measured.wall_ns.median);
            let rate = Some((three_digits(rate) + limit_mark(row), rate));
            let slope = panel.memory.map(|slope| slope.memory_per_in_flight_bytes.median);
            let slope = slope.map(|amount| (signed_bytes(amount), amount));
            let fit = panel.fit.as_ref();
            let fitted = fit.filter(|_| counts_for_the_fit(row, self.urls));
            let fitted = fitted.map(|fit| fit.law.throughput(row.slots() as f64));
            let fitted = fitted.map(|rate| (three_digits(rate), rate));
            let (knee, interval) = knee_cells(fit.map_or(Knee::Absent, |fit| fit.knee));
            vec![
                words("contender", &row.name),
                number("in flight", "in_flight", row.slots()),
                figure("requests a second", "requests_per_second", rate),
                cpu_per_request(measured),
                peak_memory(measured),
                figure("memory per in flight", "memory_per_in_flight_bytes", slope),
                figure("fitted", "fitted_requests_per_second", fitted),
                ("knee", "knee_in_flight", true, knee),
                ("its interval", "knee_low knee_high", true, interval),
            ]
        })
    }

    fn small_multiples(&self) -> Option<usize> {
        Some(self.panels.len())
    }

    fn picture(&self, index: usize, width: f64) -> Picture {
        let panel = &self.panels[index];
        let right = width - 10.0;
        let x = Scale::log_around(self.steps().map(|(row, _)| row.slots() as f64), LEFT, right);
        let walls = self.steps().flat_map(|(_, m)| [m.wall_ns.low, m.wall_ns.high]);
        let rate = Scale::log_around(walls.map(|ns| self.per_second(ns)), RATE.0 + RATE.1, RATE.0);
        let beneath = |figure: fn(&Measured) -> f64, (top, height): (f64, f64)| {
            let most = self.steps().map(|(_, measured)| figure(measured)).fold(0.0, f64::max);
            let scale = Scale::from_zero(most, top + height, top);
            let place = |(row, m): &(&Row, &Measured)| (x.at(row.slots() as f64), scale.at(figure(m)));
            let course = polyline(panel.steps.iter().map(place));
            (scale, course)
        };
        let (cpu, cpu_course) = beneath(cpu_ns, CPU);
        let (memory, memory_course) = beneath(memory_bytes, MEMORY);
        let class = panel.steps.first().map_or("", |(row, _)| class(self.comparison, row));
        let body = html! {
            g class=(class) {
                (line("thick", 2.0, 1.0, 2.0, 29.0))
                (text(10.0, 12.0, Anchor::Start, "ink name", &clipped(&panel.name, TEXT * 1.08, width - 20.0)))
                (text(10.0, 27.0, Anchor::Start, "mute small", "requests a second"))
                @for tick in rate.ticks(5) {
                    (line("grid", LEFT, rate.at(tick), right, rate.at(tick)))
                    (text(LEFT - 5.0, rate.at(tick) + 4.0, Anchor::End, "mute small", &count(tick as u64)))
                }
                (strip(&cpu, right, "CPU a request", |ns| round_duration(ns as u64)))
                (strip(&memory, right, &memory_title(panel.memory), |amount| round_bytes(amount as u64)))
                (axis_below(&x, RATE.0, MEMORY.0 + MEMORY.1, |number| count(number as u64)))
                (text(right, HEIGHT - 5.0, Anchor::End, "mute small", "in flight"))
                @if let Some(fit) = &panel.fit { (law(fit, &x, &rate)) }
                path class="thin" d=(cpu_course) {}
                path class="thin" d=(memory_course) {}
                @for (row, measured) in &panel.steps { (self.step(row, measured, &x, [&rate, &cpu, &memory])) }
            }
        };
        Picture { width, height: HEIGHT, title: panel.name.clone(), body }
    }
}

/// The name of the course of memory, with its slope.
fn memory_title(slope: Option<&MemorySlope>) -> String {
    let slope = slope.map(|slope| signed_bytes(slope.memory_per_in_flight_bytes.median));
    slope.map_or_else(|| "peak memory".to_owned(), |slope| format!("peak memory, {slope} per in flight"))
}

fn knee_cells(knee: Knee) -> (Cell, Cell) {
    match (knee, knee.text()) {
        (Knee::At(knee, [low, high]), Some(label)) => (
            Cell::figure(label, knee),
            Cell::interval(format!("{}–{}", three_digits(low), three_digits(high)), low, high),
        ),
        (_, label) => (label.map_or_else(Cell::none, Cell::text), Cell::none()),
    }
}

/// The line of the law, its band, and its knee where that is known to lie within the sweep.
fn law(fit: &Fit, x: &Scale, rate: &Scale) -> Markup {
    let curve = fit.numbers.iter().map(|number| (x.at(*number), rate.at(fit.law.throughput(*number))));
    let band = fit.numbers.iter().zip(&fit.band);
    let upper = band.clone().map(|(number, [_, high])| (x.at(*number), rate.at(*high)));
    let lower = band.rev().map(|(number, [low, _])| (x.at(*number), rate.at(*low)));
    html! {
        @if !fit.band.is_empty() {
            path class="tint" d={ (polyline(upper.chain(lower))) "Z" } {}
        }
        path class="thin" d=(polyline(curve)) {}
        @match (fit.knee, fit.knee.text()) {
            (Knee::At(knee, _), _) => {
                (line("axis knee", x.at(knee), RATE.0, x.at(knee), RATE.0 + RATE.1))
                (text(x.at(knee), RATE.0 - 4.0, Anchor::Middle, "ink small", &format!("knee {}", count(knee.round() as u64))))
            }
            (_, Some(label)) => { (text(x.end, 27.0, Anchor::End, "mute small", &format!("knee {label}"))) }
            (_, None) => {}
        }
    }
}

/// The frame of a course beneath: its name, its foot, and its highest figure.
fn strip(scale: &Scale, right: f64, name: &str, label: impl Fn(f64) -> String) -> Markup {
    html! {
        (line("axis", LEFT, scale.start, right, scale.start))
        (text(LEFT - 5.0, scale.end + 8.0, Anchor::End, "mute small", &label(scale.high)))
        (text(LEFT + 4.0, scale.end - 3.0, Anchor::Start, "mute small", name))
    }
}
