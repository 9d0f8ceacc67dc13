//! What was measured in this run, as a table in Markdown, from the files that criterion leaves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

use criterion::Throughput;
use inflight_report::numbers::{self, NONE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The table of all benchmarks that were measured since `begun`, below an empty line; empty where there are
/// none.
pub(crate) fn since(begun: SystemTime) -> String {
    let mut measured = Vec::new();
    collect(&folder(), begun, &mut measured);
    measured.sort_by_key(|one| one.at);
    table(&measured)
}

/// A benchmark that was measured.
struct Measured {
    at: SystemTime,
    id: String,
    throughput: Option<Throughput>,
    /// Of one iteration, in nanoseconds.
    median: Estimate,
    /// Of the median, as a share of what it was.
    change: Option<Estimate>,
}

/// As criterion writes it.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<Throughput>,
}

/// As criterion writes it.
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

/// Where criterion writes: it looks in these places, in this order.
fn folder() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).or_else(target_folder);
    target.unwrap_or_else(|| "target".into()).join("criterion")
}

/// The folder that cargo builds in, as it says itself.
fn target_folder() -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let mut cargo = Command::new(env::var_os("CARGO")?);
    let output = cargo.args(["metadata", "--format-version", "1", "--no-deps"]).output().ok()?;
    serde_json::from_slice::<Metadata>(&output.stdout).ok().map(|metadata| metadata.target_directory)
}

fn collect(folder: &Path, begun: SystemTime, measured: &mut Vec<Measured>) {
    measured.extend(read(folder, begun));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|path| path.is_dir()) {
        collect(&folder, begun, measured);
    }
}

/// The benchmark that `folder` is of, if it is of one, and that one was measured since `begun`.
fn read(folder: &Path, begun: SystemTime) -> Option<Measured> {
    let (at, benchmark) = json::<Benchmark>(&folder.join("new/benchmark.json"), begun)?;
    let (_, estimates) = json::<Estimates>(&folder.join("new/estimates.json"), begun)?;
    let change = json::<Estimates>(&folder.join("change/estimates.json"), begun);
    Some(Measured {
        at,
        id: benchmark.full_id,
        throughput: benchmark.throughput,
        median: estimates.median,
        change: change.map(|(_, change)| change.median),
    })
}

/// What a file says, and when it was written, if that was since `begun`.
fn json<T: DeserializeOwned>(path: &Path, begun: SystemTime) -> Option<(SystemTime, T)> {
    let at = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    let told = (at >= begun).then(|| fs::read(path).ok()).flatten()?;
    Some((at, serde_json::from_slice(&told).ok()?))
}

fn table(measured: &[Measured]) -> String {
    let Some(first) = measured.first() else { return String::new() };
    let sure = first.median.confidence_interval.confidence_level * 100.0;
    let mut text =
        format!("\n| benchmark | median | {sure:.0} % interval | throughput | change of the median |\n");
    text += "| :--- | ---: | ---: | ---: | ---: |\n";
    for Measured { id, throughput, median, change, .. } in measured {
        let Interval { lower_bound, upper_bound, .. } = median.confidence_interval;
        let interval = numbers::duration_range(lower_bound as u64, upper_bound as u64);
        let rate = throughput.as_ref().map_or_else(|| NONE.to_owned(), |of_one| rate(of_one, median));
        let change = change.as_ref().map_or_else(|| NONE.to_owned(), shift);
        let median = numbers::duration(median.point_estimate as u64);
        text += &format!("| {id} | {median} | {interval} | {rate} | {change} |\n");
    }
    text
}

/// What goes through in a second, where an iteration has `of_one`.
fn rate(of_one: &Throughput, median: &Estimate) -> String {
    let a_second = |amount: u64| (amount as f64 * 1e9 / median.point_estimate) as u64;
    match *of_one {
        Throughput::Bits(amount) => format!("{} bit/s", numbers::count(a_second(amount))),
        Throughput::Bytes(amount) | Throughput::BytesDecimal(amount) => {
            format!("{}/s", numbers::bytes(a_second(amount)))
        }
        Throughput::Elements(amount) | Throughput::ElementsAndBytes { elements: amount, .. } => {
            format!("{}/s", numbers::count(a_second(amount)))
        }
    }
}

/// By how much, and from where to where that may be.
fn shift(change: &Estimate) -> String {
    let told = |share: f64| numbers::change(1.0 + share);
    let Interval { lower_bound, upper_bound, .. } = change.confidence_interval;
    format!("{} ({} to {})", told(change.point_estimate), told(lower_bound), told(upper_bound))
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use criterion::Criterion;

    use super::*;

    fn bench(folder: &Path, names: &[&str]) {
        let mut criterion = Criterion::default()
            .without_plots()
            .output_directory(folder)
            .save_baseline("base".to_owned())
            .sample_size(10)
            .nresamples(1_001)
            .warm_up_time(Duration::from_millis(1))
            .measurement_time(Duration::from_millis(1));
        let mut group = criterion.benchmark_group("a group");
        group.throughput(Throughput::Elements(1_000));
        for name in names {
            let told = |iterations: u64| {
                // Criterion counts on it that time does pass.
                thread::sleep(Duration::from_micros(200));
                Duration::from_millis(20 * iterations)
            };
            group.bench_function(*name, |bencher| bencher.iter_custom(told));
        }
    }

    fn lines(folder: &Path, begun: SystemTime) -> Vec<String> {
        let mut measured = Vec::new();
        collect(folder, begun, &mut measured);
        measured.sort_by_key(|one| one.at);
        table(&measured).lines().map(str::to_owned).collect()
    }

    /// Criterion's own files, so that a new criterion that writes other ones is noticed.
    #[test]
    fn the_table_is_of_what_was_measured_since_and_in_that_order() {
        let folder = tempfile::tempdir().unwrap();
        let begun = SystemTime::now() - Duration::from_secs(1);
        bench(folder.path(), &["one", "another:1"]);
        let shown = lines(folder.path(), begun);
        assert_eq!(shown[1], "| benchmark | median | 95 % interval | throughput | change of the median |");
        assert_eq!(shown[3], "| a group/one | 20.0 ms | 20.0–20.0 ms | 50,000/s | – |");
        assert!(shown[4].starts_with("| a group/another:1 |"), "{}", shown[4]);
        assert_eq!(lines(folder.path(), SystemTime::now() + Duration::from_secs(1)), Vec::<String>::new());

        bench(folder.path(), &["one"]);
        assert!(lines(folder.path(), begun).iter().any(|line| line.contains("+0.0 % (+0.0 % to +0.0 %)")));
    }
}
