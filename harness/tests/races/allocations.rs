//! The common client allocates nothing per request once it is warm.

use std::io::Write;
use std::process::{Command, Stdio};

use inflight::models::{COMMON, Model};
use mock_target::{Scenario, Server};

use crate::common;
use crate::workers::contenders;

/// With fewer URLs than this, buffers besides connections may still be allocated.
const FEW: u64 = 300;
const MANY: u64 = 2_300;

/// The most allocations per URL of models whose runtime allocates: a thread, a
/// task and its entry in a set, a timer, a wait for the semaphore, an operation.
const RUNTIME_ALLOCATIONS: [(&str, f64); 10] = [
    ("thread-per-request", 4.0),
    ("tokio", 2.0),
    ("tokio-current", 2.0),
    ("tokio-buffered", 1.0),
    ("tokio-per-core", 2.0),
    ("async-std", 6.0),
    ("smol", 6.0),
    ("smol-local", 3.0),
    ("coroutines", 1.0),
    ("uring", 3.0),
];

/// The most allocations per URL of all models: queues that grow block by block.
const QUEUE_ALLOCATIONS: f64 = 0.1;

/// Allocations between `go` and `done` of a worker that fetches `urls` URLs, 8 at a time.
fn allocations(model: &Model, urls: u64) -> Option<u64> {
    let quick = Scenario::preset("quick").unwrap();
    let latency = "fixed:0ms".parse().unwrap();
    let server = Server::start(Scenario { urls, latency, body_bytes: 10_000, ..quick }).unwrap();
    let in_flight = model.max_in_flight.unwrap_or(8);
    let plan = Command::new(common::inflight())
        .args(["plan", &format!("{}+{COMMON}:{in_flight}", model.name), "--urls", &urls.to_string()])
        .args(["--target", &format!("http://{}", server.address())])
        .output()
        .unwrap();
    let mut worker = Command::new(common::example("counted"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    stdin.write_all(&plan.stdout).unwrap();
    stdin.write_all(b"go\n").unwrap();
    drop(stdin);
    let stderr = String::from_utf8(worker.wait_with_output().unwrap().stderr).unwrap();
    if common::skip_unsupported(model.name, &stderr) {
        return None;
    }
    Some(stderr.trim().parse().unwrap_or_else(|_| panic!("{} printed {stderr:?}", model.name)))
}

#[test]
fn warm_client_allocates_nothing_per_request() {
    for (model, _) in contenders().filter(|(_, client)| client.name == COMMON) {
        let (Some(few), Some(many)) = (allocations(model, FEW), allocations(model, MANY)) else { continue };
        let each = (many as f64 - few as f64) / (MANY - FEW) as f64;
        println!("{}: {each:.3} allocations a request", model.name);
        let by_runtime = RUNTIME_ALLOCATIONS.iter().find(|(name, _)| *name == model.name);
        let allowed = by_runtime.map_or(0.0, |(_, each)| *each) + QUEUE_ALLOCATIONS;
        assert!(each < allowed, "{}: {each} allocations a request, allowed {allowed}", model.name);
    }
}
