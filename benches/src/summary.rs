//! The results of this run as a Markdown table, from the files that criterion writes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

use criterion::Throughput;
use inflight_report::numbers::{self, NONE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The table of all benchmarks that were measured since `started`, preceded by an empty line. Empty where there are
/// none.
pub(crate) fn since(started: SystemTime) -> String {
    table(&results(&folder(), started))
}

/// The results below `folder` of what was measured since `started`, in that order.
fn results(folder: &Path, started: SystemTime) -> Vec<BenchmarkResult> {
    let mut results = Vec::new();
    collect(folder, started, &mut results);
    results.sort_by_key(|one| one.at);
    results
}

/// The result of one benchmark.
struct BenchmarkResult {
    at: SystemTime,
    benchmark: Benchmark,
    /// The time of one iteration, in nanoseconds.
    median: Estimate,
    /// The relative change of the median since the previous run.
    change: Option<Estimate>,
}

/// Criterion's format.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<Throughput>,
}

/// Criterion's format.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// The folder that criterion writes to. Criterion tries the same places in the same order.
fn folder() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).or_else(target_folder);
    target.unwrap_or_else(|| "target".into()).join("criterion")
}

/// The folder that cargo builds in, by `cargo metadata`.
fn target_folder() -> Option<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO")?);
    let output = cargo.args(["metadata", "--format-version", "1", "--no-deps"]).output().ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(metadata["target_directory"].as_str()?.into())
}

fn collect(folder: &Path, started: SystemTime, results: &mut Vec<BenchmarkResult>) {
    results.extend(read(folder, started));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|path| path.is_dir()) {
        collect(&folder, started, results);
    }
}

/// The result in `folder`, if there is one and it was measured since `started`.
fn read(folder: &Path, started: SystemTime) -> Option<BenchmarkResult> {
    let (at, benchmark) = json::<Benchmark>(&folder.join("new/benchmark.json"), started)?;
    let (_, estimates) = json::<Estimates>(&folder.join("new/estimates.json"), started)?;
    let change = json::<Estimates>(&folder.join("change/estimates.json"), started);
    let change = change.map(|(_, change)| change.median);
    Some(BenchmarkResult { at, benchmark, median: estimates.median, change })
}

/// The content of a file and its modification time, if that is since `started`.
fn json<T: DeserializeOwned>(path: &Path, started: SystemTime) -> Option<(SystemTime, T)> {
    let at = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    let bytes = (at >= started).then(|| fs::read(path).ok()).flatten()?;
    Some((at, serde_json::from_slice(&bytes).ok()?))
}

fn table(results: &[BenchmarkResult]) -> String {
    let Some(first) = results.first() else { return String::new() };
    let confidence = first.median.confidence_interval.confidence_level * 100.0;
    let mut text = format!(
        "\n| benchmark | median | {confidence:.0} % interval | throughput | change of the median |\n"
    );
    text += "| :--- | ---: | ---: | ---: | ---: |\n";
    for BenchmarkResult { benchmark, median, change, .. } in results {
        let Interval { lower_bound, upper_bound, .. } = median.confidence_interval;
        let interval = numbers::duration_range(lower_bound as u64, upper_bound as u64);
        let rate = |per_iteration| rate(per_iteration, median);
        let rate = benchmark.throughput.as_ref().map_or_else(|| NONE.to_owned(), rate);
        let change = change.as_ref().map_or_else(|| NONE.to_owned(), format_change);
        let (id, median) = (&benchmark.full_id, numbers::duration(median.point_estimate as u64));
        text += &format!("| {id} | {median} | {interval} | {rate} | {change} |\n");
    }
    text
}

/// The throughput per second, where an iteration processes `per_iteration`.
fn rate(per_iteration: &Throughput, median: &Estimate) -> String {
    let per_second = |amount: u64| (amount as f64 * 1e9 / median.point_estimate) as u64;
    match *per_iteration {
        Throughput::Bits(amount) => format!("{} bit/s", numbers::count(per_second(amount))),
        Throughput::Bytes(amount) | Throughput::BytesDecimal(amount) => {
            format!("{}/s", numbers::bytes(per_second(amount)))
        }
        Throughput::Elements(amount) | Throughput::ElementsAndBytes { elements: amount, .. } => {
            format!("{}/s", numbers::count(per_second(amount)))
        }
    }
}

/// A change and its confidence interval.
fn format_change(change: &Estimate) -> String {
    let percent = |share: f64| numbers::change(1.0 + share);
    let Interval { lower_bound, upper_bound, .. } = change.confidence_interval;
    format!("{} ({} to {})", percent(change.point_estimate), percent(lower_bound), percent(upper_bound))
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::quick_criterion;

    fn bench(folder: &Path, names: &[&str]) {
        let mut criterion = quick_criterion(folder).save_baseline("base".to_owned());
        let mut group = criterion.benchmark_group("a group");
        group.throughput(Throughput::Elements(1_000));
        for name in names {
            let measure = |iterations: u64| {
                // Criterion relies on time passing.
                thread::sleep(Duration::from_micros(200));
                Duration::from_millis(20 * iterations)
            };
            group.bench_function(*name, |bencher| bencher.iter_custom(measure));
        }
    }

    fn lines(folder: &Path, started: SystemTime) -> Vec<String> {
        table(&results(folder, started)).lines().map(str::to_owned).collect()
    }

    /// Uses criterion's own files, so that a change of their format is noticed.
    #[test]
    fn the_table_has_results_since_the_start_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let started = SystemTime::now() - Duration::from_secs(1);
        bench(folder.path(), &["one", "another:1"]);
        let shown = lines(folder.path(), started);
        assert_eq!(shown[1], "| benchmark | median | 95 % interval | throughput | change of the median |");
        assert_eq!(shown[3], "| a group/one | 20.0 ms | 20.0–20.0 ms | 50,000/s | – |");
        assert!(shown[4].starts_with("| a group/another:1 |"), "{}", shown[4]);
        assert_eq!(lines(folder.path(), SystemTime::now() + Duration::from_secs(1)), Vec::<String>::new());

        bench(folder.path(), &["one"]);
        assert!(lines(folder.path(), started).iter().any(|line| line.contains("+0.0 % (+0.0 % to +0.0 %)")));
    }
}
