//! What a model costs with everything around it, beside a plain program that does the same.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use inflight::contender::{Contender, Source};
use inflight::session::Session;
use inflight::workload::Workload;
use inflight_benches::Asked;

use super::plain::{self, Work};

/// So many that setting up and ending vanish.
const URLS: u64 = 20_000;

/// Pairs of a run of the model and one of the program, in turns.
const PAIRS: u32 = 5;

/// A model costs at most so many times as much as its plain program.
const LIMIT: f64 = 1.1;

/// No response takes so long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// CPU of both, in microseconds a request.
struct Pair {
    model_us: f64,
    plain_us: f64,
}

/// Prints CPU a request of every contender and of its plain program, without delay, in pairs.
///
/// # Errors
/// When a contender has no program, when either does not do its work, and when one costs more than the limit in
/// every pair.
pub(super) fn table(program: &Path, asked: &Asked) -> Result<()> {
    let id = |contender: &Contender| format!("models/plain/{contender}");
    let asked_for =
        super::all_contenders().filter(|contender| asked.measures() && asked.selects(&id(contender)));
    let contenders = super::able(program, asked_for.collect())?;
    if contenders.is_empty() {
        return Ok(());
    }
    let mut session = Session::start(program, Workload::of(super::scenario(URLS, "fixed:0ms")?))?;
    println!(
        "\nCPU a request without delay, beside a plain program that does the same; medians of {PAIRS} pairs.\n"
    );
    println!("| contender | CPU | plain | ratio | least–most |");
    println!("| :--- | ---: | ---: | ---: | ---: |");
    let mut above = Vec::new();
    for contender in &contenders {
        let pairs = pairs(&mut session, contender)?;
        let median = |figure: fn(&Pair) -> f64| {
            let mut figures: Vec<f64> = pairs.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            (figures[0], figures[figures.len() / 2], figures[figures.len() - 1])
        };
        let (least, ratio, most) = median(|pair| pair.model_us / pair.plain_us);
        println!(
            "| {contender} | {:.1} µs | {:.1} µs | {ratio:.2} | {least:.2}–{most:.2} |",
            median(|pair| pair.model_us).1,
            median(|pair| pair.plain_us).1,
        );
        if least > LIMIT {
            above.push(contender.to_string());
        }
    }
    if !above.is_empty() {
        bail!("more than {LIMIT} times a plain program's CPU in every pair: {}", above.join(", "));
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
            // Which of the two goes first changes from pair to pair.
            let first = if pair % 2 == 0 { Some(plain::measure(&name, &work)?) } else { None };
            let model_ns = model_ns(session, contender, pair)?;
            let plain_ns = first.map_or_else(|| plain::measure(&name, &work), Ok)?;
            let of_one_us = |ns: u64| ns as f64 / 1e3 / URLS as f64;
            Ok(Pair { model_us: of_one_us(model_ns), plain_us: of_one_us(plain_ns) })
        })
        .collect()
}

/// CPU of a run that received every URL. A target that was busy is none of its business.
fn model_ns(session: &mut Session, contender: &Contender, round: u32) -> Result<u64> {
    let run = super::run(session, contender, round)?;
    let figures = run.figures.with_context(|| format!("{contender}: {:?}", run.verdict))?;
    if !run.samples.errors.is_empty() {
        bail!("{contender}: {:?}", run.samples.errors);
    }
    Ok(figures.cpu_ns)
}
