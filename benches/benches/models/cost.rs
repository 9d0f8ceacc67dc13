//! Overhead of the harness: the CPU time of each model compared with a plain program that does the same.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use inflight::contender::{Contender, Source};
use inflight::runner::Session;
use inflight::workload::Workload;
use inflight_benches::BenchArgs;

use super::plain::{self, Work};

/// Enough to make setup and teardown negligible.
const URLS: u64 = 20_000;

/// Pairs of a run of the model and one of the program, interleaved.
const PAIRS: u32 = 5;

/// The maximum ratio of a model's CPU time to that of its plain program.
const LIMIT: f64 = 1.1;

/// Longer than any response takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// CPU time of both, in microseconds per request.
struct Pair {
    model_us: f64,
    plain_us: f64,
}

/// Prints CPU time per request of every contender and of its plain program, without delay, in pairs.
///
/// # Errors
/// When a contender has no program, when either fails, and when a contender exceeds the limit in
/// every pair.
pub(super) fn table(program: &Path, args: &BenchArgs) -> Result<()> {
    let id = |contender: &Contender| format!("models/plain/{contender}");
    let selected =
        super::all_contenders().filter(|contender| args.measures() && args.selects(&id(contender)));
    let contenders = super::supported(program, selected.collect())?;
    if contenders.is_empty() {
        return Ok(());
    }
    let mut session = Session::start(program, Workload::of(super::scenario(URLS, "fixed:0ms")?))?;
    println!(
        "\nOverhead of the harness: CPU per request without delay, compared with a plain program that does the same; \
         medians of {PAIRS} pairs.\n"
    );
    println!("| contender | CPU | plain | ratio | min–max |");
    println!("| :--- | ---: | ---: | ---: | ---: |");
    let mut over_limit = Vec::new();
    for contender in &contenders {
        let pairs = pairs(&mut session, contender)?;
        let min_median_max = |figure: fn(&Pair) -> f64| {
            let mut figures: Vec<f64> = pairs.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            (figures[0], figures[figures.len() / 2], figures[figures.len() - 1])
        };
        let (min, ratio, max) = min_median_max(|pair| pair.model_us / pair.plain_us);
        println!(
            "| {contender} | {:.1} µs | {:.1} µs | {ratio:.2} | {min:.2}–{max:.2} |",
            min_median_max(|pair| pair.model_us).1,
            min_median_max(|pair| pair.plain_us).1,
        );
        if min > LIMIT {
            over_limit.push(contender.to_string());
        }
    }
    if !over_limit.is_empty() {
        bail!("more than {LIMIT} times a plain program's CPU in every pair: {}", over_limit.join(", "));
    }
    Ok(())
}

fn pairs(session: &mut Session, contender: &Contender) -> Result<Vec<Pair>> {
    let Source::Model(model, client) = &contender.source else { bail!("{contender} is no model") };
    let name = format!("{}+{}", model.name, client.name);
    plain::find(&name).with_context(|| format!("{name} has no plain program"))?;
    let work = Work {
        url_prefix: session.url_prefix(),
        urls: URLS,
        in_flight: contender.shape.in_flight as usize,
        cores: thread::available_parallelism()?.get(),
        timeout: TIMEOUT,
    };
    (1..=PAIRS)
        .map(|pair| {
            // The order alternates from pair to pair.
            let first = if pair % 2 == 0 { Some(plain::measure(&name, &work)?) } else { None };
            let model_ns = model_ns(session, contender, pair)?;
            let plain_ns = first.map_or_else(|| plain::measure(&name, &work), Ok)?;
            let us_per_request = |ns: u64| ns as f64 / 1e3 / URLS as f64;
            Ok(Pair { model_us: us_per_request(model_ns), plain_us: us_per_request(plain_ns) })
        })
        .collect()
}

/// CPU time of a run that received every URL. Whether the target was busy does not matter here.
fn model_ns(session: &mut Session, contender: &Contender, round: u32) -> Result<u64> {
    let run = super::run(session, contender, round)?;
    let figures = run.figures.with_context(|| format!("{contender}: {:?}", run.verdict))?;
    if !run.samples.errors.is_empty() {
        bail!("{contender}: {:?}", run.samples.errors);
    }
    Ok(figures.cpu_ns)
}
