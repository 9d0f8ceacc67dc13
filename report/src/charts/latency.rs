//! Latency: what client and machine added to each request's planned delay, from the median to the worst.

use maud::{Markup, html};

use super::labels::{spread_out, text_width};
use super::rows::{Group, Layout, Place, groups};
use super::scale::Scale;
use super::svg::{Anchor, TEXT, axis_below, line, mark, px, room, text};
use super::{Cell, Chart, Data, Palette, Picture};
use crate::comparison::{Comparison, Row};
use crate::numbers::{duration, round_duration};

/// The points that are shown: the name of each, and the size of its dot.
const POINTS: [(&str, f64); 5] = [("p50", 5.0), ("p90", 4.2), ("p99", 3.4), ("p99.9", 2.6), ("max", 1.8)];

/// Shorter times are shown as this: two clocks do not agree any better.
const SHORTEST_NS: f64 = 1_000.0;

/// Room for the figure at the right of a row.
const FIGURES: f64 = 74.0;

pub(super) struct Latency<'a> {
    groups: Vec<Group<'a>>,
    points: Vec<(&'a str, [u64; POINTS.len()])>,
    palette: &'a Palette,
    is_open_loop: bool,
}

impl<'a> Latency<'a> {
    pub(super) fn of(comparison: &'a Comparison, palette: &'a Palette) -> Option<Latency<'a>> {
        let points: Vec<_> =
            comparison.contenders.iter().filter_map(|row| Some((row.name.as_str(), points(row)?))).collect();
        let is_open_loop = comparison.rate.is_some();
        (!points.is_empty()).then(|| Latency { groups: groups(comparison), points, palette, is_open_loop })
    }

    fn points(&self, row: &Row) -> Option<&[u64; POINTS.len()]> {
        self.points.iter().find(|(name, _)| *name == row.name).map(|(_, points)| points)
    }

    fn row(
        &self,
        row: &Row,
        points: &[u64; POINTS.len()],
        place: &Place,
        layout: &Layout,
        scale: &Scale,
    ) -> Markup {
        let at = |ns: u64| scale.at((ns as f64).max(SHORTEST_NS));
        let lines: Vec<String> =
            points.iter().zip(POINTS).map(|(ns, point)| format!("{} {}", point.0, duration(*ns))).collect();
        mark(
            &format!("{}\nadded to the planned delay:\n{}", row.name, lines.join("\n")),
            html! {
                (room(0.0, place.top, layout.width, place.height))
                g class=(self.palette.class(&row.model)) {
                    (line("thin", at(points[0]), place.middle, at(points[POINTS.len() - 1]), place.middle))
                    @for (ns, (_, radius)) in points.iter().zip(POINTS) {
                        circle class="solid" cx=(px(at(*ns))) cy=(px(place.middle)) r=(px(radius)) {}
                    }
                }
                (text(layout.width, place.base, Anchor::End, "ink", &duration(points[2])))
            },
        )
    }
}

impl Latency<'_> {
    /// Above the dots of the first row, where its name does not stand there: which is which.
    fn names_of_points(&self, layout: &Layout, scale: &Scale) -> Markup {
        let first = self.groups.first().and_then(|group| self.points(group.rows.first()?));
        let Some(points) = first.filter(|_| !layout.is_narrow) else { return html! {} };
        let places: Vec<f64> = points.iter().map(|ns| scale.at((*ns as f64).max(SHORTEST_NS))).collect();
        let beside = text_width(self.groups[0].heading, TEXT) + 20.0;
        let apart = spread_out(&places, 34.0, scale.start.max(beside), scale.end + 20.0);
        let row = layout.top + self.groups[0].height();
        html! {
            @for (place, (name, _)) in apart.iter().zip(POINTS) {
                (text(*place, row - 1.0, Anchor::Middle, "mute small", name))
            }
        }
    }
}

impl Chart for Latency<'_> {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn title(&self) -> String {
        "Added latency".to_owned()
    }

    fn short_title(&self) -> &'static str {
        "latency"
    }

    fn caption(&self) -> String {
        let since = match self.is_open_loop {
            true => ", from when the request was due, so that its wait for a slot counts",
            false => "",
        };
        format!(
            "What client and machine add to each request's planned delay{since}. From the largest dot to the \
             smallest: the median, p90, p99, p99.9 and the slowest of all requests of all valid runs. The figure \
             is p99. Each step of the axis multiplies."
        )
    }

    fn description(&self) -> String {
        match self.points.iter().min_by_key(|(_, points)| points[2]) {
            Some((name, points)) => format!("Least at p99: {name}, {}.", duration(points[2])),
            None => String::new(),
        }
    }

    fn data(&self) -> Data {
        let mut data = Data::new(&[
            ("contender", "contender", false),
            ("p50", "added_latency_p50_ns", true),
            ("p90", "added_latency_p90_ns", true),
            ("p99", "added_latency_p99_ns", true),
            ("p99.9", "added_latency_p99_9_ns", true),
            ("max", "added_latency_max_ns", true),
        ]);
        for row in self.groups.iter().flat_map(|group| &group.rows) {
            let Some(points) = self.points(row) else { continue };
            let cells = points.iter().map(|ns| Cell::figure(duration(*ns), *ns as f64));
            data.rows.push(std::iter::once(Cell::text(&row.name)).chain(cells).collect());
        }
        data
    }

    fn pictures(&self, width: f64) -> Vec<Picture> {
        let layout = Layout::new(&self.groups, width, 20.0, FIGURES);
        let all =
            || self.points.iter().flat_map(|(_, points)| points).map(|ns| (*ns as f64).max(SHORTEST_NS));
        let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
        let scale = Scale::log(low, high, layout.left + 5.0, layout.right - 5.0);
        let body = html! {
            (text(width, 11.0, Anchor::End, "mute small", "p99"))
            (axis_below(&scale, layout.top, layout.bottom, |ns| round_duration(ns as u64)))
            (self.names_of_points(&layout, &scale))
            (layout.rows(&self.groups, |row, place| match self.points(row) {
                Some(points) => self.row(row, points, place, &layout, &scale),
                None => text(width, place.base, Anchor::End, "mute", crate::numbers::NONE),
            }))
        };
        vec![Picture { width, height: layout.height, title: self.title(), body }]
    }
}

/// The points of all valid runs of `row` together. None lies below zero: the histograms that they come of have
/// no such class.
fn points(row: &Row) -> Option<[u64; POINTS.len()]> {
    let measured = row.measured.as_ref()?;
    let added = measured.added_latency_ns?;
    let points = [added.p50, added.p90, added.p99, measured.added_latency_p999_ns?.cast_signed(), added.max];
    Some(points.map(i64::cast_unsigned))
}
