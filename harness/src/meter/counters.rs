//! What the kernel counts of a tree besides CPU and memory: switches and page faults.

use std::collections::HashMap;
use std::fs;
use std::io;

use inflight_report::record::Usage;

use super::Tree;
use super::proc::{Stat, field, read};

/// A thread that ended took its count of switches with it. Where such threads had more than this share
/// of the CPU, the rest is no fair account of the run.
const MOST_UNSEEN: f64 = 0.01;

/// Running counts of a tree at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    minor_faults: u64,
    major_faults: u64,
    /// By thread id, of threads alive.
    threads: HashMap<u32, Thread>,
}

/// What was counted of one thread.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    cpu_ns: u64,
    voluntary: u64,
    involuntary: u64,
}

impl Counters {
    /// Reads the counts of `tree`.
    ///
    /// # Errors
    /// When a root is gone.
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

    /// What was counted since `before`, in which time the tree used `cpu_ns` of CPU.
    ///
    /// Faults are the processes' own and those of children that ended and were waited for. Switches are
    /// those of the threads that are alive now, told only where they had nearly all the CPU.
    pub(crate) fn since(&self, before: &Counters, cpu_ns: u64) -> Usage {
        let mut sum = Thread::default();
        for (id, now) in &self.threads {
            let then = before.threads.get(id).copied().unwrap_or_default();
            sum.cpu_ns += now.cpu_ns.saturating_sub(then.cpu_ns);
            sum.voluntary += now.voluntary.saturating_sub(then.voluntary);
            sum.involuntary += now.involuntary.saturating_sub(then.involuntary);
        }
        let all_seen = sum.cpu_ns as f64 >= (1.0 - MOST_UNSEEN) * cpu_ns as f64;
        Usage {
            // A process that left the tree has taken its count with it.
            minor_faults: self.minor_faults.checked_sub(before.minor_faults),
            major_faults: self.major_faults.checked_sub(before.major_faults),
            voluntary_switches: all_seen.then_some(sum.voluntary),
            involuntary_switches: all_seen.then_some(sum.involuntary),
            ..Usage::default()
        }
    }
}

/// The threads of a process; one that ends just now is left out.
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
    fn switches_are_told_where_their_threads_had_the_cpu() {
        let (before, after) =
            (counters(&[(1, 1_000, 10), (2, 500, 5)]), counters(&[(1, 1_900, 30), (3, 100, 2)]));
        let told = |cpu_ns| after.since(&before, cpu_ns).voluntary_switches;
        assert_eq!(told(1_000), Some(22), "of one that was there before, and of one that was not");
        assert_eq!(told(1_010), Some(22));
        assert_eq!(told(1_020), None, "a thread that is gone had a fiftieth");
    }

    #[test]
    fn faults_of_a_process_that_left_are_not_guessed() {
        let [before, after] = [3, 2].map(|minor_faults| Counters { minor_faults, ..Counters::default() });
        let counted = after.since(&before, 0);
        assert_eq!((counted.minor_faults, counted.major_faults), (None, Some(0)));
    }
}
