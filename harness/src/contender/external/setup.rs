//! Sets a bundle up: once, atomically, and by one program at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::manifest::Step;
use super::{Bundle, Readiness, shell_line};

impl Bundle {
    /// Sets it up, unless that is done, and gives the first line of its probe. `say` is given each line about the
    /// progress. What an interrupt leaves half done is begun anew the next time.
    ///
    /// # Errors
    /// When a step fails, or the probe afterwards.
    pub fn set_up(&self, say: fn(&str)) -> Result<String> {
        if let Some(version) = self.is_set_up() {
            return Ok(version);
        }
        let root = &self.install_dir.root;
        let cannot_write = || format!("cannot write to {}", root.display());
        fs::create_dir_all(root).with_context(cannot_write)?;
        let lock = self.lock(say)?;
        if let Some(version) = self.is_set_up() {
            return Ok(version); // by the other program
        }
        self.install_dir.clear().with_context(cannot_write)?;
        for (number, step) in (1..).zip(&self.setup) {
            say(&format!("{} {number}/{}: {}", self.name, self.setup.len(), step.about));
            self.run_step(step, &lock, say)?;
        }
        let version = self.run_probe().context("it is set up, but its probe fails")?;
        self.install_dir.set_stamp(&version).with_context(cannot_write)?;
        Ok(version)
    }

    /// A bundle whose probe fails, since the system has changed below it, is not set up.
    fn is_set_up(&self) -> Option<String> {
        match self.readiness() {
            Readiness::Missing => None,
            Readiness::Ready(_) | Readiness::NothingToSetUp => self.run_probe().ok(),
        }
    }

    fn lock(&self, say: fn(&str)) -> Result<File> {
        let path = self.install_dir.root.join("lock");
        let cannot = || format!("cannot lock {}", path.display());
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(cannot)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                say(&format!("{}: another program is setting it up; waiting for it", self.name));
                file.lock().with_context(cannot)?;
            }
            result => result.with_context(cannot)?,
        }
        Ok(file)
    }

    /// Runs one step, its output into a file. It has the lock as its empty stdin: should this program
    /// be killed, no other program begins before the step has ended as well.
    fn run_step(&self, step: &Step, lock: &File, say: fn(&str)) -> Result<()> {
        const SHOWN: usize = 12;
        let path = self.install_dir.root.join("setup.log");
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let line = shell_line(&step.command);
        let status = Command::new(&step.command[0])
            .args(&step.command[1..])
            .current_dir(&self.install_dir.here)
            .stdin(Stdio::from(lock.try_clone()?))
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .status()
            .with_context(|| format!("{}: cannot start `{line}`", step.about))?;
        if status.success() {
            return Ok(());
        }
        let output = fs::read(&path).unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(SHOWN)..].iter().for_each(|line| say(&format!("  | {line}")));
        bail!("{}: `{line}` ended with {status}; all of its output is in {}", step.about, path.display());
    }
}
