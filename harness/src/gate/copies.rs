//! Where programs are copied to before they are measured, and from where nothing is left behind.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// What the names of such folders begin with.
const PREFIX: &str = "inflight-gate-";

/// The file in each that is locked while somebody uses it.
const HELD: &str = "held";

/// A folder of copies, removed when this is dropped; the next gate removes that of one that was killed.
pub(crate) struct Copies {
    folder: TempDir,
    _held: File,
}

impl Copies {
    /// Makes a new folder.
    ///
    /// # Errors
    /// Where there is no room for it.
    pub(crate) fn create() -> Result<Copies> {
        remove_stale(&env::temp_dir());
        let cannot = "cannot make a temporary folder";
        let folder = TempDir::with_prefix(PREFIX).context(cannot)?;
        let held = File::create(folder.path().join(HELD)).context(cannot)?;
        held.lock().context(cannot)?;
        Ok(Copies { folder, _held: held })
    }

    /// This program: a build may replace the file that it was started from.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub(crate) fn of_this_program(&self) -> Result<PathBuf> {
        self.of(&env::current_exe().context("cannot find this program itself")?, "self")
    }

    /// A copy of `program`, in a folder called `name`.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub(super) fn of(&self, program: &Path, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        let copy = folder.join("inflight");
        let copied = fs::create_dir_all(&folder).and_then(|()| fs::copy(program, &copy));
        copied.with_context(|| format!("cannot copy {} to {}", program.display(), folder.display()))?;
        Ok(copy)
    }
}

/// Removes what gates that were killed have left. What cannot be removed is somebody else's.
fn remove_stale(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let held = is_ours.then(|| File::open(entry.path().join(HELD))).and_then(Result::ok);
        if held.is_some_and(|held| held.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_gate_left_is_removed_and_what_is_in_use_is_not() {
        let temporary = TempDir::new().unwrap();
        let [stale, used, others] =
            ["inflight-gate-1", "inflight-gate-2", "other"].map(|name| temporary.path().join(name));
        for folder in [&stale, &used, &others] {
            fs::create_dir(folder).unwrap();
            File::create(folder.join(HELD)).unwrap();
        }
        let held = File::open(used.join(HELD)).unwrap();
        held.lock().unwrap();
        remove_stale(temporary.path());
        assert_eq!([stale, used, others].map(|folder| folder.exists()), [false, true, true]);
    }
}
