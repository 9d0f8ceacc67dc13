//! Memory of processes, in bytes. It is read from `/proc` directly: sysinfo offers neither high-water marks nor
//! proportional set sizes.

use std::fs;
use std::io;
use std::process;

use super::proc::{kilobytes, kilobytes_field, read};

pub(super) fn resident_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmRSS:")
}

/// Peak resident memory since [`reset_high_water`], or else since the program was started.
pub(super) fn high_water_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmHWM:")
}

/// Resets the high-water mark to the current resident memory (proc_pid_clear_refs(5), Linux 4.0 or later).
pub(super) fn reset_high_water(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Why high-water marks cannot be reset here, with advice; `None` where they can be.
pub fn reset_not_offered() -> Option<String> {
    let error = reset_high_water(process::id()).err()?;
    Some(format!(
        "writing to /proc/PID/clear_refs: {error}; this needs Linux 4.0 or later with CONFIG_PROC_PAGE_MONITOR \
         and a writable /proc"
    ))
}

/// The resident memory of a process, by how many processes map it. Reading it walks all page tables: 0.2 ms
/// at 15 MB, 4 ms at 260 MB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pages {
    /// Mapped by this process alone.
    private: u64,
    /// Mapped by other processes too, in the tree or outside it.
    shared: u64,
    /// The proportional set size: each page divided by the number of processes that map it.
    proportional: u64,
}

impl Pages {
    pub(super) fn read(pid: u32) -> io::Result<Pages> {
        let text = read(pid, "smaps_rollup")?;
        let field = |key| kilobytes(&text, key).ok_or(io::ErrorKind::NotFound);
        Ok(Pages {
            private: field("Private_Clean:")? + field("Private_Dirty:")?,
            shared: field("Shared_Clean:")? + field("Shared_Dirty:")?,
            proportional: field("Pss:")?,
        })
    }
}

/// A lower bound of the resident memory of several processes, in which shared pages count once.
///
/// The sum of proportional set sizes is too small where a page is shared with processes outside the
/// tree, as the text of this program is with the harness. Private pages plus the largest shared part
/// are too small where processes share different pages. Neither is ever too large, so the larger is
/// the better bound.
pub(super) fn of_tree(processes: &[Pages]) -> u64 {
    let sum = |part: fn(&Pages) -> u64| processes.iter().map(part).sum::<u64>();
    let shared = processes.iter().map(|pages| pages.shared).max().unwrap_or(0);
    sum(|pages| pages.proportional).max(sum(|pages| pages.private) + shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_pages_count_once() {
        let alike = Pages { private: 10, shared: 6, proportional: 10 + 6 / 3 };
        assert_eq!(of_tree(&[alike, alike]), 26, "two of the three processes that share are in the tree");
        let pair = Pages { private: 0, shared: 8, proportional: 4 };
        assert_eq!(of_tree(&[pair; 4]), 16, "two pairs, each sharing other pages");
        assert_eq!(of_tree(&[]), 0);
    }

    #[test]
    fn single_process_counts_its_resident_memory() {
        let pid = std::process::id();
        let pages = of_tree(&[Pages::read(pid).unwrap()]) as f64;
        let resident = resident_bytes(pid).unwrap() as f64;
        assert!((pages / resident - 1.0).abs() < 0.2, "{pages} and {resident}");
    }
}
