//! What a worker says of its threads is so, and its memory does not grow with the number of its URLs while it is
//! measured.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use inflight::models::{COMMON, Model, Pairing};
use inflight::protocol::{DONE, Ready};
use mock_target::{Scenario, Server};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use regex_lite::Regex;

use crate::common;
use crate::workers::{Job, contenders};

const IN_FLIGHT: usize = 6;

/// A worker as /proc shows it, at one moment.
struct Moment {
    threads: usize,
    resident_bytes: i64,
    /// CPU of the main thread, and of all threads, also those that have ended.
    main_ns: u64,
    all_ns: u64,
}

impl Moment {
    fn of(pid: u32) -> Moment {
        let field = |name: &str| -> i64 {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let of_main = fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).unwrap();
        let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).unwrap();
        Moment {
            threads: field("Threads:") as usize,
            resident_bytes: field("RssAnon:") * 1024,
            main_ns: of_main.split(' ').next().unwrap().parse().unwrap(),
            all_ns: Duration::from(clock_gettime(clock).unwrap()).as_nanos() as u64,
        }
    }
}

/// What a worker says when it is ready, and how it stands then and when it is done with `urls` URLs without
/// delay; `None` where it cannot run here.
fn watch(model: &Model, client: &Pairing, urls: u64) -> Option<(Ready, Moment, Moment)> {
    let quick = Scenario::preset("quick").unwrap();
    let latency = "fixed:0ms".parse().unwrap();
    let server = Server::start(Scenario { urls, latency, body_bytes: 100, ..quick }).unwrap();
    let job = Job {
        url_prefix: format!("http://{}/", server.address()),
        ids: (0..urls).collect(),
        in_flight: model.max_in_flight.map_or(IN_FLIGHT, |most| IN_FLIGHT.min(most as usize)),
        request_timeout_ms: 20_000,
        due_ns: None,
    };
    let plan = serde_json::to_string(&job.plan(model.name, client.name)).unwrap();
    let mut worker = Command::new(common::inflight())
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) =
        (worker.stdin.take().unwrap(), BufReader::new(worker.stdout.take().unwrap()));
    writeln!(stdin, "{plan}").unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    if line.is_empty() {
        let said = String::from_utf8(worker.wait_with_output().unwrap().stderr).unwrap();
        assert!(common::skip_unsupported(&format!("{}+{}", model.name, client.name), &said), "{said}");
        return None;
    }
    let ready = serde_json::from_str(&line).unwrap();
    let before = Moment::of(worker.id());
    writeln!(stdin, "go").unwrap();
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), DONE, "{}+{}", model.name, client.name);
    let after = Moment::of(worker.id());
    drop(stdin);
    assert_eq!(stdout.lines().count() as u64, urls, "{}+{}: a sample for every URL", model.name, client.name);
    assert!(worker.wait().unwrap().success());
    Some((ready, before, after))
}

/// The kernel's count, and what each thread used of the CPU, against what the worker says.
#[test]
fn every_contender_has_the_threads_it_states() {
    /// To spawn tasks, or to take in their ends, takes several times as much.
    const WAITING: f64 = 0.1;
    let stated = Regex::new(r"(at most )?(\d+) threads?( \(main waits)?").unwrap();
    for (model, client) in contenders() {
        let name = format!("{}+{}", model.name, client.name);
        let Some((ready, before, after)) = watch(model, client, 1_000) else { continue };
        let stated = stated.captures(&ready.runtime).unwrap_or_else(|| panic!("{name}: {}", ready.runtime));
        let threads: usize = stated[2].parse().unwrap();
        let seen = before.threads.max(after.threads);
        println!("{name}: {:?}, {seen} seen", ready.runtime);
        match stated.get(1) {
            Some(_) => assert!(seen <= threads, "{name}: {}, but {seen} seen", ready.runtime),
            None => assert_eq!(seen, threads, "{name}: {}", ready.runtime),
        }
        let (main_ns, all_ns) = (after.main_ns - before.main_ns, after.all_ns - before.all_ns);
        let share = main_ns as f64 / all_ns as f64;
        println!("{name}: {share:.3} of the CPU is the main thread's");
        if stated.get(3).is_some() {
            assert!(share < WAITING, "{name}: {share:.3} of the CPU is the main thread's");
        }
    }
}

/// Samples, queues and schedules are in memory before `ready`, all of it touched.
#[test]
fn memory_between_go_and_done_does_not_grow_with_urls() {
    const FEW: u64 = 500;
    const MANY: u64 = 10_500;
    /// Half of what a sample takes; what buffers and stacks vary by is less.
    const MOST_BYTES_A_URL: f64 = 28.0;
    for (model, client) in contenders().filter(|(_, client)| client.name == COMMON) {
        let growth = |urls| {
            let (_, before, after) = watch(model, client, urls)?;
            Some(after.resident_bytes - before.resident_bytes)
        };
        let (Some(few), Some(many)) = (growth(FEW), growth(MANY)) else { continue };
        let each = (many - few) as f64 / (MANY - FEW) as f64;
        println!("{}: {each:.1} bytes a URL", model.name);
        assert!(each < MOST_BYTES_A_URL, "{}: {each:.1} bytes a URL", model.name);
    }
}
