//! The processes whose cost is one: those that were started, and all that came of them.

use std::io;
use std::path::PathBuf;

use inflight_report::record::CpuMethod;

use super::cpu::{self, CpuTime};
use super::{SystemCalls, group, memory, proc};

/// Processes and their descendants. Where they are members of a group of their own, a descendant that
/// outlived its parent is one of them too.
#[derive(Clone, Debug)]
pub struct Tree {
    roots: Vec<u32>,
    group: Option<PathBuf>,
}

impl Tree {
    /// The processes `roots` and their descendants, as `/proc` tells them.
    pub fn of(roots: &[u32]) -> Tree {
        Tree { roots: roots.to_vec(), group: None }
    }

    /// As [`Tree::of`], where all are members of the control group at `group` and nobody else is.
    pub(crate) fn in_group(roots: &[u32], group: Option<PathBuf>) -> Tree {
        Tree { roots: roots.to_vec(), group }
    }

    /// All that are alive, the roots first.
    pub fn pids(&self) -> Vec<u32> {
        let Some(members) = self.group.as_ref().and_then(|group| group::members(group).ok()) else {
            return proc::tree(&self.roots);
        };
        let others = members.into_iter().filter(|pid| !self.roots.contains(pid));
        self.roots.iter().copied().chain(others).collect()
    }

    /// CPU that the tree has used so far, in nanoseconds: user and system, threads that ended
    /// included.
    ///
    /// Of a group it is the scheduler's account of all who were ever in it. Else it is the same of every
    /// living process, and of a child that ended and was waited for what the kernel passes on to its
    /// parent, in clock ticks of 10 ms.
    ///
    /// # Errors
    /// When a root is gone.
    pub fn cpu_ns(&self) -> io::Result<u64> {
        self.cpu_time().map(|used| used.total_ns)
    }

    /// As [`Tree::cpu_ns`], with its part in the kernel where it is a group.
    ///
    /// # Errors
    /// When a root is gone.
    pub(crate) fn cpu_time(&self) -> io::Result<CpuTime> {
        match &self.group {
            Some(group) => group::cpu_time(group),
            None => {
                let total_ns = self.read_each(&self.pids(), cpu::used_ns)?.iter().sum();
                Ok(CpuTime { total_ns, system_ns: None })
            }
        }
    }

    /// How [`Tree::cpu_ns`] learns it.
    pub fn cpu_method(&self) -> CpuMethod {
        if self.group.is_some() { CpuMethod::Group } else { CpuMethod::ProcessClocks }
    }

    /// Prepares to count its system calls.
    ///
    /// # Errors
    /// With the reason why they cannot be counted.
    pub(crate) fn system_calls(&self) -> Result<SystemCalls, String> {
        let group = self.group.as_deref().ok_or("the workers have no control group")?;
        SystemCalls::of_group(group)
    }

    /// Its memory now, in bytes: resident memory of one process; of several, with the pages that they
    /// share counted once.
    ///
    /// # Errors
    /// When a root is gone.
    pub fn memory_bytes(&self) -> io::Result<u64> {
        match self.pids().as_slice() {
            [alone] => memory::resident_bytes(*alone),
            many => Ok(memory::of_tree(&self.read_each(many, memory::Pages::read)?)),
        }
    }

    /// Reads something of each of `pids`. One that is not a root may end between being listed and being
    /// read, and is then left out: it has been accounted to its parent or its group.
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
