//! `cargo bench --bench instrument`: overhead of the harness's own code: the HTTP of the common client, which
//! is part of the figures of every contender with that client, and the generation of reports.

mod gates;
mod races;

use std::cell::LazyCell;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use criterion::{Criterion, Throughput};
use inflight::worker::protocol::{PROTOCOL, Plan};
use inflight_benches::{FallibleGroup, timed};
use inflight_report::comparison::{Comparison, Named};
use inflight_report::gate::{Gate, Judgement, summary};
use inflight_report::history::{History, chart, table};
use inflight_report::record::Record;
use inflight_report::stats::{self, MedianInterval, signed_rank};
use inflight_report::tables::terminal::Screen;
use inflight_report::{exports, page, tables};
use inflight_worker::clients::common::endpoint::Endpoint;
use inflight_worker::clients::common::exchange::{Exchange, Method, Progress};

/// Size of a body, as in every preset.
const BODY_BYTES: usize = 10 << 10;

/// The record to report, relative to the folder in which cargo runs a bench.
const RECORD: &str = "../results/reference/article";

/// Rounds of a short race and of a long one, and far more than usual.
const ROUNDS: [usize; 3] = [16, 40, 1_000];

const SCREEN: Screen = Screen { width: 160, colours: false };

/// Gates of one month, of two, and of most of a year.
const GATES: [usize; 3] = [24, 60, 240];

fn main() -> ExitCode {
    let settings = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    inflight_benches::main(settings, |criterion, _| {
        let benches = [exchange, statistics, read, report, large_reports, gate, history];
        benches.map(|bench| bench(criterion)).into_iter().collect()
    })
}

/// Encoding a request, and parsing a response that arrives in one piece.
fn exchange(criterion: &mut Criterion) -> Result<()> {
    const NAME: &str = "instrument/exchange";
    let site = Endpoint::of(&plan())?;
    let mut group = criterion.benchmark_group(NAME);
    group.throughput(Throughput::Bytes(BODY_BYTES as u64));
    let mut group = FallibleGroup::new(group, NAME);
    for (framing, response) in
        [("content-length", content_length_response()), ("chunked", chunked_response())]
    {
        let mut exchange = Exchange::default();
        let mut once = || {
            exchange.begin(Method::Get, &site, black_box(500));
            exchange.sent(exchange.to_send().len());
            exchange.receive(black_box(&response))
        };
        ensure!(matches!(once(), Ok(Progress::Done(_))), "the response with {framing} was not parsed");
        group.bench(framing, |iterations| Ok(timed(iterations, &mut once)));
    }
    group.finish()
}

fn plan() -> Plan {
    Plan {
        protocol: PROTOCOL,
        contender: String::new(),
        model: String::new(),
        client: String::new(),
        url_prefix: "http://127.0.0.1:8080/u/".to_owned(),
        ids: Vec::new(),
        due_ns: None,
        in_flight: 1,
        processes: None,
        cores: 1,
        connect_timeout_ms: 1_000,
        request_timeout_ms: 1_000,
    }
}

fn content_length_response() -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY_BYTES}\r\n\r\n");
    [head.as_bytes(), &[b'x'; BODY_BYTES]].concat()
}

fn chunked_response() -> Vec<u8> {
    const CHUNK_BYTES: usize = 1 << 10;
    let chunk = [format!("{CHUNK_BYTES:x}\r\n").as_bytes(), &[b'x'; CHUNK_BYTES], b"\r\n"].concat();
    let body = chunk.repeat(BODY_BYTES / CHUNK_BYTES);
    [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], &body, b"0\r\n\r\n"].concat()
}

/// The statistics of a comparison with this many rounds or pairs, and of a history with this many gates.
fn statistics(criterion: &mut Criterion) -> Result<()> {
    const NAME: &str = "instrument/statistics";
    const MIN_DISTANCE: usize = 5; // as in a history
    let mut group = FallibleGroup::new(criterion.benchmark_group(NAME), NAME);
    for count in ROUNDS {
        let values: Vec<f64> = (1..=count).map(|at| spread(at) - 0.4).collect();
        let p_values: Vec<f64> = values.iter().map(|value| value.abs()).collect();
        let ties: Vec<f64> = values.iter().map(|value| (value * 200.0).round()).collect();
        let mut bench = |name: &str, run: &dyn Fn()| {
            group.bench(&format!("{name}/{count}"), |iterations| Ok(timed(iterations, run)));
        };
        bench("signed rank", &|| keep(signed_rank::greater(black_box(&values))));
        bench("signed rank with ties", &|| keep(signed_rank::greater(black_box(&ties))));
        bench("smallest detectable", &|| {
            keep(stats::smallest_detectable_shift(black_box(&values), 0.000_1, 0.8, 1));
        });
        bench("Hodges-Lehmann", &|| keep(stats::hodges_lehmann(black_box(&values), 0.95)));
        bench("median interval", &|| keep(MedianInterval::of(black_box(count), 0.95)));
        bench("Holm", &|| keep(stats::holm(black_box(&p_values))));
    }
    for count in GATES {
        // With a step, because the test ends early where nothing changed.
        let step = |at| if at > count / 2 { 1.0 } else { 0.0 };
        let values: Vec<f64> = (1..=count).map(|at| spread(at) + step(at)).collect();
        group.bench(&format!("change points/{count}"), |iterations| {
            Ok(timed(iterations, || stats::change_points(black_box(&values), MIN_DISTANCE, 1)))
        });
    }
    group.finish()
}

/// A number from 0 to 1. Multiples of the golden ratio modulo 1 are evenly distributed and distinct.
fn spread(at: usize) -> f64 {
    (at as f64 * 1.618_033_988_75).fract()
}

/// Reading a record.
fn read(criterion: &mut Criterion) -> Result<()> {
    const NAME: &str = "instrument/record";
    let path = Path::new(RECORD);
    let bytes = path.metadata().with_context(|| format!("no record at {RECORD}"))?.len();
    let once = |_| -> Result<Duration> {
        let started = Instant::now();
        let record = Record::read(path)?;
        let elapsed = started.elapsed();
        drop(black_box(record)); // not part of reading
        Ok(elapsed)
    };
    let mut group = criterion.benchmark_group(NAME);
    group.throughput(Throughput::Bytes(bytes));
    let mut group = FallibleGroup::new(group, NAME);
    group.bench("read", |iterations| (0..iterations).map(once).sum());
    group.finish()
}

/// Reports of a record.
fn report(criterion: &mut Criterion) -> Result<()> {
    type Prepared = (Record, [Named; 1]);
    let prepare = || {
        let record = Record::read(Path::new(RECORD))?;
        let comparison = Comparison::of(&record);
        Ok((record, [Named { record: "article".to_owned(), comparison }]))
    };
    bench_all::<Prepared>(
        criterion,
        "instrument/report",
        prepare,
        &[
            ("compare", |(record, _)| keep(Comparison::of(record))),
            ("terminal", |(_, [one])| keep(tables::terminal::render(&one.comparison, SCREEN))),
            ("Markdown", |(_, [one])| keep(tables::markdown::render(&one.comparison))),
            ("CSV", |(_, named)| keep(exports::csv::render(named))),
            ("JSON", |(_, named)| keep(exports::json::render(named))),
            ("JUnit XML", |(_, named)| keep(exports::junit::render(named))),
            ("page", |(record, [one])| keep(page::render(record, &one.comparison))),
        ],
    )
}

/// Reports of the longest race allowed, and of one with as many contenders as there are.
fn large_reports(criterion: &mut Criterion) -> Result<()> {
    for (contenders, rounds) in [(4, 1_000), (30, 100)] {
        let prepare = || races::race(&Record::read(Path::new(RECORD))?, contenders, rounds);
        bench_all::<Record>(
            criterion,
            &format!("instrument/report of {rounds} rounds of {contenders} contenders"),
            prepare,
            &[
                ("terminal", |of| keep(tables::terminal::render(&Comparison::of(of), SCREEN))),
                ("page", |of| keep(page::render(of, &Comparison::of(of)))),
            ],
        )?;
    }
    Ok(())
}

/// Judgement and reports of a gate.
fn gate(criterion: &mut Criterion) -> Result<()> {
    type Prepared = (Gate, Judgement);
    let prepare = || {
        let gate = gates::gates(1).remove(0);
        let judgement = Judgement::of(&gate);
        Ok((gate, judgement))
    };
    bench_all::<Prepared>(
        criterion,
        "instrument/gate",
        prepare,
        &[
            ("judge", |(gate, _)| keep(Judgement::of(gate))),
            ("terminal", |(gate, judgement)| keep(summary::terminal(gate, judgement, 100))),
            ("Markdown", |(gate, judgement)| keep(summary::markdown(gate, judgement))),
        ],
    )
}

/// Reports of the gates of two months.
fn history(criterion: &mut Criterion) -> Result<()> {
    const COUNT: usize = 60;
    type Prepared = (Vec<Gate>, Vec<History>);
    let prepare = || {
        let gates = gates::gates(COUNT);
        let histories = History::all(&gates, None)?;
        Ok((gates, histories))
    };
    bench_all::<Prepared>(
        criterion,
        "instrument/history",
        prepare,
        &[
            ("gather", |(gates, _)| keep(History::all(gates, None))),
            ("terminal", |(_, histories)| keep(table::terminal(histories, 160))),
            ("Markdown", |(_, histories)| keep(table::markdown(histories))),
            ("SVG", |(_, histories)| keep(chart::svg(histories))),
            ("page", |(_, histories)| keep(page::history::render(histories))),
        ],
    )
}

/// A benchmark: its name, and a function of an `S`.
type Bench<'n, S> = (&'n str, fn(&S));

/// Benchmarks with a common subject, which is prepared once, and only where one of them runs.
fn bench_all<S>(
    criterion: &mut Criterion,
    name: &str,
    prepare: impl FnOnce() -> Result<S>,
    benches: &[Bench<'_, S>],
) -> Result<()> {
    let prepared = LazyCell::new(prepare);
    let mut group = FallibleGroup::new(criterion.benchmark_group(name), name);
    for (name, run) in benches {
        group.bench(name, |iterations| {
            let subject = prepared.as_ref().map_err(|error| anyhow!("{error:#}"))?;
            Ok(timed(iterations, || run(black_box(subject))))
        });
    }
    group.finish()
}

/// Keeps the optimizer from removing the computation of a value.
fn keep<T>(value: T) {
    black_box(value);
}
