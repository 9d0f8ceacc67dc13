//! Every model as a plain program: the same HTTP crate, settings and requests in flight, and nothing of this
//! project except the common client where that is used. No plan, no samples, no checks.

mod async_std;
mod clients;
mod coroutines;
mod epoll;
mod hyper;
mod smol;
mod threads;
mod tokio;
mod uring;

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clients::{Common, Reqwest, Ureq};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hyper::Hyper;
use inflight::models::{COMMON, NATIVE};
use inflight_worker::clients::common::blocking::Blocking;
use inflight_worker::clients::common::futures::Futures;
use inflight_worker::clients::runtime::{AsyncStd, Smol, Tokio};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What a program fetches: the URLs that consist of `url_prefix` and 0, 1, 2 and so on.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) url_prefix: String,
    pub(crate) urls: u64,
    pub(crate) in_flight: usize,
    pub(crate) cores: usize,
    pub(crate) timeout: Duration,
}

type Program = fn(&Work) -> Result<()>;

type OnThreads = Common<Blocking<std::net::TcpStream>>;
type OnTokioCommon = Common<Futures<Tokio>>;

/// Model, client and program.
const PROGRAMS: &[(&str, &str, Program)] = &[
    ("sync", NATIVE, threads::sync::<Ureq>),
    ("sync", COMMON, threads::sync::<OnThreads>),
    ("threads", NATIVE, threads::pool::<Ureq>),
    ("threads", COMMON, threads::pool::<OnThreads>),
    ("thread-per-request", NATIVE, threads::thread_per_request::<Ureq>),
    ("thread-per-request", COMMON, threads::thread_per_request::<OnThreads>),
    ("rayon", NATIVE, threads::rayon::<Ureq>),
    ("rayon", COMMON, threads::rayon::<OnThreads>),
    ("tokio", NATIVE, tokio::multi_thread::<Reqwest>),
    ("tokio", COMMON, tokio::multi_thread::<OnTokioCommon>),
    ("tokio", "hyper", tokio::multi_thread::<Hyper<tokio::Runtime>>),
    ("tokio-current", NATIVE, tokio::current_thread::<Reqwest>),
    ("tokio-current", COMMON, tokio::current_thread::<OnTokioCommon>),
    ("tokio-current", "hyper", tokio::current_thread::<Hyper<tokio::Runtime>>),
    ("tokio-buffered", NATIVE, tokio::buffered::<Reqwest>),
    ("tokio-buffered", COMMON, tokio::buffered::<OnTokioCommon>),
    ("tokio-buffered", "hyper", tokio::buffered::<Hyper<tokio::Runtime>>),
    ("tokio-per-core", NATIVE, tokio::per_core::<Reqwest>),
    ("tokio-per-core", COMMON, tokio::per_core::<OnTokioCommon>),
    ("tokio-per-core", "hyper", tokio::per_core::<Hyper<tokio::Runtime>>),
    ("async-std", NATIVE, async_std::global::<Hyper<async_std::Runtime>>),
    ("async-std", COMMON, async_std::global::<Common<Futures<AsyncStd>>>),
    ("smol", NATIVE, smol::multi_thread::<Hyper<smol::Runtime>>),
    ("smol", COMMON, smol::multi_thread::<Common<Futures<Smol>>>),
    ("smol-local", NATIVE, smol::local::<Hyper<smol::Runtime>>),
    ("smol-local", COMMON, smol::local::<Common<Futures<Smol>>>),
    ("coroutines", COMMON, coroutines::run::<Common<Blocking<may::net::TcpStream>>>),
    ("epoll", COMMON, epoll::run),
    ("uring", COMMON, uring::run),
];

/// As the first argument, it runs the plain program that the second names, on the work of the third.
const ROLE: &str = "plain";

/// Runs the program that the command line names, if any, and prints the CPU time that it took, in nanoseconds.
pub(crate) fn run_if_plain() -> Option<Result<()>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [role, name, work] = &args[..] else { return None };
    (role == ROLE).then(|| {
        let program = find(name).context("no such program")?;
        let work: Work = serde_json::from_str(work)?;
        let before = cpu_ns();
        program(&work)?;
        println!("{}", cpu_ns() - before);
        Ok(())
    })
}

/// The program of `MODEL+CLIENT`, if there is one.
pub(crate) fn find(name: &str) -> Option<Program> {
    let known = PROGRAMS.iter().find(|(model, client, _)| name == format!("{model}+{client}"));
    known.map(|(_, _, program)| *program)
}

/// The CPU time that the program `name` takes for `work` in a fresh process, in nanoseconds.
pub(crate) fn measure(name: &str, work: &Work) -> Result<u64> {
    let output = Command::new(env::current_exe()?)
        .args([ROLE, name, &serde_json::to_string(work)?])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the plain program for {name} ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

/// A task of `spawn` per URL, with at most `in_flight` at once.
async fn spawn_each<T: Future<Output = ()>>(urls: u64, in_flight: usize, spawn: impl Fn(u64) -> T) {
    let mut tasks = FuturesUnordered::new();
    for id in 0..urls {
        if tasks.len() == in_flight {
            tasks.next().await;
        }
        tasks.push(spawn(id));
    }
    tasks.collect::<()>().await;
}
