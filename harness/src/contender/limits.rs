//! Whether this system can run a shape.

use thiserror::Error;

use super::Contender;

/// Descriptors that a process needs beside its connections: standard streams, epoll, libraries.
const SPARE_DESCRIPTORS: u64 = 64;

/// Descriptors that the harness holds for each worker process: its three standard streams.
const DESCRIPTORS_A_WORKER: u64 = 3;

/// More worker processes than this would measure the system's way of starting them.
const MOST_PROCESSES: u32 = 256;

/// Why a shape is too large for this system.
#[derive(Debug, Error)]
pub(crate) enum TooLarge {
    #[error("{contender} would start {processes} processes: use at most {MOST_PROCESSES}")]
    Processes { contender: String, processes: u32 },
    #[error(
        "{contender} needs {needed} open files in one process and the system allows {allowed}: \
         use a smaller shape, or raise the limit (ulimit -Hn)"
    )]
    Descriptors { contender: String, needed: u64, allowed: u64 },
}

/// Checks that worker, target and harness may open the files that `contender` needs, raises this
/// process's own limit, and keeps the number of processes within reason.
pub(crate) fn check(contender: &Contender) -> Result<(), TooLarge> {
    let processes = contender.shape.processes;
    if processes > MOST_PROCESSES {
        return Err(TooLarge::Processes { contender: contender.to_string(), processes });
    }
    let allowed = mock_target::raise_descriptor_limit().unwrap_or(u64::MAX);
    let of_target = contender.shape.slots();
    let of_harness = u64::from(processes) * DESCRIPTORS_A_WORKER;
    let needed = of_target.max(of_harness) + SPARE_DESCRIPTORS;
    if needed <= allowed {
        return Ok(());
    }
    Err(TooLarge::Descriptors { contender: contender.to_string(), needed, allowed })
}
