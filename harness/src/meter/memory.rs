//! Memory of one process, in bytes.

use std::io;

use super::proc::kilobytes_field;

/// Resident memory now.
pub(super) fn resident_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmRSS:")
}

/// The most that was ever resident, since the program was started.
pub(super) fn high_water_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmHWM:")
}

/// Resident memory, each shared page divided by the number of processes that map it. Walks all page
/// tables: 0.2 ms at 15 MB, 4 ms at 260 MB.
pub(super) fn proportional_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "smaps_rollup", "Pss:")
}
