//! One figure of one cell over the gates of a history.

use maud::{Markup, html};

use crate::charts::Picture;
use crate::charts::labels::text_width;
use crate::charts::scale::Scale;
use crate::charts::svg::{Anchor, line, mark, px, room, text};
use crate::gate::State;
use crate::history::History;
use crate::history::changes::{Level, Step, Way};
use crate::history::series::{Point, Series, date};
use crate::numbers::change;
use crate::printable::printable;

const LEFT: f64 = 46.0;
const TOP: f64 = 50.0;
const PLOT: f64 = 96.0;
const BOTTOM: f64 = TOP + PLOT;
const HEIGHT: f64 = BOTTOM + 22.0;

/// The size of small text, in pixels.
const SMALL: f64 = 11.0;

/// A picture shows at least so much above and below its figures, so that little noise looks little.
const LEAST_ROOM: f64 = 1.02;

struct Scales {
    /// By the number of the gate.
    gates: Scale,
    ratio: Scale,
}

/// A series, so many pixels wide.
pub(super) fn picture(series: &Series, history: &History, width: f64) -> Picture {
    let right = width - 12.0;
    let last_gate = history.started_at.len().saturating_sub(1);
    let gates = Scale::exact(-0.5, last_gate as f64 + 0.5, LEFT, right);
    let (low, high) = ends(series);
    let scales = Scales { gates, ratio: Scale::exact_log(low, high, BOTTOM, TOP) };
    let way =
        if series.is_better_above() { ", of requests a second: up is better" } else { ": down is better" };
    let title = format!("{}: {}", series.cell, series.figure.name());
    let last = series.points.last().map(|point| change(point.ratio)).unwrap_or_default();
    let body = html! {
        g class="c0" {
            (text(0.0, 12.0, Anchor::Start, "ink name", series.figure.name()))
            (text(right, 12.0, Anchor::End, "ink", &last))
            (text(0.0, 27.0, Anchor::Start, "mute small", &format!("head ÷ reference{way}")))
            @for tick in scales.ratio.ticks(5) {
                (line("grid", LEFT, scales.ratio.at(tick), right, scales.ratio.at(tick)))
                (text(LEFT - 5.0, scales.ratio.at(tick) + 4.0, Anchor::End, "mute small", &tick_label(tick)))
            }
            (line("axis", LEFT, scales.ratio.at(1.0), right, scales.ratio.at(1.0)))
            (dates(history, &scales))
            @for point in &series.points {
                @if let Some((low, high)) = point.interval {
                    @let x = scales.gates.at(point.gate as f64);
                    g class=[bad(point)] { (line("thin", x, scales.ratio.at(low), x, scales.ratio.at(high))) }
                }
            }
            @for level in &series.levels { (bar_of(level, series, &scales)) }
            @for point in &series.points { (dot(point, &scales)) }
            (changes(series, &scales))
        }
    };
    Picture { width, height: HEIGHT, title, body }
}

/// The least and the most that a picture shows: all ratios and 1, with the typical interval around them. An interval
/// that is much wider ends at the edge, so that one bad day does not flatten all the others.
fn ends(series: &Series) -> (f64, f64) {
    let intervals = series.points.iter().filter_map(|point| point.interval);
    let mut widths: Vec<f64> = intervals.map(|(low, high)| (high / low).sqrt()).collect();
    widths.sort_by(f64::total_cmp);
    let typical = widths.get(widths.len() * 3 / 4).copied().unwrap_or(1.0);
    let ratios = || series.points.iter().map(|point| point.ratio);
    let (low, high) = (ratios().fold(1.0, f64::min), ratios().fold(1.0, f64::max));
    let around = typical.max(LEAST_ROOM) * (high / low).powf(0.05);
    (low / around, high * around)
}

/// `0.95×`, with as many digits as it needs.
fn tick_label(tick: f64) -> String {
    let decimals = (1.0 - tick.log10().floor()).max(3.0) as usize;
    let digits = format!("{tick:.decimals$}");
    format!("{}×", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Days beneath the gates that begin one, as many as have room.
fn dates(history: &History, scales: &Scales) -> Markup {
    let half = text_width("2026-01-01", SMALL) / 2.0;
    let mut free_from = 0.0;
    let mut shown = Vec::new();
    for (gate, started_at) in history.started_at.iter().enumerate() {
        let (x, date) = (scales.gates.at(gate as f64), date(started_at));
        let is_new = shown.last().is_none_or(|(_, last)| *last != date);
        if is_new && x - half >= free_from && x + half <= scales.gates.end + 12.0 {
            free_from = x + half + 10.0;
            shown.push((x, date));
        }
    }
    html! {
        @for (x, date) in &shown {
            (line("axis", *x, BOTTOM, *x, BOTTOM + 4.0))
            (text(*x, BOTTOM + 16.0, Anchor::Middle, "mute small", date))
        }
    }
}

/// A dot with the words of its gate.
fn dot(point: &Point, scales: &Scales) -> Markup {
    let (x, y) = (scales.gates.at(point.gate as f64), scales.ratio.at(point.ratio));
    let apart = scales.gates.at(1.0) - scales.gates.at(0.0);
    let radius = (apart / 3.0).clamp(1.0, 2.8);
    let interval = point.interval.map(|(low, high)| format!(" ({} to {})", change(low), change(high)));
    let state = match &point.state {
        State::NotWorse => "not worse",
        State::Worse => "worse",
        State::Undecided => "undecided",
        State::TooNoisy => "it varies too much by itself to be judged",
        State::Missing(why) => why.as_str(),
        State::NotOffered => "",
        State::TargetLimited => "the target was the limit, so it is not judged",
    };
    let tip = format!(
        "{}, {}\n{}{}\n{state}",
        printable(&point.head),
        printable(&point.started_at),
        change(point.ratio),
        interval.unwrap_or_default()
    );
    mark(
        &tip,
        html! {
            (room(x - apart / 2.0, TOP, apart, PLOT))
            g class=[bad(point)] {
                circle class=(if point.counts() { "solid" } else { "ring" }) cx=(px(x)) cy=(px(y)) r=(px(radius)) {}
            }
        },
    )
}

/// The class of what the gate found worse.
fn bad(point: &Point) -> Option<&'static str> {
    (point.state == State::Worse).then_some("bad")
}

/// The median of a level, from its first gate to its last.
fn bar_of(level: &Level, series: &Series, scales: &Scales) -> Markup {
    let [from, to] = [level.first, level.last].map(|at| scales.gates.at(series.points[at].gate as f64));
    let y = scales.ratio.at(level.ratio);
    line("floor", from, y, to, y)
}

/// A line where the figures changed, and by how much above it: of those that have no room beside each other the greatest.
fn changes(series: &Series, scales: &Scales) -> Markup {
    let place = |step: &Step<'_>| f64::midpoint(step.before.gate as f64, step.after.gate as f64);
    let mut steps: Vec<(f64, Step<'_>)> =
        series.steps().map(|step| (scales.gates.at(place(&step)), step)).collect();
    steps.sort_by(|(_, a), (_, b)| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let mut labels = Vec::new();
    for (x, step) in &steps {
        let label = step.text();
        let half = text_width(&label, SMALL * 1.08) / 2.0;
        let middle = x.clamp(LEFT, scales.gates.end - half);
        let (left, right) = (middle - half, middle + half);
        if taken.iter().all(|(from, to)| right <= *from || *to <= left) {
            taken.push((left, right));
            labels.push((middle, label, step.way == Way::Worse));
        }
    }
    html! {
        @for (x, _) in &steps { (line("axis knee", *x, TOP, *x, BOTTOM)) }
        @for (x, label, worse) in &labels {
            g class=[worse.then_some("bad")] {
                (text(*x, TOP - 6.0, Anchor::Middle, if *worse { "solid small name" } else { "ink small name" }, label))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::example;

    #[test]
    fn one_wide_interval_does_not_flatten_the_others() {
        let mut series = History::all(&example::gates(12), None).unwrap()[0].series[0].clone();
        let before = ends(&series);
        series.points[4].interval = Some((0.2, 5.0));
        let after = ends(&series);
        assert!(after.0 > before.0 * 0.99 && after.1 < before.1 * 1.01, "{before:?} {after:?}");
    }

    #[test]
    fn of_close_changes_the_greatest_is_labelled() {
        let levels = [1.0, 0.9, 0.5, 0.48];
        let mut history = History::all(&example::gates(24), None).unwrap().remove(0);
        history.started_at = vec![history.started_at.remove(0); 200];
        let mut series = history.series[0].clone();
        let stretches = (0..).step_by(6).zip(levels);
        series.levels = stretches.map(|(first, ratio)| Level { first, last: first + 5, ratio }).collect();
        let drawn = picture(&series, &history, 300.0).body.into_string();
        assert_eq!(drawn.matches("axis knee").count(), 3);
        assert!(
            drawn.contains("−44.4 %") && !drawn.contains("−10.0 %") && !drawn.contains("−4.0 %"),
            "{drawn}"
        );
    }

    #[test]
    fn ticks_have_the_digits_they_need() {
        assert_eq!(
            [1.0, 0.95, 1.005, 0.1, 10.0, 2e-5].map(tick_label),
            ["1×", "0.95×", "1.005×", "0.1×", "10×", "0.00002×"]
        );
    }
}
