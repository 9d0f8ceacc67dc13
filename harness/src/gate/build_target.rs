//! The target that a build of a gate is served by, or that is the build under test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use mock_target::Scenario;

use crate::machine::placement::Placement;
use crate::runner::{Session, target_options};
use crate::workload::Workload;

/// A target, and what it is started from.
pub(super) struct BuildTarget {
    pub(super) program: PathBuf,
    pub(super) session: Session,
    /// Its resident memory before the first run.
    idle_bytes: u64,
}

impl BuildTarget {
    pub(super) fn start(
        program: &Path,
        scenario: Scenario,
        placement: Option<&Placement>,
    ) -> Result<BuildTarget> {
        let workload = Workload::of(scenario);
        let options = target_options(&workload, placement);
        let session = Session::with_options(program, workload, options, placement.cloned())?;
        let idle_bytes = memory_bytes(session.target_pid(), "VmRSS:");
        Ok(BuildTarget { program: program.to_owned(), session, idle_bytes })
    }

    /// Replaces the process by a fresh one.
    pub(super) fn restart(&mut self) -> Result<()> {
        let scenario = self.session.workload().scenario.clone();
        *self = BuildTarget::start(&self.program, scenario, self.session.placement())?;
        Ok(())
    }

    /// How much its memory has grown at most since it was started.
    pub(super) fn growth_bytes(&self) -> u64 {
        memory_bytes(self.session.target_pid(), "VmHWM:").saturating_sub(self.idle_bytes)
    }
}

/// The value of a line of `/proc/PID/status`, in bytes; 0 where the system does not report it.
fn memory_bytes(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = |line: &str| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok();
    status.lines().find_map(kilobytes).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn memory_of_a_process_is_read() {
        let [resident, peak] = ["VmRSS:", "VmHWM:"].map(|key| memory_bytes(process::id(), key));
        assert!(resident > 1 << 20 && peak >= resident / 2, "{resident} {peak}");
        assert_eq!(memory_bytes(process::id(), "VmNone:"), 0);
    }
}
