//! What `hyperfine --export-json` writes (version 1), for the plots and parsers that read it: every valid
//! run's wall and memory, a "command" being a contender. Times are in seconds.
//!
//! The one parameter is the number of requests in flight over all processes, so that a sweep can be plotted against
//! it: `scripts/plot_parametrized.py` takes files whose results have exactly one parameter, the same in all, and
//! reads its value as a number.
//!
//! <https://github.com/sharkdp/hyperfine/blob/v1.20.0/src/benchmark/benchmark_result.rs>

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Contender, measured, pretty};
use crate::comparison::Named;
use crate::record::Figures;

#[derive(Serialize)]
struct Export {
    results: Vec<Benchmark>,
}

#[derive(Serialize)]
struct Benchmark {
    command: String,
    mean: f64,
    /// Of the sample, n − 1; hyperfine writes null where there was one run.
    stddev: Option<f64>,
    median: f64,
    /// Means of the runs. Both are left out where a run does not know how its CPU is split.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<f64>,
    min: f64,
    max: f64,
    times: Vec<f64>,
    memory_usage_byte: Vec<u64>,
    exit_codes: Vec<i32>,
    parameters: BTreeMap<&'static str, String>,
}

/// Renders the contenders of `records` that have valid runs, ending in a newline. `None` where there are none.
pub fn render(records: &[Named]) -> Option<String> {
    let results: Vec<Benchmark> = measured(records).map(|contender| benchmark(&contender)).collect();
    (!results.is_empty()).then(|| pretty(&Export { results }))
}

fn benchmark(contender: &Contender<'_>) -> Benchmark {
    let runs: Vec<&Figures> = contender.row.valid_figures().collect();
    let times: Vec<f64> = runs.iter().map(|run| seconds(run.wall_ns)).collect();
    // The format has no other place for a word about the limit.
    let mark = if contender.has_own_wall() { "" } else { " (target-limited)" };
    let wall = contender.measured.wall_ns.map(seconds);
    let cpu = mean_of_all(&runs, |run| run.usage.user_ns).zip(mean_of_all(&runs, |run| run.usage.system_ns));
    Benchmark {
        command: format!("{}{mark}", contender.name),
        mean: mean(&times),
        stddev: deviation(&times),
        median: wall.median,
        user: cpu.map(|(user, _)| user),
        system: cpu.map(|(_, system)| system),
        min: times.iter().copied().fold(f64::INFINITY, f64::min),
        max: times.iter().copied().fold(0.0, f64::max),
        memory_usage_byte: runs.iter().map(|run| run.peak_memory_bytes).collect(),
        exit_codes: vec![0; times.len()],
        times,
        parameters: BTreeMap::from([("requests_in_flight", contender.row.slots().to_string())]),
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The mean of a time that every run knows, in seconds.
fn mean_of_all(runs: &[&Figures], time_ns: fn(&Figures) -> Option<u64>) -> Option<f64> {
    let times: Option<Vec<f64>> = runs.iter().map(|run| time_ns(run).map(seconds)).collect();
    times.map(|times| mean(&times))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of the sample; of a single value there is none.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}
