//! Process trees: the processes that were started, and all their descendants.

use std::io;
use std::path::PathBuf;

use inflight_report::record::CpuMethod;

use super::cpu::{self, CpuTime};
use super::{SystemCalls, cgroup, memory, proc};

/// Processes and their descendants. In a control group of their own, descendants that outlived their parent
/// belong to the tree as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    roots: Vec<u32>,
    group: Option<PathBuf>,
}

impl Tree {
    /// The processes `roots` and their descendants according to `/proc`.
    pub(crate) fn of(roots: &[u32]) -> Tree {
        Tree { roots: roots.to_vec(), group: None }
    }

    /// As [`Tree::of`], where the members of the control group at `group` are exactly these processes.
    pub(crate) fn in_group(roots: &[u32], group: Option<PathBuf>) -> Tree {
        Tree { roots: roots.to_vec(), group }
    }

    /// All living processes, the roots first.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let Some(members) = self.group.as_ref().and_then(|group| cgroup::members(group).ok()) else {
            return proc::tree(&self.roots);
        };
        let others = members.into_iter().filter(|pid| !self.roots.contains(pid));
        self.roots.iter().copied().chain(others).collect()
    }

    /// CPU time of the tree so far, in nanoseconds: user and system, including threads that have
    /// ended.
    ///
    /// For a group it is the scheduler's sum over all present and past members. Otherwise it is the sum over the
    /// living processes, and for children that were waited for, the time that the kernel adds to their
    /// parent, in clock ticks of 10 ms. This and what follows fails when a root process is gone.
    pub(crate) fn cpu_ns(&self) -> io::Result<u64> {
        self.cpu_time().map(|used| used.total_ns)
    }

    /// As [`Tree::cpu_ns`], with the part spent in the kernel where the tree is a group.
    pub(crate) fn cpu_time(&self) -> io::Result<CpuTime> {
        match &self.group {
            Some(group) => cgroup::cpu_time(group),
            None => {
                let total_ns = self.read_each(&self.pids(), cpu::used_ns)?.iter().sum();
                Ok(CpuTime { total_ns, system_ns: None })
            }
        }
    }

    /// How [`Tree::cpu_ns`] is measured.
    pub(crate) fn cpu_method(&self) -> CpuMethod {
        if self.group.is_some() { CpuMethod::Group } else { CpuMethod::ProcessClocks }
    }

    /// Prepares to count the system calls of the tree; the error is why they cannot be counted.
    pub(crate) fn system_calls(&self) -> Result<SystemCalls, String> {
        let group = self.group.as_deref().ok_or("the workers have no control group")?;
        SystemCalls::of_group(group)
    }

    /// Current memory in bytes: the resident memory of one process, or of several with shared pages
    /// counted once.
    pub(crate) fn memory_bytes(&self) -> io::Result<u64> {
        match self.pids().as_slice() {
            [pid] => memory::resident_bytes(*pid),
            pids => Ok(memory::of_tree(&self.read_each(pids, memory::Pages::read)?)),
        }
    }

    /// Calls `read` for each of `pids`. A process that is not a root may end between being listed and being
    /// read. It is then left out: its cost has been added to its parent or its group.
    pub(super) fn read_each<T>(
        &self,
        pids: &[u32],
        read: impl Fn(u32) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let readings = pids.iter().map(|&pid| (self.roots.contains(&pid), read(pid)));
        readings.filter(|(root, reading)| *root || !is_gone(reading)).map(|(_, reading)| reading).collect()
    }
}

fn is_gone<T>(reading: &io::Result<T>) -> bool {
    const NO_SUCH_PROCESS: Option<i32> = Some(rustix::io::Errno::SRCH.raw_os_error());
    matches!(reading, Err(error)
        if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == NO_SUCH_PROCESS)
}
