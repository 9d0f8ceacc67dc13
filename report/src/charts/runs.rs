//! Every run: how far the walls of a contender's runs lie apart, the invalid ones included.

use maud::{Markup, html};

use super::rows::{Group, Layout, Place, groups};
use super::scale::Scale;
use super::svg::{Anchor, axis_below, line, mark, px, room, text};
use super::{Cell, Chart, Data, Palette, Picture};
use crate::comparison::{Comparison, Row, RunSummary};
use crate::numbers::{as_published, count, duration, percent};

/// The widest half of the axis, in per cent: what lies beyond stands at the edge.
const WIDEST: f64 = 100.0;

/// Room for the figures at the right of a row.
const FIGURES: f64 = 62.0;

pub(super) struct Runs<'a> {
    groups: Vec<Group<'a>>,
    palette: &'a Palette,
}

impl<'a> Runs<'a> {
    pub(super) fn of(comparison: &'a Comparison, palette: &'a Palette) -> Option<Runs<'a>> {
        let any = comparison.contenders.iter().any(|row| row.valid_runs + row.invalid_runs > 1);
        any.then(|| Runs { groups: groups(comparison), palette })
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| group.rows.iter().copied())
    }

    /// Half of the axis: the farthest valid run from its median, in per cent.
    fn reach(&self) -> f64 {
        let apart = self.rows().flat_map(|row| {
            let valid = row.runs.iter().filter(|run| run.verdict.is_valid());
            valid.filter_map(|run| off_median(row, run)).map(f64::abs)
        });
        apart.fold(0.5, f64::max).min(WIDEST)
    }

    fn row(&self, row: &Row, place: &Place, scale: &Scale, layout: &Layout) -> Markup {
        html! {
            (text(layout.width, place.base, Anchor::End, "ink", &verdicts(row)))
            g class=(self.palette.class(&row.model)) {
                @for run in &row.runs {
                    @if let Some(percent) = off_median(row, run) {
                        (dot(row, run, percent, scale, place))
                    }
                }
            }
        }
    }
}

impl Chart for Runs<'_> {
    fn name(&self) -> &'static str {
        "runs"
    }

    fn title(&self) -> String {
        "Every run".to_owned()
    }

    fn short_title(&self) -> &'static str {
        "every run"
    }

    fn caption(&self) -> String {
        "The wall of each run, as far as it lies from the median of its contender's valid runs. A cross is an \
         invalid run, which is in no figure."
            .to_owned()
    }

    fn description(&self) -> String {
        let invalid: u32 = self.rows().map(|row| row.invalid_runs).sum();
        let valid: u32 = self.rows().map(|row| row.valid_runs).sum();
        format!("{valid} valid runs and {invalid} invalid ones.")
    }

    fn data(&self) -> Data {
        let mut data = Data::new(&[
            ("contender", "contender", false),
            ("round", "round", true),
            ("verdict", "verdict", false),
            ("wall", "wall_ns", true),
            ("CPU", "cpu_ns", true),
            ("reasons", "reasons", false),
        ]);
        for row in self.rows() {
            for run in &row.runs {
                let figure = |pick: fn(&crate::record::Figures) -> u64| {
                    run.figures
                        .as_ref()
                        .map(pick)
                        .map_or_else(Cell::none, |ns| Cell::figure(duration(ns), ns as f64))
                };
                data.rows.push(vec![
                    Cell::text(&row.name),
                    Cell::figure(count(run.round.into()), f64::from(run.round)),
                    Cell::text(if run.verdict.is_valid() { "valid" } else { "invalid" }),
                    figure(|figures| figures.wall_ns),
                    figure(|figures| figures.cpu_ns),
                    Cell::text(run.verdict.text()),
                ]);
            }
        }
        data
    }

    fn pictures(&self, width: f64) -> Vec<Picture> {
        let layout = Layout::new(&self.groups, width, 20.0, FIGURES);
        let reach = self.reach() * 1.1;
        let scale = Scale::exact(-reach, reach, layout.left + 6.0, layout.right - 6.0);
        let body = html! {
            (text(width, 11.0, Anchor::End, "mute small", "valid"))
            (axis_below(&scale, layout.top, layout.bottom, signed_percent))
            (line("axis", scale.at(0.0), layout.top, scale.at(0.0), layout.bottom))
            (layout.rows(&self.groups, |row, place| self.row(row, place, &scale, &layout)))
        };
        vec![Picture { width, height: layout.height, title: self.title(), body }]
    }
}

/// How far a run's wall lies from the median, in per cent; `None` where there is no wall or no median.
fn off_median(row: &Row, run: &RunSummary) -> Option<f64> {
    let median = row.measured.as_ref()?.wall_ns.median as f64;
    Some((run.figures.as_ref()?.wall_ns as f64 / median - 1.0) * 100.0)
}

fn dot(row: &Row, run: &RunSummary, percent: f64, scale: &Scale, place: &Place) -> Markup {
    const ARM: f64 = 4.0;
    let (x, y) = (scale.at(percent), place.middle);
    let wall = run.figures.as_ref().map_or(0, |figures| figures.wall_ns);
    let verdict =
        if run.verdict.is_valid() { "valid".to_owned() } else { format!("invalid: {}", run.verdict.text()) };
    let tip = format!(
        "{}, round {}\nwall {}, {} from the median\n{verdict}",
        row.name,
        run.round,
        duration(wall),
        signed_percent(percent)
    );
    mark(
        &tip,
        html! {
            (room(x - 7.0, place.top, 14.0, place.height))
            @if run.verdict.is_valid() {
                circle class="ring" cx=(px(x)) cy=(px(y)) r="3.5" {}
            } @else {
                g class="bad" {
                    (line("thick", x - ARM, y - ARM, x + ARM, y + ARM))
                    (line("thick", x - ARM, y + ARM, x + ARM, y - ARM))
                }
            }
        },
    )
}

fn verdicts(row: &Row) -> String {
    format!("{} of {}", row.valid_runs, row.rounds)
}

fn signed_percent(value: f64) -> String {
    let value = if value.abs() < 1e-9 { 0.0 } else { value };
    let sign = if value > 0.0 {
        "+"
    } else if value < 0.0 {
        "−"
    } else {
        ""
    };
    format!("{sign}{}", as_published(&percent(value.abs() / 100.0)))
}
