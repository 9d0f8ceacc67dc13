//! Whether this system can run a shape.

use anyhow::{Result, ensure};

use super::Contender;

/// Descriptors that a process needs beside its connections: standard streams, epoll, libraries.
const SPARE_DESCRIPTORS: u64 = 64;

/// Descriptors that the harness holds for each worker process: its three standard streams.
const DESCRIPTORS_A_WORKER: u64 = 3;

/// More worker processes than this would measure the system's way of starting them.
const MOST_PROCESSES: u32 = 256;

/// Checks that worker, target and harness may open the files that `contender` needs, raises this
/// process's own limit, and keeps the number of processes within reason.
pub(crate) fn check(contender: &Contender) -> Result<()> {
    let processes = contender.shape.processes;
    ensure!(
        processes <= MOST_PROCESSES,
        "{contender} would start {processes} processes: use at most {MOST_PROCESSES}"
    );
    let allowed = mock_target::raise_descriptor_limit().unwrap_or(u64::MAX);
    let of_target = contender.shape.slots();
    let of_harness = u64::from(processes) * DESCRIPTORS_A_WORKER;
    let needed = of_target.max(of_harness) + SPARE_DESCRIPTORS;
    ensure!(
        needed <= allowed,
        "{contender} needs {needed} open files in one process and the system allows {allowed}: \
         use a smaller shape, or raise the limit (ulimit -Hn)"
    );
    Ok(())
}
