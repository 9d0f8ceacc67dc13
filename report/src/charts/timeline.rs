//! Over time: CPU and memory while a run went on, as they were sampled.

use std::fmt::Write;

use maud::{Markup, html};

use super::labels::{clipped, text_width};
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, px, room, text};
use super::{Cell, Chart, Data, Palette, Picture};
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
    palette: &'a Palette,
}

struct Panel<'a> {
    row: &'a Row,
    run: &'a Run,
    points: Vec<TimePoint>,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(
        record: &'a Record,
        comparison: &'a Comparison,
        palette: &'a Palette,
    ) -> Option<Timeline<'a>> {
        let panels: Vec<_> = comparison
            .contenders
            .iter()
            .filter_map(|row| {
                let run = longest_timeline(record, row)?;
                Some(Panel { row, run, points: TimePoint::thinned(&run.timeline) })
            })
            .collect();
        (!panels.is_empty()).then_some(Timeline { panels, palette })
    }

    fn most(&self, figure: fn(&TimePoint) -> f64) -> f64 {
        self.panels.iter().flat_map(|panel| &panel.points).map(figure).fold(0.0, f64::max)
    }

    fn panel(&self, Panel { row, run, points }: &Panel<'_>, width: f64) -> Picture {
        let right = width - 8.0;
        let last = points.last().map_or(1, |point| point.at_ns);
        let time = Scale::exact(0.0, last as f64, LEFT, right);
        let cpu = Scale::from_zero(self.most(cpu), CPU_TOP + STRIP, CPU_TOP);
        let memory = Scale::from_zero(self.most(memory), MEMORY_TOP + STRIP, MEMORY_TOP);
        let took = duration(run.figures.as_ref().map_or(last, |figures| figures.wall_ns));
        let name_width = width - 20.0 - text_width(&took, TEXT);
        let body = html! {
            g class=(self.palette.class(&row.model)) {
                (line("thick", 2.0, 1.0, 2.0, 15.0))
                (text(10.0, 12.0, Anchor::Start, "ink name", &clipped(&row.name, TEXT * 1.08, name_width)))
                (text(right, 12.0, Anchor::End, "ink", &took))
                (strip(&cpu, right, "CPU", |share| percent(share / 100.0)))
                (strip(&memory, right, "memory", |amount| round_bytes(amount as u64)))
                (axis_below(&time, CPU_TOP, MEMORY_TOP + STRIP, |ns| round_duration(ns as u64)))
                path class="thin" d=(course(points, &time, &cpu, self::cpu)) {}
                path class="thin" d=(course(points, &time, &memory, self::memory)) {}
                @for (index, point) in points.iter().enumerate() {
                    (reading(points, index, point, &time))
                }
            }
        };
        Picture { width, height: HEIGHT, title: row.name.clone(), body }
    }
}

impl Chart for Timeline<'_> {
    fn name(&self) -> &'static str {
        "timeline"
    }

    fn title(&self) -> String {
        "CPU and memory over time".to_owned()
    }

    fn short_title(&self) -> &'static str {
        "over time"
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
        let mut data = Data::new(&[
            ("contender", "contender", false),
            ("at", "at_ns", true),
            ("CPU", "cpu_percent", true),
            ("memory", "memory_bytes", true),
        ]);
        for Panel { row, points, .. } in &self.panels {
            for point in points {
                data.rows.push(vec![
                    Cell::text(&row.name),
                    Cell::figure(duration(point.at_ns), point.at_ns as f64),
                    Cell::figure(percent(cpu(point) / 100.0), (cpu(point) * 10.0).round() / 10.0),
                    Cell::figure(bytes(point.memory_bytes), memory(point)),
                ]);
            }
        }
        data
    }

    fn pictures(&self, width: f64) -> Vec<Picture> {
        self.panels.iter().map(|panel| self.panel(panel, width)).collect()
    }

    fn small_multiples(&self) -> Option<usize> {
        Some(self.panels.len())
    }
}

/// The valid run with the most readings.
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

fn course(points: &[TimePoint], time: &Scale, scale: &Scale, figure: fn(&TimePoint) -> f64) -> String {
    let mut path = String::new();
    for point in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let (x, y) = (time.at(point.at_ns as f64), scale.at(figure(point)));
        let _ = write!(path, "{command}{} {}", px(x), px(y));
    }
    path
}

/// The part of the picture that belongs to one reading.
fn reading(points: &[TimePoint], index: usize, point: &TimePoint, time: &Scale) -> Markup {
    let before = if index == 0 { 0 } else { points[index - 1].at_ns };
    let (left, right) = (time.at(before as f64), time.at(point.at_ns as f64));
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
