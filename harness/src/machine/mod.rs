//! The machine: what it is, how many cores there are to use, and who runs on which.

mod cores;
pub(crate) mod doctor;
pub mod placement;

use std::fs;

use inflight_report::record::{Machine, MachineSettings};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

pub(crate) use cores::{
    CORES_TO_SHARE_OUT, allowed_cpus, cores, has_cores_to_share_out, physical_cores, within_quota,
};

use crate::meter::{Cgroup, Quotas, SystemCalls, peak_reset_not_offered};

/// The machine, as far as the system reports it.
pub(crate) fn describe() -> Machine {
    let what = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what).ok();
    let cpu = system.as_ref().and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
    Machine {
        cpu_model: or_unknown(cpu),
        cores: cores() as u32,
        memory_bytes: system.map_or(0, |system| system.total_memory()),
        os: or_unknown(System::long_os_version().ok()),
        kernel: or_unknown(System::kernel_version().ok()),
        settings: settings(),
    }
}

/// Settings that figures depend on, and what cannot be measured here.
pub(crate) fn settings() -> MachineSettings {
    MachineSettings {
        governor: line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        virtualisation: virtualisation(),
        descriptors: mock_target::raise_descriptor_limit().ok(),
        ports: line_of("/proc/sys/net/ipv4/ip_local_port_range").and_then(|range| ports(&range)),
        timer_slack_ns: line_of("/proc/self/timerslack_ns").and_then(|line| line.parse().ok()),
        cpu_quotas: Quotas::of_this_process().limits(),
        not_offered: not_offered(),
    }
}

/// What cannot be measured here, each with the reason.
fn not_offered() -> Vec<String> {
    let group = Cgroup::create().err().map(|reason| format!("a control group for the workers: {reason}"));
    let file = |path: &str, meter: &str| line_of(path).is_none().then(|| format!("{meter}: no {path}"));
    let missing = [
        group,
        file("/proc/self/schedstat", "context switches, and lateness of the harness"),
        file("/proc/self/smaps_rollup", "memory of several processes"),
        peak_reset_not_offered().map(|reason| format!("peak memory since `go`: {reason}")),
        file("/proc/stat", "CPU of other programs"),
        file("/proc/pressure/cpu", "pressure"),
        SystemCalls::not_offered().map(|reason| format!("system calls: {reason}")),
    ];
    missing.into_iter().flatten().collect()
}

fn line_of(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// How many ports a range such as `32768 60999` holds (ip(7)).
fn ports(range: &str) -> Option<u64> {
    let (first, last) = range.split_once(char::is_whitespace)?;
    let (first, last) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?);
    (last + 1).checked_sub(first)
}

/// A guest on x86 sees the CPU flag `hypervisor`; other CPUs do not report it.
fn virtualisation() -> Option<String> {
    let flags = fs::read_to_string("/proc/cpuinfo").ok()?;
    let flags = flags.lines().find(|line| line.starts_with("flags"))?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Some("none".to_owned());
    }
    let vendor = line_of("/sys/class/dmi/id/sys_vendor").filter(|vendor| !vendor.is_empty());
    Some(vendor.unwrap_or_else(|| "a hypervisor".to_owned()))
}

fn or_unknown(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_counted() {
        assert_eq!(ports("32768\t60999"), Some(28_232));
        assert_eq!(ports("60999 32768"), None);
        assert_eq!(ports("all"), None);
    }
}
