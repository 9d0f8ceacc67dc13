//! What tests of whole runs share: a small session, and workers that are not ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use inflight::Launch;
use inflight::contender::Contender;
use inflight::race::Limits;
use inflight::schedule::Turn;
use inflight::session::{Session, Watcher};
use inflight::workload::Workload;
use inflight_report::record::{Figures, Run, Verdict};
use mock_target::Scenario;

/// The program under test.
pub fn inflight() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_inflight"))
}

/// A session with `urls` URLs of `latency` and small bodies.
pub fn session(urls: u64, latency: &str) -> Session {
    let quick = Scenario::preset("quick").unwrap();
    let scenario = Scenario { urls, latency: latency.parse().unwrap(), body_bytes: 100, ..quick };
    Session::start(&inflight(), Workload::of(scenario)).unwrap()
}

/// One run of `contender`, started by `launch`.
pub fn run(session: &mut Session, contender: &str, launch: &Launch, watcher: &mut dyn Watcher) -> Run {
    let contender: Contender = contender.parse().unwrap();
    let turn = Turn { contender: 0, round: 1, position: 1 };
    session.run(&contender, turn, launch, LIMITS, watcher).unwrap().expect("nobody interrupts")
}

/// Long enough for a busy machine, short enough to wait for a worker that hangs.
const LIMITS: Limits = Limits { setup: Duration::from_secs(20), wall: Duration::from_secs(3) };

/// The example worker whose cost is known.
pub fn known_answer(what: &str, amount: u64) -> Launch {
    let program = inflight().parent().unwrap().join("examples/known_answer");
    assert!(program.exists(), "{} is built by `cargo test` without --test", program.display());
    Launch { program, args: vec![what.to_owned(), amount.to_string()] }
}

/// A worker written in shell.
pub fn shell(script: &str) -> Launch {
    Launch { program: Path::new("/bin/sh").to_owned(), args: vec!["-c".to_owned(), script.to_owned()] }
}

/// The one reason why a run is void.
pub fn reason(run: &Run) -> &str {
    match &run.verdict {
        Verdict::Void { reasons } if reasons.len() == 1 => &reasons[0],
        verdict => panic!("expected one reason, got {verdict:?}"),
    }
}

/// The figures of a run that must be valid.
pub fn valid(run: &Run) -> &Figures {
    assert_eq!(run.verdict, Verdict::Valid, "{}", run.contender);
    run.figures.as_ref().expect("a valid run has figures")
}

/// Nobody looks on.
pub struct Nobody;

impl Watcher for Nobody {
    fn served(&mut self, _: u64) {}

    fn wants_progress(&self) -> bool {
        false
    }

    fn interrupted(&self) -> bool {
        false
    }
}
