//! Placement: target and workers run on the CPUs given, from their first instruction on.

use std::fs;

use inflight::machine::placement::{Pin, Placement};
use inflight::runner::{self, NoObserver, Session};
use inflight::workload::Workload;
use mock_target::Scenario;

use crate::common::{inflight, reason, run, shell, valid_figures};

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
    let placement: Option<Placement> = pin.placement(0).unwrap();
    let scenario = Scenario { urls: 8, ..Scenario::preset("quick").unwrap() };
    let workload = Workload::of(scenario);
    let options = runner::target_options(&workload, placement.as_ref());
    let mut session = Session::with_options(&inflight(), workload, options, placement).unwrap();
    assert_eq!(allowed(&session.target_pid().to_string()).as_deref(), Some(last));

    let reporting =
        shell(&format!(r#"read plan; echo "$(grep {} /proc/self/status) $plan" >&2; exit 1"#, KEY.trim()));
    let reported = run(&mut session, "tokio:2x2", &reporting, &mut NoObserver);
    assert!(reason(&reported).contains(&format!("{KEY}{first} {{")), "{}", reason(&reported));
    assert!(reason(&reported).contains(r#""cores":1,"#), "{}", reason(&reported));

    let own_worker = session.own_worker();
    let run = run(&mut session, "tokio:2x2", &own_worker, &mut NoObserver);
    valid_figures(&run);
    assert!(run.runtime.ends_with(", 2 threads (main waits for 1)"), "{}", run.runtime);
    assert_eq!(allowed("self"), Some(all), "the harness itself is not confined");
}
