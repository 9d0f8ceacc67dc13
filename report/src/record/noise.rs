//! Noise: other load on the machine during a run, lateness of the harness, and settings that affect figures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Settings of the machine that affect figures. What it does not offer is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineSettings {
    /// The frequency governor of the first CPU: `performance`, `powersave`, ….
    pub governor: Option<String>,
    /// The vendor of the virtual machine, or `a hypervisor`; `none` where none is detected.
    pub virtualisation: Option<String>,
    /// The limit of open descriptors per process.
    pub descriptors: Option<u64>,
    /// The number of ephemeral ports.
    pub ports: Option<u64>,
    /// The timer slack of an ordinary thread, in nanoseconds.
    pub timer_slack_ns: Option<u64>,
    /// The CPU quotas that the harness and its children run under, the tightest first.
    pub cpu_quotas: Vec<CpuQuota>,
    /// Meters that the machine does not offer, each with the reason where it is known.
    pub not_offered: Vec<String>,
}

/// The CPU quota of a control group: all its members together may use no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuQuota {
    /// The name of the group, from the root of its hierarchy.
    pub group: String,
    /// CPU time that may be used in each period, in microseconds.
    pub quota_us: u64,
    /// Length of a period, in microseconds.
    pub period_us: u64,
}

impl CpuQuota {
    /// The quota in cores.
    pub fn cores(&self) -> f64 {
        self.quota_us as f64 / self.period_us as f64
    }
}

impl fmt::Display for CpuQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = (self.cores() * 100.0).round() / 100.0;
        let unit = if cores == 1.0 { "core" } else { "cores" };
        write!(f, "a CPU quota of {cores} {unit} (control group {})", self.group)
    }
}

/// Other load on the machine between `go` and `done`. What the machine does not report is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noise {
    /// CPUs of the machine.
    pub cpus: u32,
    /// CPU of everything on the machine but the workers, the target and the harness, in nanoseconds; in
    /// ticks of 10 ms.
    pub others_cpu_ns: Option<u64>,
    /// Steal time: taken by a hypervisor from CPUs that had work, in nanoseconds; in ticks of 10 ms.
    pub stolen_ns: Option<u64>,
    /// CPU pressure: time in which some thread waited for a core, in nanoseconds. It includes the contender's own
    /// threads, so with more threads than cores it is expected.
    pub pressure_ns: Option<u64>,
    /// Time in which a CPU quota throttled runnable threads, in nanoseconds, summed over CPUs and control groups.
    pub throttled_ns: Option<u64>,
    /// The load average of the last minute. It includes the contender's own threads.
    pub load: Option<f64>,
}

/// A disturbance of a run beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// Other programs used more than 5 % of the machine's CPU.
    Busy,
    /// A hypervisor took more than 1 % of the machine's CPU.
    Stolen,
}

/// Below this, in nanoseconds, a count of ticks of 10 ms is too coarse.
const TOO_SHORT_NS: u64 = 30_000_000;

/// How late the harness itself was in a run. What the machine does not report is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HarnessLateness {
    /// From the clock reading for `go` until it is sent to the last worker, in nanoseconds. The first workers may
    /// already keep every core busy in that time.
    pub go_spread_ns: u64,
    /// How long the thread that reads the last `done` waited for a core, in nanoseconds.
    pub done_waited_ns: Option<u64>,
    /// The longest time between spawning the workers and `done` in which the whole process neither ran nor waited for
    /// a core, in nanoseconds.
    pub stood_still_ns: Option<u64>,
}

impl HarnessLateness {
    /// By how much, in nanoseconds, the harness may have made the wall time too long.
    pub fn held_up_ns(&self) -> u64 {
        self.done_waited_ns.unwrap_or(0).max(self.stood_still_ns.unwrap_or(0))
    }
}

impl Noise {
    /// The disturbances beyond their limits in a run of `wall_ns`.
    pub fn disturbances(&self, wall_ns: u64) -> Vec<Disturbance> {
        let is_beyond =
            |kind: &Disturbance| kind.ns(self) >= TOO_SHORT_NS && kind.share(self, wall_ns) > kind.limit();
        [Disturbance::Busy, Disturbance::Stolen].into_iter().filter(is_beyond).collect()
    }

    /// The noise of this and a later period together. What either does not report is absent, except where this one has
    /// no CPUs and thus is empty.
    pub fn and(&self, later: &Noise) -> Noise {
        if self.cpus == 0 {
            return *later;
        }
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        Noise {
            cpus: later.cpus,
            others_cpu_ns: sum(self.others_cpu_ns, later.others_cpu_ns),
            stolen_ns: sum(self.stolen_ns, later.stolen_ns),
            pressure_ns: sum(self.pressure_ns, later.pressure_ns),
            throttled_ns: sum(self.throttled_ns, later.throttled_ns),
            load: later.load,
        }
    }
}

impl Disturbance {
    /// The share of the machine's CPU beyond which it is one.
    pub fn limit(self) -> f64 {
        match self {
            Disturbance::Busy => 0.05,
            Disturbance::Stolen => 0.01,
        }
    }

    /// How much of the machine's CPU it took of a run of `wall_ns`.
    pub fn share(self, noise: &Noise, wall_ns: u64) -> f64 {
        self.ns(noise) as f64 / (wall_ns.max(1) as f64 * f64::from(noise.cpus.max(1)))
    }

    /// The CPU time that it took, 0 where that is not known.
    fn ns(self, noise: &Noise) -> u64 {
        let ns = match self {
            Disturbance::Busy => noise.others_cpu_ns,
            Disturbance::Stolen => noise.stolen_ns,
        };
        ns.unwrap_or(0)
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit() * 100.0;
        match self {
            Disturbance::Busy => {
                write!(f, "the machine was busy: other programs used more than {limit} % of its CPU")
            }
            Disturbance::Stolen => write!(f, "a hypervisor took more than {limit} % of the machine's CPU"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_is_a_share_of_the_whole_machine_and_more_than_a_tick() {
        let noise = |others_ms: u64, stolen_ms: u64| Noise {
            cpus: 2,
            others_cpu_ns: Some(others_ms * 1_000_000),
            stolen_ns: Some(stolen_ms * 1_000_000),
            ..Noise::default()
        };
        const SECOND: u64 = 1_000_000_000;
        assert_eq!(noise(100, 20).disturbances(SECOND), [], "at the limits");
        assert_eq!(noise(101, 40).disturbances(SECOND), [Disturbance::Busy, Disturbance::Stolen]);
        assert_eq!(noise(20, 20).disturbances(SECOND / 100), [], "two ticks are too few");
        assert_eq!(Noise::default().disturbances(SECOND), [], "nothing is known");
        assert_eq!(Disturbance::Busy.share(&noise(500, 0), SECOND), 0.25);
    }

    #[test]
    fn a_quota_is_shown_in_cores() {
        let quota = |quota_us| CpuQuota { group: "/a".to_owned(), quota_us, period_us: 100_000 };
        assert_eq!(quota(20_000).to_string(), "a CPU quota of 0.2 cores (control group /a)");
        assert_eq!(quota(100_000).to_string(), "a CPU quota of 1 core (control group /a)");
        assert_eq!(quota(33_333).to_string(), "a CPU quota of 0.33 cores (control group /a)");
    }

    #[test]
    fn held_up_is_the_longest_delay() {
        let held_up_ns = |done_waited_ns, stood_still_ns| {
            HarnessLateness { go_spread_ns: 100, done_waited_ns, stood_still_ns }.held_up_ns()
        };
        assert_eq!(held_up_ns(Some(3), Some(4)), 4);
        assert_eq!(held_up_ns(Some(3), Some(2)), 3);
        assert_eq!(held_up_ns(None, None), 0);
    }
}
