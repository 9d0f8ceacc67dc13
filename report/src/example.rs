//! A made-up record for tests: every contender's requests are laid out slot by slot, so that its figures
//! agree with each other as those of a real benchmark do.

use std::path::Path;

use fastrand::Rng;

use crate::comparison::{Comparison, Row};
use crate::page;
use crate::record::{
    COMMON, ContenderFacts, CpuMethod, FORMAT, Figures, HarnessLateness, Header, Latencies, LoopFigures,
    Machine, MachineSettings, MemoryMethod, Noise, Order, Quantiles, RateFacts, Reason, ReasonKind, Record,
    Reference, ReferenceRow, Run, Samples, SamplingStats, ScenarioFacts, Schedule, TargetFigures, TimePoint,
    Usage, Verdict, Writer,
};
use crate::stats::distribution::normal;
use crate::tables::markdown;
use crate::tables::terminal::{self, Screen};

const URLS: u64 = 1_000;

/// What distinguishes the contenders of the example.
struct Traits {
    name: &'static str,
    processes: u32,
    in_flight: u32,
    rounds: u32,
    /// Added to every request, before its jitter.
    added_ns: u64,
    cpu_ns: u64,
    peak_memory_bytes: u64,
    startup_ns: u64,
}

const CONTENDERS: [Traits; 5] = [
    traits("sync:1", [1, 1, 1], [140_000, 88_400_000, 2_310_000], 6_340_000),
    traits("threads:32", [1, 32, 5], [210_000, 141_000_000, 2_980_000], 9_870_000),
    traits("tokio:128", [1, 128, 5], [480_000, 97_600_000, 3_120_000], 21_400_000),
    traits("tokio:8x64", [8, 64, 5], [1_900_000, 131_000_000, 9_470_000], 96_300_000),
    traits("smol:256", [1, 256, 5], [520_000, 130_000_000, 2_760_000], 18_200_000),
];

/// `shape`: processes, requests in flight in each, rounds. `times_ns`: added to a request, CPU, startup.
const fn traits(name: &'static str, shape: [u32; 3], times_ns: [u64; 3], peak_memory_bytes: u64) -> Traits {
    let ([processes, in_flight, rounds], [added_ns, cpu_ns, startup_ns]) = (shape, times_ns);
    Traits { name, processes, in_flight, rounds, added_ns, cpu_ns, peak_memory_bytes, startup_ns }
}

/// Five contenders: the first ran once, the third has one invalid run of five, the last has none that is valid.
pub(crate) fn record() -> Record {
    record_of_rounds(5)
}

/// The example with so many rounds of each contender that has five.
pub(crate) fn record_of_rounds(rounds: u32) -> Record {
    let mut header = header();
    header.contenders.iter_mut().filter(|facts| facts.rounds == 5).for_each(|facts| facts.rounds = rounds);
    let mut runs = Vec::new();
    for round in 1..=rounds {
        for ((place, contender), facts) in (1..).zip(&CONTENDERS).zip(&header.contenders) {
            if round <= facts.rounds {
                runs.push(run(contender, round, place));
            }
        }
    }
    Record { header, runs, truncated: false }
}

/// The example without samples and with three runs only, for tests that read it again and again.
pub(crate) fn short_record() -> Record {
    let mut record = record();
    record.runs.truncate(3);
    for run in &mut record.runs {
        run.samples = Samples::default();
    }
    record
}

/// The example as if nothing had been delayed.
pub(crate) fn record_without_delays() -> Record {
    let mut record = record();
    record.header.contenders.iter_mut().for_each(|facts| facts.ideal_ns = 0);
    let scenario = &mut record.header.scenario;
    (scenario.median_delay_ns, scenario.total_delay_ns) = (0, 0);
    record
}

/// The example as an open loop at 400/s: of each run 20 requests, and 5 more in later rounds, started late.
pub(crate) fn open_loop_record() -> Record {
    let mut record = record();
    record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
    for run in &mut record.runs {
        let late_starts = if run.round == 1 { 20 } else { 25 };
        let Some(figures) = &mut run.figures else { continue };
        figures.ramp_ns = None;
        figures.schedule = Some(Schedule {
            achieved_per_second: Some(399.0),
            late_starts,
            start_lateness_ns: Quantiles { p50: 60_000, p90: 900_000, p99: 2_100_000, max: 9_000_000 },
        });
    }
    record
}

/// The example with two contenders more, which share a client: `loop`, the base of cost, at half the CPU and
/// memory of `tokio`.
pub(crate) fn record_with_common_client() -> Record {
    let mut record = record();
    let (facts, runs) = parts(&record, "tokio:128");
    for (model, share) in [("loop", 2_u32), ("tokio", 1)] {
        let name = format!("{model}+common:128");
        let (model, client) = (model.to_owned(), COMMON.to_owned());
        let facts = ContenderFacts { name, model, client, ..facts.clone() };
        add(&mut record, facts, &runs, |_, figures| {
            figures.cpu_us_per_request /= f64::from(share);
            figures.peak_memory_bytes = figures.ready_memory_bytes
                + (figures.peak_memory_bytes - figures.ready_memory_bytes) / u64::from(share);
        });
    }
    record.header.cost_base = Some("loop".to_owned());
    record
}

/// One model at 100, 1,000 and 5,000 in flight over 1,000 URLs, whose peak memory is `peak_bytes` of a round and of
/// what can be in flight.
pub(crate) fn record_of_sweep(rounds: u32, peak_bytes: impl Fn(u32, u64) -> u64) -> Record {
    let mut record = record_of_rounds(rounds);
    let (facts, runs) = parts(&record, "threads:32");
    (record.runs, record.header.contenders) = (Vec::new(), Vec::new());
    record.header.scenario.urls = 1_000;
    for in_flight in [1_000, 100, 5_000] {
        let facts = ContenderFacts { name: format!("threads:{in_flight}"), in_flight, ..facts.clone() };
        add(&mut record, facts, &runs, |round, figures| {
            figures.peak_memory_bytes = peak_bytes(round, u64::from(in_flight).min(1_000));
        });
    }
    record
}

/// Adds a contender with copies of `runs`, whose figures `change` changes.
fn add(record: &mut Record, facts: ContenderFacts, runs: &[Run], change: impl Fn(u32, &mut Figures)) {
    for run in runs {
        let mut run = Run { contender: facts.name.clone(), ..run.clone() };
        if let Some(figures) = &mut run.figures {
            change(run.round, figures);
        }
        record.runs.push(run);
    }
    record.header.contenders.push(facts);
}

/// A record of so many contenders, half of them with the common client: the example's third, each with a name,
/// a wall and a cost of its own, every fourth with several processes.
pub(crate) fn record_of_many(contenders: u32) -> Record {
    let mut record = record();
    let (facts, runs) = parts(&record, "tokio:128");
    (record.runs, record.header.contenders) = (Vec::new(), Vec::new());
    for number in 0..contenders {
        let client = if number % 2 == 0 { "native" } else { COMMON };
        let (processes, in_flight) =
            if number % 4 < 2 { (1, 16 << (number % 7)) } else { (1 + number % 5, 64) };
        let shape = if processes > 1 { format!("{processes}x{in_flight}") } else { in_flight.to_string() };
        let model = format!("{}-{}", ["loop", "pool", "runtime-per-core"][number as usize % 3], number / 2);
        let plus = if client == COMMON { "+common" } else { "" };
        let name = format!("{model}{plus}:{shape}");
        let ideal_ns = facts.ideal_ns * 128 / u64::from(processes * in_flight);
        let client = client.to_owned();
        let facts = ContenderFacts { name, model, client, processes, in_flight, ideal_ns, ..facts.clone() };
        add(&mut record, facts, &runs, |_, figures| {
            let slower = 10 + u64::from(number * number % 17);
            figures.wall_ns = figures.wall_ns * 128 / u64::from(processes * in_flight) * slower / 10;
            figures.cpu_us_per_request *= slower as f64 / 12.0;
            figures.peak_memory_bytes = figures.peak_memory_bytes * slower / 20 * u64::from(processes);
            figures.peak_memory_bound_bytes = figures.peak_memory_bytes * 13 / 10;
            if processes > 1 {
                figures.peak_memory_method = MemoryMethod::SampledTree;
            }
        });
    }
    record.header.cost_base = Some("loop-1".to_owned());
    record
}

/// The example with hostile contents and without its last runs: texts from elsewhere that would break a
/// table, a page or a terminal.
pub(crate) fn hostile_record() -> Record {
    let mut record = record();
    record.runs.truncate(14);
    record.truncated = true;
    let long = "n".repeat(200);
    let names = [
        "a|b:1",
        "<script>alert(1)</script>:32",
        "two\nlines\u{1b}[2J:128",
        long.as_str(),
        "*_`\u{202e}:256",
    ];
    rename(&mut record, &names);
    for run in &mut record.runs {
        run.warnings = vec!["<!-- inflight:end t --> | \u{7}".to_owned()];
        run.runtime = "<img src=x>".to_owned();
    }
    record.header.command = "inflight run 'a|b' `x`".to_owned();
    record.header.references[0].rows[0].approach = "<b>bold</b> | cell".to_owned();
    record
}

/// Gives the contenders of `record`, in their order, these names.
pub(crate) fn rename(record: &mut Record, names: &[&str]) {
    for (at, name) in names.iter().enumerate() {
        let before = std::mem::replace(&mut record.header.contenders[at].name, (*name).to_owned());
        runs_of(record, &before).for_each(|run| run.contender = (*name).to_owned());
    }
}

/// The contender of this name and its runs.
fn parts(record: &Record, name: &str) -> (ContenderFacts, Vec<Run>) {
    let facts = record.header.contenders.iter().find(|facts| facts.name == name).unwrap();
    (facts.clone(), record.runs.iter().filter(|run| run.contender == name).cloned().collect())
}

/// The runs of the contender of this name.
pub(crate) fn runs_of<'a>(record: &'a mut Record, name: &'a str) -> impl Iterator<Item = &'a mut Run> {
    record.runs.iter_mut().filter(move |run| run.contender == name)
}

/// The figures of its runs that have any.
pub(crate) fn figures_of<'a>(record: &'a mut Record, name: &'a str) -> impl Iterator<Item = &'a mut Figures> {
    runs_of(record, name).filter_map(|run| run.figures.as_mut())
}

/// The figures of all runs that have any.
pub(crate) fn all_figures(record: &mut Record) -> impl Iterator<Item = &mut Figures> {
    record.runs.iter_mut().filter_map(|run| run.figures.as_mut())
}

/// The row of the contender of this name.
pub(crate) fn row<'a>(comparison: &'a Comparison, name: &str) -> &'a Row {
    comparison.contenders.iter().find(|row| row.name == name).unwrap()
}

/// `record` on a terminal, in Markdown and as a page.
pub(crate) fn rendered(record: &Record) -> [String; 3] {
    let comparison = Comparison::of(record);
    let screen = Screen { width: 120, colours: false };
    let page = page::render(record, &comparison);
    [terminal::render(&comparison, screen), markdown::render(&comparison), page]
}

/// An invalid verdict of this kind.
pub(crate) fn invalid(kind: ReasonKind, text: impl Into<String>) -> Verdict {
    Verdict::from(vec![Reason::new(kind, text)])
}

/// A draw of heavy-tailed noise around 0: Student's t with two degrees of freedom, whose variance is infinite.
pub(crate) fn heavy_tailed(random: &mut Rng) -> f64 {
    normal(random) / (-random.f64().max(1e-9).ln()).sqrt()
}

/// Writes `record` to a new file at `path`.
pub(crate) fn save(record: &Record, path: &Path) {
    let mut writer = Writer::create(path, &record.header).unwrap();
    for run in &record.runs {
        writer.append(run).unwrap();
    }
}

fn header() -> Header {
    let reference =
        |approach: &str, shape: &str, seconds, ideal_ns, cpu_percent, megabytes: u32| ReferenceRow {
            approach: approach.to_owned(),
            shape: shape.to_owned(),
            wall_ns: (f64::round(seconds * 1e9)) as u64,
            ideal_ns,
            cpu_percent,
            memory_bytes: u64::from(megabytes) * 1_000_000,
            answered_by: Vec::new(),
        };
    Header {
        format: FORMAT,
        inflight_version: "0.1.0".to_owned(),
        command: "inflight run --preset quick".to_owned(),
        started_at: "2026-05-04T09:12:44Z".to_owned(),
        machine: Machine {
            cpu_model: "Example CPU 9000".to_owned(),
            cores: 2,
            memory_bytes: 8_327_000_000,
            os: "Debian GNU/Linux 13".to_owned(),
            kernel: "6.12.9".to_owned(),
            settings: MachineSettings::default(),
        },
        scenario: ScenarioFacts {
            preset: Some("quick".to_owned()),
            seed: 1,
            urls: URLS,
            latency: "uniform:15ms,37.6ms".to_owned(),
            body_bytes: 10_240,
            pace: None,
            faults: Vec::new(),
            median_delay_ns: 26_300_000,
            total_delay_ns: (0..URLS).map(planned_ns).sum(),
        },
        rate: None,
        placement: None,
        order: Order::Shuffled,
        order_seed: 7,
        budget: None,
        contenders: CONTENDERS
            .iter()
            .map(|contender| ContenderFacts {
                name: contender.name.to_owned(),
                model: contender.name.split(':').next().unwrap_or_default().to_owned(),
                client: "native".to_owned(),
                processes: contender.processes,
                in_flight: contender.in_flight,
                rounds: contender.rounds,
                control_of: None,
                ideal_ns: lay_out(contender, |_| 0).1,
            })
            .collect(),
        cost_base: None,
        references: vec![Reference {
            title: "The article's own figures".to_owned(),
            source: "SpyderProxy blog, \"Concurrency vs Parallelism for Web Scraping\", 25 April 2026; \
                     1,000 GETs through real internet proxies, in Python, median 250 ms"
                .to_owned(),
            ideals_from: "the delays of the first row".to_owned(),
            rows: vec![
                reference("synchronous, 1 thread", "1", 263.0, 262_900_000_000, 3.0, 34),
                reference("ThreadPoolExecutor, 32 workers", "32", 14.2, 8_290_000_000, 11.0, 87),
                reference("asyncio + aiohttp, 128 concurrent", "128", 9.1, 2_190_000_000, 16.0, 54),
                reference("multiprocessing × 8 + asyncio × 64 each", "8x64", 2.4, 702_000_000, 87.0, 410),
            ],
        }],
    }
}

fn run(contender: &Traits, round: u32, position: u32) -> Run {
    let hung = Run {
        contender: contender.name.to_owned(),
        round,
        position,
        warm_up: false,
        took_ns: 11_000_000_000,
        verdict: invalid(
            ReasonKind::Worker,
            "worker 0 hung: no `done` within 10 s; its last word was \"reactor stalled\"",
        ),
        disturbed_attempts: Vec::new(),
        warnings: Vec::new(),
        runtime: "smol 2.0.2".to_owned(),
        client: "hyper 1.8.1".to_owned(),
        figures: None,
        latencies: Latencies::default(),
        samples: Samples::default(),
        timeline: Vec::new(),
    };
    if contender.name == "smol:256" {
        return hung;
    }
    let seed = u64::from(round) * 1_000_003 + u64::from(position);
    let (samples, last_end) = lay_out(contender, |id| contender.added_ns + noise(seed, id) % 300_000);
    let slow = noise(seed, URLS) % 30;
    let wall_ns = last_end + last_end * slow / 2_000 + 200_000;
    let cpu_ns = contender.cpu_ns + contender.cpu_ns * slow / 1_000;
    let several = contender.processes > 1;
    let slots = u64::from(contender.processes * contender.in_flight);
    let peak_memory_bytes = contender.peak_memory_bytes + slow * 10_000;
    Run {
        took_ns: wall_ns + contender.startup_ns,
        verdict: if contender.name == "tokio:128" && round == 4 {
            invalid(ReasonKind::TargetLate, "the target was the bottleneck: its lateness p99 was 4.2 ms")
        } else {
            Verdict::Valid
        },
        warnings: if several && round > 3 {
            vec!["reached 498 in flight of 512 allowed".to_owned()]
        } else {
            Vec::new()
        },
        runtime: "tokio 1.54.1".to_owned(),
        client: "reqwest 0.13.5".to_owned(),
        figures: Some(Figures {
            wall_ns,
            cpu_ns,
            cpu_method: CpuMethod::Group,
            cpu_us_per_request: cpu_ns as f64 / 1e3 / URLS as f64,
            peak_memory_bytes,
            peak_memory_method: if several { MemoryMethod::SampledTree } else { MemoryMethod::HighWaterMark },
            peak_memory_bound_bytes: peak_memory_bytes * if several { 14 } else { 10 } / 10,
            ready_memory_bytes: contender.peak_memory_bytes / 3,
            startup_ns: contender.startup_ns + slow * 10_000,
            ramp_ns: Some(contender.startup_ns * 3),
            latency_ns: Some(points(&samples, |index| samples.latency_ns(index).cast_signed())),
            added_latency_ns: Some(points(&samples, |index| {
                samples.latency_ns(index).cast_signed() - samples.planned_ns[index].cast_signed()
            })),
            schedule: None,
            usage: Usage {
                user_ns: Some(cpu_ns - cpu_ns / 4),
                system_ns: Some(cpu_ns / 4),
                voluntary_switches: Some(URLS),
                ..Usage::default()
            },
            sampling: SamplingStats { readings: 3, ..SamplingStats::default() },
            noise: Noise { cpus: 2, load: Some(0.5), ..Noise::default() },
            harness: HarnessLateness::default(),
            target: TargetFigures {
                cpu_ns: 61_000_000,
                lateness_ns: Quantiles {
                    p50: 21_000,
                    p90: 48_000,
                    p99: 110_000 + slow.cast_signed() * 1_000,
                    max: 400_000,
                },
                realtime: false,
                shards: 1,
                connections: slots,
                most_in_flight: slots,
                loops: vec![LoopFigures {
                    cpu_ns: 60_000_000,
                    run_queue_ns: Some(2_000_000),
                    requests: URLS,
                }],
                unread_ns: Some(Quantiles { p50: 9_000, p90: 20_000, p99: 60_000, max: 300_000 }),
                queueing_ns: Some(Quantiles { p50: 0, p90: 4_000, p99: 30_000, max: 200_000 }),
                residence_ns: 40_000_000,
                limit: None,
            },
        }),
        latencies: Latencies::of(&samples),
        samples,
        timeline: vec![TimePoint { at_ns: 5_000_000, cpu_percent: 71.5, memory_bytes: 5_000_000 }],
        ..hung
    }
}

fn points(samples: &Samples, figure: impl Fn(usize) -> i64) -> Quantiles {
    Quantiles::of((0..samples.id.len()).map(figure)).expect("a run has requests")
}

/// Deals the URLs out to the processes and, within each, to whichever slot is free first.
/// Gives the samples and the end of the last.
fn lay_out(contender: &Traits, added_ns: impl Fn(u64) -> u64) -> (Samples, u64) {
    let mut free = vec![vec![0_u64; contender.in_flight as usize]; contender.processes as usize];
    let mut rows = Vec::new();
    for id in 0..URLS {
        let process = (id % u64::from(contender.processes)) as u32;
        let slot = free[process as usize].iter_mut().min().unwrap();
        let start = *slot;
        *slot += planned_ns(id) + added_ns(id);
        rows.push((start, *slot, id, process));
    }
    rows.sort_unstable();
    let samples = Samples {
        id: rows.iter().map(|row| row.2).collect(),
        process: rows.iter().map(|row| row.3).collect(),
        due_ns: Vec::new(),
        start_ns: rows.iter().map(|row| row.0).collect(),
        end_ns: rows.iter().map(|row| row.1).collect(),
        planned_ns: rows.iter().map(|row| planned_ns(row.2)).collect(),
        errors: Vec::new(),
        left_out: 0,
    };
    let last_end = samples.end_ns.iter().copied().max().unwrap_or(0);
    (samples, last_end)
}

fn planned_ns(id: u64) -> u64 {
    15_000_000 + noise(1, id) % 22_600_000
}

/// A number that looks random and is the same everywhere: the finalizer of SplitMix64.
fn noise(seed: u64, index: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
