//! Misbehaving workers and targets: the run ends in a verdict, and the next run is not affected.

use std::fs;
use std::time::Duration;

use inflight::Launch;
use inflight::meter::Cgroup;
use inflight::runner::{Limits, Observer, Session};
use inflight_report::record::{ReasonKind, Run};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{
    assert_invalid, inflight, is_running, known_answer, observe, reason, run, run_named, run_within, session,
    shell, skip, valid_figures,
};

/// A worker in shell, with functions for the messages of the protocol.
fn scripted(script: &str) -> Launch {
    let functions = r#"
        print_ready() { echo '{"ready":true,"runtime":"sh","client":"none"}'; }
        ready() { read plan; print_ready; }
        go() { ready; read go; }
    "#;
    shell(&format!("{functions}\n{script}"))
}

/// Runs a script as the only worker, which writes the ids of its processes to the file PIDS. None of them may be left,
/// and a correct worker must be valid afterwards.
fn run_script(session: &mut Session, script: &str) -> Run {
    println!("{script}");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pids");
    let script = format!("echo $$ >>PIDS; {script}");
    let worker = scripted(&script.replace("PIDS", &file.display().to_string()));
    // Long enough for a busy machine, and short enough to wait for a hanging worker.
    let limits = Limits { setup: Duration::from_secs(20), wall: Duration::from_secs(3) };
    let run = run_within(limits, session, "sync:1", &worker);
    let pids: Vec<u32> =
        fs::read_to_string(&file).unwrap().lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(pids.len(), script.matches("PIDS").count());
    assert!(!pids.into_iter().any(is_running));
    valid_figures(&run_named(session, "tokio:2"));
    run
}

#[test]
fn misbehaving_worker_is_reported() {
    let mut session = session(4, "fixed:10ms");
    for (script, expected) in [
        (
            "go; echo first >&2; echo 'out of luck' >&2; exit 3",
            "worker 0 ended early with exit status: 3; last line of stderr: out of luck",
        ),
        (
            "read plan; echo 'no such module' >&2; exit 1",
            "worker 0 ended early with exit status: 1; last line of stderr: no such module",
        ),
        // While the meters are read, before and after the run.
        (
            "ready; echo 'out of luck' >&2; exit 3",
            "worker 0 ended early with exit status: 3; last line of stderr: out of luck",
        ),
        ("go; echo done; exit 3", "worker 0 ended early with exit status: 3"),
        ("go; echo done; cat; exit 9", "worker 0 ended with exit status: 9"),
        ("read plan; echo Hello; sleep 1000", "worker 0 does not speak the protocol, it printed: Hello"),
        (r#"go; echo done; cat; echo '{"id":true}'"#, r#"it printed: {\"id\":true}"#),
        (r"printf '\377\n'; sleep 1000", "something that is not a line of text"),
        ("yes", "it printed: y"),
        ("cat /dev/zero", "something that is not a line of text"),
    ] {
        let run = run_script(&mut session, script);
        assert!(reason(&run).ends_with(expected), "{}", reason(&run));
    }
    let run = run_script(&mut session, "go; kill -SEGV $$");
    assert!(reason(&run).contains("SIGSEGV"), "{}", reason(&run));
}

#[test]
fn hanging_worker_times_out() {
    let run = run_script(&mut session(4, "fixed:10ms"), "go; echo 'about to hang' >&2; sleep 1000");
    assert_eq!(reason(&run), "worker 0 was not done in time; last line of stderr: about to hang");
    assert!(run.figures.is_none());
}

#[test]
fn worker_without_requests_is_invalid() {
    let mut session = session(4, "fixed:10ms");
    let silent = run_script(&mut session, "go; echo done; cat");
    let reasons = ["4 URLs were never received, URL 0 for one", "4 URLs were never served", "below"];
    assert_invalid(&silent, &reasons);
    let sample = r#"{"id":0,"start_ns":0,"end_ns":2000000,"status":200,"bytes":100,"crc32":1}"#;
    let invented = run_script(&mut session, &format!("go; sleep 0.1; echo done; cat; echo '{sample}'"));
    assert_invalid(&invented, &["URL 0 was received with another body", "4 URLs were never served"]);
}

#[test]
fn worker_that_starts_before_go_is_invalid() {
    let early = run(&mut session(4, "fixed:1ms"), "sync:1", &known_answer("early", 1));
    assert_invalid(&early, &["4 requests came before `go`", "served more than once"]);
}

#[test]
fn worker_that_is_ready_before_reading_its_plan_is_reported() {
    let limits = Limits { setup: Duration::from_secs(1), wall: Duration::from_secs(1) };
    let worker = scripted("print_ready; sleep 1000");
    let run = run_within(limits, &mut session(20_000, "fixed:0"), "sync:1", &worker);
    assert_eq!(reason(&run), "worker 0 was ready without having read its plan");
}

#[test]
fn zombie_child_is_allowed() {
    // `exec` keeps the process, and so its zombie child.
    let zombie = shell(&format!("(exit 0) & sleep 0.1; exec {} worker", inflight().display()));
    valid_figures(&run(&mut session(4, "fixed:1ms"), "sync:1", &zombie));
}

/// The worker that does not end is the one that is named.
#[test]
fn late_worker_is_named() {
    const LATE: &str = "cat; sleep 1000";
    let mut session = session(4, "fixed:1ms");
    let limits = Limits { setup: Duration::from_secs(2), wall: Duration::from_secs(20) };
    for (first, second, expected) in [
        (LATE, "cat", "worker 0 did not finish sending its samples in time"),
        ("cat", LATE, "worker 1 did not finish sending its samples in time"),
        (LATE, LATE, "worker 0 did not finish sending its samples in time (also late: 1)"),
    ] {
        let script = format!(r#"go; echo done; case "$plan" in *'"ids":[0'*) {first};; *) {second};; esac"#);
        let run = run_within(limits, &mut session, "sync:2x1", &scripted(&script));
        assert_eq!(reason(&run), expected);
    }
}

#[test]
fn unresponsive_target_is_not_reported_as_dead() {
    let mut session = session(4, "fixed:1ms");
    let target = session.target_pid();
    let signalling = |signal: &str| scripted(&format!("go; kill -{signal} {target}; echo done; cat"));
    let stopped = run(&mut session, "sync:1", &signalling("STOP"));
    kill_process(Pid::from_raw(target.cast_signed()).unwrap(), Signal::CONT).unwrap();
    assert_eq!(kind(&stopped), ReasonKind::NoLedger);
    assert!(reason(&stopped).starts_with("the target's ledger cannot be read: "), "{}", reason(&stopped));
    let dead = run(&mut session, "sync:1", &signalling("KILL"));
    assert_eq!((kind(&dead), reason(&dead)), (ReasonKind::TargetDied, "the target died during the run"));
}

fn kind(run: &Run) -> ReasonKind {
    run.verdict.reasons()[0].kind
}

#[test]
fn missing_program_is_reported() {
    let missing = Launch { program: "/no/such/program".into(), args: Vec::new() };
    let run = run(&mut session(1, "fixed:1ms"), "sync:1", &missing);
    assert!(reason(&run).starts_with("cannot start /no/such/program: "), "{}", reason(&run));
}

#[test]
fn processes_left_by_a_worker_are_killed() {
    let mut session = session(4, "fixed:10ms");
    run_script(&mut session, "sleep 1000 & echo $! >>PIDS; exit 1");
    if let Err(reason) = Cgroup::create() {
        return skip(&format!("no control groups here: {reason}"));
    }
    // In a session of its own and orphaned: neither its process group nor its parent is the worker.
    run_script(&mut session, "(setsid sh -c 'echo $$ >>PIDS; exec sleep 1000' &); sleep 0.2; exit 1");
}

/// Kills the target as soon as it has served something.
struct KillTarget(u32);

impl Observer for KillTarget {
    fn progressed(&mut self, requests: u64, _: u64) {
        if requests > 0 {
            kill_process(Pid::from_raw(self.0.cast_signed()).unwrap(), Signal::KILL).unwrap();
        }
    }
}

#[test]
fn dead_target_invalidates_the_run_and_is_replaced() {
    let mut session = session(100, "fixed:10ms");
    let mut kill_target = KillTarget(session.target_pid());
    let dead = observe(&mut session, &"sync:1".parse().unwrap(), &mut kill_target);
    assert_eq!(reason(&dead), "the target died during the run");
    valid_figures(&run_named(&mut session, "sync:1"));
}
