//! `inflight history`: tables and charts of saved gates, and refusals.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use inflight_report::gate::{
    Build, Cell, Cost, GATE_FORMAT, Gate, GateFigure, Pair, SCREEN_PAIRS, Side, Stage, save,
};
use inflight_report::record::{Machine, MachineSettings, Noise};
use tempfile::TempDir;

use crate::common::{self, error_line, file, stdout_of};

/// A gate of one cell on `day`, whose head takes `slower` times as long as its base.
pub(crate) fn gate(day: u32, base: &str, slower: f64) -> Gate {
    let cost = |times: f64| Cost {
        wall_ns: 150e6 * times,
        cpu_ns: 90e6,
        peak_memory_bytes: 15e6,
        connections: 128.0,
        target_limited: 0.0,
    };
    let measured = |cell, number: u32| {
        let times = if cell == 0 { slower } else { 1.0 };
        let first = if number.is_multiple_of(2) { Side::Base } else { Side::Head };
        Pair { cell, stage: Stage::Screen, first, base: cost(1.0), head: cost(times), repeated: 0 }
    };
    let cell = |twin| Cell {
        contender: "tokio:128".to_owned(),
        preset: "sprint".to_owned(),
        urls: 1_000,
        runs: 3,
        figures: vec![GateFigure::Throughput, GateFigure::Cpu],
        control: twin,
    };
    Gate {
        gate_format: GATE_FORMAT,
        inflight_version: "0.1.0".to_owned(),
        command: "inflight gate".to_owned(),
        started_at: format!("2026-03-{day:02}T02:30:00Z"),
        took_ns: 600_000_000_000,
        machine: Machine {
            cpu_model: "AMD EPYC".to_owned(),
            cores: 2,
            memory_bytes: 8_000_000_000,
            os: "Linux".to_owned(),
            kernel: "6.18.5".to_owned(),
            settings: MachineSettings {
                virtualisation: Some("none".to_owned()),
                ..MachineSettings::default()
            },
        },
        noise: Noise { cpus: 2, ..Noise::default() },
        base: Build { name: base.to_owned(), digest: format!("{base}-digest") },
        head: Build { name: format!("head-{day}"), digest: format!("{day:064}") },
        seed: 1,
        cells: vec![cell(false), cell(true)],
        pairs: (0..2).flat_map(|cell| (0..SCREEN_PAIRS).map(move |number| measured(cell, number))).collect(),
        counts: Vec::new(),
        not_offered: Vec::new(),
        unmatched: Vec::new(),
    }
}

/// Three gates: two against `v1`, one against `v0`.
fn gates() -> TempDir {
    let folder = TempDir::new().unwrap();
    for gate in [gate(1, "v0", 1.0), gate(2, "v1", 1.0), gate(3, "v1", 0.8)] {
        save(folder.path(), &gate).unwrap();
    }
    folder
}

fn history(folder: &Path, args: &[&str]) -> Output {
    Command::new(common::inflight()).arg("history").arg(folder).args(args).output().unwrap()
}

#[track_caller]
fn printed(folder: &Path, args: &[&str]) -> String {
    stdout_of(history(folder, args))
}

#[track_caller]
fn refused(folder: &Path, args: &[&str]) -> String {
    error_line(history(folder, args), 2)
}

#[test]
fn history_uses_the_most_common_base() {
    let folder = gates();
    let text = printed(folder.path(), &[]);
    for words in [
        "AMD EPYC, 2 cores, no virtual machine, kernel 6.18\n",
        "2 gates from 2026-03-02 to 2026-03-03, each head against v1 (v1-digest)",
        "v0 (v0-digest), 1 gate",
        "tokio:128, sprint",
        "+25.0 %",
        "too few gates",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for reference in ["v0", "v0-dig"] {
        let text = printed(folder.path(), &["--reference", reference]);
        assert!(text.contains("1 gate, on 2026-03-01, each head against v0 (v0-digest)"), "{text}");
    }
}

#[test]
fn history_is_written_as_svg_html_and_markdown() {
    let (gates, out) = (gates(), TempDir::new().unwrap());
    for (name, begins) in [("h.svg", "<svg xmlns="), ("h.html", "<!DOCTYPE html>"), ("h.md", "### AMD EPYC")]
    {
        let (path, name) = file(&out, name);
        assert_eq!(printed(gates.path(), &["--out", &name]), printed(gates.path(), &[]));
        assert!(fs::read_to_string(path).unwrap().starts_with(begins), "{name}");
    }
    let (_, name) = file(&out, "h.png");
    assert!(refused(gates.path(), &["--out", &name]).contains(".svg, .html or .md"));
    assert!(refused(gates.path(), &["--out", "/no/such/folder/h.svg"]).contains("/no/such/folder/h.svg"));
}

#[test]
fn unreadable_gates_are_named_and_skipped() {
    let folder = gates();
    fs::write(folder.path().join("other.json"), "{}\n").unwrap();
    fs::write(folder.path().join("later.json"), "{\"gate_format\":99}\n").unwrap();
    let output = history(folder.path(), &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.lines().count() == 2, "{stderr}");
    assert!(stderr.contains("other.json: not a gate of Inflight"), "{stderr}");
    assert!(stderr.contains("later.json has format 99"), "{stderr}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("2 gates from"));
}

#[test]
fn missing_gates_and_references_get_a_one_line_error() {
    let empty = TempDir::new().unwrap();
    for folder in [empty.path(), Path::new("/no/such/history")] {
        let line = refused(folder, &[]);
        assert!(line.contains("no gates in ") && line.contains("`inflight gate --history "), "{line}");
    }
    let (path, _) = file(&empty, "file");
    fs::write(&path, "").unwrap();
    assert!(refused(&path, &[]).contains("cannot read "));

    let foreign = TempDir::new().unwrap();
    fs::write(foreign.path().join("a.json"), "{}\n").unwrap();
    let line = refused(foreign.path(), &[]);
    assert!(line.contains("no gates in ") && line.contains("a.json: not a gate of Inflight"), "{line}");
    fs::write(foreign.path().join("b.json"), "{}\n").unwrap();
    let line = refused(foreign.path(), &[]);
    assert!(
        line.contains(": 2 files are no gates, the first: ") && line.contains("a.json: not a gate"),
        "{line}"
    );

    let folder = gates();
    let line = refused(folder.path(), &["--reference", "v2"]);
    assert!(line.contains("no gate has the base `v2`; there are: v1 (v1-digest), 2 gates; v0 "), "{line}");
    assert!(refused(folder.path(), &["--reference", "v"]).contains("`v` matches several bases"));
    assert!(refused(folder.path(), &["--reference", ""]).contains("--reference"));
}

#[test]
fn closed_stdout_is_no_error() {
    let folder = gates();
    let mut child = Command::new(common::inflight())
        .arg("history")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
