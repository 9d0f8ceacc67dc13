//! `cargo bench --bench target`: this project's target beside the servers that people delay responses
//! with, on the same work.
//!
//! Every server is a process of its own on one processor, and the one client on another, so that both
//! have as much of the machine whoever the server is. What is compared is seen from the client, in
//! which the servers do not differ. nginx and wrk take part where they are installed
//! (`apt-get install nginx-light wrk`).
//!
//! Lateness and memory are no durations, and the throughput is in the table with what it costs: these
//! tables are this program's own, and `-- lateness`, `-- throughput` or `-- memory` makes one of them. The
//! throughput is a benchmark of criterion's too, so that baselines work.

mod client;
mod meter;
mod servers;

use std::io;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use client::Load;
use criterion::{Criterion, SamplingMode, Throughput};
use inflight_benches::{Asked, Fallible};
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
    inflight_benches::main(settings, |criterion, asked| {
        mock_target::raise_descriptor_limit()?;
        meter::pin(0)?;
        let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_installed()).collect();
        tables(&kinds, asked)?;
        requests(criterion, &kinds)
    })
}

fn tables(kinds: &[Kind], asked: &Asked) -> io::Result<()> {
    let all: [(&str, Table); 3] =
        [("target/lateness", lateness), ("target/throughput", throughput), ("target/memory", memory)];
    for (id, table) in all {
        if asked.measures() && asked.selects(id) {
            table(kinds)?;
        }
    }
    Ok(())
}

/// The throughput once more, for baselines: an iteration is a thousand requests.
fn requests(criterion: &mut Criterion, kinds: &[Kind]) -> anyhow::Result<()> {
    const NAME: &str = "target/throughput";
    const REQUESTS: u64 = 1_000;
    let mut group = criterion.benchmark_group(NAME);
    group.throughput(Throughput::Elements(REQUESTS)).sampling_mode(SamplingMode::Flat);
    let mut group = Fallible::of(group, NAME);
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
    println!("\nLateness, preset `article` (10 KiB, median 250 ms), by requests in flight:");
    println!("p50 / p99 in µs as the client sees it, and p99 as a multiple of hyper's\n");
    let crowds = CROWDS.iter().map(|(in_flight, _)| format!("{in_flight:>28}")).collect::<String>();
    println!("{:<26}{crowds}", "server");
    let scenario = Scenario::preset("article").map_err(io::Error::other)?;
    let mut reference = vec![None; CROWDS.len()];
    for kind in kinds.iter().filter(|kind| kind.delays()) {
        let (mut seen, mut own) = (String::new(), String::new());
        for ((in_flight, requests), reference) in CROWDS.iter().zip(&mut reference) {
            let server = Running::start(*kind, "article")?;
            let load = Load { address: server.address, connections: *in_flight, requests: *requests };
            let mut late_ns = client::run(&load, |id| scenario.delay_ns(id % scenario.urls))?;
            late_ns.sort_unstable();
            let quantile = |q: f64| late_ns[((late_ns.len() - 1) as f64 * q) as usize];
            let reference = *reference.get_or_insert(quantile(0.99));
            let cell = |p50: u64, p99: u64| {
                let ratio = p99 as f64 / reference as f64;
                format!("{:>10} /{:>7} ×{ratio:<7.3}", p50 / 1_000, p99 / 1_000)
            };
            seen += &cell(quantile(0.5), quantile(0.99));
            if let Some(lateness) = server.lateness_ns()? {
                own += &cell(lateness.p50, lateness.p99);
            }
        }
        println!("{:<26}{seen}", kind.name());
        if !own.is_empty() {
            println!("{:<26}{own}", "  by its own ledger");
        }
    }
    Ok(())
}

/// What a response costs when there is no delay.
fn throughput(kinds: &[Kind]) -> io::Result<()> {
    const REQUESTS: u64 = 200_000;
    let wrk = servers::is_installed("wrk");
    let generator = if wrk { "wrk" } else { "the built-in client" };
    println!("\nZero delay, {CONNECTIONS} connections, 10 KiB, driven by {generator}\n");
    println!("{:<26}{:>12}{:>10}{:>22}{:>10}", "server", "requests/s", "×", "CPU µs a response", "×");
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| !kind.is_realtime()) {
        let server = Running::start(*kind, "instant")?;
        drive(&server, 20_000)?;
        let cpu_ns = meter::cpu_ns(server.id())?;
        let (requests, seconds) = match wrk {
            true => run_wrk(&server)?,
            false => (REQUESTS as f64, drive(&server, REQUESTS)?.as_secs_f64()),
        };
        let cpu_us = (meter::cpu_ns(server.id())? - cpu_ns) as f64 / 1e3 / requests;
        let rate = requests / seconds;
        let (base_rate, base_cpu) = *reference.get_or_insert((rate, cpu_us));
        println!(
            "{:<26}{rate:>12.0}{:>10.2}{cpu_us:>22.2}{:>10.2}",
            kind.name(),
            rate / base_rate,
            cpu_us / base_cpu
        );
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
    println!("\nMemory of {WAITING} connections that wait for a response\n");
    println!("{:<26}{:>20}{:>20}{:>10}", "server", "KiB a connection", "resident MiB", "×");
    let mut reference = None;
    for kind in kinds.iter().filter(|kind| kind.delays() && !kind.is_realtime()) {
        let server = Running::start(*kind, "waiting")?;
        let before = meter::resident_bytes(server.id())?;
        let clients = client::ask_and_wait(server.address, WAITING)?;
        std::thread::sleep(Duration::from_millis(500));
        let after = meter::resident_bytes(server.id())?;
        drop(clients);
        let each = (after - before) as f64 / WAITING as f64 / 1_024.0;
        let base = *reference.get_or_insert(each);
        println!(
            "{:<26}{each:>20.2}{:>20.1}{:>10.1}",
            kind.name(),
            after as f64 / f64::from(1 << 20),
            each / base
        );
    }
    Ok(())
}
