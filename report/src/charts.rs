//! The charts: what a comparison looks like. Each is drawn as SVG from one small set of scales, axes and
//! labels, for the page and to stand alone in an article.

mod bars;
mod cost;
mod flights;
pub(crate) mod labels;
mod latency;
mod palette;
mod rows;
mod runs;
pub(crate) mod scale;
pub(crate) mod svg;
mod sweep;
mod timeline;

pub(crate) use palette::{Palette, rules_of_page};
pub(crate) use svg::{Picture, inline};
pub use sweep::REUSES;

use crate::comparison::Comparison;
use crate::record::Record;
use crate::tables::data::{Cell, Data};

/// The charts' names, in the order in which the page shows them.
pub const NAMES: [&str; 7] = ["bars", "flights", "cost", "latency", "sweep", "timeline", "runs"];

/// The width of a chart that stands alone, in pixels.
pub(crate) const ALONE_WIDTH: f64 = 880.0;

/// The chart called `name` as an SVG file that stands alone: light or dark as its viewer is. `None` where
/// the record has nothing to draw in it, or where there is no chart of that name.
pub fn svg(name: &str, record: &Record, comparison: &Comparison) -> Option<String> {
    // The name that it had before.
    let name = if name == "ladder" { "sweep" } else { name };
    let palette = Palette::of(comparison);
    let chart = all(record, comparison, &palette).into_iter().find(|chart| chart.name() == name)?;
    Some(svg::alone(chart.as_ref(), ALONE_WIDTH))
}

/// How wide each of `count` small pictures is drawn, in pixels: all fit a phone, a few fill a page in pairs.
pub(crate) fn panel_width(count: usize) -> f64 {
    if count <= FEW_PANELS { 380.0 } else { 320.0 }
}

/// So many small pictures stand in pairs, more in rows of three.
pub(crate) const FEW_PANELS: usize = 4;

/// A chart, before it is known how wide it may be.
pub(crate) trait Chart {
    /// The word on the command line.
    fn name(&self) -> &'static str;

    /// The heading.
    fn title(&self) -> String;

    /// The heading in a word or two, for a list.
    fn short_title(&self) -> &'static str;

    /// How to read it, in one or two sentences.
    fn caption(&self) -> String;

    /// What it shows, in a sentence for those who do not see it.
    fn description(&self) -> String;

    /// The figures that it is drawn from.
    fn data(&self) -> Data;

    /// Its pictures, each `width` pixels wide.
    fn pictures(&self, width: f64) -> Vec<Picture>;

    /// How many pictures of one kind it is, to stand side by side; `None` where it is one picture.
    fn small_multiples(&self) -> Option<usize> {
        None
    }
}

/// Every chart that the record has something for.
pub(crate) fn all<'a>(
    record: &'a Record,
    comparison: &'a Comparison,
    palette: &'a Palette,
) -> Vec<Box<dyn Chart + 'a>> {
    let charts: [Option<Box<dyn Chart + 'a>>; NAMES.len()] = [
        boxed(bars::Bars::of(comparison, palette)),
        boxed(flights::Flights::of(record, comparison, palette)),
        boxed(cost::Cost::of(comparison, palette)),
        boxed(latency::Latency::of(comparison, palette)),
        boxed(sweep::Sweep::of(comparison, palette)),
        boxed(timeline::Timeline::of(record, comparison, palette)),
        boxed(runs::Runs::of(comparison, palette)),
    ];
    charts.into_iter().flatten().collect()
}

fn boxed<'a>(chart: Option<impl Chart + 'a>) -> Option<Box<dyn Chart + 'a>> {
    chart.map(|chart| Box::new(chart) as Box<dyn Chart + 'a>)
}

#[cfg(test)]
mod tests;
