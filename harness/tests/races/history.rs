//! `inflight history`: tables and charts of saved gates, and refusals.

use std::fs;
use std::path::Path;
use std::process::Output;

use inflight_report::gate::{
    Build, Cell, Cost, GATE_FORMAT, Gate, GateFigure, LOOKS, Pair, Side, Stage, save,
};
use inflight_report::record::{Machine, MachineSettings, Noise};
use tempfile::TempDir;

use crate::common::{
    assert_contains, assert_refused, command, file, output, output_with_closed_stdout, stderr_of, stdout_of,
};

/// A gate of one cell on `day`, whose head takes `slower` times as long as its base.
pub(crate) fn gate(day: u32, base: &str, slower: f64) -> Gate {
    let cost = |times: f64| Cost {
        wall_ns: 150e6 * times,
        cpu_ns: 90e6,
        peak_memory_bytes: 15e6,
        connections: 128.0,
        target_limited: 0.0,
        target: None,
    };
    let measured = |cell, number: u32| {
        let times = if cell == 0 { slower } else { 1.0 };
        let first = if number.is_multiple_of(2) { Side::Base } else { Side::Head };
        Pair { cell, stage: Stage::Measure, first, base: cost(1.0), head: cost(times), repeated: 0 }
    };
    let cell = |control| Cell {
        contender: "tokio:128".to_owned(),
        preset: "sprint".to_owned(),
        urls: 1_000,
        runs: 3,
        figures: vec![GateFigure::Throughput, GateFigure::Cpu],
        required: Vec::new(),
        control,
        target: false,
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
            settings: MachineSettings { virtualisation: Some("none".to_owned()), ..Default::default() },
        },
        noise: Noise { cpus: 2, ..Noise::default() },
        base: Build { name: base.to_owned(), digest: format!("{base}-digest") },
        head: Build { name: format!("head-{day}"), digest: format!("{day:064}") },
        seed: 1,
        cells: vec![cell(false), cell(true)],
        pairs: (0..2).flat_map(|cell| (0..LOOKS[1]).map(move |number| measured(cell, number))).collect(),
        counts: Vec::new(),
        budget_ns: Some(240_000_000_000),
        keep_going: false,
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
    output(&[&["history", folder.to_str().unwrap()], args].concat())
}

#[track_caller]
fn printed(folder: &TempDir, args: &[&str]) -> String {
    stdout_of(history(folder.path(), args))
}

#[test]
fn history_uses_the_most_common_base() {
    let folder = gates();
    let words = [
        "AMD EPYC, 2 cores, no virtual machine, kernel 6.18\n",
        "2 gates from 2026-03-02 to 2026-03-03, each head against v1 (v1-digest)",
        "v0 (v0-digest), 1 gate",
        "tokio:128, sprint",
        "+25.0 %",
        "too few gates",
    ];
    assert_contains(&printed(&folder, &[]), &words);
    for reference in ["v0", "v0-dig"] {
        let text = printed(&folder, &["--reference", reference]);
        assert_contains(&text, &["1 gate, on 2026-03-01, each head against v0 (v0-digest)"]);
    }
}

#[test]
fn history_is_written_as_svg_html_and_markdown() {
    let (gates, out) = (gates(), TempDir::new().unwrap());
    for (name, begins) in [("h.svg", "<svg xmlns="), ("h.html", "<!DOCTYPE html>"), ("h.md", "### AMD EPYC")]
    {
        let (path, name) = file(&out, name);
        assert_eq!(printed(&gates, &["--out", &name]), printed(&gates, &[]));
        assert!(fs::read_to_string(path).unwrap().starts_with(begins), "{name}");
    }
    let (_, png) = file(&out, "h.png");
    assert_refused(history(gates.path(), &["--out", &png]), &[".svg, .html or .md"]);
    let nowhere = "/no/such/folder/h.svg";
    assert_refused(history(gates.path(), &["--out", nowhere]), &[nowhere]);
}

#[test]
fn unreadable_gates_are_named_and_skipped() {
    let folder = gates();
    fs::write(folder.path().join("other.json"), "{}\n").unwrap();
    fs::write(folder.path().join("later.json"), "{\"gate_format\":99}\n").unwrap();
    let output = history(folder.path(), &[]);
    assert_contains(&String::from_utf8_lossy(&output.stdout), &["2 gates from"]);
    let stderr = stderr_of(output, 0);
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    assert_contains(&stderr, &["other.json: not a gate of Inflight", "later.json has format 99"]);
}

#[test]
fn missing_gates_and_references_get_a_one_line_error() {
    let empty = TempDir::new().unwrap();
    for folder in [empty.path(), Path::new("/no/such/history")] {
        assert_refused(history(folder, &[]), &["no gates in ", "`inflight gate --history "]);
    }
    let (path, _) = file(&empty, "file");
    fs::write(&path, "").unwrap();
    assert_refused(history(&path, &[]), &["cannot read "]);

    let foreign = TempDir::new().unwrap();
    for (name, words) in [("a.json", "no gates in "), ("b.json", ": 2 files are no gates, the first: ")] {
        fs::write(foreign.path().join(name), "{}\n").unwrap();
        assert_refused(history(foreign.path(), &[]), &[words, "a.json: not a gate of Inflight"]);
    }

    let folder = gates();
    for (reference, words) in [
        ("v2", "no gate has the base `v2`; there are: v1 (v1-digest), 2 gates; v0 "),
        ("v", "`v` matches several bases"),
        ("", "--reference"),
    ] {
        assert_refused(history(folder.path(), &["--reference", reference]), &[words]);
    }
}

#[test]
fn closed_stdout_is_no_error() {
    let output = output_with_closed_stdout(command().arg("history").arg(gates().path()));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
