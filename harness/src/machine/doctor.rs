//! Checks whether this machine is fit for measurements: facts in, findings with advice out.

use std::fmt;
use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

use inflight_report::numbers::duration;
use inflight_report::record::MachineSettings;

use super::CORES_TO_SHARE_OUT;
use crate::meter::Quotas;

/// What is known of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) cores: usize,
    pub(crate) settings: MachineSettings,
    /// Why the workers cannot have a control group, if they cannot.
    pub(crate) no_group: Option<String>,
    /// Whether a target that asked for real-time priority was granted it.
    pub(crate) realtime: bool,
    /// CPUs that this process may use, whatever its quota.
    pub(crate) cpus: usize,
    pub(crate) spin: Spin,
}

/// The result of threads that do nothing but read the clock, one on each core.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spin {
    pub(crate) length: Duration,
    /// The times, longest first, for which a thread did not run.
    pub(crate) gaps_ns: Vec<u64>,
    pub(crate) threads: usize,
    /// Whether a CPU quota stopped them.
    pub(crate) throttled: bool,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    what: &'static str,
    found: String,
    judgement: Judgement,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Judgement {
    Ok,
    /// Figures are possible, and could be better.
    Warn(String),
    /// Figures would not be reliable, or not possible at all.
    Bad(String),
}

/// Descriptors that a race of the widest usual shape, 1,000 in flight, needs in one process.
const DESCRIPTORS: u64 = 1_064;

/// Ports that such a race needs: a connection holds its port for a minute after its end (TIME_WAIT), in
/// which some ten runs begin.
const PORTS: u64 = 10_000;

/// The default of Linux (prctl(2), PR_SET_TIMERSLACK).
const TIMER_SLACK_NS: u64 = 50_000;

/// A thread that reads the clock is back within a fraction of this, unless it was interrupted.
const SHORTEST_GAP: Duration = Duration::from_micros(10);

/// Gaps at p99 that make a target late beyond what a verdict allows, which is 1 ms.
const WORST_GAP_NS: u64 = 1_000_000;

/// The share of its time that a spinning thread may lose before its CPU and wall times are not reliable.
const MOST_LOST: f64 = 0.05;

impl Spin {
    /// Spins on every core for `length`.
    pub(crate) fn measure(cores: usize, length: Duration) -> Spin {
        let quotas = Quotas::of_this_process();
        let mut gaps_ns: Vec<u64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(move || gaps(length))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("spinning does not panic")).collect()
        });
        gaps_ns.sort_unstable_by(|a, b| b.cmp(a));
        let throttled = quotas.throttled_since().is_some_and(|groups| !groups.is_empty());
        Spin { length, gaps_ns, threads: cores, throttled }
    }

    /// The share of their time that the threads lost.
    fn lost(&self) -> f64 {
        let all_ns = self.length.as_nanos() as f64 * self.threads as f64;
        self.gaps_ns.iter().sum::<u64>() as f64 / all_ns.max(1.0)
    }

    fn p99_ns(&self) -> u64 {
        self.gaps_ns.get(self.gaps_ns.len() / 100).copied().unwrap_or(0)
    }
}

fn gaps(length: Duration) -> Vec<u64> {
    let mut gaps_ns = Vec::new();
    let begun = Instant::now();
    let mut before = begun;
    while before - begun < length {
        spin_loop();
        let now = Instant::now();
        if now - before > SHORTEST_GAP {
            gaps_ns.push((now - before).as_nanos() as u64);
        }
        before = now;
    }
    gaps_ns
}

pub(crate) fn examine(facts: &Facts) -> Vec<Finding> {
    vec![
        descriptors(facts),
        ports(facts),
        cores(facts),
        quota(facts),
        realtime(facts),
        governor(facts),
        timer_slack(facts),
        virtualisation(facts),
        group(facts),
        noise(&facts.spin),
    ]
}

/// Whether nothing keeps figures from being reliable.
pub(crate) fn is_fit(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| !matches!(finding.judgement, Judgement::Bad(_)))
}

/// A finding that comes with advice unless all is `well`: a judgement of the kind `otherwise`.
fn finding(
    what: &'static str,
    found: impl Into<String>,
    well: bool,
    otherwise: fn(String) -> Judgement,
    advice: impl Into<String>,
) -> Finding {
    let judgement = if well { Judgement::Ok } else { otherwise(advice.into()) };
    Finding { what, found: found.into(), judgement }
}

fn fine(what: &'static str, found: &str) -> Finding {
    Finding { what, found: found.to_owned(), judgement: Judgement::Ok }
}

fn unknown(what: &'static str) -> Finding {
    fine(what, "not reported by this system")
}

fn descriptors(facts: &Facts) -> Finding {
    let Some(limit) = facts.settings.descriptors else { return unknown("open files") };
    let found = format!("{limit} in one process");
    let advice = format!("1,000 in flight need {DESCRIPTORS}: raise the limit (ulimit -Hn), or keep to less");
    finding("open files", found, limit >= DESCRIPTORS, Judgement::Bad, advice)
}

fn ports(facts: &Facts) -> Finding {
    let Some(ports) = facts.settings.ports else { return unknown("ports") };
    let advice = "widen it: sysctl net.ipv4.ip_local_port_range=\"10000 60999\"";
    finding("ports", format!("{ports} to connect from"), ports >= PORTS, Judgement::Bad, advice)
}

fn cores(facts: &Facts) -> Finding {
    let well = facts.cores >= CORES_TO_SHARE_OUT;
    let advice = "target and workers share them: models that need several cores show less than they could";
    finding("cores", facts.cores.to_string(), well, Judgement::Warn, advice)
}

/// A quota of more than there is limits nothing.
fn quota(facts: &Facts) -> Finding {
    let Some(quota) = facts.settings.cpu_quotas.first() else { return fine("CPU quota", "none") };
    let throttled = facts.spin.throttled;
    let well = !throttled && quota.cores() >= facts.cpus as f64;
    let otherwise = if throttled { Judgement::Bad } else { Judgement::Warn };
    let advice = "a run that uses more is throttled and does not count: raise the quota (cpu.max, or \
                  cpu.cfs_quota_us in version 1; docker run --cpus), or start outside of that group";
    finding("CPU quota", quota.to_string(), well, otherwise, advice)
}

fn realtime(facts: &Facts) -> Finding {
    let found = if facts.realtime { "granted" } else { "not granted" };
    // With a core to itself the target does not ask.
    let well = facts.realtime || facts.cores >= CORES_TO_SHARE_OUT;
    let advice = "the target will be late when workers are busy: run as root, set `rtprio` in \
                  limits.conf(5), or prefer long delays (--preset article)";
    finding("real-time priority", found, well, Judgement::Warn, advice)
}

fn governor(facts: &Facts) -> Finding {
    let Some(governor) = &facts.settings.governor else {
        return fine("governor", "not reported: the frequency is not for this system to choose");
    };
    let advice = "the frequency follows the load: cpupower frequency-set -g performance";
    finding("governor", governor, governor == "performance", Judgement::Warn, advice)
}

fn timer_slack(facts: &Facts) -> Finding {
    let Some(slack_ns) = facts.settings.timer_slack_ns else { return unknown("timer slack") };
    let advice =
        format!("workers wake later than the usual {}: start from another shell", duration(TIMER_SLACK_NS));
    finding("timer slack", duration(slack_ns), slack_ns <= TIMER_SLACK_NS, Judgement::Warn, advice)
}

fn virtualisation(facts: &Facts) -> Finding {
    let Some(guest_of) = &facts.settings.virtualisation else { return unknown("virtual machine") };
    let advice = "other guests can take its cores: watch for stolen time, and compare only within a record";
    finding("virtual machine", guest_of, guest_of == "none", Judgement::Warn, advice)
}

fn group(facts: &Facts) -> Finding {
    let Some(reason) = &facts.no_group else { return fine("control group", "the workers get one") };
    let advice = "processes that outlive their parent are not accounted: start inside a group of your own \
                  (systemd-run --user --scope inflight …)";
    finding("control group", format!("none: {reason}"), false, Judgement::Warn, advice)
}

fn noise(spin: &Spin) -> Finding {
    let found = format!(
        "{:.2} % of the time lost in {} of spinning on every core; gaps p99 {}, max {}",
        spin.lost() * 100.0,
        duration(spin.length.as_nanos() as u64),
        duration(spin.p99_ns()),
        duration(spin.gaps_ns.first().copied().unwrap_or(0)),
    );
    let lost = spin.lost() > MOST_LOST;
    let otherwise = if lost { Judgement::Bad } else { Judgement::Warn };
    let advice = match (lost, spin.throttled) {
        (true, true) => "the CPU quota stopped the threads: see above",
        (true, false) => "something else is running here: end it, or wait",
        (false, _) => "expect runs that are invalid because the target was late",
    };
    finding("noise", found, !lost && spin.p99_ns() < WORST_GAP_NS, otherwise, advice)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, advice) = match &self.judgement {
            Judgement::Ok => ("ok", None),
            Judgement::Warn(advice) => ("warn", Some(advice)),
            Judgement::Bad(advice) => ("bad", Some(advice)),
        };
        write!(f, "{word:<4}  {:<18}  {}", self.what, self.found)?;
        advice.map_or(Ok(()), |advice| write!(f, "\n{:26}→ {advice}", ""))
    }
}

#[cfg(test)]
mod tests {
    use inflight_report::record::CpuQuota;

    use super::*;

    fn rendered(facts: &Facts) -> String {
        examine(facts).iter().map(|finding| format!("{finding}\n")).collect()
    }

    fn quota(quota_us: u64) -> CpuQuota {
        CpuQuota { group: "/job".to_owned(), quota_us, period_us: 100_000 }
    }

    fn good() -> Facts {
        let text = |text: &str| Some(text.to_owned());
        Facts {
            cores: 8,
            settings: MachineSettings {
                governor: text("performance"),
                virtualisation: text("none"),
                descriptors: Some(20_000),
                ports: Some(28_232),
                timer_slack_ns: Some(50_000),
                ..MachineSettings::default()
            },
            no_group: None,
            realtime: false,
            cpus: 16,
            spin: Spin {
                length: Duration::from_secs(10),
                gaps_ns: vec![900_000, 20_000],
                threads: 8,
                throttled: false,
            },
        }
    }

    fn poor() -> Facts {
        let text = |text: &str| Some(text.to_owned());
        Facts {
            cores: 2,
            settings: MachineSettings {
                governor: text("powersave"),
                virtualisation: text("QEMU"),
                descriptors: Some(1_024),
                ports: Some(1_000),
                timer_slack_ns: Some(1_000_000),
                cpu_quotas: vec![quota(20_000)],
                ..MachineSettings::default()
            },
            no_group: text("no hierarchy of version 2 is mounted"),
            realtime: false,
            cpus: 2,
            spin: Spin {
                length: Duration::from_secs(1),
                gaps_ns: vec![4_000_000; 100],
                threads: 2,
                throttled: true,
            },
        }
    }

    #[test]
    fn good_machine_has_a_line_for_each_finding() {
        insta::assert_snapshot!(rendered(&good()));
        assert!(is_fit(&examine(&good())));
    }

    #[test]
    fn poor_machine_gets_advice() {
        insta::assert_snapshot!(rendered(&poor()));
        assert!(!is_fit(&examine(&poor())));
    }

    #[test]
    fn unreported_settings_are_no_fault() {
        let facts = Facts { settings: MachineSettings::default(), ..good() };
        assert!(is_fit(&examine(&facts)));
        assert_eq!(rendered(&facts).matches("not reported").count(), 5);
    }

    #[test]
    fn machine_with_warnings_alone_is_fit() {
        let quiet = Spin { gaps_ns: Vec::new(), throttled: false, ..poor().spin };
        let settings = MachineSettings { descriptors: Some(20_000), ports: Some(28_232), ..poor().settings };
        let findings = examine(&Facts { settings, spin: quiet, ..poor() });
        assert!(is_fit(&findings));
        assert!(findings.iter().any(|finding| matches!(finding.judgement, Judgement::Warn(_))));
    }

    #[test]
    fn quota_is_named_as_the_cause_of_lost_time() {
        let with = |quotas: &[u64], throttled| {
            let settings = MachineSettings {
                cpu_quotas: quotas.iter().copied().map(quota).collect(),
                ..good().settings
            };
            let spin = Spin { throttled, gaps_ns: vec![4_000_000_000; 8], ..good().spin };
            rendered(&Facts { settings, spin, ..good() })
        };
        let throttled = with(&[20_000], true);
        assert!(
            throttled.contains("bad   CPU quota           a CPU quota of 0.2 cores (control group /job)")
        );
        assert!(throttled.contains("the CPU quota stopped the threads"), "{throttled}");
        assert!(!throttled.contains("something else"), "{throttled}");
        assert!(with(&[], false).contains("something else is running here"));
        assert!(with(&[800_000], false).contains("warn  CPU quota"));
        assert!(with(&[1_600_000], false).contains("ok    CPU quota"), "more than there is");
    }

    #[test]
    fn spin_gaps_are_sorted_and_long_enough() {
        let spin = Spin::measure(1, Duration::from_millis(20));
        assert!(spin.gaps_ns.is_sorted_by(|a, b| a >= b));
        assert!(spin.gaps_ns.iter().all(|&gap| gap > SHORTEST_GAP.as_nanos() as u64));
    }
}
