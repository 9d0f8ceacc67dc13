//! What it cost: CPU against memory, a bubble a contender.

use maud::{Markup, html};

use super::labels::{Dot, Rect, clipped, place, text_width};
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, px, text};
use super::{Cell, Chart, Data, Palette, Picture};
use crate::comparison::{Comparison, Measured, Row};
use crate::numbers::{bytes, count, duration, round_bytes, round_duration};

/// No name in the picture is wider, in pixels.
const WIDEST_LABEL: f64 = 190.0;

pub(super) struct Cost<'a> {
    rows: Vec<(&'a Row, &'a Measured)>,
    palette: &'a Palette,
}

impl<'a> Cost<'a> {
    pub(super) fn of(comparison: &'a Comparison, palette: &'a Palette) -> Option<Cost<'a>> {
        let rows: Vec<_> = comparison
            .contenders
            .iter()
            .filter_map(|row| Some((row, row.measured.as_ref()?)))
            .filter(|(_, m)| m.cpu_us_per_request.median > 0.0 && m.peak_memory_bytes.median > 0)
            .collect();
        (!rows.is_empty()).then_some(Cost { rows, palette })
    }

    fn has_both_clients(&self) -> bool {
        self.rows.iter().any(|(row, _)| row.is_common()) && self.rows.iter().any(|(row, _)| !row.is_common())
    }

    fn scales(&self, plot: &Rect) -> (Scale, Scale) {
        let ends = |figure: fn(&Measured) -> f64| {
            let figures = self.rows.iter().map(|(_, measured)| figure(measured));
            (figures.clone().fold(f64::MAX, f64::min), figures.fold(0.0, f64::max))
        };
        let (cpu, memory) = (ends(cpu_ns), ends(memory_bytes));
        let (right, bottom) = (plot.left + plot.width, plot.top + plot.height);
        (Scale::log(cpu.0, cpu.1, plot.left, right), Scale::log(memory.0, memory.1, bottom, plot.top))
    }

    /// Lines between the two clients of a model in one shape.
    fn joins(&self, dots: &[Dot]) -> Markup {
        let pairs = self.rows.iter().zip(dots).filter(|((row, _), _)| row.is_common()).filter_map(
            |((common, _), to)| {
                let same = |row: &Row| {
                    !row.is_common()
                        && (&row.model, row.processes, row.in_flight)
                            == (&common.model, common.processes, common.in_flight)
                };
                let from = self.rows.iter().position(|(row, _)| same(row))?;
                Some((self.palette.class(&common.model), &dots[from], to))
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
        mark(
            &tip(row, measured),
            html! {
                g class=(self.palette.class(&row.model)) {
                    circle class=(shape) cx=(px(dot.x)) cy=(px(dot.y)) r=(px(dot.radius)) {}
                }
            },
        )
    }
}

impl Chart for Cost<'_> {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn title(&self) -> String {
        "What it cost".to_owned()
    }

    fn short_title(&self) -> &'static str {
        "cost"
    }

    fn caption(&self) -> String {
        let mut caption =
            "Cheap is at the bottom left. A larger bubble has more requests in flight. Each step of an axis \
             multiplies."
                .to_owned();
        if self.has_both_clients() {
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
        let mut data = Data::new(&[
            ("contender", "contender", false),
            ("CPU per request", "cpu_us_per_request", true),
            ("peak memory", "peak_memory_bytes", true),
            ("in flight", "in_flight", true),
        ]);
        for (row, measured) in &self.rows {
            data.rows.push(vec![
                Cell::text(&row.name),
                Cell::figure(duration(cpu_ns(measured) as u64), measured.cpu_us_per_request.median),
                Cell::figure(bytes(measured.peak_memory_bytes.median), memory_bytes(measured)),
                Cell::figure(count(row.slots()), row.slots() as f64),
            ]);
        }
        data
    }

    fn pictures(&self, width: f64) -> Vec<Picture> {
        let height = (width * 0.6).max(330.0);
        let plot = Rect { left: 58.0, top: 26.0, width: width - 62.0, height: height - 70.0 };
        let (x, y) = self.scales(&plot);
        let names: Vec<String> =
            self.rows.iter().map(|(row, _)| clipped(&row.name, TEXT, WIDEST_LABEL)).collect();
        let dots: Vec<Dot> = self
            .rows
            .iter()
            .zip(&names)
            .map(|((row, measured), name)| Dot {
                x: x.at(cpu_ns(measured)),
                y: y.at(memory_bytes(measured)),
                radius: 4.0 + (row.slots() as f64).log2() * 0.45,
                width: text_width(name, TEXT),
                height: 15.0,
            })
            .collect();
        let labels = place(&dots, plot);
        let nameless = labels.iter().filter(|label| label.is_none()).count();
        let body = html! {
            (text(0.0, 11.0, Anchor::Start, "mute", "peak memory"))
            @if nameless > 0 {
                (text(width, 11.0, Anchor::End, "mute small", &format!("{nameless} without a name: no room")))
            }
            @for tick in ticks_up(&y) {
                (line("grid", plot.left, y.at(tick), plot.left + plot.width, y.at(tick)))
                (text(plot.left - 8.0, y.at(tick) + 4.0, Anchor::End, "mute", &round_bytes(tick as u64)))
            }
            (axis_below(&x, plot.top, plot.top + plot.height, |ns| round_duration(ns as u64)))
            (text(width, height - 8.0, Anchor::End, "mute", "CPU per request"))
            (self.joins(&dots))
            @for ((name, dot), label) in names.iter().zip(&dots).zip(&labels) {
                @if let Some(label) = label { (labelled(name, dot, label)) }
            }
            @for ((row, measured), dot) in self.rows.iter().zip(&dots) { (self.bubble(row, measured, dot)) }
        };
        vec![Picture { width, height, title: self.title(), body }]
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

fn ticks_up(scale: &Scale) -> Vec<f64> {
    scale.ticks(((scale.start - scale.end) / 34.0) as usize)
}

fn cpu_ns(measured: &Measured) -> f64 {
    measured.cpu_us_per_request.median * 1e3
}

fn memory_bytes(measured: &Measured) -> f64 {
    measured.peak_memory_bytes.median as f64
}

fn tip(row: &Row, measured: &Measured) -> String {
    format!(
        "{}\n{} of CPU a request\n{} at the peak\n{} in flight",
        row.name,
        duration(cpu_ns(measured) as u64),
        bytes(measured.peak_memory_bytes.median),
        count(row.slots()),
    )
}
