//! `inflight setup`: once, atomically, and by one process at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;

use tempfile::TempDir;

use crate::externals::inflight;

/// A bundle in shell whose setup is one step that runs `script`, in a folder of its own.
struct Bundle {
    folder: TempDir,
}

impl Bundle {
    fn new(script: &str) -> Bundle {
        let bundle = Bundle { folder: TempDir::new().unwrap() };
        fs::create_dir(bundle.path("bundle")).unwrap();
        // Files outside the cache folder remain when a step is started again.
        let script = script.replace("OUTSIDE", &bundle.path("outside").display().to_string());
        let toml = format!(
            "language = \"Shell\"\n\
             probe = {{ command = [\"cat\", \"{{cache}}/made\"], pattern = '^made 1\\.' }}\n\
             [[setup]]\nabout = \"a file\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n\
             [[contender]]\nname = \"made-in-shell\"\nabout = \"a test\"\ndetails = \"None.\"\n\
             command = [\"sh\", \"{{here}}/worker.sh\"]\nshapes = [\"1\"]\n"
        );
        fs::write(bundle.file(), toml).unwrap();
        bundle
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("bundle").join("contender.toml")
    }

    fn inflight(&self, words: &[&str]) -> Output {
        let file = self.file().display().to_string();
        inflight(&self.path("cache"), &[words, &["--contender", &file]].concat())
    }

    fn listed(&self) -> String {
        let listed = String::from_utf8(self.inflight(&["list"]).stdout).unwrap();
        listed.lines().find(|line| line.starts_with("Shell: ")).unwrap().to_owned()
    }

    /// Runs a setup that must fail. Returns its stderr.
    fn fail_to_set_up(&self) -> String {
        let output = self.inflight(&["setup"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(self.listed().starts_with("Shell: not set up: run `inflight setup --contender "));
        String::from_utf8(output.stderr).unwrap()
    }

    #[track_caller]
    fn set_up(&self) -> String {
        let output = self.inflight(&["setup"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "bundle: ready: made 1.0\n");
        assert_eq!(self.listed(), "Shell: ready: made 1.0");
        stderr
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn missing_setup_is_refused_with_the_command_for_it() {
    let bundle = Bundle::new("echo made 1.0 >\"$0\"/made; false");
    let refused = bundle.inflight(&["run", "made-in-shell:1"]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let command = format!("run `inflight setup --contender {}`", bundle.file().display());
    assert!(stderr.starts_with("inflight: bundle is not set up: ") && stderr.contains(&command), "{stderr}");
}

#[test]
fn bundle_is_set_up_again_when_its_files_change() {
    let bundle = Bundle::new("echo x >>OUTSIDE; echo made 1.0 >{cache}/made");
    assert_eq!(bundle.set_up(), "bundle 1/1: a file\n");
    assert_eq!(bundle.set_up(), "");
    assert_eq!(lines(&bundle.path("outside")), 1);
    fs::write(bundle.path("bundle").join("worker.sh"), "exit 1").unwrap();
    assert!(bundle.listed().starts_with("Shell: not set up"));
    bundle.set_up();
    assert_eq!(lines(&bundle.path("outside")), 2);
}

#[test]
fn failed_step_is_reported_with_its_output_tail() {
    let bundle = Bundle::new("seq 100; echo no luck >&2; echo made 1.0 >{cache}/made; exit 7");
    let stderr = bundle.fail_to_set_up();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!((lines[0], lines[1]), ("bundle 1/1: a file", "  | 90"), "{stderr}");
    assert_eq!(lines[lines.len() - 2], "  | no luck");
    let last = lines[lines.len() - 1];
    assert!(
        last.starts_with("inflight: bundle: a file: `sh -c ") && last.contains("exit status: 7"),
        "{last}"
    );
}

#[test]
fn step_that_cannot_start_is_reported() {
    let bundle = Bundle::new("");
    let text = fs::read_to_string(bundle.file()).unwrap().replace("[\"sh\", \"-c\"", "[\"no-such-program\"");
    fs::write(bundle.file(), text).unwrap();
    assert!(bundle.fail_to_set_up().contains("inflight: bundle: a file: cannot start `no-such-program "));
}

#[test]
fn killed_setup_is_not_ready() {
    let bundle = Bundle::new(
        "test -e {cache}/half && exit 9; touch {cache}/half; echo made 1.0 >{cache}/made; \
         test -e OUTSIDE || { touch OUTSIDE; kill -KILL $PPID; }",
    );
    assert_eq!(bundle.inflight(&["setup"]).status.code(), None);
    assert!(bundle.listed().starts_with("Shell: not set up"));
    bundle.set_up();
}

#[test]
fn concurrent_setups_run_once() {
    let bundle = Bundle::new("echo x >>OUTSIDE; sleep 0.5; echo made 1.0 >{cache}/made");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| bundle.set_up());
        }
    });
    assert_eq!(lines(&bundle.path("outside")), 1);
}

#[test]
fn wrong_version_is_refused() {
    let bundle = Bundle::new("echo made 2.0 >{cache}/made");
    let stderr = bundle.fail_to_set_up();
    assert!(stderr.contains("printed \"made 2.0\", which does not match `^made 1\\.`"), "{stderr}");
    // The version is also checked after setup.
    let bundle = Bundle::new("ln -s OUTSIDE {cache}/made");
    fs::write(bundle.path("outside"), "made 1.0\n").unwrap();
    bundle.set_up();
    fs::write(bundle.path("outside"), "made 3.0\n").unwrap();
    let refused = bundle.inflight(&["run", "made-in-shell:1"]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr.contains("made 3.0") && stderr.contains("inflight setup"), "{stderr}");
    fs::write(bundle.path("outside"), "made 1.0\n").unwrap();
    bundle.set_up();
}

#[test]
fn setup_of_an_unknown_bundle_is_refused() {
    let cache = TempDir::new().unwrap();
    for words in [&["setup"][..], &["setup", "no-such-bundle"]] {
        let output = inflight(cache.path(), words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr.lines().count() == 1 && stderr.contains("all"), "{stderr}");
    }
}

#[test]
fn invalid_contender_file_gets_a_one_line_error() {
    let bundle = Bundle::new("true");
    let good = fs::read_to_string(bundle.file()).unwrap();
    for (from, to, message) in [
        ("shapes = [\"1\"]", "shapes = [\"1x\"]", "shapes: `1x` is not a shape"),
        ("details =", "detail =", "unknown field `detail`"),
        ("language =", "# ", "missing field `language`"),
    ] {
        fs::write(bundle.file(), good.replace(from, to)).unwrap();
        for words in [&["run"][..], &["list"], &["setup"], &["plan", "made-in-shell:1"]] {
            let output = bundle.inflight(words);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.contains("contender.toml: ") && stderr.contains(message), "{stderr}");
        }
    }
    let output = inflight(bundle.folder.path(), &["list", "--contender", "/no/such/contender.toml"]);
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("inflight: cannot read /no/such/"));
}
