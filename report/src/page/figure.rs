//! A chart within the page: its heading, its picture for a wide and for a narrow window, and its figures.

use maud::{Markup, html};

use super::table;
use crate::charts::{Chart, FEW_PANELS, Picture, inline, panel_width};

/// The widths that a chart is drawn at: for the page's column, and for a phone.
const WIDE: f64 = 880.0;
const NARROW: f64 = 340.0;

/// Where there are more small pictures than this, only so many are shown at once; the others unfold.
const MANY_PANELS: usize = 30;
const PANELS_AT_ONCE: usize = 24;

pub(super) fn section(chart: &dyn Chart) -> Markup {
    html! {
        section id=(chart.name()) {
            h2 { (chart.title()) }
            (figure(chart))
        }
    }
}

/// The chart without its heading.
pub(super) fn figure(chart: &dyn Chart) -> Markup {
    html! {
        figure {
            @if chart.small_multiples().is_some() { (panels(chart)) } @else { (sheets(chart)) }
            figcaption { (chart.caption()) }
            (table::folded(chart.name(), &chart.data()))
        }
    }
}

fn sheets(chart: &dyn Chart) -> Markup {
    html! {
        @for (class, width) in [("wide", WIDE), ("narrow", NARROW)] {
            div class=(class) {
                @for (index, picture) in chart.pictures(width).iter().enumerate() {
                    (drawing(chart, picture, &format!("{}-{class}-{index}", chart.name())))
                }
            }
        }
    }
}

fn panels(chart: &dyn Chart) -> Markup {
    let count = chart.small_multiples().unwrap_or(0);
    let pictures = chart.pictures(panel_width(count));
    let at_once = if count > MANY_PANELS { PANELS_AT_ONCE } else { count };
    let (shown, more) = pictures.split_at(at_once);
    let grid = |pictures: &[Picture], first: usize| {
        html! {
            div class=(if count <= FEW_PANELS { "panels few" } else { "panels" }) {
                @for (index, picture) in pictures.iter().enumerate() {
                    (drawing(chart, picture, &format!("{}-{}", chart.name(), first + index)))
                }
            }
        }
    };
    html! {
        (grid(shown, 0))
        @if !more.is_empty() {
            details { summary { (more.len()) " more" } (grid(more, at_once)) }
        }
    }
}

fn drawing(chart: &dyn Chart, picture: &Picture, id: &str) -> Markup {
    inline(picture, id, &chart.description())
}
