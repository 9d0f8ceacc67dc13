//! CPU time and memory of another process, from `/proc`.

use std::{fs, io};

use rustix::thread::{CpuSet, sched_setaffinity};

/// Pins this process and its children to one processor, if the machine has it.
pub(crate) fn pin(processor: usize) -> io::Result<()> {
    let available = std::thread::available_parallelism()?.get();
    if processor >= available {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(None, &set)?)
}

/// User and system time of a process's threads, in nanoseconds.
pub(crate) fn cpu_ns(process: u32) -> io::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        total += text.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(total)
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
    kib.map(|kib| kib * 1_024).ok_or_else(|| io::Error::other("the process has no VmRSS"))
}
