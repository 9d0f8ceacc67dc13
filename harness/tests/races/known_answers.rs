//! The instrument is tested before it is believed: workers whose right answer is known.

use crate::common::{self, known_answer, run, session, shell, sound};
use inflight::session::{Session, Unwatched};
use inflight_report::record::MemoryMethod;

/// How far a meter may be off, as a share of the right answer.
const TOLERANCE: f64 = 0.03;

#[track_caller]
fn assert_close(measured: u64, right: u64) {
    let off = (measured as f64 - right as f64).abs() / right as f64;
    assert!(off <= TOLERANCE, "measured {measured}, right is {right}: off by {:.1} %", off * 100.0);
}

fn cpu_ns(session: &mut Session, contender: &str, what: &str, amount: u64) -> u64 {
    sound(&run(session, contender, &known_answer(what, amount), &mut Unwatched)).cpu_ns
}

#[test]
fn cpu_of_three_workers_is_accounted() {
    let mut session = session(3, "fixed:1ms");
    let idle_ns = cpu_ns(&mut session, "sync:3x1", "burn", 0);
    let burnt_ns = cpu_ns(&mut session, "sync:3x1", "burn", 100) - idle_ns;
    assert_close(burnt_ns, 300_000_000);
}

#[test]
fn cpu_of_a_worker_and_its_two_children_is_accounted() {
    let mut session = session(3, "fixed:1ms");
    let idle_ns = cpu_ns(&mut session, "sync:1", "families", 0);
    let burnt_ns = cpu_ns(&mut session, "sync:1", "families", 100) - idle_ns;
    assert_close(burnt_ns, 300_000_000);
}

#[test]
fn memory_that_a_worker_touches_is_seen() {
    let mut session = session(3, "fixed:1ms");
    let mut peak = |mebibytes| {
        let run = run(&mut session, "sync:1", &known_answer("touch", mebibytes), &mut Unwatched);
        let figures = sound(&run);
        assert_eq!(figures.peak_memory_method, MemoryMethod::HighWaterMark);
        assert_eq!(figures.peak_memory_bytes, figures.peak_memory_bound_bytes);
        figures.peak_memory_bytes
    };
    let baseline = peak(0);
    assert_close(peak(64) - baseline, 64 << 20);
}

#[test]
fn memory_of_several_workers_is_summed() {
    let mut session = session(3, "fixed:1ms");
    let mut peak = |mebibytes| {
        let run = run(&mut session, "sync:3x1", &known_answer("touch", mebibytes), &mut Unwatched);
        let figures = sound(&run);
        assert_eq!(figures.peak_memory_method, MemoryMethod::SampledTree);
        assert!(figures.peak_memory_bytes <= figures.peak_memory_bound_bytes);
        figures.peak_memory_bytes
    };
    let baseline = peak(0);
    assert_close(peak(64) - baseline, 3 * (64 << 20));
}

/// A sample lasts from before its request is sent until after its response is in, so its added
/// latency is at least the target's own lateness. Over loopback it is hardly more, which those requests
/// show that the machine did not disturb.
#[test]
fn added_latency_is_what_the_target_says_and_a_little() {
    const HARDLY_NS: i64 = 1_000_000;
    let mut session = session(50, "fixed:20ms");
    let own_worker = session.own_worker();
    let run = run(&mut session, "sync:1", &own_worker, &mut Unwatched);
    let figures = sound(&run);
    let (added, late) = (figures.added_latency_ns.p50, figures.target.lateness_ns.p50);
    assert!(added >= late - late / 50, "added {added} ns, late {late} ns to within 1 %");

    let samples = &run.samples;
    let times = samples.end_ns.iter().zip(&samples.start_ns).zip(&samples.planned_ns);
    let least = times.map(|((end, start), planned)| (end - start - planned).cast_signed()).min().unwrap();
    assert!(least <= late + HARDLY_NS, "at least {least} ns added, late {late} ns");
}

#[test]
fn startup_is_apart_from_wall() {
    let mut session = session(1, "fixed:1ms");
    let slow = shell(&format!("sleep 1; exec {} worker", common::inflight().display()));
    let run = run(&mut session, "sync:1", &slow, &mut Unwatched);
    let figures = sound(&run);
    assert!(figures.startup_ns >= 1_000_000_000);
    assert!(figures.wall_ns < figures.startup_ns);
}
