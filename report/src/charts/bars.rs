//! Bars against the ideal: the wall of every contender, and how much of it the delays alone explain.

use maud::{Markup, html};

use super::data::{figure, number, table, time, words};
use super::palette::class;
use super::rows::{Group, Layout, Place, groups, rows_of};
use super::scale::Scale;
use super::svg::{Anchor, axis_below, bar, line, mark, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Measured, RankingFigure, Row};
use crate::figures::limit_mark;
use crate::numbers::{duration, duration_range, efficiency, round_duration};

/// Room for the figures at the right of a row.
const FIGURES: f64 = 150.0;

/// Where no more than one contender in so many takes so many times as long as the least time to be shown, its
/// bar goes on beyond the axis: it would have no room for the differences of the others.
const FEW: usize = 5;
const FAR_OVER_LOWEST: u64 = 12;

pub(super) struct Bars<'a> {
    groups: Vec<Group<'a>>,
    comparison: &'a Comparison,
    /// The shortest and the longest time to be shown, in nanoseconds.
    range: (f64, f64),
}

impl<'a> Bars<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Option<Bars<'a>> {
        let measured = || comparison.contenders.iter().filter(|row| row.measured.is_some());
        let ideals = measured().filter_map(|row| row.ideal_ns);
        let low = measured().map(|row| least_and_most(row).0).chain(ideals).min()?;
        let highs: Vec<u64> = measured().map(|row| least_and_most(row).1).collect();
        let near = low.saturating_mul(FAR_OVER_LOWEST);
        let far = highs.iter().filter(|high| **high > near).count();
        let shown = highs.iter().filter(|high| far * FEW > highs.len() || **high <= near);
        let range = (low as f64 * 0.9, *shown.max()? as f64);
        Some(Bars { groups: groups(comparison), comparison, range })
    }

    fn goes_on(&self, row: &Row) -> bool {
        least_and_most(row).1 as f64 > self.range.1
    }

    fn row(&self, row: &Row, measured: &Measured, place: &Place, layout: &Layout, scale: &Scale) -> Markup {
        let wall_ns = measured.wall_ns.median;
        let (least, most) = least_and_most(row);
        let (top, height) = (place.middle - place.thickness / 2.0, place.thickness);
        let end = scale.at(wall_ns as f64);
        let ideal = row.ideal_ns.map(|ns| ns as f64);
        let explained = ideal.map_or(layout.left, |ns| scale.at(ns));
        mark(
            &tip(row, measured),
            html! {
                (room(0.0, place.top, layout.width, place.height))
                g class=(class(self.comparison, row)) {
                    (bar("tint", layout.left, top, explained.min(end) - layout.left, height))
                    (bar("solid", explained, top, end - explained, height))
                }
                @if self.goes_on(row) {
                    (text(layout.right + 2.0, place.middle + 4.0, Anchor::Start, "mute", "→"))
                }
                @if row.valid_runs > 1 && (least as f64) < self.range.1 {
                    (line("floor whisker", scale.at(least as f64), place.middle, scale.at(most as f64), place.middle))
                }
                @if ideal.is_some_and(|ns| ns < self.range.1) {
                    (line("floor", explained, top - 3.0, explained, top + height + 3.0))
                }
                (text(layout.width - 72.0, place.base, Anchor::End, "ink", &(duration(wall_ns) + limit_mark(row))))
                (text(layout.width, place.base, Anchor::End, "mute", &share_of_ideal(measured)))
            },
        )
    }
}

impl Chart for Bars<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "bars", title: "Wall time against the ideal", short: "wall" }
    }

    fn caption(&self) -> String {
        let mut caption =
            "The upright mark is the ideal: the wall time of a client without any cost of its own, from the delays \
             alone, in the order of the URLs. The solid part beyond it is what the contender adds. The thin line goes from its fastest \
             valid run to its slowest. Each step of the axis multiplies."
                .to_owned();
        let rows = &self.comparison.contenders;
        if rows.iter().any(|row| self.goes_on(row)) {
            caption += " What has an arrow goes on beyond the axis.";
        }
        if rows.iter().any(Row::is_target_limited) {
            caption +=
                " A wall with † is the target's and not the contender's own; these come last, by their CPU.";
        }
        if self.comparison.rate.is_some() {
            caption += " Requests came at a given rate: a contender that keeps up needs as long as they take to \
                        come, so walls are not compared.";
        }
        caption
    }

    fn description(&self) -> String {
        let own = rows_of(&self.groups).filter_map(|row| Some((RankingFigure::WallNs.median(row)?, row)));
        match own.min_by_key(|(wall_ns, _)| *wall_ns) {
            Some((_, row)) => format!("A bar for each contender; the shortest is that of {}.", row.name),
            None => "A bar for each contender; the target limited all of them.".to_owned(),
        }
    }

    fn data(&self) -> Data {
        table(rows_of(&self.groups), |row| {
            let measured = row.measured.as_ref();
            let (least, most) = least_and_most(row);
            let share = measured.and_then(|measured| measured.efficiency).map(|share| share.median);
            vec![
                words("contender", &row.name),
                time("wall", "wall_ns", measured.map(|measured| measured.wall_ns.median)),
                time("fastest", "wall_least_ns", measured.map(|_| least)),
                time("slowest", "wall_most_ns", measured.map(|_| most)),
                time("ideal", "ideal_ns", row.ideal_ns),
                figure("efficiency", "efficiency", share.map(|share| (efficiency(share), share))),
                number("valid runs", "valid_runs", row.valid_runs.into()),
                number("target-limited runs", "target_limited_runs", row.target_limited_runs.into()),
            ]
        })
    }

    fn picture(&self, _: usize, width: f64) -> Picture {
        let layout = Layout::new(&self.groups, width, FIGURES);
        let scale = Scale::log(self.range.0, self.range.1, layout.left, layout.right);
        let body = html! {
            (text(width - 72.0, 11.0, Anchor::End, "mute small", "wall"))
            (text(width, 11.0, Anchor::End, "mute small", "efficiency"))
            (axis_below(&scale, layout.top, layout.bottom, |ns| round_duration(ns as u64)))
            (layout.rows(&self.groups, |row, place| match &row.measured {
                Some(measured) => self.row(row, measured, place, &layout, &scale),
                None => text(width, place.base, Anchor::End, "mute bad-text", "no valid run"),
            }))
        };
        Picture { width, height: layout.height, title: self.titles().title.to_owned(), body }
    }
}

/// The walls of the fastest and of the slowest valid run, in nanoseconds; 0 where there is none.
fn least_and_most(row: &Row) -> (u64, u64) {
    let walls = || row.valid_figures().map(|figures| figures.wall_ns);
    (walls().min().unwrap_or(0), walls().max().unwrap_or(0))
}

/// Where nothing is delayed there is no ideal.
fn share_of_ideal(measured: &Measured) -> String {
    measured.efficiency.map_or_else(String::new, |share| efficiency(share.median))
}

fn tip(row: &Row, measured: &Measured) -> String {
    let wall_ns = measured.wall_ns.median;
    let (least, most) = least_and_most(row);
    let range = match row.valid_runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs, {}", duration_range(least, most)),
    };
    let ideal = match row.ideal_ns {
        None => "nothing is delayed: there is no ideal".to_owned(),
        Some(ns) => format!(
            "ideal {}, efficiency {}\n{} beyond the ideal",
            duration(ns),
            share_of_ideal(measured),
            duration(wall_ns.saturating_sub(ns)),
        ),
    };
    format!("{}\nwall {} ({range})\n{ideal}", row.name, duration(wall_ns))
}
