//! Bencher Metric Format, for `bencher run --adapter json`: a measure of a benchmark has a value, and the
//! ends of its interval.
//!
//! <https://bencher.dev/docs/reference/bencher-metric-format/>

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Contender, measured, pretty};
use crate::comparison::{Named, Spread};
use crate::printable::clipped;

/// A benchmark's name may be so long; the ellipsis is one character more.
const NAME_CHARS: usize = 1_023;

#[derive(Serialize)]
pub(crate) struct Metric {
    pub(crate) value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upper_value: Option<f64>,
}

/// Renders the contenders of `records` that have valid runs, ending in a newline.
pub fn render(records: &[Named]) -> String {
    let benchmarks: BTreeMap<String, BTreeMap<&str, Metric>> =
        measured(records).map(|one| (clipped(&one.name, NAME_CHARS), metrics(&one))).collect();
    pretty(&benchmarks)
}

fn metrics(contender: &Contender<'_>) -> BTreeMap<&'static str, Metric> {
    let figures = contender.figures;
    let mut metrics: BTreeMap<_, Metric> = BTreeMap::from([
        ("wall_ns", figures.wall_ns.map(|ns| ns as f64).into()),
        ("cpu_us_per_request", figures.cpu_us_per_request.into()),
        ("peak_memory_bytes", figures.peak_memory_bytes.map(|bytes| bytes as f64).into()),
        ("startup_ns", figures.startup_ns.map(|ns| ns as f64).into()),
    ]);
    if let Some(efficiency) = figures.efficiency {
        metrics.insert("efficiency", efficiency.into());
    }
    if let Some(added) = &figures.added_latency_ns {
        metrics.insert("added_latency_p99_ns", Metric::alone(added.p99 as f64));
    }
    if contender.comparison.rate.is_some() {
        metrics
            .extend(figures.latency_ns.map(|latency| ("latency_p99_ns", Metric::alone(latency.p99 as f64))));
        metrics.extend(figures.achieved_per_second.map(|rate| ("achieved_per_second", rate.into())));
        metrics.extend(figures.late_share.map(|share| ("late_share", Metric::alone(share))));
    }
    metrics
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
