//! Claims of workers: the number of threads that they state, and that memory does not grow with the number of URLs
//! between `go` and `done`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use inflight::models::{COMMON, Model, Pairing};
use inflight::worker::protocol::{DONE, Ready};
use mock_target::Server;
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use regex_lite::Regex;

use crate::common::{command, scenario, skip_unsupported, spawn};
use crate::workers::{Job, contenders};

const IN_FLIGHT: usize = 6;

/// What /proc states of a worker.
struct ProcSnapshot {
    threads: usize,
    resident_bytes: i64,
    /// CPU of the main thread, and of all threads including ended ones.
    main_ns: u64,
    all_ns: u64,
}

impl ProcSnapshot {
    fn of(pid: u32) -> ProcSnapshot {
        let field = |name: &str| -> i64 {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let of_main = fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).unwrap();
        let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).unwrap();
        ProcSnapshot {
            threads: field("Threads:") as usize,
            resident_bytes: field("RssAnon:") * 1024,
            main_ns: of_main.split(' ').next().unwrap().parse().unwrap(),
            all_ns: Duration::from(clock_gettime(clock).unwrap()).as_nanos() as u64,
        }
    }
}

/// The ready line of a worker that fetches `urls` URLs without delay, and its state at `ready` and at `done`;
/// `None` where it cannot run here.
fn observe(model: &Model, client: &Pairing, urls: u64) -> Option<(Ready, ProcSnapshot, ProcSnapshot)> {
    let server = Server::start(scenario(urls, "fixed:0ms")).unwrap();
    let plan = Job::at(server.address(), 0..urls, IN_FLIGHT).plan_of(model, client);
    let name = format!("{}+{}", model.name, client.name);
    let mut worker = spawn(command().arg("worker"));
    let (mut stdin, stdout) = (worker.stdin.take().unwrap(), worker.stdout.take().unwrap());
    let mut lines = BufReader::new(stdout).lines().map(Result::unwrap);
    writeln!(stdin, "{}", serde_json::to_string(&plan).unwrap()).unwrap();
    let Some(line) = lines.next() else {
        let stderr = String::from_utf8(worker.wait_with_output().unwrap().stderr).unwrap();
        assert!(skip_unsupported(&name, &stderr), "{stderr}");
        return None;
    };
    let ready = serde_json::from_str(&line).unwrap();
    let before = ProcSnapshot::of(worker.id());
    writeln!(stdin, "go").unwrap();
    assert_eq!(lines.next().as_deref(), Some(DONE), "{name}");
    let after = ProcSnapshot::of(worker.id());
    drop(stdin);
    assert_eq!(lines.count() as u64, urls, "{name}: a sample for every URL");
    assert!(worker.wait().unwrap().success());
    Some((ready, before, after))
}

/// Compares the stated number of threads with the kernel's count. A main thread that is stated to wait must use little
/// CPU.
#[test]
fn every_contender_has_the_threads_it_states() {
    /// The most CPU of a waiting thread, as a share. To spawn and join tasks takes several times as much.
    const WAITING: f64 = 0.1;
    let stated = Regex::new(r"(at most )?(\d+) threads?( \(main waits)?").unwrap();
    for (model, client) in contenders() {
        let name = format!("{}+{}", model.name, client.name);
        let Some((ready, before, after)) = observe(model, client, 1_000) else { continue };
        let stated = stated.captures(&ready.runtime).unwrap_or_else(|| panic!("{name}: {}", ready.runtime));
        let threads: usize = stated[2].parse().unwrap();
        let counted = before.threads.max(after.threads);
        println!("{name}: {:?}, {counted} counted", ready.runtime);
        match stated.get(1) {
            Some(_) => assert!(counted <= threads, "{name}: {}, but {counted} counted", ready.runtime),
            None => assert_eq!(counted, threads, "{name}: {}", ready.runtime),
        }
        let (main_ns, all_ns) = (after.main_ns - before.main_ns, after.all_ns - before.all_ns);
        let share = main_ns as f64 / all_ns as f64;
        println!("{name}: {share:.3} of the CPU is the main thread's");
        if stated.get(3).is_some() {
            assert!(share < WAITING, "{name}: {share:.3} of the CPU is the main thread's");
        }
    }
}

/// Samples, queues and schedules are allocated and touched before `ready`.
#[test]
fn memory_between_go_and_done_does_not_grow_with_urls() {
    const FEW: u64 = 500;
    const MANY: u64 = 10_500;
    /// Half the size of a sample. Buffers and stacks vary by less.
    const MAX_BYTES_PER_URL: f64 = 28.0;
    for (model, client) in contenders().filter(|(_, client)| client.name == COMMON) {
        let growth = |urls| {
            let (_, before, after) = observe(model, client, urls)?;
            Some(after.resident_bytes - before.resident_bytes)
        };
        let (Some(few), Some(many)) = (growth(FEW), growth(MANY)) else { continue };
        let each = (many - few) as f64 / (MANY - FEW) as f64;
        println!("{}: {each:.1} bytes a URL", model.name);
        assert!(each < MAX_BYTES_PER_URL, "{}: {each:.1} bytes a URL", model.name);
    }
}
