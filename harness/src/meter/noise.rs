//! Disturbances of a run: counters of the whole machine, read before and after.

use std::fs;

use inflight_report::record::Noise;

use super::cpu::{TICK_NS, of_this_process_ns};
use super::proc::field;

/// The machine's counters when they were read, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Snapshot {
    cpus: u32,
    busy_ns: Option<u64>,
    stolen_ns: Option<u64>,
    pressure_ns: Option<u64>,
    harness_ns: u64,
}

impl Snapshot {
    pub(crate) fn read() -> Snapshot {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let pressure = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
        Snapshot {
            pressure_ns: some_total(&pressure).map(|micros| micros * 1_000),
            harness_ns: of_this_process_ns(),
            ..Snapshot::parse(&stat).unwrap_or_default()
        }
    }

    /// Parses `/proc/stat` (proc_stat(5)).
    fn parse(stat: &str) -> Option<Snapshot> {
        let ticks = field(stat, "cpu ")?.split_whitespace().map(|text| text.parse::<u64>().ok());
        let ticks: Vec<u64> = ticks.collect::<Option<_>>()?;
        let [user, nice, system, _idle, _iowait, _irq, _softirq, stolen, ..] = ticks[..] else { return None };
        let cpus = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
        Some(Snapshot {
            cpus: cpus as u32,
            // Interrupts are excluded: most of them are the loopback traffic of the run itself.
            busy_ns: Some((user + nice + system) * TICK_NS),
            stolen_ns: Some(stolen * TICK_NS),
            ..Snapshot::default()
        })
    }

    /// The disturbances since `before`; the workers and the target of the run used `ours_ns` of CPU.
    pub(crate) fn since(&self, before: &Snapshot, ours_ns: u64) -> Noise {
        let between = |after: Option<u64>, before: Option<u64>| after?.checked_sub(before?);
        let ours_ns = ours_ns + (self.harness_ns - before.harness_ns);
        Noise {
            cpus: self.cpus,
            others_cpu_ns: between(self.busy_ns, before.busy_ns)
                .map(|busy_ns| busy_ns.saturating_sub(ours_ns)),
            stolen_ns: between(self.stolen_ns, before.stolen_ns),
            pressure_ns: between(self.pressure_ns, before.pressure_ns),
            throttled_ns: None, // measured for the groups of a run, not for the machine
            load: sysinfo::System::load_average().ok().map(|load| load.one),
        }
    }
}

/// The total of the line `some` of a file of `/proc/pressure` (kernel documentation, "PSI"), in microseconds.
fn some_total(pressure: &str) -> Option<u64> {
    field(pressure, "some ")?.split("total=").nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_the_machine_are_parsed() {
        let stat = "cpu  100 20 3 4000 50 6 7 8 0 0\ncpu0 50 10 1 1 1 1 1 1 0 0\ncpu1 0 0\nintr 5\nctxt 6\n";
        let snapshot = Snapshot::parse(stat).unwrap();
        assert_eq!(
            (snapshot.cpus, snapshot.busy_ns, snapshot.stolen_ns),
            (2, Some(1_230_000_000), Some(80_000_000))
        );
        assert_eq!(some_total("some avg10=0.00 avg60=0.10 avg300=0.00 total=77\nfull total=1\n"), Some(77));
        assert_eq!(some_total(""), None);
    }

    #[test]
    fn cpu_of_the_run_itself_is_no_noise() {
        let before = Snapshot { busy_ns: Some(1_000), harness_ns: 10, ..Snapshot::default() };
        let after = Snapshot { busy_ns: Some(1_900), harness_ns: 110, ..Snapshot::default() };
        assert_eq!(after.since(&before, 500).others_cpu_ns, Some(300));
        assert_eq!(after.since(&before, 5_000).others_cpu_ns, Some(0));
        assert_eq!(after.since(&before, 500).stolen_ns, None);
    }
}
