//! Fixtures of tests of whole runs: small sessions, workers other than ours, and what commands print.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use inflight::Launch;
use inflight::contender::Contender;
use inflight::models::{Model, Pairing};
use inflight::runner::{Limits, NoObserver, Observer, Session, Turn};
use inflight::workload::Workload;
use inflight_report::record::{Figures, Record, Run, Verdict};
use mock_target::Scenario;
use rustix::process::{Pid, Signal, kill_process};
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

/// A command of the program under test.
pub(crate) fn command() -> Command {
    Command::new(inflight())
}

/// The output of the program under test. If it does not end, as a target does not, that is a failure.
#[track_caller]
pub(crate) fn output(args: &[&str]) -> Output {
    let child = spawn(command().args(args));
    let pid = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(Duration::from_secs(180)) else {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("{args:?} did not end");
    };
    output.unwrap()
}

/// Starts a command whose input and outputs are pipes.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The output of a command for this `input`. A program that ends early need not read it.
pub(crate) fn output_for(command: &mut Command, input: &[u8]) -> Output {
    let mut child = spawn(command);
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The output of a command whose stdout is closed before it writes.
pub(crate) fn output_with_closed_stdout(command: &mut Command) -> Output {
    let mut child = spawn(command);
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

/// The stdout of a command that has succeeded. Its stderr must be empty.
#[track_caller]
pub(crate) fn stdout_of(output: Output) -> String {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The stderr of a command that has ended with `code`.
#[track_caller]
pub(crate) fn stderr_of(output: Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The stderr of a command that has ended with `code`. It must be one line, and stdout must be empty.
#[track_caller]
pub(crate) fn error_line(output: Output, code: i32) -> String {
    assert!(output.stdout.is_empty(), "{output:?}");
    let stderr = stderr_of(output, code);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

/// The command must have failed with 2 and one line on stderr that contains `words`.
#[track_caller]
pub(crate) fn assert_refused(output: Output, words: &[&str]) {
    let line = error_line(output, 2);
    assert!(line.starts_with("inflight: "), "{line}");
    assert_contains(&line, words);
}

#[track_caller]
pub(crate) fn assert_contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{text:?} does not contain {word:?}");
    }
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

/// The number of lines in a file, 0 where there is none.
pub(crate) fn lines_in(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// A server that calls `answer` with every connection in a thread of its own, until this process ends.
pub(crate) fn serve(answer: impl Fn(&TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            connection.set_nodelay(true).unwrap();
            let answer = answer.clone();
            thread::spawn(move || answer(&connection));
        }
    });
    address
}

/// A folder for a record.
pub(crate) struct RecordFolder {
    _folder: TempDir,
    pub(crate) out: PathBuf,
}

impl RecordFolder {
    pub(crate) fn new() -> RecordFolder {
        let folder = TempDir::new().unwrap();
        RecordFolder { out: folder.path().join("out"), _folder: folder }
    }

    /// The command `inflight run` that makes the record.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command.args(["run", "--out"]).arg(&self.out).args(args);
        command
    }

    pub(crate) fn record(&self) -> Record {
        Record::read(&self.out).unwrap()
    }
}

/// `urls` URLs of `latency` with small bodies.
pub(crate) fn scenario(urls: u64, latency: &str) -> Scenario {
    let quick = Scenario::preset("quick").unwrap();
    Scenario { urls, latency: latency.parse().unwrap(), body_bytes: 100, ..quick }
}

/// A session with a [`scenario`].
pub(crate) fn session(urls: u64, latency: &str) -> Session {
    session_of(Workload::of(scenario(urls, latency)))
}

pub(crate) fn session_of(workload: Workload) -> Session {
    Session::start(&inflight(), workload).unwrap()
}

/// One run of `contender`, started by `launch`.
pub(crate) fn run(session: &mut Session, contender: &str, launch: &Launch) -> Run {
    let limits = session.limits(&contender.parse().unwrap());
    run_within(limits, session, contender, launch)
}

/// One run of `contender`, started by `launch`, with these limits of time.
pub(crate) fn run_within(limits: Limits, session: &mut Session, contender: &str, launch: &Launch) -> Run {
    run_turn(1, limits, session, &contender.parse().unwrap(), launch, &mut NoObserver)
}

/// One warm-up run of `contender`, started by `launch`.
pub(crate) fn warm_up(session: &mut Session, contender: &str, launch: &Launch) -> Run {
    let contender = contender.parse().unwrap();
    run_turn(0, session.limits(&contender), session, &contender, launch, &mut NoObserver)
}

/// One run of the contender of this name, started as in a real run.
pub(crate) fn run_named(session: &mut Session, contender: &str) -> Run {
    observe(session, &contender.parse().unwrap(), &mut NoObserver)
}

/// One run of a model in `shape`, started as in a real run; `None` where this system cannot run it.
pub(crate) fn run_model(
    session: &mut Session,
    (model, client): (&Model, &Pairing),
    shape: &str,
) -> Option<Run> {
    let contender = format!("{}+{}:{shape}", model.name, client.name);
    let run = run_named(session, &contender);
    (!skip_unsupported(&contender, &format!("{:?}", run.verdict))).then_some(run)
}

/// One run of `contender`, started as in a real run.
pub(crate) fn observe(session: &mut Session, contender: &Contender, observer: &mut dyn Observer) -> Run {
    let (launch, limits) = (session.worker_of(contender), session.limits(contender));
    run_turn(1, limits, session, contender, &launch, observer)
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
#[track_caller]
pub(crate) fn reason(run: &Run) -> &str {
    match &run.verdict {
        Verdict::Invalid { reasons } if reasons.len() == 1 => &reasons[0].text,
        verdict => panic!("expected one reason, got {verdict:?}"),
    }
}

/// The run must be invalid for all these reasons.
#[track_caller]
pub(crate) fn assert_invalid(run: &Run, reasons: &[&str]) {
    assert!(!run.verdict.is_valid());
    assert_contains(&run.verdict.text(), reasons);
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
