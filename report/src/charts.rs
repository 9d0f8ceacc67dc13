//! The charts: what a comparison looks like. Each is drawn as SVG from one small set of scales, axes and
//! labels, for the page and to stand alone in an article.

mod bars;
mod cost;
mod data;
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

pub(crate) use palette::rules_of_page;
pub(crate) use svg::{Picture, inline};
pub use sweep::REUSES;

use crate::comparison::Comparison;
use crate::record::Record;
use crate::tables::data::Data;

/// The charts' names, in the order in which the page shows them.
pub const NAMES: [&str; 7] = ["bars", "flights", "cost", "latency", "sweep", "timeline", "runs"];

/// The width of a chart that stands alone, in pixels.
pub(crate) const ALONE_WIDTH: f64 = 880.0;

/// So many small pictures stand in pairs, more in rows of three.
pub(crate) const FEW_PANELS: usize = 4;

/// The chart called `name` as an SVG file that stands alone: light or dark as its viewer is. `None` where
/// the record has nothing to draw in it, or where there is no chart of that name.
pub fn svg(name: &str, record: &Record, comparison: &Comparison) -> Option<String> {
    // The name that it had before.
    let name = if name == "ladder" { "sweep" } else { name };
    let chart = all(record, comparison).into_iter().find(|chart| chart.titles().name == name)?;
    Some(svg::alone(chart.as_ref(), ALONE_WIDTH))
}

/// A chart, before it is known how wide it may be.
pub(crate) trait Chart {
    fn titles(&self) -> Titles;

    /// How to read it, in one or two sentences.
    fn caption(&self) -> String;

    /// What it shows, in a sentence for those who do not see it.
    fn description(&self) -> String;

    /// The figures that it is drawn from.
    fn data(&self) -> Data;

    /// How many pictures of one kind it is, to stand side by side; `None` where it is one picture.
    fn small_multiples(&self) -> Option<usize> {
        None
    }

    /// Its picture, or of several the one at `index`, `width` pixels wide.
    fn picture(&self, index: usize, width: f64) -> Picture;

    fn pictures(&self, width: f64) -> Vec<Picture> {
        (0..self.small_multiples().unwrap_or(1)).map(|index| self.picture(index, width)).collect()
    }
}

pub(crate) struct Titles {
    /// The word on the command line.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// The heading in a word or two, for a list.
    pub short: &'static str,
}

/// Every chart that the record has something for.
pub(crate) fn all<'a>(record: &'a Record, comparison: &'a Comparison) -> Vec<Box<dyn Chart + 'a>> {
    let charts: [Option<Box<dyn Chart + 'a>>; NAMES.len()] = [
        boxed(bars::Bars::of(comparison)),
        boxed(flights::Flights::of(record, comparison)),
        boxed(cost::Cost::of(comparison)),
        boxed(latency::Latency::of(comparison)),
        boxed(sweep::Sweep::of(comparison)),
        boxed(timeline::Timeline::of(record, comparison)),
        boxed(runs::Runs::of(comparison)),
    ];
    charts.into_iter().flatten().collect()
}

fn boxed<'a>(chart: Option<impl Chart + 'a>) -> Option<Box<dyn Chart + 'a>> {
    chart.map(|chart| Box::new(chart) as Box<dyn Chart + 'a>)
}

#[cfg(test)]
mod tests;
