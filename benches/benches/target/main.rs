//! `cargo bench --bench target`: this project's target compared with other servers that can delay responses,
//! on the same work.
//!
//! Every server is a process of its own on one processor, and the client is on another, so that both
//! have the same share of the machine for every server. Figures are measured by the client,
//! which is the same for all servers. nginx and wrk are used where they are installed
//! (`apt-get install nginx-light wrk`).
//!
//! Criterion cannot measure lateness, memory and CPU time, so this program prints these tables itself, before
//! that of criterion's figures: `-- lateness`, `-- throughput` or `-- memory` makes one of them. Criterion
//! measures the throughput too, for baselines.

mod client;
mod meter;
mod servers;

use std::io;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Context;
use client::Load;
use criterion::{Criterion, SamplingMode, Throughput};
use inflight_benches::{BenchArgs, FallibleGroup};
use inflight_report::numbers::count;
use mock_target::Scenario;
use servers::{ServerKind, ServerProcess};

/// Requests in flight, and the number of requests to send.
const LOADS: &[(usize, u64)] = &[(128, 1_128), (1_000, 5_000), (5_000, 25_000)];

/// Connections of the throughput measurement.
const CONNECTIONS: usize = 64;

/// Connections of the memory measurement.
const WAITING: usize = 10_000;

/// Measures servers and prints a table.
type Table = fn(&[ServerKind]) -> io::Result<()>;

fn main() -> ExitCode {
    if let Some(kind) = std::env::args().find_map(|argument| ServerKind::of_argument(&argument)) {
        return inflight_benches::exit_code(servers::serve(kind).with_context(|| kind.name()));
    }
    let settings = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    inflight_benches::main(settings, |criterion, args| {
        mock_target::raise_descriptor_limit()?;
        meter::pin(0)?;
        let kinds: Vec<ServerKind> =
            ServerKind::ALL.iter().copied().filter(|kind| kind.is_installed()).collect();
        [requests(criterion, &kinds), tables(&kinds, args)].into_iter().collect()
    })
}

fn tables(kinds: &[ServerKind], args: &BenchArgs) -> anyhow::Result<()> {
    let all: [(&str, Table); 3] =
        [("target/lateness", lateness), ("target/throughput", throughput), ("target/memory", memory)];
    for (id, table) in all {
        if args.measures() && args.selects(id) {
            table(kinds)?;
        }
    }
    Ok(())
}

/// Prints a caption and the head of a Markdown table with a row per server.
fn print_head(caption: &str, figures: &[String]) {
    println!("\n{caption}\n");
    print_row("server", figures);
    println!("| :--- |{}", " ---: |".repeat(figures.len()));
}

fn print_row(first: &str, others: &[String]) {
    println!("| {first} | {} |", others.join(" | "));
}

/// The throughput as a criterion benchmark, for baselines: an iteration is a thousand requests.
fn requests(criterion: &mut Criterion, kinds: &[ServerKind]) -> anyhow::Result<()> {
    const NAME: &str = "target/throughput";
    const REQUESTS: u64 = 1_000;
    let mut group = criterion.benchmark_group(NAME);
    group.throughput(Throughput::Elements(REQUESTS)).sampling_mode(SamplingMode::Flat);
    let mut group = FallibleGroup::new(group, NAME);
    for kind in kinds.iter().filter(|kind| !kind.is_realtime()) {
        let mut server = None;
        group.bench(kind.name(), |iterations| {
            let server = match &mut server {
                Some(server) => server,
                none => none.insert(ServerProcess::start(*kind, "instant")?),
            };
            Ok(drive(server, iterations * REQUESTS)?)
        });
    }
    group.finish()
}

/// Lateness of responses, measured by the client and, in a second row, by the server where it has a ledger.
fn lateness(kinds: &[ServerKind]) -> io::Result<()> {
    let columns: Vec<String> =
        LOADS.iter().map(|(in_flight, _)| format!("{} in flight", count(*in_flight as u64))).collect();
    print_head(
        "Lateness, preset `article` (10 KiB, median 250 ms): p50 / p99 in µs measured by the client, and in brackets \
         p99 as a multiple of the first server's",
        &columns,
    );
    let scenario = Scenario::preset("article").map_err(io::Error::other)?;
    let mut reference = vec![None; LOADS.len()];
    for kind in kinds.iter().filter(|kind| kind.delays()) {
        let (mut by_client, mut by_ledger) = (Vec::new(), Vec::new());
        for ((in_flight, requests), reference) in LOADS.iter().zip(&mut reference) {
            let server = ServerProcess::start(*kind, "article")?;
            let load = Load { address: server.address, connections: *in_flight, requests: *requests };
            let mut late_ns = client::run(&load, |id| scenario.delay_ns(id % scenario.urls))?;
            late_ns.sort_unstable();
            let quantile = |q: f64| late_ns[((late_ns.len() - 1) as f64 * q) as usize];
            let reference = *reference.get_or_insert(quantile(0.99));
            let cell = |p50: u64, p99: u64| {
                let ratio = p99 as f64 / reference as f64;
                format!("{} / {} ({ratio:.3})", count(p50 / 1_000), count(p99 / 1_000))
            };
            by_client.push(cell(quantile(0.5), quantile(0.99)));
            if let Some(lateness) = server.lateness_ns()? {
                by_ledger.push(cell(lateness.p50, lateness.p99));
            }
        }
        print_row(kind.name(), &by_client);
        if !by_ledger.is_empty() {
            print_row(&format!("{}, by its own ledger", kind.name()), &by_ledger);
        }
    }
    Ok(())
}

/// Throughput and CPU time per response without delay.
fn throughput(kinds: &[ServerKind]) -> io::Result<()> {
    const REQUESTS: u64 = 200_000;
    let wrk = servers::is_installed("wrk");
    let generator = if wrk { "wrk" } else { "the built-in client" };
    print_head(
        &format!("Zero delay, {CONNECTIONS} connections, 10 KiB, driven by {generator}"),
        &["requests/s", "×", "CPU µs per response", "×"].map(str::to_owned),
    );
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| !kind.is_realtime()) {
        let server = ServerProcess::start(*kind, "instant")?;
        drive(&server, 20_000)?;
        let cpu_ns = meter::cpu_ns(server.id())?;
        let (requests, seconds) = match wrk {
            true => run_wrk(&server)?,
            false => (REQUESTS as f64, drive(&server, REQUESTS)?.as_secs_f64()),
        };
        let cpu_us = (meter::cpu_ns(server.id())? as f64 - cpu_ns as f64) / 1e3 / requests;
        let rate = requests / seconds;
        let (base_rate, base_cpu) = *reference.get_or_insert((rate, cpu_us));
        let [rate_ratio, cpu_ratio] =
            [rate / base_rate, cpu_us / base_cpu].map(|ratio| format!("{ratio:.2}"));
        print_row(kind.name(), &[count(rate as u64), rate_ratio, format!("{cpu_us:.2}"), cpu_ratio]);
    }
    Ok(())
}

/// Runs wrk for three seconds. Returns the number of requests and the seconds that they took.
fn run_wrk(server: &ServerProcess) -> io::Result<(f64, f64)> {
    let url = format!("http://{}/u/1", server.address);
    let connections = format!("-c{CONNECTIONS}");
    let output = Command::new("wrk").args(["-t1", &connections, "-d3s", &url]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "  345678 requests in 3.00s, 3.40GB read"
    let line = text.lines().find(|line| line.contains(" requests in "));
    let mut words = line.unwrap_or_default().split_whitespace();
    let requests = words.next().and_then(|word| word.parse().ok());
    let seconds = words.nth(2).and_then(|word| word.trim_end_matches("s,").parse().ok());
    requests.zip(seconds).ok_or_else(|| io::Error::other(format!("unexpected output of wrk: {text}")))
}

/// How long this many requests take with the built-in client.
fn drive(server: &ServerProcess, requests: u64) -> io::Result<Duration> {
    let load = Load { address: server.address, connections: CONNECTIONS, requests };
    let started = Instant::now();
    client::run(&load, |_| 0)?;
    Ok(started.elapsed())
}

/// Memory per waiting connection.
fn memory(kinds: &[ServerKind]) -> io::Result<()> {
    print_head(
        &format!("Memory of {} connections that wait for a response", count(WAITING as u64)),
        &["KiB per connection", "×", "resident MiB"].map(str::to_owned),
    );
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| kind.delays() && !kind.is_realtime()) {
        let server = ServerProcess::start(*kind, "waiting")?;
        let before = meter::resident_bytes(server.id())?;
        let clients = client::open_waiting(server.address, WAITING)?;
        std::thread::sleep(Duration::from_millis(500));
        let after = meter::resident_bytes(server.id())?;
        drop(clients);
        // Signed: a server may have freed more memory than the connections took.
        let each = (after as f64 - before as f64) / WAITING as f64 / 1_024.0;
        let base = *reference.get_or_insert(each);
        let resident = after as f64 / f64::from(1 << 20);
        print_row(
            kind.name(),
            &[format!("{each:.2}"), format!("{:.2}", each / base), format!("{resident:.1}")],
        );
    }
    Ok(())
}
