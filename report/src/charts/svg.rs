//! What the charts are made of: pictures, texts, marks with their tooltips, axes; and a whole file of them.

use std::fmt::Display;

use maud::{Markup, PreEscaped, html};

use super::labels::{clipped, text_width};
use super::scale::Scale;
use super::{Chart, FEW_PANELS, palette};
use crate::printable::printable;

/// The size of the text in charts, in pixels.
pub(crate) const TEXT: f64 = 12.0;

/// A drawing and its size, in pixels.
pub(crate) struct Picture {
    pub width: f64,
    pub height: f64,
    /// Which of several it is.
    pub title: String,
    pub body: Markup,
}

/// A place or a length in pixels as it is written: to a tenth.
pub(crate) fn px(value: f64) -> impl Display {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths == 0.0 { 0.0 } else { tenths }
}

/// Where a text stands from its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text of class `class` on the base line `y`.
pub(crate) fn text(x: f64, y: f64, anchor: Anchor, class: &str, content: &str) -> Markup {
    let anchor = match anchor {
        Anchor::Start => None,
        Anchor::Middle => Some("middle"),
        Anchor::End => Some("end"),
    };
    html! { text x=(px(x)) y=(px(y)) text-anchor=[anchor] class=(class) { (printable(content)) } }
}

/// As [`text`], no wider than `width`.
pub(crate) fn fitted(x: f64, y: f64, class: &str, content: &str, width: f64) -> Markup {
    text(x, y, Anchor::Start, class, &clipped(content, TEXT, width))
}

pub(crate) fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    html! { line class=(class) x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) {} }
}

/// A rectangle in the colour of its class, none where it has no extent.
pub(crate) fn bar(class: &str, left: f64, top: f64, width: f64, height: f64) -> Markup {
    html! {
        @if width > 0.0 {
            rect class=(class) x=(px(left)) y=(px(top)) width=(px(width)) height=(px(height)) {}
        }
    }
}

/// A mark with a tooltip of its figures.
pub(crate) fn mark(tip: &str, body: Markup) -> Markup {
    let tip: Vec<String> = tip.lines().map(printable).collect();
    html! { g class="mark" { title { (tip.join("\n")) } (body) } }
}

/// Straight lines from place to place, as the data of a path.
pub(crate) fn polyline(places: impl Iterator<Item = (f64, f64)>) -> String {
    let places: Vec<String> = places.map(|(x, y)| format!("{} {}", px(x), px(y))).collect();
    format!("M{}", places.join("L"))
}

/// The head of a small picture of one contender: a line so high in the colour of its family, its name, and a
/// figure of class `class` at the right.
pub(crate) fn panel_head(name: &str, width: f64, height: f64, class: &str, figure: &str) -> Markup {
    let name_width = width - 20.0 - text_width(figure, TEXT);
    html! {
        (line("thick", 2.0, 1.0, 2.0, height))
        (text(10.0, 12.0, Anchor::Start, "ink name", &clipped(name, TEXT * 1.08, name_width)))
        (text(width - 8.0, 12.0, Anchor::End, class, figure))
    }
}

/// Room that belongs to a mark though nothing is drawn there.
pub(crate) fn room(left: f64, top: f64, width: f64, height: f64) -> Markup {
    html! { rect class="room" x=(px(left)) y=(px(top)) width=(px(width)) height=(px(height)) {} }
}

/// Ticks of a horizontal axis: lines from `top` to `bottom`, and figures beneath.
pub(crate) fn axis_below(scale: &Scale, top: f64, bottom: f64, label: impl Fn(f64) -> String) -> Markup {
    html! {
        @for tick in ticks_with_room(scale, &label) {
            (line("grid", scale.at(tick), top, scale.at(tick), bottom))
            (text(scale.at(tick), bottom + 15.0, Anchor::Middle, "mute", &label(tick)))
        }
    }
}

/// As many ticks as have room for their labels side by side.
fn ticks_with_room(scale: &Scale, label: impl Fn(f64) -> String) -> Vec<f64> {
    let half = |tick: f64| text_width(&label(tick), TEXT) / 2.0;
    let fits = |ticks: &Vec<f64>| {
        ticks.windows(2).all(|pair| {
            let between = (scale.at(pair[1]) - scale.at(pair[0])).abs();
            between >= half(pair[0]) + half(pair[1]) + 8.0
        })
    };
    let most = ((scale.end - scale.start).abs() / 36.0) as usize;
    (1..=most.max(2)).rev().map(|most| scale.ticks(most)).find(fits).unwrap_or_default()
}

/// A drawing within a page: `id` must be unique there.
pub(crate) fn inline(picture: &Picture, id: &str, description: &str) -> Markup {
    let (title_id, description_id) = (format!("{id}-t"), format!("{id}-d"));
    html! {
        svg viewBox={ "0 0 " (px(picture.width)) " " (px(picture.height)) }
            width=(px(picture.width)) height=(px(picture.height))
            role="img" tabindex="0" aria-labelledby={ (title_id) " " (description_id) } {
            title id=(title_id) { (printable(&picture.title)) }
            desc id=(description_id) { (printable(description)) }
            (picture.body)
        }
    }
}

/// Pictures that belong together, beneath lines about them.
pub(crate) struct Part {
    pub heading: Vec<String>,
    pub pictures: Vec<Picture>,
}

/// Space around a file's drawing, and between its pictures.
const MARGIN: f64 = 20.0;
pub(crate) const GAP: f64 = 24.0;

/// A chart as a file of its own: its pictures in rows, beneath its title.
pub(crate) fn alone(chart: &dyn Chart, width: f64) -> String {
    let picture_width = match chart.small_multiples() {
        Some(count) => (width - GAP) / if count <= FEW_PANELS { 2.0 } else { 3.0 } - GAP / 2.0,
        None => width,
    };
    let part = Part { heading: Vec::new(), pictures: chart.pictures(picture_width) };
    file(chart.titles().title, &chart.description(), vec![part], width)
}

/// A file of its own: parts one below the other, the pictures of each in rows, all beneath `title`.
pub(crate) fn file(title: &str, description: &str, parts: Vec<Part>, width: f64) -> String {
    const LINE: f64 = 17.0;
    let mut placed = String::new();
    let mut bottom: f64 = 34.0;
    for (index, part) in parts.iter().enumerate() {
        let mut y = bottom + if index > 0 { GAP } else { 0.0 };
        for (index, words) in part.heading.iter().enumerate() {
            let class = if index == 0 { "ink name" } else { "mute" };
            placed += &fitted(MARGIN, MARGIN + y + 12.0, class, words, width).into_string();
            y += LINE;
        }
        y += if part.heading.is_empty() || part.pictures.is_empty() { 0.0 } else { GAP / 2.0 };
        let (mut x, mut row_height): (f64, f64) = (0.0, 0.0);
        for picture in &part.pictures {
            if x > 0.0 && x + picture.width > width {
                (x, y, row_height) = (0.0, y + row_height + GAP, 0.0);
            }
            let moved = html! {
                g transform={ "translate(" (px(MARGIN + x)) " " (px(MARGIN + y)) ")" } { (picture.body) }
            };
            placed += &moved.into_string();
            (x, row_height) = (x + picture.width + GAP, row_height.max(picture.height));
        }
        bottom = y + row_height;
    }
    let (width, height) = (width + 2.0 * MARGIN, bottom + 2.0 * MARGIN);
    let style = format!("{}{}", palette::rules_of_file(), include_str!("charts.css"));
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (px(width)) " " (px(height)) }
            width=(px(width)) height=(px(height)) role="img" aria-labelledby="t d" {
            title id="t" { (title) }
            desc id="d" { (printable(description)) }
            style { (PreEscaped(style)) }
            rect class="paper" width="100%" height="100%" {}
            (text(MARGIN, MARGIN + 16.0, Anchor::Start, "ink head", title))
            (PreEscaped(placed))
        }
    };
    drawing.into_string() + "\n"
}
