//! Copies of the measured programs in a temporary folder that is always removed.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// The prefix of the names of such folders.
const PREFIX: &str = "inflight-gate-";

/// The file in each that is locked while a gate uses it.
const LOCK: &str = "lock";

/// A folder of copies, removed when this is dropped. The next gate removes the folder of one that was killed.
pub(crate) struct Copies {
    folder: TempDir,
    _lock: File,
}

impl Copies {
    /// Makes a new folder.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub(crate) fn create() -> Result<Copies> {
        remove_stale(&env::temp_dir());
        let cannot = "cannot make a temporary folder";
        let folder = TempDir::with_prefix(PREFIX).context(cannot)?;
        let lock = File::create(folder.path().join(LOCK)).context(cannot)?;
        lock.lock().context(cannot)?;
        Ok(Copies { folder, _lock: lock })
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

/// Removes the folders of gates that were killed. Folders of other users cannot be removed and stay.
fn remove_stale(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = is_ours.then(|| File::open(entry.path().join(LOCK))).and_then(Result::ok);
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_of_a_killed_gate_is_removed_unless_in_use() {
        let temporary = TempDir::new().unwrap();
        let [stale, used, others] =
            ["inflight-gate-1", "inflight-gate-2", "other"].map(|name| temporary.path().join(name));
        for folder in [&stale, &used, &others] {
            fs::create_dir(folder).unwrap();
            File::create(folder.join(LOCK)).unwrap();
        }
        let lock = File::open(used.join(LOCK)).unwrap();
        lock.lock().unwrap();
        remove_stale(temporary.path());
        assert_eq!([stale, used, others].map(|folder| folder.exists()), [false, true, true]);
    }
}
