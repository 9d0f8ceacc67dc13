//! Every run: how far the walls of a contender's runs lie apart, the invalid ones included.

use maud::{Markup, html};

use super::data::{number, table, time, words};
use super::palette::class;
use super::rows::{Group, Layout, Place, groups, rows_of};
use super::scale::Scale;
use super::svg::{Anchor, axis_below, line, mark, px, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Row, RunSummary};
use crate::numbers::{as_published, duration, percent};

/// The widest half of the axis, in per cent: what lies beyond stands at the edge.
const WIDEST: f64 = 100.0;

/// Room for the figures at the right of a row.
const FIGURES: f64 = 62.0;

pub(super) struct Runs<'a> {
    groups: Vec<Group<'a>>,
    comparison: &'a Comparison,
}

impl<'a> Runs<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Option<Runs<'a>> {
        let any = comparison.contenders.iter().any(|row| row.valid_runs + row.invalid_runs > 1);
        any.then(|| Runs { groups: groups(comparison), comparison })
    }

    /// Half of the axis: the farthest valid run from its median, in per cent.
    fn reach(&self) -> f64 {
        let apart = self.comparison.contenders.iter().flat_map(|row| {
            let valid = row.runs.iter().filter(|run| run.verdict.is_valid());
            valid.filter_map(|run| off_median(row, run)).map(f64::abs)
        });
        apart.fold(0.5, f64::max).min(WIDEST)
    }

    fn row(&self, row: &Row, place: &Place, scale: &Scale, layout: &Layout) -> Markup {
        let verdicts = format!("{} of {}", row.valid_runs, row.rounds);
        html! {
            (text(layout.width, place.base, Anchor::End, "ink", &verdicts))
            g class=(class(self.comparison, row)) {
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
    fn titles(&self) -> Titles {
        Titles { name: "runs", title: "Every run", short: "every run" }
    }

    fn caption(&self) -> String {
        "The wall of each run, as far as it lies from the median of its contender's valid runs. A cross is an \
         invalid run, which is in no figure."
            .to_owned()
    }

    fn description(&self) -> String {
        let total = |runs: fn(&Row) -> u32| self.comparison.contenders.iter().map(runs).sum::<u32>();
        let (valid, invalid) = (total(|row| row.valid_runs), total(|row| row.invalid_runs));
        format!("{valid} valid runs and {invalid} invalid ones.")
    }

    fn data(&self) -> Data {
        let runs = rows_of(&self.groups).flat_map(|row| row.runs.iter().map(move |run| (row, run)));
        table(runs, |(row, run)| {
            vec![
                words("contender", &row.name),
                number("round", "round", run.round.into()),
                words("verdict", if run.verdict.is_valid() { "valid" } else { "invalid" }),
                time("wall", "wall_ns", run.figures.as_ref().map(|figures| figures.wall_ns)),
                time("CPU", "cpu_ns", run.figures.as_ref().map(|figures| figures.cpu_ns)),
                words("reasons", &run.verdict.text()),
            ]
        })
    }

    fn picture(&self, _: usize, width: f64) -> Picture {
        let layout = Layout::new(&self.groups, width, FIGURES);
        let reach = self.reach() * 1.1;
        let scale = Scale::exact(-reach, reach, layout.left + 6.0, layout.right - 6.0);
        let body = html! {
            (text(width, 11.0, Anchor::End, "mute small", "valid"))
            (axis_below(&scale, layout.top, layout.bottom, signed_percent))
            (line("axis", scale.at(0.0), layout.top, scale.at(0.0), layout.bottom))
            (layout.rows(&self.groups, |row, place| self.row(row, place, &scale, &layout)))
        };
        Picture { width, height: layout.height, title: self.titles().title.to_owned(), body }
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
    let is_valid = run.verdict.is_valid();
    let tip = format!(
        "{}, round {}\nwall {}, {} from the median\n{}",
        row.name,
        run.round,
        duration(run.figures.as_ref().map_or(0, |figures| figures.wall_ns)),
        signed_percent(percent),
        if is_valid { "valid".to_owned() } else { format!("invalid: {}", run.verdict.text()) },
    );
    mark(
        &tip,
        html! {
            (room(x - 7.0, place.top, 14.0, place.height))
            @if is_valid {
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

fn signed_percent(value: f64) -> String {
    let sign = match value {
        1e-9.. => "+",
        ..=-1e-9 => "−",
        _ => return "0 %".to_owned(),
    };
    format!("{sign}{}", as_published(&percent(value.abs() / 100.0)))
}
