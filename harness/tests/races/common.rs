//! What tests of whole runs share: a small session, and workers that are not ours.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use inflight::Launch;
use inflight::contender::Contender;
use inflight::race::Limits;
use inflight::schedule::Turn;
use inflight::session::{Session, Watcher};
use inflight::workload::Workload;
use inflight_report::record::{Figures, Run, Verdict};
use mock_target::Scenario;

/// Says on stderr that something is not tested here, for want of a program that could be installed. Where
/// nothing may be passed over that is a failure.
pub(crate) fn skip_without(what: &str) {
    assert!(env::var_os("INFLIGHT_REQUIRE_ALL").is_none(), "{what}");
    skip(what);
}

/// Says on stderr that something is not tested here, on such a machine.
pub(crate) fn skip(what: &str) {
    // Not by a macro, whose words are kept from who runs a test that passes.
    let _ = writeln!(io::stderr(), "skipped: {what}");
}

/// Whether `said` tells that this system cannot run `contender`, which is then passed over as
/// [`skip_without`] does.
pub(crate) fn skip_unsupported(contender: &str, said: &str) -> bool {
    let cannot = said.contains("io_uring is not available");
    if cannot {
        skip_without(&format!("{contender}, since io_uring is not available"));
    }
    cannot
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

/// What `found` finds, within a minute.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
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

/// One run of `contender`, started by `launch`, that is given up after a few seconds.
pub(crate) fn run(session: &mut Session, contender: &str, launch: &Launch, watcher: &mut dyn Watcher) -> Run {
    // Long enough for a busy machine, short enough to wait for a worker that hangs.
    let limits = Limits { setup: Duration::from_secs(20), wall: Duration::from_secs(3) };
    run_within(limits, session, contender, launch, watcher)
}

/// One run of `contender`, started by `launch`, however long it takes.
pub(crate) fn run_without_limit(
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    watcher: &mut dyn Watcher,
) -> Run {
    let limits = session.limits(&contender.parse().unwrap());
    run_within(limits, session, contender, launch, watcher)
}

/// One run of `contender`, started as it is in a race.
pub(crate) fn run_source(session: &mut Session, contender: &Contender, watcher: &mut dyn Watcher) -> Run {
    let (launch, limits) = (session.worker_of(contender), session.limits(contender));
    run_parsed(limits, session, contender, &launch, watcher)
}

fn run_within(
    limits: Limits,
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    watcher: &mut dyn Watcher,
) -> Run {
    run_parsed(limits, session, &contender.parse().unwrap(), launch, watcher)
}

fn run_parsed(
    limits: Limits,
    session: &mut Session,
    contender: &Contender,
    launch: &Launch,
    watcher: &mut dyn Watcher,
) -> Run {
    run_turn(1, limits, session, contender, launch, watcher)
}

/// One run of `contender` as that of `round`, which is 0 where it is to warm up.
pub(crate) fn run_in_round(
    round: u32,
    session: &mut Session,
    contender: &str,
    launch: &Launch,
    watcher: &mut dyn Watcher,
) -> Run {
    let contender = contender.parse().unwrap();
    run_turn(round, session.limits(&contender), session, &contender, launch, watcher)
}

fn run_turn(
    round: u32,
    limits: Limits,
    session: &mut Session,
    contender: &Contender,
    launch: &Launch,
    watcher: &mut dyn Watcher,
) -> Run {
    let turn = Turn { contender: 0, round, position: 1 };
    session.run(contender, turn, launch, limits, watcher).unwrap().expect("nobody interrupts")
}

/// The example worker whose cost is known.
pub(crate) fn known_answer(what: &str, amount: u64) -> Launch {
    Launch { program: example("known_answer"), args: vec![what.to_owned(), amount.to_string()] }
}

/// An example's program.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = inflight().parent().unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is built by `cargo test` without --test", program.display());
    program
}

/// A worker written in shell.
pub(crate) fn shell(script: &str) -> Launch {
    Launch { program: Path::new("/bin/sh").to_owned(), args: vec!["-c".to_owned(), script.to_owned()] }
}

/// The one reason why a run is void.
pub(crate) fn reason(run: &Run) -> &str {
    match &run.verdict {
        Verdict::Void { reasons } if reasons.len() == 1 => &reasons[0].text,
        verdict => panic!("expected one reason, got {verdict:?}"),
    }
}

/// The figures of a run that must be in order. A machine that is busy with other tests may keep target and
/// harness from being in time, and nothing else is excused.
#[track_caller]
pub(crate) fn sound(run: &Run) -> &Figures {
    assert!(run.verdict.is_valid() || run.verdict.is_disturbed(), "{}: {:?}", run.contender, run.verdict);
    run.figures.as_ref().expect("a run that reached its end has figures")
}

/// Whether the process is there and more than a zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
