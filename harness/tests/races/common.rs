//! Helpers for tests of whole runs: small sessions, workers other than ours, and what commands print.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use inflight::Launch;
use inflight::contender::Contender;
use inflight::runner::Limits;
use inflight::runner::Turn;
use inflight::runner::{Observer, Session};
use inflight::workload::Workload;
use inflight_report::record::{Figures, Run, Verdict};
use mock_target::Scenario;
use tempfile::TempDir;

/// Reports on stderr that a test is skipped because a program is not installed. With `INFLIGHT_REQUIRE_ALL` set that
/// is a failure.
pub(crate) fn skip_without(what: &str) {
    assert!(env::var_os("INFLIGHT_REQUIRE_ALL").is_none(), "{what}");
    skip(what);
}

/// Reports on stderr that a test is skipped on this machine.
pub(crate) fn skip(what: &str) {
    // Written directly, since the test harness captures the output of macros.
    let _ = writeln!(io::stderr(), "skipped: {what}");
}

/// Whether `program` is installed. Otherwise the test is skipped as in [`skip_without`].
pub(crate) fn has_program(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip_without(&format!("there is no {program}"));
    }
    found
}

/// Whether `output` states that this system cannot run `contender`. It is then skipped as in [`skip_without`].
pub(crate) fn skip_unsupported(contender: &str, output: &str) -> bool {
    let unsupported = output.contains("io_uring is not available");
    if unsupported {
        skip_without(&format!("{contender}, since io_uring is not available"));
    }
    unsupported
}

/// The program under test.
pub(crate) fn inflight() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_inflight"))
}

/// A command of the program under test, without input.
pub(crate) fn command() -> Command {
    let mut command = Command::new(inflight());
    command.stdin(Stdio::null());
    command
}

/// The stdout of a command that has succeeded. Its stderr must be empty.
#[track_caller]
pub(crate) fn stdout_of(output: Output) -> String {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The stderr of a command that has failed with `code`. It must be one line, and stdout must be empty.
#[track_caller]
pub(crate) fn error_line(output: Output, code: i32) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty(), "{stderr}");
    stderr
}

/// The path of a file in `folder`, and the same as text.
pub(crate) fn file(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    (path.clone(), path.display().to_string())
}

/// Polls `find` for up to a minute, and returns what it has found.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited too long for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A session with `urls` URLs of `latency` and small bodies.
pub(crate) fn session(urls: u64, latency: &str) -> Session {
    let quick = Scenario::preset("quick").unwrap();
    let scenario = Scenario { urls, latency: latency.parse().unwrap(), body_bytes: 100, ..quick };
    Session::start(&inflight(), Workload::of(scenario)).unwrap()
}

/// One run of `contender`, started by `launch`, that times out after a few seconds.
pub(crate) fn run(
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    observer: &mut dyn Observer,
) -> Run {
    // Long enough for a busy machine, and short enough to wait for a hanging worker.
    let limits = Limits { setup: Duration::from_secs(20), wall: Duration::from_secs(3) };
    run_turn(1, limits, session, &contender.parse().unwrap(), launch, observer)
}

/// One run of `contender`, started by `launch`, with the time limits of a real run.
pub(crate) fn run_with_usual_limits(
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    observer: &mut dyn Observer,
) -> Run {
    run_in_round(1, session, contender, launch, observer)
}

/// One run of `contender`, started as in a real run.
pub(crate) fn run_source(session: &mut Session, contender: &Contender, observer: &mut dyn Observer) -> Run {
    let (launch, limits) = (session.worker_of(contender), session.limits(contender));
    run_turn(1, limits, session, contender, &launch, observer)
}

/// One run of `contender` in `round`, which is 0 for a warm-up.
pub(crate) fn run_in_round(
    round: u32,
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    observer: &mut dyn Observer,
) -> Run {
    let contender = contender.parse().unwrap();
    run_turn(round, session.limits(&contender), session, &contender, launch, observer)
}

fn run_turn(
    round: u32,
    limits: Limits,
    session: &mut Session,
    contender: &Contender,
    launch: &Launch,
    observer: &mut dyn Observer,
) -> Run {
    let turn = Turn { contender: 0, round, position: 1 };
    session.run(contender, turn, launch, limits, observer).unwrap().expect("no test interrupts")
}

/// The example worker whose cost is known.
pub(crate) fn known_answer(what: &str, amount: u64) -> Launch {
    Launch { program: example("known_answer"), args: vec![what.to_owned(), amount.to_string()] }
}

/// The program of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = inflight().parent().unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is built by `cargo test` without --test", program.display());
    program
}

/// A worker written in shell.
pub(crate) fn shell(script: &str) -> Launch {
    Launch { program: Path::new("/bin/sh").to_owned(), args: vec!["-c".to_owned(), script.to_owned()] }
}

/// The only reason why a run is invalid.
pub(crate) fn reason(run: &Run) -> &str {
    match &run.verdict {
        Verdict::Invalid { reasons } if reasons.len() == 1 => &reasons[0].text,
        verdict => panic!("expected one reason, got {verdict:?}"),
    }
}

/// The figures of a run that must be valid, or invalid only because the machine was busy with other tests.
#[track_caller]
pub(crate) fn valid_figures(run: &Run) -> &Figures {
    assert!(run.verdict.is_valid() || run.verdict.is_disturbed(), "{}: {:?}", run.contender, run.verdict);
    run.figures.as_ref().expect("a run that reached its end has figures")
}

/// Whether the process exists and is not a zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
