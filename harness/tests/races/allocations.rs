//! The common client allocates nothing per request once it is warm.

use std::process::Command;

use inflight::models::{COMMON, Model, Pairing};
use mock_target::{Scenario, Server};

use crate::common::{example, output_for, scenario, skip_unsupported};
use crate::workers::{Job, contenders};

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
fn allocations(model: &Model, client: &Pairing, urls: u64) -> Option<u64> {
    let server = Server::start(Scenario { body_bytes: 10_000, ..scenario(urls, "fixed:0ms") }).unwrap();
    let plan = serde_json::to_string(&Job::at(server.address(), 0..urls, 8).plan_of(model, client)).unwrap();
    let output = output_for(&mut Command::new(example("counted")), format!("{plan}\ngo\n").as_bytes());
    let stderr = String::from_utf8(output.stderr).unwrap();
    if skip_unsupported(model.name, &stderr) {
        return None;
    }
    Some(stderr.trim().parse().unwrap_or_else(|_| panic!("{} printed {stderr:?}", model.name)))
}

#[test]
fn warm_client_allocates_nothing_per_request() {
    for (model, client) in contenders().filter(|(_, client)| client.name == COMMON) {
        let [few, many] = [FEW, MANY].map(|urls| allocations(model, client, urls));
        let Some((few, many)) = few.zip(many) else { continue };
        let each = (many as f64 - few as f64) / (MANY - FEW) as f64;
        println!("{}: {each:.3} allocations a request", model.name);
        let by_runtime = RUNTIME_ALLOCATIONS.iter().find(|(name, _)| *name == model.name);
        let allowed = by_runtime.map_or(0.0, |(_, each)| *each) + QUEUE_ALLOCATIONS;
        assert!(each < allowed, "{}: {each} allocations a request, allowed {allowed}", model.name);
    }
}
