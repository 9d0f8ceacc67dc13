//! Contenders in other languages: the documented ones, and incorrect ones that must be detected.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use inflight::contender::catalogue::Catalogue;
use inflight::runner::NoObserver;
use inflight_report::record::Record;
use tempfile::TempDir;

use crate::common::{assert_invalid, command, has_program, observe, session, valid_figures};

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

/// The output of `inflight` with a cache folder of its own.
pub(crate) fn inflight(cache: &Path, args: &[&str]) -> Output {
    command().args(args).env("INFLIGHT_CACHE", cache).output().unwrap()
}

#[test]
fn documented_contenders_are_valid() {
    for (folder, program, contenders) in [
        ("my-python", "python3", ["my-threads:7", "my-threads:2x3"]),
        ("my-curl", "curl", ["curl:1", "curl:2x1"]),
    ] {
        if !has_program(program) {
            continue;
        }
        let (written, file) = documented(folder);
        let out = written.path().join("out");
        let fixed = ["run", "--urls", "20", "--latency", "fixed:2ms", "--body", "1KiB", "--rounds", "1"];
        let paths = ["--contender", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let output = inflight(written.path(), &[&fixed[..], &paths, &contenders].concat());
        assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
        let record = Record::read(&out.join("record.jsonl")).unwrap();
        assert_eq!(record.runs.len(), 2 * contenders.len(), "a warm-up and one round: {output:?}");
        for run in &record.runs {
            valid_figures(run);
            assert_eq!(run.samples.errors, []);
        }
    }
}

/// Runs the documented worker in Python, and copies of it in which a piece of code is replaced by a wrong one.
#[test]
fn mistakes_of_a_contender_are_detected() {
    if !has_program("python3") {
        return;
    }
    let (_written, file) = documented("my-python");
    let worker = file.with_file_name("worker.py");
    let program = fs::read_to_string(&worker).unwrap();
    let contender = Catalogue::load(&[file]).unwrap().contender("my-threads:4").unwrap();
    let mut session = session(20, "fixed:5ms");
    valid_figures(&observe(&mut session, &contender, &mut NoObserver));

    let (ids, end) = (r#"plan["ids"]))"#, r#""end_ns": time.perf_counter_ns() - go_ns"#);
    let impossible = ["20 URLs were received at a time that is not possible"];
    for (correct, wrong, reasons) in [
        (
            ids,
            r#"plan["ids"][:-1])); samples.append({**samples[0], "id": plan["ids"][-1]})"#,
            &["URL 19 was never served"][..],
        ),
        (
            ids,
            r#"plan["ids"] + [7]))"#,
            &["URL 7 was received more than once", "URL 7 was served more than once"],
        ),
        (
            ids,
            r#"plan["ids"] + [7]))[:-1]"#,
            &["URL 7 was served more than once", "the target saw 21 requests for 20 URLs"],
        ),
        (
            r#"ThreadPoolExecutor(plan["in_flight"]"#,
            r#"ThreadPoolExecutor(2 * plan["in_flight"]"#,
            &["the target saw 8 in flight, its concurrency allows 4"],
        ),
        (end, r#""end_ns": start_ns - go_ns + 4_000_000"#, &impossible),
        (end, r#""end_ns": 10 ** 12"#, &impossible),
        (
            "samples = list(pool.map(fetch, plan[\"ids\"]))\n    print(\"done\", flush=True)",
            "print(\"done\", flush=True)\n    samples = list(pool.map(fetch, plan[\"ids\"]))",
            &["after `done`", "below the"],
        ),
    ] {
        println!("{correct} is replaced by {wrong}");
        assert_eq!(program.matches(correct).count(), 1);
        fs::write(&worker, program.replace(correct, wrong)).unwrap();
        assert_invalid(&observe(&mut session, &contender, &mut NoObserver), reasons);
    }
}
