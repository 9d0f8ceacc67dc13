//! Open loop: contenders keep the schedule, and a stall of the target shows in the latency.

use std::thread;
use std::time::Duration;

use inflight::Launch;
use inflight::runner::{NoObserver, Observer, Session};
use inflight::workload::Workload;
use inflight_report::record::{Quantiles, Run};
use mock_target::Scenario;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{self, inflight, run, run_with_usual_limits, shell, skip_unsupported, valid_figures};
use crate::workers::contenders;

fn session(urls: u64, latency: &str, rate: Option<&str>) -> Session {
    let quick = Scenario::preset("quick").unwrap();
    let scenario = Scenario { urls, latency: latency.parse().unwrap(), body_bytes: 100, ..quick };
    let workload = Workload::of(scenario);
    let workload = match rate {
        Some(rate) => workload.at_rate(rate.parse().unwrap()),
        None => workload,
    };
    Session::start(&inflight(), workload).unwrap()
}

/// A run is valid only if every request of every process started at its due time or later.
#[test]
fn every_contender_keeps_the_schedule() {
    const URLS: u64 = 40;
    let mut session = session(URLS, "uniform:1ms,5ms", Some("400/s,poisson"));
    let own_worker = session.own_worker();
    let last_due_ns = *session.workload().due_ns.as_ref().unwrap().last().unwrap();
    for (model, client) in contenders().filter(|(model, _)| model.no_rate.is_none()) {
        let in_flight = model.max_in_flight.unwrap_or(5);
        let contender = format!("{}+{}:2x{in_flight}", model.name, client.name);
        let run = run(&mut session, &contender, &own_worker, &mut NoObserver);
        if skip_unsupported(&contender, &format!("{:?}", run.verdict)) {
            continue;
        }
        let figures = valid_figures(&run);
        assert!(figures.wall_ns > last_due_ns, "{contender}");
        assert_eq!(run.samples.due_ns.len() as u64, URLS, "{contender}");
        let reached_less = run.warnings.iter().find(|warning| warning.contains("did not reach"));
        assert_eq!(reached_less, None, "{contender}: how many are in flight is decided by the rate, too");
    }
}

/// One slot, and requests due twice as fast as it can serve them: each waits longer than the previous one,
/// and the latency includes that.
#[test]
fn latency_counts_from_the_due_time() {
    let mut session = session(40, "fixed:10ms", Some("200/s"));
    let own_worker = session.own_worker();
    let run = run(&mut session, "sync:1", &own_worker, &mut NoObserver);
    // The last request is due after 195 ms, and ends after 40 times 10 ms at the earliest.
    assert!(valid_figures(&run).latency_ns.unwrap().max >= 205_000_000, "{:?}", run.figures);
    let histogram = run.latencies.whole.quantiles().unwrap();
    assert!(histogram.max >= 205_000_000, "{histogram:?}");
    assert!(since_start(&run).p50 < valid_figures(&run).latency_ns.unwrap().p50 / 4);
    let schedule = valid_figures(&run).schedule.unwrap();
    assert!(schedule.late_starts >= 35, "{schedule:?}");
    // One slot and 10 ms for each: 100 a second at most, of the 200 in the rate.
    assert!(schedule.achieved_per_second.is_some_and(|rate| rate <= 100.0), "{schedule:?}");
}

#[test]
fn violated_schedule_is_detected() {
    let mut session = session(40, "fixed:1ms", Some("400/s"));
    let worker_with = |filter: &str| -> Launch {
        let worker = common::inflight().display().to_string();
        shell(&format!("sed -u 's/\"due_ns\":\\[[^]]*\\],//' | {worker} worker | sed -u '{filter}'"))
    };
    let unscheduled = run(&mut session, "threads:4", &worker_with(""), &mut NoObserver);
    let verdict = format!("{:?}", unscheduled.verdict);
    assert!(
        verdict.contains("it does not support --rate: no sample says when its request was due"),
        "{verdict}"
    );
    let forging = worker_with(r#"s/"id":\([0-9]*\),/"id":\1,"due_ns":0,/"#);
    let verdict = format!("{:?}", run(&mut session, "threads:4", &forging, &mut NoObserver).verdict);
    assert!(verdict.contains("asked for before it was due"), "{verdict}");
    assert!(verdict.contains("the delays and the schedule alone take"), "{verdict}");
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

    fn interrupted(&self) -> bool {
        false
    }
}

/// A run whose target stalled, and the p99 of its latency.
fn stalled(contender: &str, rate: Option<&str>) -> (Run, Duration) {
    let mut session = session(1_000, "fixed:5ms", rate);
    let own_worker = session.own_worker();
    let target = Pid::from_raw(session.target_pid().cast_signed()).unwrap();
    let mut stall = Stall { target, after_requests: 300, over: false };
    let run = run_with_usual_limits(&mut session, contender, &own_worker, &mut stall);
    assert!(stall.over, "{contender} was over before the stall");
    let p99_ns = valid_figures(&run).latency_ns.unwrap().p99;
    (run, Duration::from_nanos(p99_ns.unsigned_abs()))
}

/// A closed loop sends few requests to a target that stalls, so a stall affects only as many as are in flight. Users
/// do not wait for each other.
#[test]
fn open_loop_shows_a_stall_that_closed_loop_hides() {
    for contender in ["threads:4", "tokio:4"] {
        let (_, closed) = stalled(contender, None);
        let (run, open) = stalled(contender, Some("400/s"));
        let omitted = Duration::from_nanos(since_start(&run).p99.unsigned_abs());
        println!(
            "{contender}, p99 of 1,000 requests: closed loop {:.1} ms; at 400/s since due {:.1} ms, since \
             start {:.1} ms",
            closed.as_secs_f64() * 1e3,
            open.as_secs_f64() * 1e3,
            omitted.as_secs_f64() * 1e3,
        );
        assert!(open >= STALL * 4 / 5, "{contender}: {open:?}");
        assert!(closed <= open / 2, "{contender}: {closed:?}, {open:?}");
        assert!(omitted <= open / 2, "{contender}: {omitted:?}, {open:?}");
    }
}
