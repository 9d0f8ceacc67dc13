//! Bencher Metric Format, for `bencher run --adapter json`: a measure of a benchmark has a value, and the
//! ends of its interval.
//!
//! <https://bencher.dev/docs/reference/bencher-metric-format/>

use std::collections::BTreeMap;

use flate2::Crc;
use serde::Serialize;

use super::{Contender, measured, pretty};
use crate::comparison::{Named, Spread};
use crate::figures::{FIGURES, Figure};

/// The longest name that Bencher takes for a benchmark or a measure, in bytes of UTF-8.
const NAME_BYTES: usize = 1_024;

#[derive(Serialize)]
pub(crate) struct Metric {
    pub(crate) value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upper_value: Option<f64>,
}

/// Renders the contenders of `records` that have valid runs, ending in a newline. `None` where there are none.
pub fn render(records: &[Named]) -> Option<String> {
    let benchmarks: BTreeMap<String, BTreeMap<&str, Metric>> =
        measured(records).map(|one| (benchmark_name(&one.name), metrics(&one))).collect();
    (!benchmarks.is_empty()).then(|| pretty(&benchmarks))
}

/// `name`, cut to what Bencher takes. The checksum of the whole stands behind the cut, so that names which differ there
/// alone stay different, and each stays the same from one export to the next.
pub(crate) fn benchmark_name(name: &str) -> String {
    if name.len() <= NAME_BYTES {
        return name.to_owned();
    }
    let mut checksum = Crc::new();
    checksum.update(name.as_bytes());
    let end = format!("…{:08x}", checksum.sum());
    format!("{}{end}", &name[..name.floor_char_boundary(NAME_BYTES - end.len())])
}

fn metrics(contender: &Contender<'_>) -> BTreeMap<&'static str, Metric> {
    let Contender { comparison, row, .. } = contender;
    let exported =
        FIGURES.iter().filter(|figure| figure.bmf.is_some_and(|loops| contender.exports(figure, loops)));
    let metric = |figure: &Figure| match figure.spread(comparison, row) {
        Some(spread) => Some(Metric::from(spread)),
        None => figure.value(comparison, row).map(Metric::alone),
    };
    exported.filter_map(|figure| Some((figure.key, metric(figure)?))).collect()
}

impl Metric {
    /// A figure that has no interval.
    fn alone(value: f64) -> Metric {
        Metric { value, lower_value: None, upper_value: None }
    }
}

impl From<Spread<f64>> for Metric {
    fn from(spread: Spread<f64>) -> Metric {
        Metric { value: spread.median, lower_value: Some(spread.low), upper_value: Some(spread.high) }
    }
}
