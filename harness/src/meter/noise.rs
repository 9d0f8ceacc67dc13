//! What the machine did besides: running sums of the whole machine, to be read before and after.

use std::fs;

use inflight_report::record::Noise;

use super::cpu::{TICK_NS, of_this_process_ns};
use super::proc::field;

/// The machine's running sums at one moment, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    cpus: u32,
    busy_ns: Option<u64>,
    stolen_ns: Option<u64>,
    pressure_ns: Option<u64>,
    harness_ns: u64,
}

impl Moment {
    /// Reads them.
    pub(crate) fn read() -> Moment {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let pressure = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
        Moment {
            pressure_ns: some_total(&pressure).map(|micros| micros * 1_000),
            harness_ns: of_this_process_ns(),
            ..Moment::parse(&stat).unwrap_or_default()
        }
    }

    /// From `/proc/stat` (proc_stat(5)).
    fn parse(stat: &str) -> Option<Moment> {
        let ticks = field(stat, "cpu ")?.split_whitespace().map(|text| text.parse::<u64>().ok());
        let ticks: Vec<u64> = ticks.collect::<Option<_>>()?;
        let [user, nice, system, _idle, _iowait, _irq, _softirq, stolen, ..] = ticks[..] else { return None };
        let cpus = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
        Some(Moment {
            cpus: cpus as u32,
            // Interrupts are left out: most of theirs is the loopback traffic of the run itself.
            busy_ns: Some((user + nice + system) * TICK_NS),
            stolen_ns: Some(stolen * TICK_NS),
            ..Moment::default()
        })
    }

    /// What disturbed a run since `before`, in which its workers and the target used `ours_ns` of CPU.
    pub(crate) fn since(&self, before: &Moment, ours_ns: u64) -> Noise {
        let between = |after: Option<u64>, before: Option<u64>| after?.checked_sub(before?);
        let ours_ns = ours_ns + (self.harness_ns - before.harness_ns);
        Noise {
            cpus: self.cpus,
            others_cpu_ns: between(self.busy_ns, before.busy_ns)
                .map(|busy_ns| busy_ns.saturating_sub(ours_ns)),
            stolen_ns: between(self.stolen_ns, before.stolen_ns),
            pressure_ns: between(self.pressure_ns, before.pressure_ns),
            throttled_ns: None, // the groups of a run are not this machine's
            load: sysinfo::System::load_average().ok().map(|load| load.one),
        }
    }
}

/// From a file of `/proc/pressure` (kernel documentation, "PSI"): microseconds.
fn some_total(pressure: &str) -> Option<u64> {
    field(pressure, "some ")?.split("total=").nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_machine_are_read() {
        let stat = "cpu  100 20 3 4000 50 6 7 8 0 0\ncpu0 50 10 1 1 1 1 1 1 0 0\ncpu1 0 0\nintr 5\nctxt 6\n";
        let moment = Moment::parse(stat).unwrap();
        assert_eq!(
            (moment.cpus, moment.busy_ns, moment.stolen_ns),
            (2, Some(1_230_000_000), Some(80_000_000))
        );
        assert_eq!(some_total("some avg10=0.00 avg60=0.10 avg300=0.00 total=77\nfull total=1\n"), Some(77));
        assert_eq!(some_total(""), None);
    }

    #[test]
    fn what_is_ours_is_no_noise() {
        let before = Moment { busy_ns: Some(1_000), harness_ns: 10, ..Moment::default() };
        let after = Moment { busy_ns: Some(1_900), harness_ns: 110, ..Moment::default() };
        assert_eq!(after.since(&before, 500).others_cpu_ns, Some(300));
        assert_eq!(after.since(&before, 5_000).others_cpu_ns, Some(0));
        assert_eq!(after.since(&before, 500).stolen_ns, None);
    }
}
