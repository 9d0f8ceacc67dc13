//! A chart within the page: its heading, its picture for a wide and for a narrow window, and its figures.

use maud::{Markup, html};

use super::table;
use crate::charts::{Chart, FEW_PANELS, Picture, Titles, inline};

/// The widths that a chart is drawn at: for the page's column, and for a phone.
const WIDTHS: [(&str, f64); 2] = [("wide", 880.0), ("narrow", 340.0)];

/// The widths of small pictures: all fit a phone, a few fill a page in pairs.
const FEW_WIDTH: f64 = 380.0;
const MANY_WIDTH: f64 = 320.0;

/// Where there are more small pictures than this, only so many are shown at once; the others unfold.
const MANY_PANELS: usize = 30;
const PANELS_AT_ONCE: usize = 24;

pub(super) fn section(chart: &dyn Chart) -> Markup {
    let Titles { name, title, .. } = chart.titles();
    html! {
        section id=(name) {
            h2 { (title) }
            (figure(chart))
        }
    }
}

/// The chart without its heading.
pub(super) fn figure(chart: &dyn Chart) -> Markup {
    let name = chart.titles().name;
    html! {
        figure {
            @if let Some(count) = chart.small_multiples() {
                (panels(chart, count))
            } @else {
                @for (class, width) in WIDTHS {
                    div class=(class) {
                        (inline(&chart.picture(0, width), &format!("{name}-{class}-0"), &chart.description()))
                    }
                }
            }
            figcaption { (chart.caption()) }
            details { summary { "show data" } (table::shown(name, &chart.data())) }
        }
    }
}

fn panels(chart: &dyn Chart, count: usize) -> Markup {
    let (class, width) = if count <= FEW_PANELS { ("panels few", FEW_WIDTH) } else { ("panels", MANY_WIDTH) };
    let pictures = chart.pictures(width);
    let at_once = if count > MANY_PANELS { PANELS_AT_ONCE } else { count };
    let (shown, more) = pictures.split_at(at_once);
    let (name, description) = (chart.titles().name, chart.description());
    let grid = |pictures: &[Picture], first: usize| {
        html! {
            div class=(class) {
                @for (index, picture) in pictures.iter().enumerate() {
                    (inline(picture, &format!("{name}-{}", first + index), &description))
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
