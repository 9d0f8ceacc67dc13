//! Sets of CPUs, and the affinity of threads.

use std::fmt;
use std::io;
use std::str::FromStr;

use anyhow::Context;

/// CPUs by their numbers, ascending, at least one; written `0,2-3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus(Vec<usize>);

impl Cpus {
    /// The CPUs with these numbers, of which there must be at least one.
    pub(crate) fn of(mut numbers: Vec<usize>) -> Cpus {
        numbers.sort_unstable();
        numbers.dedup();
        Cpus(numbers)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }

    /// Whether the CPU with that number is one of them.
    pub fn contains(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }
}

/// The CPUs that this process may use, where the system reports them.
pub(crate) fn allowed() -> Option<Cpus> {
    system::affinity().ok().filter(|cpus| !cpus.is_empty()).map(Cpus)
}

/// All CPUs of the core that `cpu` is part of; itself where the system does not report them.
pub(crate) fn siblings(cpu: usize) -> Vec<usize> {
    let list = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    let cpus = std::fs::read_to_string(list).ok().and_then(|list| list.trim().parse::<Cpus>().ok());
    cpus.map_or_else(|| vec![cpu], |cpus| cpus.0)
}

/// Calls `start` while this thread may only use `cpus`. Child processes inherit the affinity, so a program in
/// any language is confined before its first instruction. Without `cpus` it only calls `start`.
pub(crate) fn confined<T>(cpus: Option<&Cpus>, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(cpus) = cpus else { return start() };
    let before = system::affinity()?;
    system::confine(&cpus.0)?;
    let started = start();
    system::confine(&before)?;
    started
}

#[cfg(target_os = "linux")]
mod system {
    //! The affinity of the calling thread, as the kernel keeps it.

    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn affinity() -> io::Result<Vec<usize>> {
        let set = sched_getaffinity(None)?;
        Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
    }

    pub(super) fn confine(cpus: &[usize]) -> io::Result<()> {
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu));
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Other systems offer no affinity.

    use std::io;

    pub(super) fn affinity() -> io::Result<Vec<usize>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn confine(_: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl FromStr for Cpus {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Cpus> {
        /// More than any system here can name.
        const BEYOND: usize = 1 << 16;
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
            (first <= last && last < BEYOND).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let ranges =
            ranges.with_context(|| format!("`{text}` is not a list of CPUs: write it as in 0,2-3"))?;
        Ok(Cpus::of(ranges.into_iter().flatten().collect()))
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.0.chunk_by(|cpu, next| *next == cpu + 1).map(|range| match range {
            [cpu] => cpu.to_string(),
            _ => format!("{}-{}", range[0], range[range.len() - 1]),
        });
        f.write_str(&ranges.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_read_and_written_as_the_kernel_does() {
        let cpus = |text: &str| text.parse::<Cpus>().unwrap();
        assert_eq!(cpus("3,0-1,1").0, [0, 1, 3]);
        for text in ["0", "0-1", "0,2-4,7"] {
            assert_eq!(cpus(text).to_string(), text);
        }
        for text in ["", "a", "1-", "2-1", "0,", "-1", "0-99999999"] {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_child_stays_confined() {
        let Some(all) = allowed() else { return };
        let last = Cpus(all.0[all.count() - 1..].to_vec());
        let child =
            confined(Some(&last), || std::process::Command::new("cat").arg("/proc/self/status").output());
        let status = String::from_utf8(child.unwrap().stdout).unwrap();
        let expected = format!("Cpus_allowed_list:\t{last}");
        assert!(status.lines().any(|line| line == expected), "{status}");
        assert_eq!(allowed(), Some(all));
    }
}
