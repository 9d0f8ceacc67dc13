//! Signals: an interrupted run prints its table and leaves no processes or control groups.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output};

use inflight::meter::{self, Cgroup};
use inflight_report::record::Record;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{
    assert_contains, command, inflight, is_running, lines_in, spawn, valid_figures, wait_for,
};

/// A command `inflight run` that takes far longer than any test, with its first run finished.
fn start_long_run(mut command: Command, out: &Path) -> Child {
    let args = ["run", "tokio:4", "--urls", "40", "--latency", "fixed:1ms", "--rounds", "1000", "--out"];
    let process = spawn(command.args(args).arg(out));
    wait_for("a saved run", || (lines_in(&out.join("record.jsonl")) >= 2).then_some(()));
    wait_for("target and worker", || (meter::tree(&[process.id()]).len() >= 3).then_some(()));
    process
}

/// The number of control groups of the harness with process id `pid`.
fn groups_of(pid: u32, parent: Option<&Path>) -> usize {
    let prefix = format!("inflight-{pid}-");
    let all = parent.into_iter().flat_map(|parent| fs::read_dir(parent).unwrap());
    all.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(&prefix)).count()
}

/// Ends a run by `signal`. All processes that it has started must end, and its finished runs must be
/// readable.
fn end_by(signal: Signal) -> Output {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let groups = Cgroup::create().ok().and_then(|group| Some(group.folder().parent()?.to_owned()));
    let process = start_long_run(command(), &out);
    let (pid, all) = (process.id(), meter::tree(&[process.id()]));
    kill_process(Pid::from_child(&process), signal).unwrap();
    let output = process.wait_with_output().unwrap();
    if signal != Signal::KILL {
        assert_eq!(groups_of(pid, groups.as_deref()), 0);
    }
    wait_for("the end of all processes", || all.iter().all(|&pid| !is_running(pid)).then_some(()));
    let record = Record::read(&out).unwrap();
    assert!(!record.runs.is_empty());
    record.runs.iter().for_each(|run| assert!(valid_figures(run).wall_ns > 0));
    wait_for("the end of all groups", || {
        drop(Cgroup::create()); // creating a group removes those of dead harnesses
        (groups_of(pid, groups.as_deref()) == 0).then_some(())
    });
    let report = command().arg("report").arg(&out).output().unwrap();
    assert!(report.status.success());
    assert_contains(&String::from_utf8(report.stdout).unwrap(), &["tokio:4"]);
    output
}

#[test]
fn termination_signals_print_the_table_and_leave_no_processes() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let output = end_by(signal);
        assert_eq!(output.status.code(), Some(128 + signal.as_raw()), "{signal:?}");
        assert_contains(&String::from_utf8(output.stdout).unwrap(), &["tokio:4"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let message = "inflight: interrupted; every run that had finished is above; ";
        assert_contains(stderr.lines().last().unwrap(), &[message, "`inflight run --resume /"]);
    }
    end_by(Signal::KILL);
}

/// `nohup` starts a program with SIGHUP ignored.
#[test]
fn ignored_signal_stays_ignored() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut nohup = Command::new("nohup");
    nohup.arg(inflight());
    let process = start_long_run(nohup, &out);
    kill_process(Pid::from_child(&process), Signal::HUP).unwrap();
    let lines = || lines_in(&out.join("record.jsonl"));
    let before = lines();
    wait_for("more runs", || (lines() > before + 2).then_some(()));
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    assert_eq!(process.wait_with_output().unwrap().status.code(), Some(128 + Signal::TERM.as_raw()));
}
