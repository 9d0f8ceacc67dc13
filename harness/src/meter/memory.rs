//! Memory of processes, in bytes.

use std::fs;
use std::io;
use std::process;

use super::proc::{kilobytes, kilobytes_field, read};

/// Resident memory now.
pub(super) fn resident_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmRSS:")
}

/// The most that was resident since [`reset_high_water`], or else since the program was started.
pub(super) fn high_water_bytes(pid: u32) -> io::Result<u64> {
    kilobytes_field(pid, "status", "VmHWM:")
}

/// Sets the high-water mark to what is resident now (proc_pid_clear_refs(5), Linux 4.0 or later).
///
/// # Errors
/// Where the kernel has no such file or refuses to write to it, or the process is gone.
pub(super) fn reset_high_water(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Why high-water marks cannot be reset here, and what to do about it; `None` where they can be.
pub fn reset_not_offered() -> Option<String> {
    let error = reset_high_water(process::id()).err()?;
    Some(format!(
        "writing to /proc/PID/clear_refs: {error}; it takes Linux 4.0 or later with CONFIG_PROC_PAGE_MONITOR \
         and a /proc that can be written to"
    ))
}

/// The resident pages of a process, by who else maps them. Reading them walks all page tables: 0.2 ms
/// at 15 MB, 4 ms at 260 MB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pages {
    /// Mapped by nobody else.
    private: u64,
    /// Mapped by others too, in this tree or outside it.
    shared: u64,
    /// Each page divided by the number of processes that map it.
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

/// What a tree of several processes has resident, at least: what they share should count once.
///
/// The sum of proportional set sizes falls short where a page is shared with processes outside the
/// tree, as the text of this program is with the harness. Private pages and the largest shared part
/// fall short where two processes share different things. Neither is ever too much, so the larger is
/// the better figure.
pub(super) fn of_tree(processes: &[Pages]) -> u64 {
    let sum = |part: fn(&Pages) -> u64| processes.iter().map(part).sum::<u64>();
    let shared = processes.iter().map(|pages| pages.shared).max().unwrap_or(0);
    sum(|pages| pages.proportional).max(sum(|pages| pages.private) + shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_shared_with_others_count_once() {
        let alike = Pages { private: 10, shared: 6, proportional: 10 + 6 / 3 };
        assert_eq!(of_tree(&[alike, alike]), 26, "two of the three that share are in the tree");
        let apart = Pages { private: 0, shared: 8, proportional: 4 };
        assert_eq!(of_tree(&[apart; 4]), 16, "two pairs, each with pages of its own");
        assert_eq!(of_tree(&[]), 0);
    }

    #[test]
    fn one_process_alone_is_what_it_has_resident() {
        let pid = std::process::id();
        let pages = of_tree(&[Pages::read(pid).unwrap()]) as f64;
        let resident = resident_bytes(pid).unwrap() as f64;
        assert!((pages / resident - 1.0).abs() < 0.2, "{pages} and {resident}");
    }
}
