//! Sets a bundle up: once, atomically, and by one program at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::manifest::Step;
use super::{Bundle, Readiness, shell_line};

/// Receives the progress while a bundle is set up.
pub trait SetupProgress {
    /// Step `step` of `steps` begins: what it does.
    fn begin(&mut self, bundle: &Bundle, step: usize, steps: usize, about: &str);
    /// Another program sets the bundle up; this one waits.
    fn wait(&mut self, bundle: &Bundle);
    /// The last lines of a step that failed.
    fn last_lines(&mut self, lines: &[&str]);
}

impl Bundle {
    /// Sets it up, unless that is done, and gives the first line of its probe. What an interrupt leaves
    /// half done is begun anew the next time.
    ///
    /// # Errors
    /// When a step fails, or the probe afterwards.
    pub fn set_up(&self, progress: &mut dyn SetupProgress) -> Result<String> {
        if let Some(version) = self.is_set_up() {
            return Ok(version);
        }
        let root = &self.install_dir.root;
        fs::create_dir_all(root).with_context(|| format!("cannot write to {}", root.display()))?;
        let lock = self.lock(progress)?;
        if let Some(version) = self.is_set_up() {
            return Ok(version); // by the other program
        }
        self.install_dir.clear().with_context(|| format!("cannot write to {}", root.display()))?;
        for (at, step) in self.setup.iter().enumerate() {
            progress.begin(self, at + 1, self.setup.len(), &step.about);
            self.run_step(step, &lock, progress)?;
        }
        let version = self.run_probe().context("it is set up, but its probe fails")?;
        self.install_dir
            .set_stamp(&version)
            .with_context(|| format!("cannot write to {}", root.display()))?;
        Ok(version)
    }

    /// A bundle whose probe fails, since the system has changed below it, is not set up.
    fn is_set_up(&self) -> Option<String> {
        match self.readiness() {
            Readiness::Missing => None,
            Readiness::Ready(_) | Readiness::NothingToSetUp => self.run_probe().ok(),
        }
    }

    fn lock(&self, progress: &mut dyn SetupProgress) -> Result<File> {
        let path = self.install_dir.root.join("lock");
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
    /// be killed, no other program begins before the step has ended as well.
    fn run_step(&self, step: &Step, lock: &File, progress: &mut dyn SetupProgress) -> Result<()> {
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
        progress.last_lines(&lines[lines.len().saturating_sub(SHOWN)..]);
        bail!("{}: `{line}` ended with {status}; all of its output is in {}", step.about, path.display());
    }
}
