//! Disturbed runs: a harness that is stopped, and CPU quotas. Such runs are invalid, with a reason of the right
//! kind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use inflight_report::record::{Reason, ReasonKind, Run};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{
    RecordFolder, assert_contains, command, known_answer, lines_in, run, session, skip_without, spawn,
    valid_figures, wait_for,
};

/// Long compared with an undisturbed run.
const STOP: Duration = Duration::from_secs(2);

/// The children of a process that are its workers.
fn workers_of(pid: u32) -> Vec<u32> {
    let is_worker = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"worker")
    };
    inflight::meter::tree(&[pid]).into_iter().skip(1).filter(is_worker).collect()
}

fn has(reasons: &[Reason], kind: ReasonKind) -> bool {
    reasons.iter().any(|reason| reason.kind == kind)
}

/// A run of at least half a second, whose harness was stopped `after` its worker had started.
fn run_with_stop(after: Duration) -> (Run, String) {
    let race = RecordFolder::new();
    let args = ["--rounds", "1", "--urls", "50", "--latency", "fixed:20ms", "tokio:2"];
    let process = spawn(&mut race.command(&args));
    let record = race.out.join("record.jsonl");
    wait_for("the run to warm up", || (lines_in(&record) == 2).then_some(()));
    wait_for("the worker", || (!workers_of(process.id()).is_empty()).then_some(()));
    thread::sleep(after);
    let pid = Pid::from_child(&process);
    kill_process(pid, Signal::STOP).unwrap();
    thread::sleep(STOP);
    kill_process(pid, Signal::CONT).unwrap();
    let output = process.wait_with_output().unwrap();
    let mut runs = race.record().runs;
    (runs.pop().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Before `go`, between `go` and `done`, and with `done` in the pipe.
#[test]
fn stopped_harness_invalidates_the_attempt() {
    for after in [0, 50, 200, 400].map(Duration::from_millis) {
        let (run, table) = run_with_stop(after);
        let [attempt] = &run.disturbed_attempts[..] else { panic!("{after:?}: {run:?}") };
        assert!(has(&attempt.reasons, ReasonKind::HarnessHeldUp), "{after:?}: {attempt:?}");
        assert!(attempt.reasons.iter().all(|reason| reason.kind.is_disturbance()), "{after:?}: {attempt:?}");
        let table = table.split_whitespace().collect::<Vec<_>>().join(" ");
        let note = "tokio:2, disturbed and repeated in 1 of 1 runs: the harness was held up";
        assert_contains(&table, &[note]);
        if run.verdict.is_valid() {
            let after_last_ns = run.figures.unwrap().wall_ns - run.samples.end_ns.iter().max().unwrap();
            assert!(u128::from(after_last_ns) < STOP.as_nanos() / 2, "the wall time of the repeated run");
        }
    }
}

/// A control group with a CPU quota, in the version of the hierarchy that this system has. It is removed when
/// dropped, and so is a hierarchy that was mounted for it.
struct CpuGroup {
    folder: PathBuf,
    mounted: Option<TempDir>,
}

impl CpuGroup {
    /// `None`, reported as skipped, where it cannot be created.
    fn create(name: &str, quota_us: u64) -> Option<CpuGroup> {
        let group = CpuGroup::with_quota(name, quota_us);
        group.inspect_err(|error| skip_without(&format!("no CPU quota can be set here: {error}"))).ok()
    }

    fn with_quota(name: &str, quota_us: u64) -> io::Result<CpuGroup> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let of_kind = |kind: &str, option: &str| {
            let matches = |line: &&str| {
                let filesystem = line.split_once(" - ").map_or("", |(_, filesystem)| filesystem);
                filesystem.starts_with(kind) && filesystem.split([' ', ',']).any(|word| word == option)
            };
            mounts.lines().find(matches).and_then(|line| line.split(' ').nth(4)).map(PathBuf::from)
        };
        // Whether groups below the root of version 2 can have a quota.
        let enable_cpu = |root: &PathBuf| fs::write(root.join("cgroup.subtree_control"), "+cpu").is_ok();
        let mounted_by_others =
            of_kind("cgroup ", "cpu").or_else(|| of_kind("cgroup2 ", "rw").filter(enable_cpu));
        let (root, mounted) = match mounted_by_others {
            Some(root) => (root, None),
            None => {
                let point = TempDir::new()?;
                let mount = ["-t", "cgroup", "-o", "cpu", "none"];
                if !Command::new("mount").args(mount).arg(point.path()).status()?.success() {
                    return Err(io::Error::other("no CPU controller can be mounted"));
                }
                (point.path().to_owned(), Some(point))
            }
        };
        let folder = root.join(format!("inflight-test-{name}-{}", std::process::id()));
        let group = CpuGroup { folder, mounted };
        fs::create_dir(&group.folder)?;
        let v2 = group.folder.join("cpu.max");
        match v2.exists() {
            true => fs::write(v2, format!("{quota_us} 100000"))?,
            false => fs::write(group.folder.join("cpu.cfs_quota_us"), quota_us.to_string())?,
        }
        Ok(group)
    }

    /// Runs `command` as a member of the group at `folder`.
    fn output(folder: &Path, command: &Command) -> Output {
        let join = r#"echo $$ > "$0" && exec "$@""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", join]).arg(folder.join("cgroup.procs"));
        shell.arg(command.get_program()).args(command.get_args()).output().unwrap()
    }

    fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        for folder in [self.folder.join("inner"), self.folder.clone()] {
            let ended = Instant::now() + Duration::from_secs(5);
            while folder.exists() && fs::remove_dir(&folder).is_err() && Instant::now() < ended {
                thread::sleep(Duration::from_millis(10));
            }
        }
        if let Some(point) = &self.mounted {
            let _ = Command::new("umount").arg(point.path()).status();
        }
    }
}

/// Much more work than a fifth of a core does in a period of 100 ms.
const BUSY: [&str; 7] = ["--rounds", "1", "--urls", "600", "--latency", "fixed:0", "tokio:8"];

#[test]
fn throttling_quota_invalidates_runs_and_is_named() {
    const FIFTH: u64 = 20_000;
    let Some(group) = CpuGroup::create("fifth", FIFTH) else { return };
    // A child group, without a quota of its own.
    let inner = group.folder.join("inner");
    fs::create_dir(&inner).unwrap();
    let quota = "a CPU quota of 0.2 cores (control group ";
    for folder in [&group.folder, &inner] {
        let race = RecordFolder::new();
        let output = CpuGroup::output(folder, &race.command(&BUSY));
        assert_eq!(output.status.code(), Some(3), "every run was disturbed: {output:?}");
        let record = race.record();
        for run in &record.runs {
            assert!(has(run.verdict.reasons(), ReasonKind::Throttled), "{:?}", run.verdict);
            assert_contains(&run.verdict.text(), &[quota, group.name()]);
            assert!(run.figures.as_ref().unwrap().noise.throttled_ns > Some(0));
        }
        let tightest = &record.header.machine.settings.cpu_quotas[0];
        assert_eq!((tightest.quota_us, record.header.machine.cores), (FIFTH, 1));
        assert!(tightest.group.ends_with(group.name()), "{tightest:?}");
        let table = fs::read_to_string(race.out.join("table.md")).unwrap();
        assert_contains(&table, &[quota]);
    }
    let output = CpuGroup::output(&inner, command().args(["doctor", "--spin", "500ms"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_contains(&text, &["bad   CPU quota", quota, group.name()]);
    assert!(!text.contains("something else"), "{text}");
}

#[test]
fn unreached_quota_invalidates_nothing() {
    let Some(group) = CpuGroup::create("ample", 100 * 100_000) else { return };
    let race = RecordFolder::new();
    CpuGroup::output(&group.folder, &race.command(&BUSY));
    let record = race.record();
    assert_eq!(record.header.machine.settings.cpu_quotas[0].cores(), 100.0);
    assert!(record.header.machine.cores > 0);
    for run in &record.runs {
        assert!(!has(run.verdict.reasons(), ReasonKind::Throttled), "{:?}", run.verdict);
        assert_eq!(run.figures.as_ref().unwrap().noise.throttled_ns, Some(0));
    }
}

/// The worker of this test has one request in flight, whatever the plan allows.
#[test]
fn idle_worker_and_unreached_concurrency_get_a_warning() {
    let idle = "it was idle for more than 10 % of its wall time before its first request";
    let unreached = "it did not reach the 4 in flight that its concurrency allows";
    for (contender, latency, sleeps, warning, expected) in [
        ("sync:1", "fixed:1ms", 500, idle, true),
        ("threads:4", "fixed:1ms", 1, unreached, true),
        // Without delay no request waits.
        ("threads:4", "fixed:0", 1, unreached, false),
    ] {
        let run = run(&mut session(20, latency), contender, &known_answer("sleep", sleeps));
        valid_figures(&run);
        let has_warning = run.warnings.iter().any(|found| found == warning);
        assert_eq!(has_warning, expected, "{contender}, {latency}: {:?}", run.warnings);
    }
}
