//! Misbehaving workers and targets: the run ends in a verdict, and the next run is not affected.

use std::fs;
use std::time::Duration;

use inflight::contender::Contender;
use inflight::runner::Limits;
use inflight::runner::Turn;
use inflight::runner::{NoObserver, Observer};
use inflight_report::record::{ReasonKind, Run};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{self, is_running, known_answer, reason, run, session, shell, skip, valid_figures};

const READY: &str = r#"read plan; echo '{"ready":true,"runtime":"sh","client":"none"}'; "#;

/// Runs a shell script as the only worker. Checks that none of its processes are left, and that a correct worker
/// is valid afterwards.
fn run_script(script: &str) -> Run {
    let folder = TempDir::new().unwrap();
    let pid_file = folder.path().join("pid");
    let mut session = session(4, "fixed:10ms");
    let script = shell(&format!("echo $$ > {}; {script}", pid_file.display()));
    let scripted = run(&mut session, "sync:1", &script, &mut NoObserver);
    let pid = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    assert!(!is_running(pid));
    let own_worker = session.own_worker();
    valid_figures(&run(&mut session, "tokio:2", &own_worker, &mut NoObserver));
    scripted
}

#[test]
fn hanging_worker_times_out() {
    let run = run_script(&format!("{READY} read go; echo 'about to hang' >&2; sleep 1000"));
    assert_eq!(reason(&run), "worker 0 was not done in time; last line of stderr: about to hang");
    assert!(run.figures.is_none());
}

#[test]
fn crashed_worker_is_reported_with_its_stderr_tail() {
    let run = run_script(&format!("{READY} read go; echo first >&2; echo 'out of luck' >&2; exit 3"));
    assert_eq!(reason(&run), "worker 0 ended early with exit status: 3; last line of stderr: out of luck");
}

#[test]
fn killed_worker_is_reported() {
    let run = run_script(&format!("{READY} read go; kill -SEGV $$"));
    assert!(reason(&run).contains("SIGSEGV"), "{}", reason(&run));
}

#[test]
fn worker_that_fails_to_start_is_reported() {
    let run = run_script("read plan; echo 'no such module' >&2; exit 1");
    assert_eq!(reason(&run), "worker 0 ended early with exit status: 1; last line of stderr: no such module");
}

#[test]
fn invalid_output_of_a_worker_is_quoted() {
    let run = run_script("read plan; echo Hello; sleep 1000");
    assert_eq!(reason(&run), "worker 0 does not speak the protocol, it printed: Hello");
    let run = run_script(&format!("{READY} read go; echo done; cat; echo '{{\"id\":true}}'"));
    assert!(reason(&run).ends_with(r#"it printed: {\"id\":true}"#), "{}", reason(&run));
    let run = run_script(r"printf '\377\n'; sleep 1000");
    assert!(reason(&run).ends_with("something that is not a line of text"), "{}", reason(&run));
}

#[test]
fn endless_output_of_a_worker_is_stopped() {
    let run = run_script("yes");
    assert!(reason(&run).ends_with("it printed: y"), "{}", reason(&run));
    let run = run_script("cat /dev/zero");
    assert!(reason(&run).ends_with("something that is not a line of text"), "{}", reason(&run));
}

#[test]
fn worker_without_samples_has_fetched_nothing() {
    let run = run_script(&format!("{READY} read go; echo done; cat"));
    let reasons = format!("{:?}", run.verdict);
    assert!(reasons.contains("4 URLs were never received, URL 0 for one"), "{reasons}");
    assert!(reasons.contains("4 URLs were never served"), "{reasons}");
    assert!(reasons.contains("below"), "{reasons}");
}

#[test]
fn invented_response_is_detected() {
    let sample = r#"{"id":0,"start_ns":0,"end_ns":2000000,"status":200,"bytes":100,"crc32":1}"#;
    let run = run_script(&format!("{READY} read go; sleep 0.1; echo done; cat; echo '{sample}'"));
    let reasons = format!("{:?}", run.verdict);
    assert!(reasons.contains("URL 0 was received with another body"), "{reasons}");
    assert!(reasons.contains("4 URLs were never served"), "{reasons}");
}

#[test]
fn worker_that_fails_after_its_samples_is_invalid() {
    let run = run_script(&format!("{READY} read go; echo done; cat; exit 9"));
    assert_eq!(reason(&run), "worker 0 ended with exit status: 9");
}

#[test]
fn worker_that_starts_before_go_is_invalid() {
    let mut session = session(4, "fixed:1ms");
    let early = run(&mut session, "sync:1", &known_answer("early", 1), &mut NoObserver);
    let reasons = format!("{:?}", early.verdict);
    assert!(reasons.contains("4 requests came before `go`"), "{reasons}");
    assert!(reasons.contains("served more than once"), "{reasons}");
}

#[test]
fn worker_that_dies_while_meters_are_read_is_reported() {
    let run = run_script(&format!("{READY} echo 'out of luck' >&2; exit 3"));
    assert_eq!(reason(&run), "worker 0 ended early with exit status: 3; last line of stderr: out of luck");
    let run = run_script(&format!("{READY} read go; echo done; exit 3"));
    assert_eq!(reason(&run), "worker 0 ended early with exit status: 3");
}

#[test]
fn worker_that_is_ready_before_reading_its_plan_is_reported() {
    let mut session = session(20_000, "fixed:0");
    let launch =
        shell(&format!("{}; sleep 1000", READY.trim_start_matches("read plan; ").trim_end_matches("; ")));
    let contender: Contender = "sync:1".parse().unwrap();
    let turn = Turn { contender: 0, round: 1, position: 1 };
    let limits = Limits { setup: Duration::from_secs(1), wall: Duration::from_secs(1) };
    let run = session.run(&contender, turn, &launch, limits, &mut NoObserver).unwrap().unwrap();
    assert_eq!(reason(&run), "worker 0 was ready without having read its plan");
}

#[test]
fn zombie_child_is_allowed() {
    let worker = common::inflight().display().to_string();
    let mut session = session(4, "fixed:1ms");
    // `exec` keeps the process, and so its zombie child.
    let zombie = shell(&format!("(exit 0) & sleep 0.1; exec {worker} worker"));
    valid_figures(&run(&mut session, "sync:1", &zombie, &mut NoObserver));
}

/// One of two workers does not end, and is the one that is named.
#[test]
fn late_worker_is_named() {
    let mut session = session(4, "fixed:1ms");
    let contender: Contender = "sync:2x1".parse().unwrap();
    let turn = Turn { contender: 0, round: 1, position: 1 };
    let limits = Limits { setup: Duration::from_secs(2), wall: Duration::from_secs(20) };
    for (second, worker) in [("cat", "worker 0"), ("cat; sleep 1000", "worker 1")] {
        let first = if second == "cat" { "cat; sleep 1000" } else { "cat" };
        let scripted = shell(&format!(
            r#"{READY} read go; echo done; case "$plan" in *'"ids":[0'*) {first};; *) {second};; esac"#
        ));
        let run = session.run(&contender, turn, &scripted, limits, &mut NoObserver).unwrap().unwrap();
        assert_eq!(reason(&run), format!("{worker} did not finish sending its samples in time"));
    }
    let both = shell(&format!("{READY} read go; echo done; cat; sleep 1000"));
    let run = session.run(&contender, turn, &both, limits, &mut NoObserver).unwrap().unwrap();
    assert_eq!(reason(&run), "worker 0 did not finish sending its samples in time (also late: 1)");
}

#[test]
fn unresponsive_target_is_not_reported_as_dead() {
    let mut session = session(4, "fixed:1ms");
    let target = session.target_pid();
    let signalling =
        |signal: &str| shell(&format!("{READY} read go; kill -{signal} {target}; echo done; cat"));
    let stopped = run(&mut session, "sync:1", &signalling("STOP"), &mut NoObserver);
    kill_process(Pid::from_raw(target.cast_signed()).unwrap(), Signal::CONT).unwrap();
    assert_eq!(kind(&stopped), ReasonKind::NoLedger);
    assert!(reason(&stopped).starts_with("the target's ledger cannot be read: "), "{}", reason(&stopped));
    let dead = run(&mut session, "sync:1", &signalling("KILL"), &mut NoObserver);
    assert_eq!((kind(&dead), reason(&dead)), (ReasonKind::TargetDied, "the target died during the run"));
}

fn kind(run: &Run) -> ReasonKind {
    run.verdict.reasons()[0].kind
}

#[test]
fn missing_program_is_reported() {
    let mut session = session(1, "fixed:1ms");
    let mut launch = shell("");
    launch.program = "/no/such/program".into();
    let run = run(&mut session, "sync:1", &launch, &mut NoObserver);
    assert!(reason(&run).starts_with("cannot start /no/such/program: "), "{}", reason(&run));
}

#[test]
fn processes_left_by_a_worker_are_killed() {
    let mut session = session(1, "fixed:1ms");
    let folder = TempDir::new().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; exit 1", pid_file.display());
    run(&mut session, "sync:1", &shell(&script), &mut NoObserver);
    let pid = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    assert!(!is_running(pid));
}

#[test]
fn processes_that_left_a_workers_tree_are_killed() {
    if let Err(reason) = inflight::meter::Cgroup::create() {
        return skip(&format!("no control groups here: {reason}"));
    }
    let mut session = session(1, "fixed:1ms");
    let folder = TempDir::new().unwrap();
    let pid_file = folder.path().join("pid");
    // In a session of its own and orphaned: neither its process group nor its parent is the worker.
    let script =
        format!("(setsid sh -c 'echo $$ > {}; exec sleep 1000' &); sleep 0.2; exit 1", pid_file.display());
    run(&mut session, "sync:1", &shell(&script), &mut NoObserver);
    let pid = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    assert!(!is_running(pid));
}

/// Kills the target as soon as it has served something.
struct KillTarget(u32);

impl Observer for KillTarget {
    fn progressed(&mut self, requests: u64, _: u64) {
        if requests > 0 {
            kill_process(Pid::from_raw(self.0.cast_signed()).unwrap(), Signal::KILL).unwrap();
        }
    }

    fn interrupted(&self) -> bool {
        false
    }
}

#[test]
fn dead_target_invalidates_the_run_and_is_replaced() {
    let mut session = session(100, "fixed:10ms");
    let own_worker = session.own_worker();
    let mut kill_target = KillTarget(session.target_pid());
    let dead = run(&mut session, "sync:1", &own_worker, &mut kill_target);
    assert_eq!(reason(&dead), "the target died during the run");
    valid_figures(&run(&mut session, "sync:1", &own_worker, &mut NoObserver));
}
