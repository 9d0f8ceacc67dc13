//! `cargo bench --bench target`: this project's target beside the servers that people delay responses
//! with, on the same work.
//!
//! Every server is a process of its own on one processor, and the one client on another, so that both
//! have as much of the machine whoever the server is. What is compared is seen from the client, in
//! which the servers do not differ. nginx and wrk take part where they are installed
//! (`apt-get install nginx-light wrk`).
//!
//! Lateness and memory are no durations, and the throughput is in the table with what it costs: these
//! tables are this program's own, and `-- lateness`, `-- throughput` or `-- memory` makes one of them. They
//! stand at the end, before that of criterion's figures. The throughput is among those too, so that baselines
//! work.

mod client;
mod meter;
mod servers;

use std::io;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use client::Load;
use criterion::{Criterion, SamplingMode, Throughput};
use inflight_benches::{BenchArgs, FallibleGroup};
use inflight_report::numbers::count;
use mock_target::Scenario;
use servers::{Kind, Running};

/// Requests in flight, and how many requests are made with them.
const CROWDS: &[(usize, u64)] = &[(128, 1_128), (1_000, 5_000), (5_000, 25_000)];

/// Connections over which servers are asked as much as they can answer.
const CONNECTIONS: usize = 64;

const WAITING: usize = 10_000;

/// Compares servers and prints how.
type Table = fn(&[Kind]) -> io::Result<()>;

fn main() -> ExitCode {
    if let Some(kind) = std::env::args().find_map(|argument| Kind::of_argument(&argument)) {
        return match servers::serve(kind) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", kind.name());
                ExitCode::FAILURE
            }
        };
    }
    let settings = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    inflight_benches::main(settings, |criterion, args| {
        mock_target::raise_descriptor_limit()?;
        meter::pin(0)?;
        let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_installed()).collect();
        [requests(criterion, &kinds), tables(&kinds, args)].into_iter().collect()
    })
}

fn tables(kinds: &[Kind], args: &BenchArgs) -> anyhow::Result<()> {
    let all: [(&str, Table); 3] =
        [("target/lateness", lateness), ("target/throughput", throughput), ("target/memory", memory)];
    for (id, table) in all {
        if args.measures() && args.selects(id) {
            table(kinds)?;
        }
    }
    Ok(())
}

/// Begins a table in Markdown, beneath a line about it: a server in each line, and figures of it.
fn begin(caption: &str, figures: &[String]) {
    println!("\n{caption}\n");
    line("server", figures);
    println!("| :--- |{}", " ---: |".repeat(figures.len()));
}

fn line(first: &str, others: &[String]) {
    println!("| {first} | {} |", others.join(" | "));
}

/// The throughput once more, for baselines: an iteration is a thousand requests.
fn requests(criterion: &mut Criterion, kinds: &[Kind]) -> anyhow::Result<()> {
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
                none => none.insert(Running::start(*kind, "instant")?),
            };
            Ok(drive(server, iterations * REQUESTS)?)
        });
    }
    group.finish()
}

/// How late responses are, seen by the client and, below it, by a target that knows it itself.
fn lateness(kinds: &[Kind]) -> io::Result<()> {
    let crowds: Vec<String> =
        CROWDS.iter().map(|(in_flight, _)| format!("{} in flight", count(*in_flight as u64))).collect();
    begin(
        "Lateness, preset `article` (10 KiB, median 250 ms): p50 / p99 in µs as the client sees it, and in brackets \
         p99 as a multiple of the first server's",
        &crowds,
    );
    let scenario = Scenario::preset("article").map_err(io::Error::other)?;
    let mut reference = vec![None; CROWDS.len()];
    for kind in kinds.iter().filter(|kind| kind.delays()) {
        let (mut seen, mut own) = (Vec::new(), Vec::new());
        for ((in_flight, requests), reference) in CROWDS.iter().zip(&mut reference) {
            let server = Running::start(*kind, "article")?;
            let load = Load { address: server.address, connections: *in_flight, requests: *requests };
            let mut late_ns = client::run(&load, |id| scenario.delay_ns(id % scenario.urls))?;
            late_ns.sort_unstable();
            let quantile = |q: f64| late_ns[((late_ns.len() - 1) as f64 * q) as usize];
            let reference = *reference.get_or_insert(quantile(0.99));
            let cell = |p50: u64, p99: u64| {
                let ratio = p99 as f64 / reference as f64;
                format!("{} / {} ({ratio:.3})", count(p50 / 1_000), count(p99 / 1_000))
            };
            seen.push(cell(quantile(0.5), quantile(0.99)));
            if let Some(lateness) = server.lateness_ns()? {
                own.push(cell(lateness.p50, lateness.p99));
            }
        }
        line(kind.name(), &seen);
        if !own.is_empty() {
            line(&format!("{}, by its own ledger", kind.name()), &own);
        }
    }
    Ok(())
}

/// What a response costs when there is no delay.
fn throughput(kinds: &[Kind]) -> io::Result<()> {
    const REQUESTS: u64 = 200_000;
    let wrk = servers::is_installed("wrk");
    let generator = if wrk { "wrk" } else { "the built-in client" };
    begin(
        &format!("Zero delay, {CONNECTIONS} connections, 10 KiB, driven by {generator}"),
        &["requests/s", "×", "CPU µs a response", "×"].map(str::to_owned),
    );
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| !kind.is_realtime()) {
        let server = Running::start(*kind, "instant")?;
        drive(&server, 20_000)?;
        let cpu_ns = meter::cpu_ns(server.id())?;
        let (requests, seconds) = match wrk {
            true => run_wrk(&server)?,
            false => (REQUESTS as f64, drive(&server, REQUESTS)?.as_secs_f64()),
        };
        let cpu_us = (meter::cpu_ns(server.id())? as f64 - cpu_ns as f64) / 1e3 / requests;
        let rate = requests / seconds;
        let (base_rate, base_cpu) = *reference.get_or_insert((rate, cpu_us));
        let [faster, dearer] = [rate / base_rate, cpu_us / base_cpu].map(|ratio| format!("{ratio:.2}"));
        line(kind.name(), &[count(rate as u64), faster, format!("{cpu_us:.2}"), dearer]);
    }
    Ok(())
}

/// Requests and seconds of three seconds of wrk.
fn run_wrk(server: &Running) -> io::Result<(f64, f64)> {
    let url = format!("http://{}/u/1", server.address);
    let connections = format!("-c{CONNECTIONS}");
    let output = Command::new("wrk").args(["-t1", &connections, "-d3s", &url]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "  345678 requests in 3.00s, 3.40GB read"
    let line = text.lines().find(|line| line.contains(" requests in "));
    let mut words = line.unwrap_or_default().split_whitespace();
    let requests = words.next().and_then(|word| word.parse().ok());
    let seconds = words.nth(2).and_then(|word| word.trim_end_matches("s,").parse().ok());
    requests.zip(seconds).ok_or_else(|| io::Error::other(format!("wrk said: {text}")))
}

/// How long so many requests take with the built-in client.
fn drive(server: &Running, requests: u64) -> io::Result<Duration> {
    let load = Load { address: server.address, connections: CONNECTIONS, requests };
    let begun = Instant::now();
    client::run(&load, |_| 0)?;
    Ok(begun.elapsed())
}

/// What a waiting connection occupies.
fn memory(kinds: &[Kind]) -> io::Result<()> {
    begin(
        &format!("Memory of {} connections that wait for a response", count(WAITING as u64)),
        &["KiB a connection", "×", "resident MiB"].map(str::to_owned),
    );
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| kind.delays() && !kind.is_realtime()) {
        let server = Running::start(*kind, "waiting")?;
        let before = meter::resident_bytes(server.id())?;
        let clients = client::ask_and_wait(server.address, WAITING)?;
        std::thread::sleep(Duration::from_millis(500));
        let after = meter::resident_bytes(server.id())?;
        drop(clients);
        // A server may have given more back meanwhile than the connections took.
        let each = (after as f64 - before as f64) / WAITING as f64 / 1_024.0;
        let base = *reference.get_or_insert(each);
        let resident = after as f64 / f64::from(1 << 20);
        line(kind.name(), &[format!("{each:.2}"), format!("{:.2}", each / base), format!("{resident:.1}")]);
    }
    Ok(())
}
