//! CPU quotas of control groups, and how often they throttled their members.
//!
//! Members of a group that has used up its quota do not run until the next period begins (kernel
//! documentation, "CFS Bandwidth Control"). No other meter shows that.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use inflight_report::record::CpuQuota;

use super::hierarchies::{Membership, Version};
use super::proc::field;

/// The control groups of some processes, with all their ancestors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas {
    groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    version: Version,
    name: PathBuf,
    folder: PathBuf,
    throttling: Option<Throttling>,
}

/// Throttling of a group since it was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Throttling {
    periods: u64,
    /// Throttled time, summed over CPUs.
    stopped_ns: u64,
}

/// A group whose members were throttled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Throttled {
    pub(crate) group: String,
    /// Its current quota, if it still has one.
    pub(crate) quota: Option<CpuQuota>,
    pub(crate) periods: u64,
    /// The throttled time, summed over CPUs.
    pub(crate) stopped_ns: u64,
}

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.quota {
            Some(quota) => quota.fmt(f),
            None => write!(f, "a CPU quota of the control group {}", self.group),
        }
    }
}

impl Quotas {
    pub(crate) fn of_this_process() -> Quotas {
        Quotas::of(&[std::process::id()])
    }

    /// The groups of all `pids`, with their current throttling counters.
    pub(crate) fn of(pids: &[u32]) -> Quotas {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut quotas = Quotas::default();
        for pid in pids {
            let memberships = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            for version in [Version::One, Version::Two] {
                let membership = Membership::find(&memberships, &mounts, version);
                quotas.add(version, membership.iter().flat_map(Membership::ancestors));
            }
        }
        quotas
    }

    fn add(&mut self, version: Version, groups: impl Iterator<Item = (PathBuf, PathBuf)>) {
        for (name, folder) in groups {
            if !self.groups.iter().any(|known| known.folder == folder) {
                let throttling = Throttling::read(&folder);
                self.groups.push(Group { version, name, folder, throttling });
            }
        }
    }

    /// The quotas of the groups, the tightest first.
    pub(crate) fn limits(&self) -> Vec<CpuQuota> {
        let mut limits: Vec<CpuQuota> = self.groups.iter().filter_map(Group::quota).collect();
        limits.sort_by(|one, other| one.cores().total_cmp(&other.cores()));
        limits
    }

    /// How many of `cpus` can be used within the tightest quota, rounded up.
    pub(crate) fn limit_cpus(&self, cpus: usize) -> usize {
        let limits = self.limits();
        limits.first().map_or(cpus, |quota| cpus.min(quota.cores().ceil() as usize))
    }

    /// The groups that were throttled since this was read; `None` where no group has such counters.
    pub(crate) fn throttled_since(&self) -> Option<Vec<Throttled>> {
        let with_counters = || self.groups.iter().filter_map(|group| Some((group, group.throttling?)));
        with_counters().next()?;
        let throttled = with_counters().filter_map(|(group, before)| {
            let after = Throttling::read(&group.folder)?;
            let periods = after.periods.saturating_sub(before.periods);
            let stopped_ns = after.stopped_ns.saturating_sub(before.stopped_ns);
            (periods > 0 || stopped_ns > 0).then(|| Throttled {
                group: group.name.display().to_string(),
                quota: group.quota(),
                periods,
                stopped_ns,
            })
        });
        Some(throttled.collect())
    }
}

impl Group {
    fn quota(&self) -> Option<CpuQuota> {
        let read = |file: &str| fs::read_to_string(self.folder.join(file)).ok();
        let (quota_us, period_us) = match self.version {
            Version::One => v1_quota(&read("cpu.cfs_quota_us")?, &read("cpu.cfs_period_us")?),
            Version::Two => v2_quota(&read("cpu.max")?),
        }?;
        Some(CpuQuota { group: self.name.display().to_string(), quota_us, period_us })
    }
}

impl Throttling {
    fn read(folder: &Path) -> Option<Throttling> {
        Throttling::parse(&fs::read_to_string(folder.join("cpu.stat")).ok()?)
    }

    /// Parses `cpu.stat`, which version 1 writes in nanoseconds and version 2 in microseconds. The root of
    /// version 2, and a group without the controller, have no such lines.
    fn parse(stat: &str) -> Option<Throttling> {
        let count = |key| field(stat, key)?.parse::<u64>().ok();
        let stopped_ns = count("throttled_time ").or_else(|| Some(count("throttled_usec ")? * 1_000));
        Some(Throttling { periods: count("nr_throttled ")?, stopped_ns: stopped_ns? })
    }
}

/// Quota and period in microseconds, from the two files. A negative quota means none.
fn v1_quota(quota: &str, period: &str) -> Option<(u64, u64)> {
    positive(quota.trim().parse().ok()?, period.trim().parse().ok()?)
}

/// Quota and period in microseconds, from `cpu.max`: `20000 100000`, or `max 100000` where there is none.
fn v2_quota(max: &str) -> Option<(u64, u64)> {
    let (quota, period) = max.trim().split_once(' ')?;
    positive(quota.parse().ok()?, period.parse().ok()?)
}

fn positive(quota_us: u64, period_us: u64) -> Option<(u64, u64)> {
    (quota_us > 0 && period_us > 0).then_some((quota_us, period_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_both_versions_are_parsed() {
        assert_eq!(v2_quota("20000 100000\n"), Some((20_000, 100_000)));
        assert_eq!(v2_quota("max 100000\n"), None);
        assert_eq!(v2_quota(""), None);
        assert_eq!(v1_quota("150000\n", "50000\n"), Some((150_000, 50_000)));
        assert_eq!(v1_quota("-1\n", "100000\n"), None);
        assert_eq!(v1_quota("0\n", "0\n"), None);
    }

    #[test]
    fn throttling_of_both_versions_is_parsed() {
        let v1 = "nr_periods 120\nnr_throttled 119\nthrottled_time 9500000123\nnr_bursts 0\nburst_time 0\n";
        assert_eq!(Throttling::parse(v1), Some(Throttling { periods: 119, stopped_ns: 9_500_000_123 }));
        let v2 =
            "usage_usec 1\nuser_usec 1\nsystem_usec 0\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\n";
        assert_eq!(Throttling::parse(v2), Some(Throttling { periods: 4, stopped_ns: 77_000 }));
        assert_eq!(Throttling::parse("usage_usec 1\nuser_usec 1\nsystem_usec 0\n"), None);
    }

    /// Directories as in version 1: a group without a quota, in a group that was throttled.
    #[test]
    fn throttling_of_an_ancestor_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let write = |folder: &Path, quota: &str, stat: &str| {
            fs::write(folder.join("cpu.cfs_quota_us"), quota).unwrap();
            fs::write(folder.join("cpu.cfs_period_us"), "100000\n").unwrap();
            fs::write(folder.join("cpu.stat"), stat).unwrap();
        };
        write(&inner, "-1\n", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
        write(root.path(), "20000\n", "nr_periods 9\nnr_throttled 5\nthrottled_time 500\n");
        let mut quotas = Quotas::default();
        assert_eq!(quotas.throttled_since(), None, "no counters");
        let both = [(PathBuf::from("/a/inner"), inner), (PathBuf::from("/a"), root.path().to_owned())];
        quotas.add(Version::One, both.clone().into_iter());
        quotas.add(Version::One, both.into_iter());
        assert_eq!(quotas.groups.len(), 2, "duplicates are dropped");
        let quota = CpuQuota { group: "/a".to_owned(), quota_us: 20_000, period_us: 100_000 };
        assert_eq!(quotas.limits(), std::slice::from_ref(&quota));
        assert_eq!((quotas.limit_cpus(8), Quotas::default().limit_cpus(8)), (1, 8));

        assert_eq!(quotas.throttled_since().unwrap(), []);
        write(root.path(), "20000\n", "nr_periods 19\nnr_throttled 8\nthrottled_time 900\n");
        let throttled = Throttled { group: "/a".to_owned(), quota: Some(quota), periods: 3, stopped_ns: 400 };
        assert_eq!(quotas.throttled_since().unwrap(), [throttled]);
    }
}
