//! Open loop: contenders keep the schedule, and a stall of the target shows in the latency.

use std::thread;
use std::time::Duration;

use inflight::Launch;
use inflight::runner::{Observer, Session};
use inflight::workload::Workload;
use inflight_report::record::{Quantiles, Run};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{
    assert_invalid, inflight, observe, run, run_model, run_named, scenario, session, session_of, shell,
    valid_figures,
};
use crate::workers::contenders;

fn session_at_rate(urls: u64, latency: &str, rate: &str) -> Session {
    session_of(Workload::of(scenario(urls, latency)).at_rate(rate.parse().unwrap()))
}

/// A run is valid only if every request of every process started at its due time or later.
#[test]
fn every_contender_keeps_the_schedule() {
    const URLS: u64 = 40;
    let mut session = session_at_rate(URLS, "uniform:1ms,5ms", "400/s,poisson");
    let last_due_ns = *session.workload().due_ns.as_ref().unwrap().last().unwrap();
    for (model, client) in contenders().filter(|(model, _)| model.no_rate.is_none()) {
        let in_flight = model.max_in_flight.unwrap_or(5);
        let Some(run) = run_model(&mut session, (model, client), &format!("2x{in_flight}")) else { continue };
        let contender = &run.contender;
        assert!(valid_figures(&run).wall_ns > last_due_ns, "{contender}");
        assert_eq!(run.samples.due_ns.len() as u64, URLS, "{contender}");
        let reached_less = run.warnings.iter().find(|warning| warning.contains("did not reach"));
        assert_eq!(reached_less, None, "{contender}: how many are in flight is decided by the rate, too");
    }
}

/// One slot, and requests due twice as fast as it can serve them: each waits longer than the previous one,
/// and the latency includes that.
#[test]
fn latency_counts_from_the_due_time() {
    let run = run_named(&mut session_at_rate(40, "fixed:10ms", "200/s"), "sync:1");
    // The last request is due after 195 ms, and ends after 40 times 10 ms at the earliest.
    let latency = valid_figures(&run).latency_ns.unwrap();
    let histogram = run.latencies.whole.quantiles().unwrap();
    assert!(latency.max >= 205_000_000 && histogram.max >= 205_000_000, "{latency:?}, {histogram:?}");
    assert!(since_start(&run).p50 < latency.p50 / 4);
    let schedule = valid_figures(&run).schedule.unwrap();
    assert!(schedule.late_starts >= 35, "{schedule:?}");
    // One slot and 10 ms for each: 100 a second at most, of the 200 in the rate.
    assert!(schedule.achieved_per_second.is_some_and(|rate| rate <= 100.0), "{schedule:?}");
}

#[test]
fn violated_schedule_is_detected() {
    let mut session = session_at_rate(40, "fixed:1ms", "400/s");
    let worker_with = |filter: &str| -> Launch {
        let worker = inflight().display().to_string();
        shell(&format!("sed -u 's/\"due_ns\":\\[[^]]*\\],//' | {worker} worker | sed -u '{filter}'"))
    };
    let unscheduled = run(&mut session, "threads:4", &worker_with(""));
    assert_invalid(&unscheduled, &["it does not support --rate: no sample says when its request was due"]);
    let forging = worker_with(r#"s/"id":\([0-9]*\),/"id":\1,"due_ns":0,/"#);
    let forged = run(&mut session, "threads:4", &forging);
    let reasons = ["asked for before it was due", "the delays and the schedule alone take"];
    assert_invalid(&forged, &reasons);
}

/// Latency from the start of requests, as a client without a schedule measures it.
fn since_start(run: &Run) -> Quantiles {
    let times = run.samples.end_ns.iter().zip(&run.samples.start_ns);
    Quantiles::of(times.map(|(end, start)| (end - start).cast_signed())).unwrap()
}

const STALL: Duration = Duration::from_millis(500);

/// Stops the target once, in the middle of the run.
struct Stall {
    target: Pid,
    after_requests: u64,
    over: bool,
}

impl Observer for Stall {
    fn progressed(&mut self, requests: u64, _: u64) {
        if !self.over && requests >= self.after_requests {
            kill_process(self.target, Signal::STOP).unwrap();
            thread::sleep(STALL);
            kill_process(self.target, Signal::CONT).unwrap();
            self.over = true;
        }
    }
}

/// A run whose target stalled, and the p99 of its latency.
fn stalled(contender: &str, mut session: Session) -> (Run, Duration) {
    let target = Pid::from_raw(session.target_pid().cast_signed()).unwrap();
    let mut stall = Stall { target, after_requests: 300, over: false };
    let run = observe(&mut session, &contender.parse().unwrap(), &mut stall);
    assert!(stall.over, "{contender} was over before the stall");
    let p99_ns = valid_figures(&run).latency_ns.unwrap().p99;
    (run, Duration::from_nanos(p99_ns.unsigned_abs()))
}

/// A closed loop sends few requests to a target that stalls, so a stall affects only as many as are in flight. Users
/// do not wait for each other.
#[test]
fn open_loop_shows_a_stall_that_closed_loop_hides() {
    for contender in ["threads:4", "tokio:4"] {
        let (_, closed) = stalled(contender, session(1_000, "fixed:5ms"));
        let (run, open) = stalled(contender, session_at_rate(1_000, "fixed:5ms", "400/s"));
        let omitted = Duration::from_nanos(since_start(&run).p99.unsigned_abs());
        let [closed_ms, open_ms, omitted_ms] = [closed, open, omitted].map(|p99| p99.as_secs_f64() * 1e3);
        println!(
            "{contender}, p99 of 1,000 requests: closed loop {closed_ms:.1} ms; at 400/s since due {open_ms:.1} ms, \
             since start {omitted_ms:.1} ms",
        );
        assert!(open >= STALL * 4 / 5, "{contender}: {open:?}");
        assert!(closed <= open / 2, "{contender}: {closed:?}, {open:?}");
        assert!(omitted <= open / 2, "{contender}: {omitted:?}, {open:?}");
    }
}
