//! What it cost: CPU against memory, a bubble a contender.

use maud::{Markup, html};

use super::data::{Field, figure, number, table, words};
use super::labels::{Dot, Rect, clipped, place, text_width};
use super::palette::class;
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, px, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Measured, Row};
use crate::numbers::{bytes, count, duration, round_bytes, round_duration};

/// No name in the picture is wider, in pixels.
const WIDEST_LABEL: f64 = 190.0;

pub(super) struct Cost<'a> {
    rows: Vec<(&'a Row, &'a Measured)>,
    comparison: &'a Comparison,
}

impl<'a> Cost<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Option<Cost<'a>> {
        let measured = comparison.contenders.iter().filter_map(|row| Some((row, row.measured.as_ref()?)));
        let rows: Vec<_> = measured.filter(|(_, m)| cpu_ns(m) > 0.0 && memory_bytes(m) > 0.0).collect();
        (!rows.is_empty()).then_some(Cost { rows, comparison })
    }

    /// Lines between the two clients of a model in one shape.
    fn joins(&self, dots: &[Dot]) -> Markup {
        let pairs = self.rows.iter().zip(dots).filter(|((row, _), _)| row.is_common()).filter_map(
            |((common, _), to)| {
                let shape = (&common.model, common.processes, common.in_flight);
                let same = |row: &Row| (&row.model, row.processes, row.in_flight) == shape;
                let from = self.rows.iter().position(|(row, _)| !row.is_common() && same(row))?;
                Some((class(self.comparison, common), &dots[from], to))
            },
        );
        html! {
            @for (class, from, to) in pairs {
                g class=(class) { (line("thin", from.x, from.y, to.x, to.y)) }
            }
        }
    }

    fn bubble(&self, row: &Row, measured: &Measured, dot: &Dot) -> Markup {
        let shape = if row.is_common() { "ring" } else { "solid" };
        let tip = format!(
            "{}\n{} of CPU a request\n{} at the peak\n{} in flight",
            row.name,
            duration(cpu_ns(measured) as u64),
            bytes(measured.peak_memory_bytes.median),
            count(row.slots()),
        );
        mark(
            &tip,
            html! {
                g class=(class(self.comparison, row)) {
                    circle class=(shape) cx=(px(dot.x)) cy=(px(dot.y)) r=(px(dot.radius)) {}
                }
            },
        )
    }
}

impl Chart for Cost<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "cost", title: "What it cost", short: "cost" }
    }

    fn caption(&self) -> String {
        let mut caption =
            "Cheap is at the bottom left. A larger bubble has more requests in flight. Each step of an axis \
             multiplies."
                .to_owned();
        let common = self.rows.iter().filter(|(row, _)| row.is_common()).count();
        if common > 0 && common < self.rows.len() {
            caption +=
                " Filled: with the client people use; ring: with the common client. A line joins the two.";
        }
        caption
    }

    fn description(&self) -> String {
        let name = |figure: fn(&Measured) -> f64| {
            let least = self.rows.iter().min_by(|a, b| figure(a.1).total_cmp(&figure(b.1)));
            least.map_or("", |(row, _)| row.name.as_str())
        };
        format!("Least CPU: {}. Least memory: {}.", name(cpu_ns), name(memory_bytes))
    }

    fn data(&self) -> Data {
        table(&self.rows, |(row, measured)| {
            vec![
                words("contender", &row.name),
                cpu_per_request(measured),
                peak_memory(measured),
                number("in flight", "in_flight", row.slots()),
            ]
        })
    }

    fn picture(&self, _: usize, width: f64) -> Picture {
        let height = (width * 0.6).max(330.0);
        let plot = Rect { left: 58.0, top: 26.0, width: width - 62.0, height: height - 70.0 };
        let (right, bottom) = (plot.left + plot.width, plot.top + plot.height);
        let x = Scale::log_around(self.rows.iter().map(|(_, m)| cpu_ns(m)), plot.left, right);
        let y = Scale::log_around(self.rows.iter().map(|(_, m)| memory_bytes(m)), bottom, plot.top);
        let names: Vec<String> =
            self.rows.iter().map(|(row, _)| clipped(&row.name, TEXT, WIDEST_LABEL)).collect();
        let named = self.rows.iter().zip(&names);
        let dots = named.map(|((row, measured), name)| Dot {
            x: x.at(cpu_ns(measured)),
            y: y.at(memory_bytes(measured)),
            radius: 4.0 + (row.slots() as f64).log2() * 0.45,
            width: text_width(name, TEXT),
            height: 15.0,
        });
        let dots: Vec<Dot> = dots.collect();
        let labels = place(&dots, plot);
        let nameless = labels.iter().filter(|label| label.is_none()).count();
        let body = html! {
            (text(0.0, 11.0, Anchor::Start, "mute", "peak memory"))
            @if nameless > 0 {
                (text(width, 11.0, Anchor::End, "mute small", &format!("{nameless} without a name: no room")))
            }
            @for tick in y.ticks(((y.start - y.end) / 34.0) as usize) {
                (line("grid", plot.left, y.at(tick), right, y.at(tick)))
                (text(plot.left - 8.0, y.at(tick) + 4.0, Anchor::End, "mute", &round_bytes(tick as u64)))
            }
            (axis_below(&x, plot.top, bottom, |ns| round_duration(ns as u64)))
            (text(width, height - 8.0, Anchor::End, "mute", "CPU per request"))
            (self.joins(&dots))
            @for ((name, dot), label) in names.iter().zip(&dots).zip(&labels) {
                @if let Some(label) = label { (labelled(name, dot, label)) }
            }
            @for ((row, measured), dot) in self.rows.iter().zip(&dots) { (self.bubble(row, measured, dot)) }
        };
        Picture { width, height, title: self.titles().title.to_owned(), body }
    }
}

/// A name at its place, with a line to its dot where that is not beside it.
fn labelled(name: &str, dot: &Dot, label: &Rect) -> Markup {
    const BESIDE: f64 = 9.0;
    let near_x = dot.x.clamp(label.left, label.left + label.width);
    let near_y = dot.y.clamp(label.top, label.top + label.height);
    let far = (near_x - dot.x).hypot(near_y - dot.y) > dot.radius + BESIDE;
    html! {
        @if far { (line("axis", dot.x, dot.y, near_x, near_y)) }
        (text(label.left, label.top + 11.5, Anchor::Start, "ink", name))
    }
}

pub(super) fn cpu_ns(measured: &Measured) -> f64 {
    measured.cpu_us_per_request.median * 1e3
}

pub(super) fn memory_bytes(measured: &Measured) -> f64 {
    measured.peak_memory_bytes.median as f64
}

pub(super) fn cpu_per_request(measured: &Measured) -> Field {
    let cpu = (duration(cpu_ns(measured) as u64), measured.cpu_us_per_request.median);
    figure("CPU per request", "cpu_us_per_request", Some(cpu))
}

pub(super) fn peak_memory(measured: &Measured) -> Field {
    let memory = (bytes(measured.peak_memory_bytes.median), memory_bytes(measured));
    figure("peak memory", "peak_memory_bytes", Some(memory))
}
