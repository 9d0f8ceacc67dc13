//! What the machine did besides, and how it is set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Settings of the machine that figures depend on. Absent is what it does not offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How the frequency of the first CPU is chosen: `performance`, `powersave`, ….
    pub governor: Option<String>,
    /// What it is a guest of: the vendor of the virtual machine, or `a hypervisor`; `none` where nothing
    /// is seen of one.
    pub virtualisation: Option<String>,
    /// The most descriptors that a process may open.
    pub descriptors: Option<u64>,
    /// Ports that connections can begin at.
    pub ports: Option<u64>,
    /// By how much the kernel may delay a timer of an ordinary thread, in nanoseconds.
    pub timer_slack_ns: Option<u64>,
    /// Meters that the machine does not offer, each with the reason where there is one.
    pub not_offered: Vec<String>,
}

/// What disturbed a run, between `go` and `done`. Absent is what the machine does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noise {
    /// CPUs of the machine.
    pub cpus: u32,
    /// CPU of everything on the machine but the workers, the target and the harness, in nanoseconds; in
    /// ticks of 10 ms.
    pub others_cpu_ns: Option<u64>,
    /// Time that a hypervisor took from CPUs that had work, in nanoseconds; in ticks of 10 ms.
    pub stolen_ns: Option<u64>,
    /// Time for which some thread waited for a core, in nanoseconds: the contender's own threads are among
    /// those, and with more threads than cores it is no fault.
    pub pressure_ns: Option<u64>,
    /// Threads that ran or wanted to, on average over the last minute, the contender's own among them.
    pub load: Option<f64>,
}

/// Something that disturbed a run by more than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// Others used more than 5 % of the machine's CPU.
    Busy,
    /// A hypervisor took more than 1 % of it.
    Stolen,
}

/// The share of the machine's CPU that others may use.
const MOST_BUSY: f64 = 0.05;

/// The share of the machine's CPU that a hypervisor may take.
const MOST_STOLEN: f64 = 0.01;

/// Below this, in nanoseconds, a count of ticks of 10 ms tells nothing.
const TOO_SHORT_NS: u64 = 30_000_000;

impl Noise {
    /// Everything that was beyond its limit in a run of `wall_ns`.
    pub fn disturbances(&self, wall_ns: u64) -> Vec<Disturbance> {
        [Disturbance::Busy, Disturbance::Stolen]
            .into_iter()
            .filter(|kind| {
                let ns = kind.of(self).unwrap_or(0);
                ns >= TOO_SHORT_NS && self.share(ns, wall_ns) > kind.limit()
            })
            .collect()
    }

    /// What disturbed this and a later stretch of time together. What one of them does not tell is not known, unless
    /// it has no CPUs and so never was.
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
            load: later.load,
        }
    }

    /// What `ns` are of all the CPU that the machine had in `wall_ns`.
    fn share(&self, ns: u64, wall_ns: u64) -> f64 {
        ns as f64 / (wall_ns.max(1) as f64 * f64::from(self.cpus.max(1)))
    }
}

impl Disturbance {
    /// The share of the machine's CPU beyond which it is one.
    pub fn limit(self) -> f64 {
        match self {
            Disturbance::Busy => MOST_BUSY,
            Disturbance::Stolen => MOST_STOLEN,
        }
    }

    /// How much of the machine's CPU it took of a run of `wall_ns`.
    pub fn share(self, noise: &Noise, wall_ns: u64) -> f64 {
        noise.share(self.of(noise).unwrap_or(0), wall_ns)
    }

    fn of(self, noise: &Noise) -> Option<u64> {
        match self {
            Disturbance::Busy => noise.others_cpu_ns,
            Disturbance::Stolen => noise.stolen_ns,
        }
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
        assert_eq!(noise(20, 20).disturbances(SECOND / 100), [], "two ticks are none");
        assert_eq!(Noise::default().disturbances(SECOND), [], "nothing is known");
        assert_eq!(Disturbance::Busy.share(&noise(500, 0), SECOND), 0.25);
    }
}
