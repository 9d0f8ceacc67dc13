//! What a race of several rounds leaves in its record: warm-ups, orders, twins, budgets, and what a race that
//! was stopped and went on has in common with one that was not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use inflight_report::record::{Order, Record, Run};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common;

const SMALL: [&str; 4] = ["--urls", "10", "--latency", "fixed:1ms"];

fn inflight(args: &[&str]) -> Output {
    let output = Command::new(common::inflight()).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.code().is_some(), "{output:?}");
    output
}

/// A folder for a record, and what is said of the race into it.
struct Place {
    _folder: TempDir,
    out: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = TempDir::new().unwrap();
        Place { out: folder.path().join("out"), _folder: folder }
    }

    fn race(&self, args: &[&str]) -> Record {
        let output = inflight(&[&["run", "--out", self.path()], &SMALL[..], args].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        self.record()
    }

    fn path(&self) -> &str {
        self.out.to_str().unwrap()
    }

    fn record(&self) -> Record {
        Record::read(&self.out).unwrap()
    }

    fn resume(&self) -> Output {
        inflight(&["run", "--resume", self.path()])
    }

    /// Going on must be refused with one line that has these words.
    #[track_caller]
    fn assert_refused(&self, words: &[&str]) {
        let output = self.resume();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{stderr:?} does not say {words:?}");
        assert!(output.stdout.is_empty());
    }

    /// Leaves of the record its header and `runs` runs, and so many bytes of the next.
    fn cut(&self, runs: usize, bytes: usize) {
        let file = self.out.join("record.jsonl");
        let whole = fs::read(&file).unwrap();
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let end = ends.into_iter().nth(runs).unwrap();
        fs::write(&file, &whole[..end + bytes]).unwrap();
    }

    /// Writes `to` for `from` in the header.
    fn forge(&self, from: &str, to: &str) {
        let file = self.out.join("record.jsonl");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }
}

/// Who ran in which round at which place.
fn turns(record: &Record) -> Vec<(u32, u32, String)> {
    let turn = |run: &Run| (run.round, run.position, run.contender.clone());
    record.runs.iter().map(turn).collect()
}

#[test]
fn every_contender_warms_up_in_round_zero() {
    let record = Place::new().race(&["--rounds", "2", "sync:1", "tokio:4", "threads:2"]);
    assert_eq!(record.header.order, Order::Balanced);
    let of = |round| record.runs.iter().filter(move |run| run.round == round);
    for round in 0..=2 {
        assert_eq!(of(round).map(|run| run.contender.as_str()).collect::<BTreeSet<_>>().len(), 3);
        assert!(of(round).map(|run| run.position).eq(1..=3));
        assert!(of(round).all(|run| run.warm_up == (round == 0) && run.took_ns > 0));
    }
}

#[test]
fn given_order_is_kept_in_every_round() {
    let place = Place::new();
    let record = place.race(&["--rounds", "3", "--order", "as-given", "tokio:4", "sync:1"]);
    assert_eq!(record.header.order, Order::AsGiven);
    let order: Vec<&str> = record.runs.iter().map(|run| run.contender.as_str()).collect();
    assert_eq!(order, ["tokio:4", "sync:1"].repeat(4));
    let table = fs::read_to_string(place.out.join("table.md")).unwrap();
    assert!(table.contains("in the order given"), "{table}");
}

#[test]
fn a_a_control_runs_in_every_round_and_has_no_row() {
    let place = Place::new();
    let record = place.race(&["--aa", "--rounds", "2", "sync:1", "tokio:4", "threads:2"]);
    let twin = record.header.contenders.last().unwrap();
    assert_eq!((twin.name.as_str(), twin.twin_of.as_deref()), ("tokio:4#twin", Some("tokio:4")));
    assert_eq!(record.runs.iter().filter(|run| run.contender == "tokio:4#twin").count(), 3);
    assert!(record.runs.iter().filter(|run| run.round == 2).map(|run| run.position).eq(1..=4));
    let table = fs::read_to_string(place.out.join("table.md")).unwrap();
    assert!(!table.contains("| tokio:4#twin |"), "{table}");

    let without = Place::new().race(&["--aa", "--no-aa", "--rounds", "1", "tokio:4"]);
    assert_eq!(without.header.contenders.len(), 1);
    let output = inflight(&["run", "--aa", "--out", Place::new().path(), "sync:1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--aa"), "{output:?}");
}

#[test]
fn budget_gives_every_contender_a_round() {
    let place = Place::new();
    let record = place.race(&["--budget", "1ms", "tokio:4", "sync:1"]);
    let counted: Vec<&Run> = record.runs.iter().filter(|run| !run.warm_up).collect();
    for contender in ["tokio:4", "sync:1"] {
        let runs = || counted.iter().filter(|run| run.contender == contender);
        let tried_enough = runs().count() == 3 || runs().next_back().unwrap().verdict.is_valid();
        assert!(tried_enough && runs().rev().skip(1).all(|run| !run.verdict.is_valid()));
    }
    assert_eq!(record.header.budget.unwrap().precision, 0.02);
    place.assert_refused(&["nothing is left"]);
}

/// As often as it takes to be precise, which is five times at least.
const UNTIL_PRECISE: [&str; 6] = ["--budget", "1h", "--precision", "100%", "tokio:4", "tokio:2"];

#[test]
fn budget_ends_when_all_contenders_are_precise() {
    let record = Place::new().race(&UNTIL_PRECISE);
    for contender in ["tokio:4", "tokio:2"] {
        let counted = record.runs.iter().filter(|run| run.contender == contender && !run.warm_up);
        assert!(counted.filter(|run| run.verdict.is_valid()).count() >= 5);
    }
    assert!(record.runs.len() < 2_000);
}

#[test]
fn wrong_arguments_about_rounds_get_a_one_line_error() {
    for (args, word) in [
        (&["--budget", "soon"][..], "1m30s"),
        (&["--budget", "0s"], "above zero"),
        (&["--budget", "1s", "--rounds", "2"], "--rounds"),
        (&["--precision", "2%"], "--budget"),
        (&["--budget", "1s", "--precision", "2"], "2%"),
        (&["--order", "random"], "as-given"),
        (&["--resume", "/tmp", "--rounds", "2"], "--resume"),
        (&["--resume", "/no/such/folder"], "/no/such/folder"),
    ] {
        let output = inflight(&[&["run"], args].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{args:?}: {stderr}");
        assert!(stderr.contains(word), "{args:?}: {stderr}");
    }
}

const RACE: [&str; 8] = ["--rounds", "3", "--aa", "--seed", "5", "sync:1", "tokio:4", "threads:2"];

#[test]
fn resumed_record_has_the_same_turns() {
    let place = Place::new();
    let whole = turns(&place.race(&RACE));
    assert_eq!(whole.len(), 4 * 4);
    for (runs, bytes) in [(0, 0), (6, 30), (11, 0), (15, 100)] {
        place.cut(runs, bytes);
        assert_eq!(turns(&place.record()), whole[..runs]);
        let output = place.resume();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        assert_eq!(turns(&place.record()), whole, "stopped after {runs} runs");
        assert!(!place.record().truncated);
    }
    place.assert_refused(&["nothing is left", place.path()]);
}

#[test]
fn record_with_a_budget_can_be_resumed() {
    let place = Place::new();
    let whole = turns(&place.race(&UNTIL_PRECISE));
    place.cut(7, 0);
    assert!(matches!(place.resume().status.code(), Some(0 | 1)));
    let resumed = turns(&place.record());
    assert_eq!(resumed[..2 * 6], whole[..2 * 6]);
}

#[test]
fn resume_refuses_a_different_setup() {
    let place = Place::new();
    place.race(&RACE);
    place.cut(5, 0);
    let refused = |from: &str, to: &str, words: &[&str]| {
        place.forge(from, to);
        place.assert_refused(words);
        place.forge(to, from);
    };
    let record = place.record();
    let (machine, scenario) = (&record.header.machine, &record.header.scenario);
    let kernel = format!("\"kernel\":\"{}\"", machine.kernel);
    refused(&kernel, "\"kernel\":\"0.1\"", &["machine.kernel was \"0.1\""]);
    let version = format!("\"inflight_version\":\"{}\"", record.header.inflight_version);
    refused(&version, "\"inflight_version\":\"0.0.1\"", &["begun by inflight 0.0.1"]);
    let delays = format!("\"total_delay_ns\":{}", scenario.total_delay_ns);
    refused(&delays, "\"total_delay_ns\":1", &["scenario.total_delay_ns was 1"]);
    refused("\"order_seed\":5", "\"order_seed\":6", &["order_seed was 6"]);
    refused("threads:2\"", "threads:3\"", &["contenders.2."]);
    let runtime = format!("\"runtime\":\"{}\"", record.runs[4].runtime);
    assert!(record.runs[4].verdict.is_valid() || !record.runs[4].runtime.is_empty());
    place.forge(&runtime, "\"runtime\":\"another 1.0\"");
    place.assert_refused(&["another 1.0", "begin a new record"]);
}

#[test]
fn running_record_cannot_be_resumed() {
    let place = Place::new();
    let args = ["run", "--out", place.path(), "--rounds", "1000", "--urls", "10", "--latency", "fixed:1ms"];
    let mut race = Command::new(common::inflight())
        .args(args)
        .arg("tokio:4")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_runs(&place.out, 1);
    place.assert_refused(&["still under way"]);
    kill_process(Pid::from_child(&race), Signal::KILL).unwrap();
    race.wait().unwrap();
    assert!(!place.record().runs.is_empty());
}

#[track_caller]
fn wait_for_runs(out: &Path, runs: usize) {
    common::wait_for("runs in the record", || {
        fs::read_to_string(out.join("record.jsonl")).ok().filter(|text| text.lines().count() > runs)
    });
}

/// A file that may not grow any further is like a full disk.
#[test]
fn record_can_be_resumed_after_a_full_disk() {
    let place = Place::new();
    let limited = format!(
        "trap '' XFSZ; ulimit -f 32; exec {} run --out {} {} {}",
        common::inflight().display(),
        place.path(),
        SMALL.join(" "),
        RACE.join(" "),
    );
    let output = Command::new("sh").args(["-c", &limited]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let line = stderr.lines().last().unwrap();
    assert!(line.contains("the runs before are saved") && line.contains("--resume"), "{stderr}");

    let saved = place.record();
    assert!(saved.truncated && saved.runs.len() < 4 * 4);
    let output = place.resume();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let (mended, every) = (turns(&place.record()), |round| (1..=4).map(move |position| (round, position)));
    assert_eq!(mended[..saved.runs.len()], turns(&saved));
    assert!(mended.iter().map(|turn| (turn.0, turn.1)).eq((0..=3).flat_map(every)));
}

/// 10 ms of delay allow one request in flight 100 a second.
#[test]
fn rate_beyond_the_concurrency_gets_a_warning() {
    let place = Place::new();
    let load = ["--urls", "20", "--latency", "fixed:10ms", "--rounds", "1"];
    for (rate, is_beyond) in [("500/s", true), ("50/s", false)] {
        let place = place.out.join(rate.trim_end_matches("/s"));
        let args = [&["run", "sync:1", "--out", place.to_str().unwrap(), "--rate", rate], &load[..]].concat();
        let stderr = String::from_utf8(inflight(&args).stderr).unwrap();
        let line = stderr.lines().position(|line| line.contains("sync:1 (100/s) can reach"));
        assert_eq!(line, is_beyond.then_some(0), "{stderr}");
    }
}
