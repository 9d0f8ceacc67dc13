//! Over time: CPU and memory while a run went on, as they were sampled.

use maud::{Markup, html};

use super::data::{figure, table, time, words};
use super::palette::class;
use super::scale::Scale;
use super::svg::{Anchor, axis_below, line, mark, panel_head, polyline, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Row};
use crate::numbers::{bytes, duration, percent, round_bytes, round_duration};
use crate::record::{Record, Run, TimePoint};

/// With fewer readings there is no course to be seen.
const FEWEST_POINTS: usize = 3;

const LEFT: f64 = 48.0;
const CPU_TOP: f64 = 36.0;
const MEMORY_TOP: f64 = 94.0;
const STRIP: f64 = 44.0;
const HEIGHT: f64 = 160.0;

pub(super) struct Timeline<'a> {
    panels: Vec<Panel<'a>>,
    comparison: &'a Comparison,
}

struct Panel<'a> {
    row: &'a Row,
    run: &'a Run,
    points: Vec<TimePoint>,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(record: &'a Record, comparison: &'a Comparison) -> Option<Timeline<'a>> {
        let panels = comparison.contenders.iter().filter_map(|row| {
            let run = longest_timeline(record, row)?;
            Some(Panel { row, run, points: TimePoint::thinned(&run.timeline) })
        });
        let panels: Vec<_> = panels.collect();
        (!panels.is_empty()).then_some(Timeline { panels, comparison })
    }

    fn most(&self, figure: fn(&TimePoint) -> f64) -> f64 {
        self.panels.iter().flat_map(|panel| &panel.points).map(figure).fold(0.0, f64::max)
    }
}

impl Chart for Timeline<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "timeline", title: "CPU and memory over time", short: "over time" }
    }

    fn caption(&self) -> String {
        "One run of each contender, read now and then: for the course of it. Figures elsewhere come from the \
         kernel's own accounts. CPU is in per cent of one core; each run has its own time axis. Where there are more \
         readings than the picture has room for, several are one: the mean of CPU, the most of memory."
            .to_owned()
    }

    fn description(&self) -> String {
        format!(
            "{} small pictures; the highest reading of CPU is {} of a core, of memory {}.",
            self.panels.len(),
            percent(self.most(cpu) / 100.0),
            bytes(self.most(memory) as u64),
        )
    }

    fn data(&self) -> Data {
        let points =
            self.panels.iter().flat_map(|panel| panel.points.iter().map(move |point| (panel.row, point)));
        table(points, |(row, point)| {
            let rounded_percent = (cpu(point) * 10.0).round() / 10.0;
            vec![
                words("contender", &row.name),
                time("at", "at_ns", Some(point.at_ns)),
                figure("CPU", "cpu_percent", Some((percent(cpu(point) / 100.0), rounded_percent))),
                figure("memory", "memory_bytes", Some((bytes(point.memory_bytes), memory(point)))),
            ]
        })
    }

    fn small_multiples(&self) -> Option<usize> {
        Some(self.panels.len())
    }

    fn picture(&self, index: usize, width: f64) -> Picture {
        let Panel { row, run, points } = &self.panels[index];
        let right = width - 8.0;
        let last = points.last().map_or(1, |point| point.at_ns);
        let time = Scale::exact(0.0, last as f64, LEFT, right);
        let cpu_scale = Scale::from_zero(self.most(cpu), CPU_TOP + STRIP, CPU_TOP);
        let memory_scale = Scale::from_zero(self.most(memory), MEMORY_TOP + STRIP, MEMORY_TOP);
        let took = duration(run.figures.as_ref().map_or(last, |figures| figures.wall_ns));
        let course = |scale: &Scale, figure: fn(&TimePoint) -> f64| {
            polyline(points.iter().map(|point| (time.at(point.at_ns as f64), scale.at(figure(point)))))
        };
        let begins = std::iter::once(0).chain(points.iter().map(|point| point.at_ns));
        let body = html! {
            g class=(class(self.comparison, row)) {
                (panel_head(&row.name, width, 15.0, "ink", &took))
                (strip(&cpu_scale, right, "CPU", |share| percent(share / 100.0)))
                (strip(&memory_scale, right, "memory", |amount| round_bytes(amount as u64)))
                (axis_below(&time, CPU_TOP, MEMORY_TOP + STRIP, |ns| round_duration(ns as u64)))
                path class="thin" d=(course(&cpu_scale, cpu)) {}
                path class="thin" d=(course(&memory_scale, memory)) {}
                @for (begin_ns, point) in begins.zip(points) { (reading(begin_ns, point, &time)) }
            }
        };
        Picture { width, height: HEIGHT, title: row.name.clone(), body }
    }
}

fn longest_timeline<'a>(record: &'a Record, row: &Row) -> Option<&'a Run> {
    let runs = record.runs.iter().filter(|run| run.contender == row.name && !run.warm_up);
    let run = runs.filter(|run| run.verdict.is_valid()).max_by_key(|run| run.timeline.len())?;
    (run.timeline.len() >= FEWEST_POINTS).then_some(run)
}

/// The frame of one course: its name, its foot, and its highest figure.
fn strip(scale: &Scale, right: f64, name: &str, label: impl Fn(f64) -> String) -> Markup {
    html! {
        (line("axis", LEFT, scale.start, right, scale.start))
        (line("grid", LEFT, scale.end, right, scale.end))
        (text(LEFT - 5.0, scale.end + 8.0, Anchor::End, "mute small", &label(scale.high)))
        (text(LEFT - 5.0, scale.start, Anchor::End, "mute small", name))
    }
}

/// The part of the picture that belongs to one reading, from the one before.
fn reading(begin_ns: u64, point: &TimePoint, time: &Scale) -> Markup {
    let (left, right) = (time.at(begin_ns as f64), time.at(point.at_ns as f64));
    mark(
        &format!(
            "{}\nCPU {} of a core\nmemory {}",
            duration(point.at_ns),
            percent(cpu(point) / 100.0),
            bytes(point.memory_bytes),
        ),
        room(left, CPU_TOP, right - left, MEMORY_TOP + STRIP - CPU_TOP),
    )
}

fn cpu(point: &TimePoint) -> f64 {
    f64::from(point.cpu_percent)
}

fn memory(point: &TimePoint) -> f64 {
    point.memory_bytes as f64
}
