//! What machine this is.

use std::thread;

use inflight_report::record::Machine;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Threads that a runtime which spreads work over cores is told to use: the CPUs this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The machine, as far as the system tells.
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
    }
}

fn or_unknown(told: Option<String>) -> String {
    told.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
