//! Whether the system allows as many open files as a shape needs.

use thiserror::Error;

use crate::contender::Contender;

/// Descriptors that a process needs beside its connections: standard streams, epoll, libraries.
const SPARE_DESCRIPTORS: u64 = 64;

/// Descriptors that the harness holds for each worker process: its three standard streams.
const DESCRIPTORS_A_WORKER: u64 = 3;

/// A shape that needs more open files than the system allows.
#[derive(Debug, Error)]
#[error(
    "{contender} needs {needed} open files in one process and the system allows {allowed}: \
     use a smaller shape, or raise the limit (ulimit -Hn)"
)]
pub(crate) struct TooManyDescriptors {
    contender: String,
    needed: u64,
    allowed: u64,
}

/// Checks that worker, target and harness may open the files that `contender` needs, and raises this
/// process's own limit.
pub(crate) fn check(contender: &Contender) -> Result<(), TooManyDescriptors> {
    let allowed = mock_target::raise_descriptor_limit().unwrap_or(u64::MAX);
    let of_target = contender.shape.slots();
    let of_harness = u64::from(contender.shape.processes) * DESCRIPTORS_A_WORKER;
    let needed = of_target.max(of_harness) + SPARE_DESCRIPTORS;
    if needed <= allowed {
        return Ok(());
    }
    Err(TooManyDescriptors { contender: contender.to_string(), needed, allowed })
}
