//! Contenders in other languages: those of the documentation, and what has to be in order before a race.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use inflight_report::record::Record;
use tempfile::TempDir;

use crate::common::{self, sound};

/// The files of `folder` that CONTRIBUTING.md shows, each in a block that begins with its path.
fn documented(folder: &str) -> (TempDir, PathBuf) {
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
fn inflight(cache: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(common::inflight());
    command.args(args).env("INFLIGHT_CACHE", cache).stdin(Stdio::null()).output().unwrap()
}

/// Races `contenders` of the documented `folder`. A program that is not there is passed over, with a word.
fn race_documented(folder: &str, program: &str, contenders: &[&str]) {
    if Command::new(program).arg("--version").output().is_err() {
        println!("skipped 1: there is no {program}");
        return;
    }
    let (written, file) = documented(folder);
    let out = written.path().join("out");
    let fixed = ["--urls", "20", "--latency", "fixed:2ms", "--body", "1KiB", "--rounds", "1"];
    let place = ["--contender", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let output = inflight(written.path(), &[&["run"], &fixed[..], &place, contenders].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}");
    let record = Record::read(&out.join("record.jsonl")).unwrap();
    assert_eq!(record.runs.len(), contenders.len(), "{stderr}");
    for run in &record.runs {
        sound(run);
        assert_eq!(run.samples.errors, []);
    }
}

#[test]
fn the_contender_in_python_that_contributing_shows_is_sound() {
    race_documented("my-python", "python3", &["my-threads:7", "my-threads:2x3"]);
}

#[test]
fn the_contender_in_shell_that_contributing_shows_is_sound() {
    race_documented("my-curl", "curl", &["curl:1", "curl:2x1"]);
}
