//! `inflight setup`: once, atomically, and by one process at a time.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::thread;

use tempfile::TempDir;

use crate::common::{assert_contains, assert_refused, lines_in, stderr_of};
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
    #[track_caller]
    fn fail_to_set_up(&self) -> String {
        let output = self.inflight(&["setup"]);
        assert!(output.stdout.is_empty());
        assert!(self.listed().starts_with("Shell: not set up: run `inflight setup --contender "));
        stderr_of(output, 2)
    }

    #[track_caller]
    fn set_up(&self) -> String {
        let output = self.inflight(&["setup"]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "bundle: ready: made 1.0\n", "{output:?}");
        assert_eq!(self.listed(), "Shell: ready: made 1.0");
        stderr_of(output, 0)
    }
}

#[test]
fn missing_setup_is_refused_with_the_command_for_it() {
    let bundle = Bundle::new("echo made 1.0 >\"$0\"/made; false");
    let command = format!("run `inflight setup --contender {}`", bundle.file().display());
    assert_refused(bundle.inflight(&["run", "made-in-shell:1"]), &["bundle is not set up: ", &command]);
}

#[test]
fn bundle_is_set_up_again_when_its_files_change() {
    let bundle = Bundle::new("echo x >>OUTSIDE; echo made 1.0 >{cache}/made");
    assert_eq!(bundle.set_up(), "bundle 1/1: a file\n");
    assert_eq!(bundle.set_up(), "");
    assert_eq!(lines_in(&bundle.path("outside")), 1);
    fs::write(bundle.path("bundle").join("worker.sh"), "exit 1").unwrap();
    assert!(bundle.listed().starts_with("Shell: not set up"));
    bundle.set_up();
    assert_eq!(lines_in(&bundle.path("outside")), 2);
}

#[test]
fn failed_step_is_reported_with_its_output_tail() {
    let bundle = Bundle::new("seq 100; echo no luck >&2; echo made 1.0 >{cache}/made; exit 7");
    let stderr = bundle.fail_to_set_up();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!((lines[0], lines[1]), ("bundle 1/1: a file", "  | 90"), "{stderr}");
    assert_eq!(lines[lines.len() - 2], "  | no luck");
    assert_contains(lines[lines.len() - 1], &["inflight: bundle: a file: `sh -c ", "exit status: 7"]);

    let bundle = Bundle::new("");
    let text = fs::read_to_string(bundle.file()).unwrap().replace("[\"sh\", \"-c\"", "[\"no-such-program\"");
    fs::write(bundle.file(), text).unwrap();
    let message = "inflight: bundle: a file: cannot start `no-such-program ";
    assert_contains(&bundle.fail_to_set_up(), &[message]);
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
    assert_eq!(lines_in(&bundle.path("outside")), 1);
}

/// The version is checked during setup, and before every use.
#[test]
fn wrong_version_is_refused() {
    let bundle = Bundle::new("echo made 2.0 >{cache}/made");
    let message = "printed \"made 2.0\", which does not match `^made 1\\.`";
    assert_contains(&bundle.fail_to_set_up(), &[message]);
    let bundle = Bundle::new("ln -s OUTSIDE {cache}/made");
    let set_version = |version: &str| fs::write(bundle.path("outside"), version).unwrap();
    set_version("made 1.0\n");
    bundle.set_up();
    set_version("made 3.0\n");
    let stderr = stderr_of(bundle.inflight(&["run", "made-in-shell:1"]), 2);
    assert_contains(&stderr, &["made 3.0", "inflight setup"]);
    set_version("made 1.0\n");
    bundle.set_up();
}

#[test]
fn setup_of_an_unknown_bundle_is_refused() {
    let cache = TempDir::new().unwrap();
    for words in [&["setup"][..], &["setup", "no-such-bundle"]] {
        assert_refused(inflight(cache.path(), words), &["all"]);
    }
}

#[test]
fn invalid_contender_file_gets_a_one_line_error() {
    let bundle = Bundle::new("true");
    let good = fs::read_to_string(bundle.file()).unwrap();
    for (from, to, message) in [
        ("shapes = [\"1\"]", "shapes = [\"1x\"]", "shapes: `1x` is not a concurrency"),
        ("details =", "detail =", "unknown field `detail`"),
        ("language =", "# ", "missing field `language`"),
    ] {
        fs::write(bundle.file(), good.replace(from, to)).unwrap();
        for words in [&["run"][..], &["list"], &["setup"], &["plan", "made-in-shell:1"]] {
            assert_refused(bundle.inflight(words), &["contender.toml: ", message]);
        }
    }
    let output = inflight(bundle.folder.path(), &["list", "--contender", "/no/such/contender.toml"]);
    assert_refused(output, &["cannot read /no/such/"]);
}
