//! Setting a kit up: once, whole or not at all, and by one program at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::manifest::Step;
use super::{Kit, Readiness, shell_line};

/// What is said while a kit is set up.
pub trait Progress {
    /// A step begins, of so many: what it does.
    fn begin(&mut self, kit: &Kit, step: usize, steps: usize, about: &str);
    /// Another program sets the kit up; this one waits.
    fn wait(&mut self, kit: &Kit);
    /// The last lines of a step that failed.
    fn last_lines(&mut self, lines: &[&str]);
}

impl Kit {
    /// Sets it up, unless it is so already, and gives what its probe says. What an interrupt leaves
    /// half done is begun anew the next time.
    ///
    /// # Errors
    /// When a step fails, or the probe afterwards.
    pub fn set_up(&self, progress: &mut dyn Progress) -> Result<String> {
        if let Some(version) = self.is_set_up() {
            return Ok(version);
        }
        let root = &self.place.root;
        fs::create_dir_all(root).with_context(|| format!("cannot write to {}", root.display()))?;
        let lock = self.lock(progress)?;
        if let Some(version) = self.is_set_up() {
            return Ok(version); // the other program did it
        }
        self.place.clear().with_context(|| format!("cannot write to {}", root.display()))?;
        for (at, step) in self.setup.iter().enumerate() {
            progress.begin(self, at + 1, self.setup.len(), &step.about);
            self.take(step, &lock, progress)?;
        }
        let version = self.run_probe().context("set up, and yet not ready")?;
        self.place.set_stamp(&version).with_context(|| format!("cannot write to {}", root.display()))?;
        Ok(version)
    }

    /// A kit whose probe fails, since the system has changed below it, is not set up.
    fn is_set_up(&self) -> Option<String> {
        match self.readiness() {
            Readiness::Missing => None,
            Readiness::Ready(_) | Readiness::NothingToSetUp => self.run_probe().ok(),
        }
    }

    fn lock(&self, progress: &mut dyn Progress) -> Result<File> {
        let path = self.place.root.join("lock");
        let cannot = || format!("cannot lock {}", path.display());
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(cannot)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                progress.wait(self);
                file.lock().with_context(cannot)?;
            }
            result => result.with_context(cannot)?,
        }
        Ok(file)
    }

    /// Runs one step, its output into a file. It has the lock as its empty stdin: should this program
    /// be killed, nobody else begins before the step has ended as well.
    fn take(&self, step: &Step, lock: &File, progress: &mut dyn Progress) -> Result<()> {
        const SHOWN: usize = 12;
        let path = self.place.root.join("setup.log");
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let line = shell_line(&step.command);
        let status = Command::new(&step.command[0])
            .args(&step.command[1..])
            .current_dir(&self.place.here)
            .stdin(Stdio::from(lock.try_clone()?))
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .status()
            .with_context(|| format!("{}: cannot start `{line}`", step.about))?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read(&path).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        progress.last_lines(&lines[lines.len().saturating_sub(SHOWN)..]);
        bail!("{}: `{line}` ended with {status}; all that it said is in {}", step.about, path.display());
    }
}
