//! Context switches and page faults of a process tree.

use std::collections::HashMap;
use std::fs;
use std::io;

use inflight_report::record::Usage;

use super::Tree;
use super::proc::{Stat, field, read};

/// The switches of threads that have ended are lost. Where such threads used more than this share of the
/// CPU, the remaining count does not represent the run and is not reported.
const MAX_LOST_CPU_SHARE: f64 = 0.01;

/// The running counts of a tree when they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    minor_faults: u64,
    major_faults: u64,
    /// Counts of the living threads, by thread id.
    threads: HashMap<u32, Thread>,
}

/// The counts of one thread.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    cpu_ns: u64,
    voluntary: u64,
    involuntary: u64,
}

impl Counters {
    /// Reads the counts of `tree`; fails when a root process is gone.
    pub(crate) fn read(tree: &Tree) -> io::Result<Counters> {
        let pids = tree.pids();
        let mut counters = Counters::default();
        for stat in tree.read_each(&pids, Stat::read)? {
            counters.minor_faults += stat.minor_faults;
            counters.major_faults += stat.major_faults;
        }
        counters.threads = pids.into_iter().flat_map(threads).collect();
        Ok(counters)
    }

    /// The difference to `before`; the tree used `cpu_ns` of CPU in between.
    ///
    /// Faults include those of children that have ended and were waited for. Switches are those of living
    /// threads, and are reported only where these used nearly all the CPU.
    pub(crate) fn since(&self, before: &Counters, cpu_ns: u64) -> Usage {
        let mut sum = Thread::default();
        for (id, now) in &self.threads {
            let then = before.threads.get(id).copied().unwrap_or_default();
            sum.cpu_ns += now.cpu_ns.saturating_sub(then.cpu_ns);
            sum.voluntary += now.voluntary.saturating_sub(then.voluntary);
            sum.involuntary += now.involuntary.saturating_sub(then.involuntary);
        }
        let nearly_all = sum.cpu_ns as f64 >= (1.0 - MAX_LOST_CPU_SHARE) * cpu_ns as f64;
        Usage {
            // The counts of a process that left the tree are lost.
            minor_faults: self.minor_faults.checked_sub(before.minor_faults),
            major_faults: self.major_faults.checked_sub(before.major_faults),
            voluntary_switches: nearly_all.then_some(sum.voluntary),
            involuntary_switches: nearly_all.then_some(sum.involuntary),
            ..Usage::default()
        }
    }
}

/// The threads of a process. A thread that ends while this reads is left out.
fn threads(pid: u32) -> impl Iterator<Item = (u32, Thread)> {
    let ids = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let ids = ids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(move |id: u32| {
        let status = read(pid, &format!("task/{id}/status")).ok()?;
        let schedule = read(pid, &format!("task/{id}/schedstat")).ok()?;
        let count = |key| field(&status, key)?.parse().ok();
        let thread = Thread {
            cpu_ns: schedule.split(' ').next()?.parse().ok()?,
            voluntary: count("voluntary_ctxt_switches:")?,
            involuntary: count("nonvoluntary_ctxt_switches:")?,
        };
        Some((id, thread))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(threads: &[(u32, u64, u64)]) -> Counters {
        let thread = |&(id, cpu_ns, voluntary)| (id, Thread { cpu_ns, voluntary, involuntary: 1 });
        Counters { threads: threads.iter().map(thread).collect(), ..Counters::default() }
    }

    #[test]
    fn switches_are_reported_where_their_threads_used_nearly_all_the_cpu() {
        let (before, after) =
            (counters(&[(1, 1_000, 10), (2, 500, 5)]), counters(&[(1, 1_900, 30), (3, 100, 2)]));
        let reported = |cpu_ns| after.since(&before, cpu_ns).voluntary_switches;
        assert_eq!(reported(1_000), Some(22), "one thread existed before, the other is new");
        assert_eq!(reported(1_010), Some(22));
        assert_eq!(reported(1_020), None, "a thread that ended used 2 %");
    }

    #[test]
    fn faults_are_unknown_when_a_process_left() {
        let [before, after] = [3, 2].map(|minor_faults| Counters { minor_faults, ..Counters::default() });
        let counted = after.since(&before, 0);
        assert_eq!((counted.minor_faults, counted.major_faults), (None, Some(0)));
    }
}
