//! `cargo bench --bench instrument`: what this project's own code costs: the HTTP of the common client, which
//! is in the figures of every `+common` contender, and what makes a report of a record.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use criterion::{BenchmarkId, Criterion, Throughput};
use inflight::clients::common::exchange::{Exchange, Method, Progress};
use inflight::clients::common::site::Site;
use inflight::protocol::{PROTOCOL, Plan};
use inflight_report::comparison::{Comparison, Named};
use inflight_report::record::Record;
use inflight_report::stats::{self, Sorted, signed_rank};
use inflight_report::tables::terminal::Screen;
use inflight_report::{exports, page, tables};

/// Bytes of a body, as in every preset.
const BODY_BYTES: usize = 10 << 10;

/// The record that is reported, from the folder in which cargo runs a bench.
const RECORD: &str = "../results/reference/article/record.jsonl";

/// Rounds of a short race and of a long one, and far more than anybody has.
const ROUNDS: [usize; 3] = [16, 40, 1_000];

fn main() -> ExitCode {
    let settings = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    inflight_benches::main(settings, |criterion, _| {
        exchange(criterion)?;
        statistics(criterion);
        report(criterion)
    })
}

/// A request written, and a response read that came in one piece.
fn exchange(criterion: &mut Criterion) -> Result<()> {
    let site = Site::of(&plan())?;
    let mut group = criterion.benchmark_group("instrument/exchange");
    group.throughput(Throughput::Bytes(BODY_BYTES as u64));
    for (framing, response) in [("content-length", of_one_length()), ("chunked", of_chunks())] {
        let mut exchange = Exchange::default();
        let mut once = || {
            exchange.begin(Method::Get, &site, black_box(500));
            exchange.sent(exchange.to_send().len());
            exchange.receive(black_box(&response))
        };
        ensure!(matches!(once(), Ok(Progress::Done(_))), "the response with {framing} was not understood");
        group.bench_function(framing, |bencher| bencher.iter(&mut once));
    }
    group.finish();
    Ok(())
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

fn of_one_length() -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY_BYTES}\r\n\r\n");
    [head.as_bytes(), &[b'x'; BODY_BYTES]].concat()
}

fn of_chunks() -> Vec<u8> {
    const CHUNK_BYTES: usize = 1 << 10;
    let chunk = [format!("{CHUNK_BYTES:x}\r\n").as_bytes(), &[b'x'; CHUNK_BYTES], b"\r\n"].concat();
    let body = chunk.repeat(BODY_BYTES / CHUNK_BYTES);
    [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..], &body, b"0\r\n\r\n"].concat()
}

/// What a comparison asks of so many rounds, or of so many pairs.
fn statistics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("instrument/statistics");
    for count in ROUNDS {
        // Multiples of the golden ratio are spread evenly, and no two are equal.
        let values: Vec<f64> = (1..=count).map(|at| (at as f64 * 1.618_033_988_75).fract() - 0.4).collect();
        let chances: Vec<f64> = values.iter().map(|value| value.abs()).collect();
        let sorted = Sorted::new(values.iter().copied());
        group.bench_function(BenchmarkId::new("signed rank", count), |bencher| {
            bencher.iter(|| signed_rank::two_sided(black_box(&values)));
        });
        group.bench_function(BenchmarkId::new("Hodges-Lehmann", count), |bencher| {
            bencher.iter(|| stats::hodges_lehmann(black_box(&values), 0.95));
        });
        group.bench_function(BenchmarkId::new("median interval", count), |bencher| {
            bencher.iter(|| black_box(&sorted).as_ref().map(|sorted| stats::median_interval(sorted, 0.95)));
        });
        group.bench_function(BenchmarkId::new("Holm", count), |bencher| {
            bencher.iter(|| stats::holm(black_box(&chances)));
        });
    }
    group.finish();
}

/// From the file to everything that is made of it.
fn report(criterion: &mut Criterion) -> Result<()> {
    let path = Path::new(RECORD);
    let bytes = path.metadata().with_context(|| format!("no record at {RECORD}"))?.len();
    let record = Record::read(path)?;
    let named = [Named { record: "article".to_owned(), comparison: Comparison::of(&record) }];
    let comparison = &named[0].comparison;
    let screen = Screen { width: 160, colours: false };

    let mut group = criterion.benchmark_group("instrument/record");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("read", |bencher| bencher.iter_with_large_drop(|| Record::read(path)));
    group.finish();

    let mut group = criterion.benchmark_group("instrument/report");
    group.bench_function("compare", |bencher| bencher.iter(|| Comparison::of(&record)));
    group.bench_function("terminal", |bencher| bencher.iter(|| tables::terminal::render(comparison, screen)));
    group.bench_function("Markdown", |bencher| bencher.iter(|| tables::markdown::render(comparison)));
    group.bench_function("CSV", |bencher| bencher.iter(|| exports::csv::render(&named)));
    group.bench_function("JSON", |bencher| bencher.iter(|| exports::json::render(&named)));
    group.bench_function("JUnit XML", |bencher| bencher.iter(|| exports::junit::render(&named)));
    group.bench_function("page", |bencher| bencher.iter(|| page::render(&record, comparison)));
    group.finish();
    Ok(())
}
