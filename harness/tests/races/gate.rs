//! `inflight gate` with whole processes: passes, regressions, refusals, and the files that it leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use inflight::meter::Callgrind;
use inflight_report::gate::{self, COUNTS, Gate, GateFigure, LOOKS, Stage};
use tempfile::TempDir;

use crate::common::{self, has_program, skip_without};
use crate::externals::documented;

/// A cell whose connections do not depend on the load of the machine: with a delay all four are in flight at once.
const CONNECTIONS: &str = "[[cell]]\ncontender = 'tokio-current+common:4'\npreset = 'quick'\nurls = 12\n";

/// A cell whose instructions do not depend on it.
const INSTRUCTIONS: &str = "[[cell]]\ncontender = 'tokio-current+common:4'\npreset = 'sprint'\nurls = 40\n";

fn config(folder: &TempDir, figures: &str) -> PathBuf {
    config_of(folder, CONNECTIONS, figures)
}

fn config_of(folder: &TempDir, cell: &str, figures: &str) -> PathBuf {
    let path = folder.path().join("inflight.toml");
    let build = "[build]\ncommand = ['sh', 'build.sh']\nresult = 'built/inflight'\n";
    fs::write(&path, format!("{build}{cell}figures = {figures}\n")).unwrap();
    path
}

fn gate(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(common::inflight());
    command.arg("gate").args(args).current_dir(folder.path()).stdin(Stdio::null());
    command.env("INFLIGHT_CACHE", folder.path().join("cache")).env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// A gate of this build against the one that `PLANTED` makes worse.
fn planted(cell: &str, figures: &str, planted: &str) -> Output {
    let folder = TempDir::new().unwrap();
    config_of(&folder, cell, figures);
    let (base, head) = (common::inflight(), common::example("planted"));
    let args = ["--base", base.to_str().unwrap(), "--head", head.to_str().unwrap()];
    gate(&folder, &args).env("PLANTED", planted).output().unwrap()
}

fn all_output(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The only gate in the folder `history`.
#[track_caller]
fn saved(folder: &TempDir) -> Gate {
    let (mut gates, refused) = gate::read_all(&folder.path().join("history")).unwrap();
    assert!(refused.is_empty() && gates.len() == 1, "{gates:?} {refused:?}");
    gates.remove(0)
}

#[track_caller]
fn assert_code(output: &Output, code: i32, words: &[&str]) {
    let text = all_output(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{text:?} does not contain {word:?}"));
}

#[track_caller]
fn assert_refused(folder: &TempDir, args: &[&str], words: &[&str]) {
    let output = gate(folder, args).output().unwrap();
    assert_code(&output, 2, words);
    assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1, "{}", all_output(&output));
}

#[test]
fn build_against_itself_passes_and_writes_all_outputs() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let summary = folder.path().join("step-summary");
    fs::write(&summary, "before\n").unwrap();
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--history", "history", "--out", "out", "--seed", "7"];
    let output = gate(&folder, &args).env("GITHUB_STEP_SUMMARY", &summary).output().unwrap();
    assert_code(&output, 0, &["Pass: ", "tokio-current+common:4, quick"]);

    let one = saved(&folder);
    assert_eq!((one.seed, one.base.digest.as_str()), (7, one.head.digest.as_str()));
    let pairs = one.pairs.iter().filter(|pair| pair.stage == Stage::Measure).count();
    assert!((LOOKS[0] as usize..=48).contains(&pairs), "{pairs} pairs");
    assert_eq!(one.cells.len(), 1, "counts have no A/A control");
    assert!(fs::read_to_string(&summary).unwrap().starts_with("before\n### Pass"));
    for file in ["summary.md", "junit.xml", "bmf.json", "github-benchmark.json"] {
        assert!(folder.path().join("out").join(file).exists(), "{file}");
    }
}

#[test]
fn closed_stdout_does_not_change_the_verdict() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let (base, head) = (common::inflight(), common::example("planted"));
    let args = ["--base", base.to_str().unwrap(), "--head", head.to_str().unwrap(), "--history", "history"];
    let planted = "tokio-current+common:4 connect 1";
    let mut child = gate(&folder, &args).env("PLANTED", planted).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let saved = fs::read_dir(folder.path().join("history")).unwrap().next().unwrap().unwrap().path();
    let again = gate(&folder, &["--saved", saved.to_str().unwrap()]).output().unwrap();
    assert_code(&again, 1, &["connections went from 4 to 5 a run"]);
}

/// A build without the contender `epoll:4`, like one older than that model.
fn without_epoll(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("older");
    let real = common::inflight();
    let script = format!(
        "#!/bin/sh\ncase \"$1 $2\" in 'plan epoll:4') echo 'no model is called epoll' >&2; exit 2 ;; esac\nexec '{}' \"$@\"\n",
        real.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn contender_missing_from_one_build_is_named() {
    let folder = TempDir::new().unwrap();
    let epoll = CONNECTIONS.replace("tokio-current+common:4", "epoll:4");
    let (older, newer) = (without_epoll(&folder), common::inflight());
    let (older, newer) = (older.to_str().unwrap(), newer.to_str().unwrap());
    let figures = "figures = ['connections']\n";
    config_of(&folder, &format!("{CONNECTIONS}{figures}{epoll}"), "['connections']");
    for (base, head, what) in [(older, newer, "new"), (newer, older, "removed")] {
        let output = gate(&folder, &["--base", base, "--head", head]).output().unwrap();
        let named = format!("{what}, so not judged: epoll:4, quick");
        assert_code(&output, 0, &["Pass", "tokio-current+common:4, quick", &named]);
    }

    config_of(&folder, &epoll, "['connections']");
    let output = gate(&folder, &["--base", older, "--head", newer]).output().unwrap();
    assert_code(&output, 0, &["Pass", "new, so not judged: epoll:4, quick"]);
    let neither = gate(&folder, &["--base", older, "--head", older]).output().unwrap();
    assert_code(&neither, 2, &["epoll:4, quick: neither build has such a contender"]);
}

#[test]
fn unwritable_output_does_not_change_the_verdict() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--history", "history"];
    let output = gate(&folder, &args).env("GITHUB_STEP_SUMMARY", "/nonexistent/x").output().unwrap();
    assert_code(&output, 0, &["Pass: ", "cannot write to /nonexistent/x"]);

    let saved = fs::read_dir(folder.path().join("history")).unwrap().next().unwrap().unwrap().path();
    let saved = ["--saved", saved.to_str().unwrap(), "--out", "out"];
    fs::create_dir_all(folder.path().join("out/junit.xml")).unwrap();
    let output = gate(&folder, &saved).output().unwrap();
    assert_code(&output, 0, &["Pass: ", "cannot write out/junit.xml"]);
    assert!(folder.path().join("out/bmf.json").exists(), "the other files are written");

    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = gate(&folder, &saved[..2]).stdout(full).output().unwrap();
    assert_code(&output, 0, &["cannot write to stdout: No space left"]);
}

/// Programs that read these files fail on an empty list, and a file of an earlier gate must not remain.
#[test]
fn gate_without_a_ratio_writes_no_figures() {
    let folder = TempDir::new().unwrap();
    let mut one = crate::history::gate(1, "base", 1.0);
    for pair in &mut one.pairs {
        (pair.base.target_limited, pair.head.target_limited) = (1.0, 1.0);
    }
    for cell in &mut one.cells {
        (cell.figures, cell.required) = (vec![GateFigure::Throughput], vec![GateFigure::Throughput]);
    }
    let path = gate::save(folder.path(), &one).unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("github-benchmark.json"), "of an earlier gate").unwrap();
    let output = gate(&folder, &["--saved", path.to_str().unwrap(), "--out", "out"]).output().unwrap();
    let file = "out/github-benchmark.json is not written: no cell has a ratio to export";
    assert_code(&output, 3, &["Undecided: ", "target-limited", "the target was the limit", file]);
    assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 2, "{}", all_output(&output));
    let exists = |name: &str| out.join(name).exists();
    assert!(!exists("github-benchmark.json") && !exists("bmf.json"));
    assert!(exists("summary.md") && exists("junit.xml"));
}

#[test]
fn only_required_figures_make_a_gate_undecided() {
    for (required, code, headline) in
        [(GateFigure::Throughput, 0, "Pass: "), (GateFigure::Cpu, 3, "Undecided: CPU of ")]
    {
        let folder = TempDir::new().unwrap();
        let mut one = crate::history::gate(1, "base", 1.0);
        let noise = [1.5, 1.0 / 1.5].into_iter().cycle();
        for (pair, times) in one.pairs.iter_mut().filter(|pair| pair.cell == 0).zip(noise) {
            pair.head.cpu_ns = pair.base.cpu_ns * times;
        }
        one.cells.iter_mut().for_each(|cell| cell.required = vec![required]);
        let path = gate::save(folder.path(), &one).unwrap();
        let output = gate(&folder, &["--saved", path.to_str().unwrap()]).output().unwrap();
        assert_code(&output, code, &[headline]);
    }
}

#[test]
fn progress_is_printed_when_figures_are_tested() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let base = common::inflight();
    let output = gate(&folder, &["--base", base.to_str().unwrap(), "--budget", "2m"]).output().unwrap();
    let progress = "inflight: round 8: 1 of 1 figures decided, at most 1";
    assert_code(&output, 0, &["inflight: warm-up: 0 of 1", progress]);
}

#[test]
fn budget_too_small_for_a_decision_is_inconclusive() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--budget", "1ms", "--history", "history"];
    assert_code(&gate(&folder, &args).output().unwrap(), 3, &["Undecided: ", "at most 0 s left"]);
    assert!(saved(&folder).pairs.iter().all(|pair| pair.stage == Stage::WarmUp));
}

#[test]
fn certain_regression_ends_a_gate_unless_it_is_to_keep_going() {
    if let Some(reason) = Callgrind::not_offered() {
        return skip_without(&reason);
    }
    let counts = |keep_going: &[&str]| {
        let folder = TempDir::new().unwrap();
        config(&folder, "['connections', 'allocations']");
        let (base, head) = (common::inflight(), common::example("planted"));
        let args =
            ["--base", base.to_str().unwrap(), "--head", head.to_str().unwrap(), "--history", "history"];
        let mut gate = gate(&folder, &[&args[..], keep_going].concat());
        let output = gate.env("PLANTED", "tokio-current+common:4 connect 1").output().unwrap();
        assert_code(&output, 1, &["Regression: ", "connections went from 4 to 5 a run"]);
        saved(&folder).counts.len()
    };
    assert_eq!(counts(&[]), 1, "the warm-up counts once");
    assert!(counts(&["--keep-going"]) >= 2 * COUNTS as usize);
}

/// Each build has a target of its own, and the load of both comes from the program that runs the gate.
#[test]
fn target_cell_measures_the_target_of_each_build() {
    let folder = TempDir::new().unwrap();
    config_of(&folder, &CONNECTIONS.replace("[[cell]]", "[[target]]"), "['target-cpu', 'target-memory']");
    let head = not_a_worker(&folder);
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--head", &head, "--budget", "1s", "--history", "history"];
    let output = gate(&folder, &args).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", all_output(&output));
    let one = saved(&folder);
    assert!(one.cells.len() == 2 && one.cells.iter().all(|cell| cell.target), "{:?}", one.cells);
    assert!(one.cells[1].control && !one.pairs.is_empty());
    for cost in one.pairs.iter().flat_map(|pair| [&pair.base, &pair.head]) {
        let target = cost.target.as_ref().expect("each pair has the cost of both targets");
        assert!(target.cpu_ns_per_response > 0.0 && target.memory_per_connection_bytes >= 0.0, "{target:?}");
    }
}

/// A build whose workers fail, and whose target works.
fn not_a_worker(folder: &TempDir) -> String {
    let path = folder.path().join("not-a-worker");
    let real = common::inflight();
    let script = format!("#!/bin/sh\n[ \"$1\" != worker ] && exec '{}' \"$@\"\n", real.display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn additional_connection_is_a_regression() {
    let output = planted(CONNECTIONS, "['connections']", "tokio-current+common:4 connect 1");
    let found = "tokio-current+common:4, quick: connections went from 4 to 5 a run";
    assert_code(&output, 1, &["Regression: ", found]);
    let other_contender = planted(CONNECTIONS, "['connections']", "tokio+common:4 connect 1");
    assert_code(&other_contender, 0, &["Pass"]);
}

#[test]
fn additional_allocations_are_a_regression() {
    if let Some(reason) = Callgrind::not_offered() {
        return skip_without(&reason);
    }
    let figures = "['instructions', 'allocations']";
    let output = planted(INSTRUCTIONS, figures, "tokio-current+common:4 allocate 2");
    assert_code(&output, 1, &["Regression: ", "allocations went from"]);
}

#[test]
fn wrong_arguments_get_a_one_line_error() {
    let folder = TempDir::new().unwrap();
    assert_refused(&folder, &["--base", "x"], &["cannot read inflight.toml", "CONTRIBUTING.md"]);
    let path = config(&folder, "['connections']");
    assert_refused(&folder, &[], &["--base PATH, or --base-rev REV"]);
    assert_refused(&folder, &["--base", "nowhere"], &["there is no nowhere"]);
    assert_refused(&folder, &["--base", "inflight.toml"], &["inflight.toml", "unknown field"]);
    assert_refused(&folder, &["--base", "/bin/echo"], &["/bin/echo is no inflight"]);
    assert_refused(&folder, &["--base-rev", "HEAD"], &["git"]);
    assert_refused(&folder, &["--base", "a", "--base-rev", "b"], &["cannot be used with"]);
    let base = common::inflight();
    let base = ["--base", base.to_str().unwrap()];
    let out = path.to_str().unwrap();
    assert_refused(&folder, &[&base[..], &["--out", out]].concat(), &["cannot write to"]);
    assert_refused(&folder, &[&base[..], &["--history", "/dev/full/x"]].concat(), &["cannot write to"]);
    assert_refused(&folder, &[&base[..], &["--budget", "0"]].concat(), &["a time above zero"]);
    assert_refused(&folder, &["--saved", "inflight.toml"], &["not a gate of Inflight"]);
    fs::write(&path, CONNECTIONS.replace("tokio-current+common", "python-threads")).unwrap();
    assert_refused(&folder, &base, &["python-threads:4 comes with this program"]);
    fs::write(&path, CONNECTIONS.replace("tokio-current", "tokoi-current")).unwrap();
    assert_refused(&folder, &base, &["did you mean tokio-current+common:4?"]);
}

/// A program that is inflight by its `--version` alone.
fn impostor(folder: &TempDir, worker: &str) -> String {
    let path = folder.path().join("impostor");
    let script = format!("#!/bin/sh\ncase $1 in --version) echo 'inflight 0';; *) {worker};; esac\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn broken_build_is_no_regression() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['throughput']");
    let head = impostor(&folder, "echo 'it broke' >&2; exit 7");
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--head", &head, "--history", "history"];
    assert_refused(&folder, &args, &["does not work", "tokio-current+common:4, quick", "it broke"]);
    assert_eq!(fs::read_dir(folder.path().join("history")).unwrap().count(), 0);
}

#[test]
fn killed_gate_leaves_a_readable_history() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let stuck = impostor(&folder, "exec sleep 600");
    let base = common::inflight();
    let args = ["--base", base.to_str().unwrap(), "--history", "history"];
    assert!(gate(&folder, &args).output().unwrap().status.success());
    let mut second = gate(&folder, &[&args[..], &["--head", &stuck]].concat()).spawn().unwrap();
    thread::sleep(Duration::from_secs(1));
    second.kill().unwrap();
    second.wait().unwrap();
    let (gates, refused) = gate::read_all(&folder.path().join("history")).unwrap();
    assert_eq!((gates.len(), refused.len()), (1, 0));
}

fn git(folder: &Path, args: &[&str]) {
    let name = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    let status = Command::new("git").arg("-C").arg(folder).args(name).args(args).status().unwrap();
    assert!(status.success(), "{args:?}");
}

/// A repository whose build copies the program under test, or in its last commit `planted`.
#[test]
fn revision_is_built_in_its_own_checkout() {
    let folder = TempDir::new().unwrap();
    config(&folder, "['connections']");
    let build = |program: &Path| {
        let script = format!("mkdir -p built && cp '{}' built/inflight\n", program.display());
        fs::write(folder.path().join("build.sh"), script).unwrap();
    };
    git(folder.path(), &["init", "--quiet"]);
    fs::write(folder.path().join(".gitignore"), "cache\nbuilt\n").unwrap();
    for program in [common::inflight(), common::example("planted")] {
        build(&program);
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "--quiet", "--message", "a build"]);
    }
    let gated =
        |planted: &str| gate(&folder, &["--base-rev", "HEAD~1"]).env("PLANTED", planted).output().unwrap();
    let began = Instant::now();
    assert_code(&gated("tokio:1 connect 1"), 0, &["Pass", "base HEAD~1 ("]);
    assert_code(&gated("tokio-current+common:4 connect 1"), 1, &["connections went from 4 to 5"]);
    assert_refused(&folder, &["--base-rev", "nonsense"], &["there is no revision nonsense"]);
    println!("three gates with their builds took {:?}", began.elapsed());

    fs::write(folder.path().join("build.sh"), "exit 3\n").unwrap();
    assert_refused(&folder, &["--base-rev", "HEAD"], &["`sh build.sh` ended with exit status: 3"]);
}

#[test]
fn documented_gate_of_an_own_client_works() {
    if !has_program("python3") {
        return;
    }
    let (written, file) = documented("my-python");
    let base = file.parent().unwrap();
    let head = written.path().join("head");
    fs::create_dir(&head).unwrap();
    let keeping = "mine.connection.request(";
    let worker = fs::read_to_string(base.join("worker.py")).unwrap();
    assert!(worker.contains(keeping));
    fs::write(head.join("worker.py"), worker.replace(keeping, &format!("connect(); {keeping}"))).unwrap();
    fs::copy(&file, head.join("contender.toml")).unwrap();
    let text = fs::read_to_string(base.join("inflight.toml")).unwrap();
    let is_build = |line: &&str| !line.starts_with("[[cell]]");
    let build: String = text.lines().take_while(is_build).map(|line| line.to_owned() + "\n").collect();
    let cell = CONNECTIONS.replace("tokio-current+common", "my-threads");
    let config = format!("{build}{cell}figures = ['connections']\n");
    assert!(text.contains(&format!("{:?}", GateFigure::Connections.name())), "{text}");
    fs::write(written.path().join("inflight.toml"), config).unwrap();

    let head = head.join("contender.toml");
    let against = |head: &Path| {
        let args = ["--base", file.to_str().unwrap(), "--head", head.to_str().unwrap()];
        gate(&written, &args).output().unwrap()
    };
    assert_code(&against(&file), 0, &["Pass"]);
    assert_code(&against(&head), 1, &["connections went from"]);

    let target = CONNECTIONS.replace("[[cell]]", "[[target]]");
    fs::write(written.path().join("inflight.toml"), target).unwrap();
    let args = ["--base", file.to_str().unwrap(), "--head", head.to_str().unwrap()];
    assert_refused(&written, &args, &["has no target of its own to compare: leave out [[target]]"]);
}
