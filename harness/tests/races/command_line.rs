//! The command line: wrong arguments, full disks, wrong responses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output};

use inflight::contender::Contender;
use inflight_report::record::Record;
use tempfile::TempDir;

use crate::common::{
    RecordFolder, assert_contains, assert_invalid, command, has_program, inflight, output, output_for,
    output_with_closed_stdout, spawn, stderr_of, stdout_of, valid_figures,
};

/// The command must fail with 2 and one line on stderr that contains `words`.
#[track_caller]
fn assert_refused(args: &[&str], words: &[&str]) {
    crate::common::assert_refused(output(args), words);
}

#[test]
fn wrong_arguments_get_a_one_line_error() {
    assert_refused(&["run", "tokoi:12"], &["`tokoi`", "did you mean tokio:12?"]);
    assert_refused(&["run", "tokio+hypr:12"], &["no client `hypr`", "did you mean tokio+hyper:12?"]);
    assert_refused(&["run", "tokio:0"], &["`0` is not a concurrency", "tokio:128"]);
    assert_refused(&["run", "tokio:0x8"], &["is not a concurrency"]);
    assert_refused(
        &["run", "http://127.0.0.1:8080/"],
        &["is not a contender", "--latency file:FILE", "inflight serve"],
    );
    for option in ["--url", "--target"] {
        assert_refused(&["run", "tokio:8", option, "http://h/"], &["--latency file:FILE", "inflight serve"]);
    }
    assert_refused(&["run", "--fault", "stall-midbody=2%"], &["did you mean \"stall-mid-body\"?"]);
    assert_refused(&["run", "--latency", "lognormel:1ms,0.3"], &["did you mean \"lognormal\"?"]);
    let compare = stderr_of(output(&["compare"]), 2);
    assert!(!compare.contains("become"), "the hidden command is not suggested");
    assert_refused(&["run", "sync:2"], &["at most 1", "sync:1"]);
    assert_refused(&["run", "tokio:257x1"], &["257 processes", "at most 256"]);
    assert_refused(&["plan", "tokio:4000000000x1"], &["at most 256"]);
    assert_refused(&["run", "--urls", "1000000", "--body", "100MB"], &["16 GiB", "--body"]);
    assert_refused(&["run", "--urls", "0"], &["--urls"]);
    assert_refused(&["run", "--urls", "99999999999"], &["too many"]);
    assert_refused(&["run", "--latency", "lognormal:250"], &["lognormal:250ms,0.318"]);
    assert_refused(&["run", "--latency", "soon"], &["write 20ms"]);
    assert_refused(&["run", "--body", "10 potatoes"], &["10KiB"]);
    assert_refused(&["run", "--pace", "fast"], &["1KiB/20ms"]);
    assert_refused(&["run", "--fault", "reset-mid-bod=2%"], &["reset-mid-bod"]);
    assert_refused(&["serve", "--fault", "silence=60%", "--fault", "soft-block=60%"], &["120 %", "--fault"]);
    assert_refused(&["serve", "--latency", "file:/no/such.csv"], &["/no/such.csv"]);
    assert_refused(&["run", "--rate", "fast"], &["`fast` is not a rate", "400/s,poisson"]);
    assert_refused(
        &["run", "rayon:8", "--rate", "400/s"],
        &["rayon:8 does not support --rate", "leave it out"],
    );
    assert_refused(&["run", "--pin", "0"], &["`0` is not a placement", "target=1,clients=0"]);
    assert_refused(&["run", "--pin", "target=60000,clients=0"], &["there is no CPU 60000"]);
    assert_refused(&["run", "--preset", "artcle"], &["did you mean \"article\"?"]);
    assert_refused(&["run", "--rounds", "0"], &["--rounds"]);
    assert_refused(&["run", "--round", "1"], &["--rounds"]);
    assert_refused(&["rum"], &["run"]);
    assert_refused(&["plan", "tokio:8x64", "--process", "8"], &["8 processes"]);
    assert_refused(&["report", "/no/such/record"], &["/no/such/record"]);
    assert_refused(&["serve", "--listen", "nowhere"], &["--listen"]);
}

#[test]
fn concurrency_above_the_open_file_limit_is_refused() {
    let few = format!("ulimit -n 300; exec {} run tokio:256", inflight().display());
    let stderr = stderr_of(Command::new("sh").args(["-c", &few]).output().unwrap(), 2);
    let message = "needs 320 open files in one process and the system allows 300";
    assert_contains(&stderr, &[message, "use a smaller shape"]);
}

/// The findings depend on the machine; what is checked does not.
#[test]
fn doctor_checks_the_machine() {
    let output = output(&["doctor", "--spin", "100ms"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let checks =
        ["open files", "ports", "cores", "real-time", "governor", "timer slack", "control group", "noise"];
    assert_contains(&text, &checks);
    assert_contains(&text, &["100 ms of spinning"]);
    let starts = ["ok ", "warn", "bad ", "    "];
    assert!(text.lines().all(|line| starts.iter().any(|word| line.starts_with(word))), "{text}");
    let bad = text.lines().any(|line| line.starts_with("bad "));
    assert_eq!(output.status.code(), Some(i32::from(bad)), "{text}");
    assert!(output.stderr.is_empty());
    assert_refused(&["doctor", "--spin", "soon"], &["--spin", "250ms"]);
    assert_refused(&["doctor", "--spin", "0s"], &["--spin"]);
}

#[test]
fn help_and_lists_are_printed_on_stdout() {
    for args in ["--help", "run --help", "--version", "list", "list --presets", "list --faults"] {
        assert_ne!(stdout_of(output(&args.split(' ').collect::<Vec<_>>())), "", "{args}");
    }
}

#[test]
fn details_list_the_settings_of_model_and_client() {
    let stdout = |args: &[&str]| stdout_of(output(args));
    let native = stdout(&["list", "--details", "tokio:8x64"]);
    assert!(native.starts_with("tokio: ") && native.contains("Client: reqwest "), "{native}");
    let common = stdout(&["list", "--details", "tokio+common"]);
    assert!(common.contains("Client: common "), "{common}");
    assert!(common.lines().all(|line| line.len() <= 80), "{common}");
    let unable = stdout(&["list", "--details", "rayon"]).replace('\n', " ");
    assert!(unable.contains("It does not support --rate: its pool takes ids from all over"), "{unable}");
    assert_refused(&["list", "--details", "tokio+comon:8"], &["did you mean tokio+common:8?"]);
}

#[test]
fn sweep_runs_contenders_at_several_concurrencies() {
    let (_, record) = run(&[&SMALL[..], &["--rounds", "1", "--sweep", "1,3", "epoll", "sync"]].concat());
    let names: Vec<&str> = record.header.contenders.iter().map(|contender| contender.name.as_str()).collect();
    assert_eq!(names, ["epoll+common:1", "epoll+common:3", "sync:1"]);
    assert_refused(&["run", "--sweep", "1"], &["--sweep"]);
    assert_refused(&["run", "--sweep", "1", "tokio:8"], &["without a concurrency", "as in tokio"]);
    assert_refused(&["run", "--sweep", "0", "tokio"], &["--sweep"]);
}

#[test]
fn closed_stdout_does_not_change_the_exit_code() {
    let list = output_with_closed_stdout(command().arg("list"));
    assert!(list.status.success() && list.stderr.is_empty(), "{list:?}");

    let folder = TempDir::new().unwrap();
    let args = ["run", "sync:1", "--inject-bug", "wrong-byte:7", "--rounds", "1"];
    let race = output_with_closed_stdout(command().args(args).args(SMALL).current_dir(folder.path()));
    assert_eq!(race.status.code(), Some(1));
}

#[test]
fn concurrent_runs_have_folders_of_their_own() {
    let folder = TempDir::new().unwrap();
    let args = ["run", "tokio", "--rounds", "1"];
    let races = [(); 3].map(|()| spawn(command().args(args).args(SMALL).current_dir(folder.path())));
    for race in races {
        let stderr = stderr_of(race.wait_with_output().unwrap(), 0);
        assert_contains(&stderr, &["round 1 of 1 done, about 0 s left"]);
    }
    let folders: Vec<_> = fs::read_dir(folder.path().join("results")).unwrap().collect();
    assert_eq!(folders.len(), 3);
    for folder in folders {
        let record = Record::read(&folder.unwrap().path()).unwrap();
        assert_eq!(record.header.contenders[0].name, "tokio:128", "the default concurrency");
    }
}

#[test]
fn output_folder_is_refused_before_the_run() {
    assert_refused(&["run", "sync:1", "--out", "/proc/nowhere"], &["cannot write", "/proc/nowhere"]);
    let folder = TempDir::new().unwrap();
    let (out, record) = (folder.path().to_str().unwrap(), folder.path().join("record.jsonl"));
    fs::write(&record, "precious").unwrap();
    assert_refused(&["run", "sync:1", "--out", record.to_str().unwrap()], &["cannot write"]);
    assert_refused(&["run", "sync:1", "--out", out], &["record.jsonl"]);
    assert_eq!(fs::read_to_string(&record).unwrap(), "precious");
}

/// Runs `args` with a folder of its own. Returns the output and the record.
fn run(args: &[&str]) -> (Output, Record) {
    let folder = RecordFolder::new();
    let output = folder.command(args).output().unwrap();
    assert!(folder.out.join("table.md").exists());
    (output, folder.record())
}

const SMALL: [&str; 4] = ["--urls", "40", "--latency", "uniform:1ms,5ms"];

#[test]
fn record_is_verified_saved_and_printed() {
    let contenders = ["sync:1", "threads:8", "tokio:8", "tokio:2x4"];
    let (output, record) = run(&[&SMALL[..], &["--rounds", "2"], &contenders].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.iter().all(|line| line.contains(" done, about ")), "{stderr}");
    assert!(lines.iter().any(|line| line.contains("round 2 of 2 done, about 0 s left")), "{stderr}");
    assert_eq!(record.runs.iter().filter(|run| !run.warm_up).count(), 8);
    assert!(record.runs[..4].iter().all(|run| run.warm_up && run.round == 0));
    for run in &record.runs {
        let figures = valid_figures(run);
        assert!(figures.cpu_ns > 0 && figures.peak_memory_bytes > 0 && figures.startup_ns > 0);
        assert_eq!(run.latencies.whole.count(), 40);
        // A pool that is too small reconnects for nearly every request. One that is large enough may open a few more
        // connections than it needs, when one becomes idle while another is being opened.
        let slots = run.contender.parse::<Contender>().unwrap().shape.slots();
        let connections = figures.target.connections;
        assert!(connections <= 2 * slots, "{} opened {connections} connections", run.contender);
    }
    assert_contains(&stdout, &contenders);
}

#[test]
fn bugs_injected_into_the_target_are_detected() {
    let run_with = |bug| {
        let (output, mut record) =
            run(&[&SMALL[..], &["--rounds", "1", "--inject-bug", bug, "tokio:4"]].concat());
        assert_eq!(output.status.code(), Some(1), "a contender has no valid run");
        record.runs.remove(0)
    };
    let reasons = ["URL 3 was served more than once", "URL 4 was never served"];
    assert_invalid(&run_with("twice:3"), &reasons);
    let wrong_byte = run_with("wrong-byte:7");
    assert_invalid(&wrong_byte, &["URL 7 was received with another body (CRC-32)"]);
    assert!(!wrong_byte.verdict.text().contains("served"), "the ledger does not show it");
}

/// A target started by `inflight serve`. It is killed when dropped.
struct Target {
    process: Child,
    /// The line that it prints.
    line: String,
}

impl Target {
    fn start(args: &[&str]) -> Target {
        let mut process = spawn(command().args(["serve", "--latency", "fixed:1ms"]).args(args));
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Target { process, line }
    }

    fn url(&self) -> &str {
        self.line.strip_prefix("target=").unwrap().split(' ').next().unwrap()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn worker_can_be_started_by_hand_with_a_plan() {
    let target = Target::start(&["--urls", "5"]);
    assert_contains(&target.line, &[" admin=http://127.0.0.1:"]);
    let plan = output(&["plan", "tokio:2x2", "--process", "1", "--target", target.url(), "--urls", "5"]);
    let output = output_for(command().arg("worker"), &[&plan.stdout[..], b"go\n"].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();

    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 4, "ready, done and two samples: {stdout}");
    assert!(lines[0].starts_with(r#"{"ready":true,"runtime":"tokio "#), "{stdout}");
    assert_eq!(lines[1], "done");
    assert!(lines[2..].iter().all(|sample| sample.contains(r#""status":200,"bytes":10240"#)), "{stdout}");
}

/// Python's client trusts only the certificate that was written.
#[test]
fn tls_certificate_can_be_trusted() {
    const FETCH: &str = "import ssl, sys, urllib.request as request
trust = ssl.create_default_context(cafile=sys.argv[2])
print(request.urlopen(sys.argv[1] + '/u/3', context=trust).status)";
    if !has_program("python3") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let certificate = folder.path().join("certificate.pem");
    let certificate = certificate.to_str().unwrap();
    let target = Target::start(&["--tls", "--certificate", certificate]);
    assert!(target.url().starts_with("https://127.0.0.1:"), "{}", target.line);
    let fetched = Command::new("python3").args(["-c", FETCH, target.url(), certificate]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&fetched.stdout), "200\n", "{fetched:?}");
}

#[test]
fn worker_without_plan_or_go_reports_it() {
    let worker = |input: &[u8]| stderr_of(output_for(command().arg("worker"), input), 2);
    assert_contains(&worker(b""), &["expected a plan on stdin"]);
    assert_contains(&worker(b"hello\n"), &["cannot understand the plan"]);
    for contender in ["sync:1", "threads:4", "tokio:4"] {
        let plan = output(&["plan", contender, "--urls", "3"]);
        assert_contains(&worker(&plan.stdout), &["expected `go`"]);
    }
}

#[test]
fn port_in_use_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_refused(&["serve", "--listen", &address], &[&address, "--listen"]);
}

/// `/dev/full` accepts no bytes, like a full disk.
#[test]
fn full_disk_is_reported_with_the_path_of_the_record() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let args = ["run", "sync:1", "--rounds", "1", "--urls", "2", "--latency", "fixed:1ms", "--out"];
    let stderr = stderr_of(command().args(args).arg(&out).stdout(full).output().unwrap(), 0);
    assert_eq!(Record::read(&out).unwrap().runs.len(), 2, "the record is on another disk");
    let line = stderr.lines().last().unwrap();
    assert_contains(line, &["cannot write to stdout: No space left on device"]);
    assert!(line.ends_with(&format!("the record is saved in {}", out.display())), "{stderr}");
}
