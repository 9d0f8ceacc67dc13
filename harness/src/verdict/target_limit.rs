//! Whether the target was the limit of a run: whether its wall time, and so its throughput, is the target's
//! and not the contender's.
//!
//! This is defined by experiment: where a microsecond of extra work planted in the target makes the
//! wall time longer by as much a request, spread over its event loops, the target is the limit. A run cannot be
//! repeated with something planted, so this checks what such runs had in common. METHOD.md has the
//! experiment, and the thresholds are checked against it.

use inflight_report::record::{LoopFigures, TargetLimit};
use mock_target::ledger::{Ledger, LoopStats, Outcome};

/// The time that the busiest loop worked or waited for a processor, as a part of the wall time.
const LOOP_BUSY: f64 = 0.90;

/// What target and workers together used of the processors that they share.
const MACHINE_FULL: f64 = 0.85;

/// The part of a full machine that the target must have used to matter for the wall time.
const NOTABLE: f64 = 0.05;

/// What requests waited for the target, as a part of all the time that there was a slot for one.
const RESIDENCE: f64 = 0.15;

/// The load of a run on its target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) wall_ns: u64,
    /// Requests that could be in flight at once.
    pub(crate) slots: u64,
    /// The CPUs that target and workers share; `None` where each have their own.
    pub(crate) shared_cpus: Option<usize>,
    pub(crate) workers_cpu_ns: u64,
    pub(crate) target_cpu_ns: u64,
    pub(crate) loops: &'a [LoopFigures],
    /// What requests waited for the target beyond their planned delay, all together.
    pub(crate) residence_ns: u64,
}

/// Why the target was the limit, if it was: the most direct of the reasons that there are.
pub(crate) fn limit(load: &Load<'_>) -> Option<TargetLimit> {
    let wall_ns = load.wall_ns as f64;
    let wanted = load.loops.iter().map(|of_loop| of_loop.cpu_ns + of_loop.run_queue_ns.unwrap_or(0)).max();
    if wanted.is_some_and(|ns| ns as f64 >= LOOP_BUSY * wall_ns) {
        return Some(TargetLimit::Loop);
    }
    if let Some(cpus) = load.shared_cpus {
        let there_was_ns = cpus as f64 * wall_ns;
        let used_ns = (load.workers_cpu_ns + load.target_cpu_ns) as f64;
        if used_ns >= MACHINE_FULL * there_was_ns && load.target_cpu_ns as f64 >= NOTABLE * used_ns {
            return Some(TargetLimit::Machine);
        }
    }
    let slots_ns = load.slots as f64 * wall_ns;
    (load.residence_ns as f64 >= RESIDENCE * slots_ns).then_some(TargetLimit::Residence)
}

/// What each event loop used between two readings of its clocks.
pub(crate) fn loops(before: &[LoopStats], after: &[LoopStats]) -> Vec<LoopFigures> {
    let used = |(before, after): (&LoopStats, &LoopStats)| LoopFigures {
        cpu_ns: after.cpu_ns.saturating_sub(before.cpu_ns),
        run_queue_ns: after.run_queue_ns.zip(before.run_queue_ns).map(|(to, from)| to.saturating_sub(from)),
        requests: after.received.saturating_sub(before.received),
    };
    before.iter().zip(after).map(used).collect()
}

/// What all requests that were served waited for the target beyond their planned delay, in nanoseconds.
pub(crate) fn residence_ns(ledger: &Ledger) -> u64 {
    let served = ledger.entries.iter().filter(|entry| entry.outcome == Outcome::Served);
    served
        .map(|entry| {
            let late_ns = entry.actual_delay_ns.saturating_sub(entry.planned_delay_ns);
            entry.unread_ns.unwrap_or(0) + late_ns
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One second, two shared CPUs, 128 slots, two loops: nothing is short.
    const IDLE: Load<'static> = Load {
        wall_ns: 1_000_000_000,
        slots: 128,
        shared_cpus: Some(2),
        workers_cpu_ns: 700_000_000,
        target_cpu_ns: 300_000_000,
        loops: &[],
        residence_ns: 5_000_000_000,
    };

    fn of_loop(cpu_ns: u64, run_queue_ns: u64) -> LoopFigures {
        LoopFigures { cpu_ns, run_queue_ns: Some(run_queue_ns), requests: 1 }
    }

    #[test]
    fn one_busy_loop_is_enough() {
        let loops = [of_loop(100_000_000, 0), of_loop(500_000_000, 390_000_000)];
        assert_eq!(limit(&Load { loops: &loops, ..IDLE }), None);
        let loops = [of_loop(100_000_000, 0), of_loop(500_000_000, 410_000_000)];
        assert_eq!(limit(&Load { loops: &loops, ..IDLE }), Some(TargetLimit::Loop));
    }

    #[test]
    fn full_machine_is_a_limit_where_the_target_uses_part_of_it() {
        let full = Load { workers_cpu_ns: 1_000_000_000, target_cpu_ns: 900_000_000, ..IDLE };
        assert_eq!(limit(&full), Some(TargetLimit::Machine));
        assert_eq!(limit(&Load { shared_cpus: None, ..full }), None, "each has its own");
        assert_eq!(limit(&Load { shared_cpus: Some(4), ..full }), None, "there are more");
        let of_workers = Load { workers_cpu_ns: 1_900_000_000, target_cpu_ns: 50_000_000, ..IDLE };
        assert_eq!(limit(&of_workers), None, "the target hardly had a part in it");
    }

    #[test]
    fn residence_counts_relative_to_the_slots() {
        let waited = Load { residence_ns: 20_000_000_000, ..IDLE };
        assert_eq!(limit(&waited), Some(TargetLimit::Residence));
        assert_eq!(limit(&Load { slots: 256, ..waited }), None);
    }
}
