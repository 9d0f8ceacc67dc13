//! Placement: target and workers run on the CPUs given, from their first instruction on.

use std::fs;

use inflight::machine::placement::Pin;
use inflight::runner::{self, Session};
use inflight::workload::Workload;

use crate::common::{assert_contains, inflight, reason, run, run_named, scenario, shell, valid_figures};

const KEY: &str = "Cpus_allowed_list:\t";

fn allowed(pid: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix(KEY))?.to_owned())
}

#[test]
fn target_and_workers_run_on_their_cpus() {
    let Some(all) = allowed("self") else { return };
    let separators = |char: char| !char.is_ascii_digit();
    let first = all.split(separators).next().unwrap();
    let last = all.rsplit(separators).next().unwrap();
    let pin: Pin = format!("target={last},clients={first}").parse().unwrap();
    let placement = pin.placement(0).unwrap();
    let workload = Workload::of(scenario(8, "fixed:20ms"));
    let options = runner::target_options(&workload, placement.as_ref());
    let mut session = Session::with_options(&inflight(), workload, options, placement).unwrap();
    assert_eq!(allowed(&session.target_pid().to_string()).as_deref(), Some(last));

    let reporting =
        shell(&format!(r#"read plan; echo "$(grep {} /proc/self/status) $plan" >&2; exit 1"#, KEY.trim()));
    let reported = run(&mut session, "tokio:2x2", &reporting);
    assert_contains(reason(&reported), &[&format!("{KEY}{first} {{"), r#""cores":1,"#]);

    let run = run_named(&mut session, "tokio:2x2");
    valid_figures(&run);
    assert!(run.runtime.ends_with(", 2 threads (main waits for 1)"), "{}", run.runtime);
    assert_eq!(allowed("self"), Some(all), "the harness itself is not confined");
}
