//! Contenders in other languages: the documented ones, and incorrect ones that must be detected.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use inflight::contender::catalogue::Catalogue;
use inflight::runner::NoObserver;
use inflight_report::record::{Record, Run};
use tempfile::TempDir;

use crate::common::{self, has_program, run_source, session, valid_figures};

/// The files of `folder` that CONTRIBUTING.md shows, each in a block that begins with its path.
pub(crate) fn documented(folder: &str) -> (TempDir, PathBuf) {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../CONTRIBUTING.md");
    let document = fs::read_to_string(document).unwrap();
    let written = TempDir::new().unwrap();
    fs::create_dir(written.path().join(folder)).unwrap();
    for block in document.split("\n```").filter(|block| block.contains(&format!(" {folder}/"))) {
        let (heading, text) = block.split_once('\n').unwrap();
        let Some((_, file)) = heading.split_once(' ') else { continue };
        fs::write(written.path().join(file), format!("{text}\n")).unwrap();
    }
    let file = written.path().join(folder).join("contender.toml");
    (written, file)
}

/// `inflight` with a cache folder of its own.
pub(crate) fn inflight(cache: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(common::inflight());
    command.args(args).env("INFLIGHT_CACHE", cache).stdin(Stdio::null()).output().unwrap()
}

/// Runs `contenders` of the documented `folder`. Skipped where `program` is not installed.
fn run_documented(folder: &str, program: &str, contenders: &[&str]) {
    if !has_program(program) {
        return;
    }
    let (written, file) = documented(folder);
    let out = written.path().join("out");
    let fixed = ["--urls", "20", "--latency", "fixed:2ms", "--body", "1KiB", "--rounds", "1"];
    let paths = ["--contender", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let output = inflight(written.path(), &[&["run"], &fixed[..], &paths, contenders].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}");
    let record = Record::read(&out.join("record.jsonl")).unwrap();
    assert_eq!(record.runs.len(), 2 * contenders.len(), "a warm-up and one round: {stderr}");
    for run in &record.runs {
        valid_figures(run);
        assert_eq!(run.samples.errors, []);
    }
}

#[test]
fn documented_python_contender_is_valid() {
    run_documented("my-python", "python3", &["my-threads:7", "my-threads:2x3"]);
}

#[test]
fn documented_shell_contender_is_valid() {
    run_documented("my-curl", "curl", &["curl:1", "curl:2x1"]);
}

/// A run of the documented worker in Python as `my-threads:4`, with `correct` replaced by `wrong`.
fn run_modified(correct: &str, wrong: &str) -> Option<Run> {
    if !has_program("python3") {
        return None;
    }
    let (_written, file) = documented("my-python");
    let worker = file.with_file_name("worker.py");
    let program = fs::read_to_string(&worker).unwrap();
    assert_eq!(program.matches(correct).count(), 1, "{correct}");
    fs::write(&worker, program.replace(correct, wrong)).unwrap();
    let contender = Catalogue::load(&[file]).unwrap().contender("my-threads:4").unwrap();
    Some(run_source(&mut session(20, "fixed:5ms"), &contender, &mut NoObserver))
}

/// The run must be invalid with `reasons`.
fn assert_detected(correct: &str, wrong: &str, reasons: &[&str]) {
    let Some(run) = run_modified(correct, wrong) else { return };
    let verdict = format!("{:?}", run.verdict);
    assert!(!run.verdict.is_valid());
    for reason in reasons {
        assert!(verdict.contains(reason), "{verdict} does not contain {reason:?}");
    }
}

#[test]
fn unmodified_contender_is_valid() {
    if let Some(run) = run_modified("sys.stdin.read()", "sys.stdin.read()") {
        valid_figures(&run);
    }
}

#[test]
fn unmade_request_is_detected() {
    assert_detected(
        r#"plan["ids"]))"#,
        r#"plan["ids"][:-1])); samples.append({**samples[0], "id": plan["ids"][-1]})"#,
        &["URL 19 was never served"],
    );
}

#[test]
fn duplicate_request_is_detected() {
    let doubled = r#"plan["ids"] + [7]))"#;
    let reasons = ["URL 7 was received more than once", "URL 7 was served more than once"];
    assert_detected(r#"plan["ids"]))"#, doubled, &reasons);
    let reasons = ["URL 7 was served more than once", "the target saw 21 requests for 20 URLs"];
    assert_detected(r#"plan["ids"]))"#, &format!("{doubled}[:-1]"), &reasons);
}

#[test]
fn exceeded_concurrency_is_detected() {
    assert_detected(
        r#"ThreadPoolExecutor(plan["in_flight"]"#,
        r#"ThreadPoolExecutor(2 * plan["in_flight"]"#,
        &["the target saw 8 in flight, its shape allows 4"],
    );
}

#[test]
fn forged_times_are_detected() {
    let end = r#""end_ns": time.perf_counter_ns() - go_ns"#;
    let reasons = ["20 URLs were received at a time that is not possible"];
    for faked in [r#""end_ns": start_ns - go_ns + 4_000_000"#, r#""end_ns": 10 ** 12"#] {
        assert_detected(end, faked, &reasons);
    }
}

#[test]
fn early_done_is_detected() {
    assert_detected(
        "samples = list(pool.map(fetch, plan[\"ids\"]))\n    print(\"done\", flush=True)",
        "print(\"done\", flush=True)\n    samples = list(pool.map(fetch, plan[\"ids\"]))",
        &["after `done`", "below the"],
    );
}
