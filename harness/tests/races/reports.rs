//! `inflight report`: every format, updated documents, and refusals.

use std::fs;
use std::path::Path;
use std::process::Output;

use inflight_report::record::{Record, Run, TargetLimit, Verdict, Writer};
use tempfile::TempDir;

use crate::common::{assert_contains, assert_refused, error_line, file, output, stdout_of};

/// The path of a committed record that does not change.
fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../report/src/record/format_1.jsonl");
    path.display().to_string()
}

fn report(args: &[&str]) -> Output {
    output(&[&["report"], args].concat())
}

#[track_caller]
fn printed(args: &[&str]) -> String {
    stdout_of(report(args))
}

/// The error line of a report that must be stale.
#[track_caller]
fn stale(args: &[&str]) -> String {
    error_line(report(&[args, &["--check"]].concat()), 1)
}

#[test]
fn every_format_renders_a_record() {
    let formats = ["terminal", "markdown", "csv", "json", "bmf", "github-benchmark", "junit", "hyperfine"];
    for format in formats {
        let text = printed(&[&reference(), "--format", format]);
        assert!(text.contains("tokio:8x64") && text.ends_with('\n'), "{format}: {text}");
        assert!(!text.contains('\u{1b}'), "{format}: colours without a terminal");
    }
    let both = printed(&[&reference(), &reference()]);
    assert_eq!(both.matches("\nworkload ").count(), 2, "one below the other: {both}");
}

#[test]
fn file_is_written_atomically_and_checked_for_staleness() {
    let folder = TempDir::new().unwrap();
    let (path, name) = file(&folder, "report.csv");
    let record = reference();
    let args = [record.as_str(), "--format", "csv", "-o", &name];
    assert_eq!(printed(&args), "");
    assert_eq!(fs::read_to_string(&path).unwrap(), printed(&args[..3]));

    let check = [&args[..], &["--check"]].concat();
    printed(&check);
    fs::write(&path, "other").unwrap();
    let stale = stale(&args);
    assert_contains(&stale, &["report.csv", "is stale"]);
    let command = stale.trim_end().split("again with: inflight report ").nth(1).unwrap();
    printed(&command.split(' ').collect::<Vec<_>>());
    printed(&check);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file remains");
}

#[test]
fn blocks_of_a_document_are_updated_separately() {
    let folder = TempDir::new().unwrap();
    let (path, name) = file(&folder, "README.md");
    let blocks = "# Title\n<!-- inflight:begin short -->\n<!-- inflight:end short -->\n\n\
                  <!-- inflight:begin others -->\nold\n<!-- inflight:end others -->\nend\n";
    fs::write(&path, blocks).unwrap();
    let record = reference();
    let splice = |block: &'static str| [record.as_str(), "--splice", &name, "--name", block].to_vec();
    let short = [splice("short"), vec!["--table", "native", "--brief"]].concat();
    let others = [splice("others"), vec!["--table", "published", "--folded"]].concat();
    let check = |args: &[&str]| printed(&[args, &["--check"]].concat());

    let message = stale(&short);
    assert_contains(&message, &["README.md", "`short` is stale", "--name short --table native --brief\n"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), blocks, "--check changes nothing");

    printed(&short);
    printed(&others);
    check(&short);
    check(&others);
    let document = fs::read_to_string(&path).unwrap();
    assert!(document.starts_with("# Title\n") && document.ends_with("\nend\n"), "{document}");
    let folded = "<details><summary>What others published</summary>";
    assert_contains(&document, &["<!-- made by: inflight report ", folded]);
    assert_eq!(document.matches("| tokio:8x64 |").count(), 1, "{document}");

    fs::write(&path, document.replacen("| threads:32 |", "| threads:23 |", 1)).unwrap();
    stale(&short);
    check(&others);
}

/// A copy of the reference record with changed runs.
fn changed(folder: &TempDir, name: &str, change: impl Fn(&mut Run)) -> String {
    let mut record = Record::read(Path::new(&reference())).unwrap();
    record.runs.iter_mut().for_each(change);
    let (path, shown) = file(folder, name);
    let mut writer = Writer::create(&path, &record.header).unwrap();
    record.runs.iter().for_each(|run| writer.append(run).unwrap());
    shown
}

#[test]
fn export_without_figures_is_refused() {
    let folder = TempDir::new().unwrap();
    let nothing_valid =
        changed(&folder, "void.jsonl", |run| run.verdict = Verdict::Invalid { reasons: Vec::new() });
    let all_limited = changed(&folder, "limited.jsonl", |run| {
        run.figures.iter_mut().for_each(|figures| figures.target.limit = Some(TargetLimit::Loop));
    });
    let bigger = ["--format", "github-benchmark", "--direction", "bigger"];
    let (path, out) = file(&folder, "out.json");
    let remedy = format!("no contender has a valid run: `inflight report {nothing_valid}` shows why");
    for format in [&["--format", "bmf"][..], &["--format", "hyperfine"], &bigger[..2], &bigger] {
        let args = [&[nothing_valid.as_str(), "-o", &out], format].concat();
        assert_refused(report(&args), &["nothing to export as ", &remedy]);
        assert!(!path.exists());
    }
    let args = [&[all_limited.as_str()], &bigger[..]].concat();
    assert_refused(report(&args), &["nothing to export", "--direction smaller"]);
    assert!(printed(&[&all_limited, "--format", "github-benchmark"]).contains("tokio:128 CPU"));
    assert!(printed(&[&all_limited, "--format", "hyperfine"]).contains("\"tokio:128 (target-limited)\""));
}

#[test]
fn wrong_arguments_get_a_one_line_error() {
    let folder = TempDir::new().unwrap();
    let (path, name) = file(&folder, "README.md");
    fs::write(&path, "no block\n").unwrap();
    for (args, words) in [
        (&["--splice", &name][..], "`<!-- inflight:begin table -->` is missing"),
        (&["--check"], "--splice FILE or --out FILE"),
        (&["--brief"], "--format markdown"),
        (&["--direction", "bigger"], "--format github-benchmark"),
        (&["--open", "--format", "csv"], "--open shows the page"),
        (&["--format", "markdown", "--table", "common"], "the common client"),
        (&["-o", "/no/such/folder/file"], "/no/such/folder/file"),
        (&["-o", &format!("{name}.not"), "--check"], "README.md.not"),
    ] {
        assert_refused(report(&[&[reference().as_str()], args].concat()), &[words]);
    }
    for (bytes, message) in [
        (&b"{\"header\":{\"format\":99}}\n"[..], "has format 99"),
        (b"\xff\xfe", "not a record of Inflight"),
        (b"", "the file is empty"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_refused(report(&[&name]), &[&name, message]);
    }
}
