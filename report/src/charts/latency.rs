//! Latency: what client and machine added to each request's planned delay, from the median to the worst.

use maud::{Markup, html};

use super::data::{table, time, words};
use super::labels::{spread_out, text_width};
use super::palette::class;
use super::rows::{Group, Layout, Place, groups, rows_of};
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, px, room, text};
use super::{Chart, Data, Picture, Titles};
use crate::comparison::{Comparison, Row};
use crate::numbers::{NONE, duration, round_duration};

/// The points that are shown: the name of each, its key, and the size of its dot.
const POINTS: [(&str, &str, f64); 5] = [
    ("p50", "added_latency_p50_ns", 5.0),
    ("p90", "added_latency_p90_ns", 4.2),
    ("p99", "added_latency_p99_ns", 3.4),
    ("p99.9", "added_latency_p99_9_ns", 2.6),
    ("max", "added_latency_max_ns", 1.8),
];

/// The figures at [`POINTS`], in nanoseconds.
type Points = [u64; POINTS.len()];

/// Shorter times are shown as this: two clocks do not agree any better.
const SHORTEST_NS: f64 = 1_000.0;

/// Room for the figure at the right of a row.
const FIGURES: f64 = 74.0;

pub(super) struct Latency<'a> {
    groups: Vec<Group<'a>>,
    comparison: &'a Comparison,
}

impl<'a> Latency<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Option<Latency<'a>> {
        let any = comparison.contenders.iter().any(|row| points(row).is_some());
        any.then(|| Latency { groups: groups(comparison), comparison })
    }

    fn row(&self, row: &Row, points: Points, place: &Place, layout: &Layout, scale: &Scale) -> Markup {
        let places = points.map(|ns| scale.at(shown(ns)));
        let lines = points.iter().zip(POINTS).map(|(ns, (name, ..))| format!("\n{name} {}", duration(*ns)));
        mark(
            &format!("{}\nadded to the planned delay:{}", row.name, lines.collect::<String>()),
            html! {
                (room(0.0, place.top, layout.width, place.height))
                g class=(class(self.comparison, row)) {
                    (line("thin", places[0], place.middle, places[POINTS.len() - 1], place.middle))
                    @for (x, (.., radius)) in places.into_iter().zip(POINTS) {
                        circle class="solid" cx=(px(x)) cy=(px(place.middle)) r=(px(radius)) {}
                    }
                }
                (text(layout.width, place.base, Anchor::End, "ink", &duration(points[2])))
            },
        )
    }

    /// Above the dots of the first row, where its name does not stand there: which is which.
    fn names_of_points(&self, layout: &Layout, scale: &Scale) -> Markup {
        let first = rows_of(&self.groups).next().and_then(points);
        let Some(points) = first.filter(|_| !layout.is_narrow) else { return html! {} };
        let beside = text_width(self.groups[0].heading, TEXT) + 20.0;
        let places = points.map(|ns| scale.at(shown(ns)));
        let apart = spread_out(&places, 34.0, scale.start.max(beside), scale.end + 20.0);
        let row = layout.top + self.groups[0].height();
        html! {
            @for (place, (name, ..)) in apart.iter().zip(POINTS) {
                (text(*place, row - 1.0, Anchor::Middle, "mute small", name))
            }
        }
    }
}

impl Chart for Latency<'_> {
    fn titles(&self) -> Titles {
        Titles { name: "latency", title: "Added latency", short: "latency" }
    }

    fn caption(&self) -> String {
        let since = match self.comparison.rate {
            Some(_) => ", from when the request was due, so that its wait for a slot counts",
            None => "",
        };
        format!(
            "What client and machine add to each request's planned delay{since}. From the largest dot to the \
             smallest: the median, p90, p99, p99.9 and the slowest of all requests of all valid runs. The figure \
             is p99. Each step of the axis multiplies."
        )
    }

    fn description(&self) -> String {
        let rows = self.comparison.contenders.iter();
        let least = rows.filter_map(|row| Some((points(row)?[2], row))).min_by_key(|(p99, _)| *p99);
        least.map_or_else(String::new, |(p99, row)| format!("Least at p99: {}, {}.", row.name, duration(p99)))
    }

    fn data(&self) -> Data {
        table(rows_of(&self.groups).filter_map(|row| Some((row, points(row)?))), |(row, points)| {
            let figures =
                points.into_iter().zip(POINTS).map(|(ns, (name, key, _))| time(name, key, Some(ns)));
            std::iter::once(words("contender", &row.name)).chain(figures).collect()
        })
    }

    fn picture(&self, _: usize, width: f64) -> Picture {
        let layout = Layout::new(&self.groups, width, FIGURES);
        let all = rows_of(&self.groups).filter_map(points).flatten().map(shown);
        let scale = Scale::log_around(all, layout.left + 5.0, layout.right - 5.0);
        let body = html! {
            (text(width, 11.0, Anchor::End, "mute small", "p99"))
            (axis_below(&scale, layout.top, layout.bottom, |ns| round_duration(ns as u64)))
            (self.names_of_points(&layout, &scale))
            (layout.rows(&self.groups, |row, place| match points(row) {
                Some(points) => self.row(row, points, place, &layout, &scale),
                None => text(width, place.base, Anchor::End, "mute", NONE),
            }))
        };
        Picture { width, height: layout.height, title: self.titles().title.to_owned(), body }
    }
}

/// The points of all valid runs of `row` together. None lies below zero: the histograms that they come of have
/// no such class.
fn points(row: &Row) -> Option<Points> {
    let measured = row.measured.as_ref()?;
    let added = measured.added_latency_ns?;
    let points = [added.p50, added.p90, added.p99, measured.added_latency_p999_ns?.cast_signed(), added.max];
    Some(points.map(i64::cast_unsigned))
}

/// What is drawn of a time, in nanoseconds.
fn shown(ns: u64) -> f64 {
    (ns as f64).max(SHORTEST_NS)
}
