//! Records of several rounds: warm-ups, orders, A/A controls, budgets, and resumption after an
//! interruption.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use inflight_report::record::{Order, Record, Run};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{
    RecordFolder, assert_contains, assert_refused, inflight, lines_in, output, spawn, stderr_of, wait_for,
};

const SMALL: [&str; 4] = ["--urls", "10", "--latency", "fixed:1ms"];

impl RecordFolder {
    fn run(&self, args: &[&str]) -> Record {
        assert_finished(&self.command(&[&SMALL[..], args].concat()).output().unwrap());
        self.record()
    }

    fn path(&self) -> &str {
        self.out.to_str().unwrap()
    }

    fn resume(&self) -> Record {
        assert_finished(&output(&["run", "--resume", self.path()]));
        self.record()
    }

    /// Resuming must be refused with one line that contains these words.
    #[track_caller]
    fn assert_refused(&self, words: &[&str]) {
        assert_refused(output(&["run", "--resume", self.path()]), words);
    }

    /// Truncates the record to its header, `runs` runs, and `bytes` of the next run.
    fn cut(&self, runs: usize, bytes: usize) {
        let file = self.out.join("record.jsonl");
        let whole = fs::read(&file).unwrap();
        let end: usize = whole.split_inclusive(|byte| *byte == b'\n').take(1 + runs).map(<[u8]>::len).sum();
        fs::write(&file, &whole[..end + bytes]).unwrap();
    }

    /// Replaces `from` by `to` in the header.
    fn replace(&self, from: &str, to: &str) {
        let file = self.out.join("record.jsonl");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }
}

/// The command must have ended, with all contenders valid or not.
#[track_caller]
fn assert_finished(output: &Output) {
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}

/// Round, position and contender of every run.
fn turns(record: &Record) -> Vec<(u32, u32, String)> {
    let turn = |run: &Run| (run.round, run.position, run.contender.clone());
    record.runs.iter().map(turn).collect()
}

#[test]
fn given_order_is_kept_in_every_round() {
    let folder = RecordFolder::new();
    let record = folder.run(&["--rounds", "3", "--order", "as-given", "tokio:4", "sync:1"]);
    assert_eq!(record.header.order, Order::AsGiven);
    let order: Vec<&str> = record.runs.iter().map(|run| run.contender.as_str()).collect();
    assert_eq!(order, ["tokio:4", "sync:1"].repeat(4));
    let table = fs::read_to_string(folder.out.join("table.md")).unwrap();
    assert!(table.contains("in the order given"), "{table}");
}

#[test]
fn contenders_and_a_a_control_run_in_every_round() {
    let folder = RecordFolder::new();
    let record = folder.run(&["--aa", "--rounds", "2", "sync:1", "tokio:4", "threads:2"]);
    assert_eq!(record.header.order, Order::Balanced);
    let control = record.header.contenders.last().unwrap();
    assert_eq!((control.name.as_str(), control.control_of.as_deref()), ("tokio:4#control", Some("tokio:4")));
    let of = |round| record.runs.iter().filter(move |run| run.round == round);
    for round in 0..=2 {
        let names: BTreeSet<&str> = of(round).map(|run| run.contender.as_str()).collect();
        assert!(names.len() == 4 && names.contains("tokio:4#control"), "{names:?}");
        assert!(of(round).map(|run| run.position).eq(1..=4));
        assert!(of(round).all(|run| run.warm_up == (round == 0) && run.took_ns > 0));
    }
    let table = fs::read_to_string(folder.out.join("table.md")).unwrap();
    assert!(!table.contains("| tokio:4#control |"), "{table}");

    let without = RecordFolder::new().run(&["--aa", "--no-aa", "--rounds", "1", "tokio:4"]);
    assert_eq!(without.header.contenders.len(), 1);
    let refused = output(&["run", "--aa", "--out", RecordFolder::new().path(), "sync:1"]);
    assert_contains(&stderr_of(refused, 2), &["--aa"]);
}

#[test]
fn budget_gives_every_contender_a_round() {
    let folder = RecordFolder::new();
    let record = folder.run(&["--budget", "1ms", "tokio:4", "sync:1"]);
    let counted: Vec<&Run> = record.runs.iter().filter(|run| !run.warm_up).collect();
    for contender in ["tokio:4", "sync:1"] {
        let runs = || counted.iter().filter(|run| run.contender == contender);
        let enough_attempts = runs().count() == 3 || runs().next_back().unwrap().verdict.is_valid();
        assert!(enough_attempts && runs().rev().skip(1).all(|run| !run.verdict.is_valid()));
    }
    assert_eq!(record.header.budget.unwrap().precision, 0.02);
    folder.assert_refused(&["nothing is left"]);
}

/// A budget that ends when all contenders are precise, after at least five rounds.
const UNTIL_PRECISE: [&str; 6] = ["--budget", "1h", "--precision", "100%", "tokio:4", "tokio:2"];

#[test]
fn budget_ends_when_all_contenders_are_precise() {
    let record = RecordFolder::new().run(&UNTIL_PRECISE);
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
        assert_refused(output(&[&["run"], args].concat()), &[word]);
    }
}

const ARGS: [&str; 8] = ["--rounds", "3", "--aa", "--seed", "5", "sync:1", "tokio:4", "threads:2"];

#[test]
fn resumed_record_has_the_same_turns() {
    let folder = RecordFolder::new();
    let whole = turns(&folder.run(&ARGS));
    assert_eq!(whole.len(), 4 * 4);
    for (runs, bytes) in [(0, 0), (6, 30), (11, 0), (15, 100)] {
        folder.cut(runs, bytes);
        assert_eq!(turns(&folder.record()), whole[..runs]);
        let resumed = folder.resume();
        assert_eq!(turns(&resumed), whole, "interrupted after {runs} runs");
        assert!(!resumed.truncated);
    }
    folder.assert_refused(&["nothing is left", folder.path()]);
}

#[test]
fn record_with_a_budget_can_be_resumed() {
    let folder = RecordFolder::new();
    let whole = turns(&folder.run(&UNTIL_PRECISE));
    folder.cut(7, 0);
    assert_eq!(turns(&folder.resume())[..2 * 6], whole[..2 * 6]);
}

#[test]
fn resume_refuses_a_different_setup() {
    let folder = RecordFolder::new();
    folder.run(&ARGS);
    folder.cut(5, 0);
    let record = folder.record();
    let (header, last) = (&record.header, &record.runs[4]);
    let assert_refused = |from: &str, to: &str, words: &str| {
        folder.replace(from, to);
        folder.assert_refused(&[words]);
        folder.replace(to, from);
    };
    for (key, from, to, words) in [
        ("kernel", format!("{:?}", header.machine.kernel), "\"0.1\"", "machine.kernel was \"0.1\""),
        (
            "inflight_version",
            format!("{:?}", header.inflight_version),
            "\"0.0.1\"",
            "begun by inflight 0.0.1",
        ),
        ("total_delay_ns", header.scenario.total_delay_ns.to_string(), "1", "scenario.total_delay_ns was 1"),
        ("order_seed", "5".to_owned(), "6", "order_seed was 6"),
    ] {
        assert_refused(&format!("\"{key}\":{from}"), &format!("\"{key}\":{to}"), words);
    }
    assert_refused("threads:2\"", "threads:3\"", "contenders.2.");
    assert!(last.verdict.is_valid() || !last.runtime.is_empty());
    folder.replace(&format!("\"runtime\":\"{}\"", last.runtime), "\"runtime\":\"another 1.0\"");
    folder.assert_refused(&["another 1.0", "begin a new record"]);
}

#[test]
fn running_record_cannot_be_resumed() {
    let folder = RecordFolder::new();
    let mut process = spawn(folder.command(&["--rounds", "1000", "tokio:4"]).args(SMALL));
    wait_for("a saved run", || (lines_in(&folder.out.join("record.jsonl")) > 1).then_some(()));
    folder.assert_refused(&["still under way"]);
    kill_process(Pid::from_child(&process), Signal::KILL).unwrap();
    process.wait().unwrap();
    assert!(!folder.record().runs.is_empty());
}

/// A limit on the size of files has the effect of a full disk.
#[test]
fn record_can_be_resumed_after_a_full_disk() {
    let folder = RecordFolder::new();
    let limited = format!(
        "trap '' XFSZ; ulimit -f 32; exec {} run --out {} {} {}",
        inflight().display(),
        folder.path(),
        SMALL.join(" "),
        ARGS.join(" "),
    );
    let stderr = stderr_of(Command::new("sh").args(["-c", &limited]).output().unwrap(), 2);
    assert_contains(stderr.lines().last().unwrap(), &["the runs before are saved", "--resume"]);

    let saved = folder.record();
    assert!(saved.truncated && saved.runs.len() < 4 * 4);
    let (resumed, every) = (turns(&folder.resume()), |round| (1..=4).map(move |position| (round, position)));
    assert_eq!(resumed[..saved.runs.len()], turns(&saved));
    assert!(resumed.iter().map(|turn| (turn.0, turn.1)).eq((0..=3).flat_map(every)));
}

/// With 10 ms of delay, one request in flight allows 100 a second.
#[test]
fn rate_beyond_the_concurrency_gets_a_warning() {
    let load = ["--urls", "20", "--latency", "fixed:10ms", "--rounds", "1"];
    for (rate, is_beyond) in [("500/s", true), ("50/s", false)] {
        let output = RecordFolder::new().command(&["sync:1", "--rate", rate]).args(load).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let line = stderr.lines().position(|line| line.contains("sync:1 (100/s) can reach"));
        assert_eq!(line, is_beyond.then_some(0), "{stderr}");
    }
}
