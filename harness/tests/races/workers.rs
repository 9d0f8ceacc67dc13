//! Workers of every contender, started without the harness, against any server.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use inflight::contender::external::External;
use inflight::models::{MODELS, Model, NATIVE, Pairing};
use inflight::worker::protocol::{DONE, Outcome, PROTOCOL, Plan, Ready, Sample};

use crate::common::{self, output_for};

/// The work of a worker.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) url_prefix: String,
    pub(crate) ids: Vec<u64>,
    pub(crate) in_flight: usize,
    pub(crate) request_timeout_ms: u64,
    /// The due times of `ids`, where there is a schedule.
    pub(crate) due_ns: Option<Vec<u64>>,
}

/// Every model with each of its clients.
pub(crate) fn contenders() -> impl Iterator<Item = (&'static Model, &'static Pairing)> {
    MODELS.iter().flat_map(|model| model.clients.iter().map(move |client| (model, client)))
}

/// Runs `job` in a worker of every contender, a few in parallel. `check` returns what is wrong with a sample, if
/// anything. A contender that this system cannot run is skipped as in [`common::skip_unsupported`].
#[track_caller]
pub(crate) fn each_contender(job: &Job, check: impl Fn(&Pairing, &Sample) -> Option<String> + Sync) {
    assert_none(failures_of_each(contenders(), job, check));
}

#[track_caller]
pub(crate) fn assert_none(failures: BTreeSet<String>) {
    assert!(failures.is_empty(), "{}", failures.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What `check` finds wrong with the samples of `contenders`, as in [`each_contender`].
pub(crate) fn failures_of_each(
    contenders: impl Iterator<Item = (&'static Model, &'static Pairing)> + Send,
    job: &Job,
    check: impl Fn(&Pairing, &Sample) -> Option<String> + Sync,
) -> BTreeSet<String> {
    let failures = Mutex::new(BTreeSet::new());
    in_parallel(contenders, |(model, client)| {
        let plan = job.plan_of(model, client);
        let Some((_, samples)) = run_worker(common::command().arg("worker"), &plan) else { return };
        let found = samples.iter().filter_map(|sample| check(client, sample));
        failures
            .lock()
            .unwrap()
            .extend(found.map(|wrong| format!("{}+{}: {wrong}", model.name, client.name)));
    });
    failures.into_inner().unwrap()
}

/// Calls `work` for every item of `queue`, a few in parallel.
pub(crate) fn in_parallel<T>(queue: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    const THREADS: usize = 4;
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(next) = { queue.lock().unwrap().next() } {
                    work(next);
                }
            });
        }
    });
}

/// What a worker in another language prints, which starts `processes` where it starts its own: see [`run_worker`].
pub(crate) fn run_external(external: &External, processes: u32, job: &Job) -> (Ready, Vec<Sample>) {
    let plan = Plan {
        processes: external.own_processes.then_some(processes),
        ..job.plan(&external.name, NATIVE, external.max_in_flight)
    };
    let launch = external.launch(&common::inflight());
    run_worker(Command::new(&launch.program).args(&launch.args), &plan).expect("the contender is set up")
}

/// The ready line of the worker that `command` starts, and its samples in order of id; `None` where it cannot run here.
fn run_worker(command: &mut Command, plan: &Plan) -> Option<(Ready, Vec<Sample>)> {
    let name = format!("{}+{}", plan.model, plan.client);
    let output = output_for(command, format!("{}\ngo\n", serde_json::to_string(plan).unwrap()).as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr);
    if common::skip_unsupported(&name, &stderr) {
        return None;
    }
    assert!(output.status.success(), "{name}: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut lines = stdout.lines().filter(|&line| line != DONE);
    let ready = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut samples: Vec<Sample> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    samples.sort_by_key(|sample| sample.id);
    let ids: Vec<u64> = samples.iter().map(|sample| sample.id).collect();
    assert_eq!(ids, plan.ids, "{name}: every id once");
    Some((ready, samples))
}

impl Job {
    /// As [`Job::new`], for a server that has the URLs of a target.
    pub(crate) fn at(server: SocketAddr, ids: impl IntoIterator<Item = u64>, in_flight: usize) -> Job {
        Job::new(format!("http://{server}/u/"), ids, in_flight)
    }

    /// A job without a schedule, whose requests time out only after longer than a busy machine needs.
    pub(crate) fn new(url_prefix: String, ids: impl IntoIterator<Item = u64>, in_flight: usize) -> Job {
        let ids = ids.into_iter().collect();
        Job { url_prefix, ids, in_flight, request_timeout_ms: 20_000, due_ns: None }
    }

    /// The plan for a worker of a model with one of its clients.
    pub(crate) fn plan_of(&self, model: &Model, client: &Pairing) -> Plan {
        self.plan(model.name, client.name, model.max_in_flight)
    }

    fn plan(&self, model: &str, client: &str, max_in_flight: Option<u32>) -> Plan {
        Plan {
            protocol: PROTOCOL,
            contender: String::new(),
            model: model.to_owned(),
            client: client.to_owned(),
            url_prefix: self.url_prefix.clone(),
            ids: self.ids.clone(),
            due_ns: self.due_ns.clone(),
            in_flight: max_in_flight.map_or(self.in_flight, |most| self.in_flight.min(most as usize)),
            processes: None,
            cores: 2,
            connect_timeout_ms: 5_000,
            request_timeout_ms: self.request_timeout_ms,
        }
    }
}

/// What is wrong with a sample whose outcome should be `expected`, if anything.
pub(crate) fn unexpected(expected: Outcome, sample: &Sample) -> Option<String> {
    (sample.outcome != expected).then(|| format!("URL {}: {:?}, not {expected:?}", sample.id, sample.outcome))
}
