//! Contenders in other languages: programs that speak the protocol, described by a `contender.toml`.
//!
//! A folder with such a file is a [`Bundle`]: a probe of what would be measured, how to set it up, and its
//! contenders. Nothing here depends on a language.

mod install_dir;
mod manifest;
mod setup;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use include_dir::{Dir, include_dir};
use regex_lite::Regex;

use crate::process::{Launch, remove_proxies};
use crate::workload::Shape;
use install_dir::InstallDir;
use manifest::{Entry, Manifest, Step};

pub(crate) use install_dir::cache_folder;

/// The folders that come with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/contenders");

/// The file that makes a folder a bundle.
pub const FILE_NAME: &str = "contender.toml";

/// The contenders of one language with all that they need: a folder with a [`FILE_NAME`].
#[derive(Debug)]
pub struct Bundle {
    /// The folder's name: the word for `inflight setup`.
    pub name: String,
    /// The language, as people write it.
    pub language: String,
    /// The file, where it is a user's own.
    file: Option<PathBuf>,
    install_dir: InstallDir,
    probe: Vec<String>,
    pattern: Regex,
    setup: Vec<Step>,
}

/// A contender that is a separate program.
#[derive(Debug)]
pub struct External {
    /// The word on the command line.
    pub name: String,
    /// What it is, in one sentence.
    pub about: String,
    /// What is set in it and why.
    pub details: String,
    /// Its shapes where none is given.
    pub shapes: Vec<Shape>,
    /// The most requests that one process of it can have in flight.
    pub max_in_flight: Option<u32>,
    /// Whether it is started once for all processes of a shape, and starts them itself.
    pub own_processes: bool,
    /// Whether it keeps to a plan's schedule, and its samples say so.
    pub rate: bool,
    /// The row of the published table that it corresponds to, from 1.
    pub article_row: Option<usize>,
    /// Where it comes from.
    pub bundle: Arc<Bundle>,
    command: Vec<String>,
}

/// Whether a bundle can be raced, as far as is known without starting anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is set up; the version that its probe reported then.
    Ready(String),
    /// It has no steps to set up.
    NothingToSetUp,
    /// It has to be set up first.
    Missing,
}

/// The bundles that come with the program, with their contenders, in the order of their names.
///
/// # Errors
/// When one of them is invalid, which a test rules out.
pub fn built_in() -> Result<Vec<External>> {
    let mut folders: Vec<&Dir<'_>> = BUILT_IN.dirs().collect();
    folders.sort_by_key(|folder| folder.path());
    let mut all = Vec::new();
    for folder in folders {
        let file = folder.path().join(FILE_NAME);
        let Some(text) = folder.get_file(&file).and_then(|file| file.contents_utf8()) else { continue };
        all.extend(bundle(text, &file, None, InstallDir::embedded(folder))?);
    }
    Ok(all)
}

/// The contenders of a user's own `contender.toml`.
///
/// # Errors
/// When the file cannot be read or is invalid: with the file and what is wrong in it.
pub fn own(file: &Path) -> Result<Vec<External>> {
    let cannot_read = || format!("cannot read {}", file.display());
    let absolute = file.canonicalize().with_context(cannot_read)?;
    let text = std::fs::read_to_string(&absolute).with_context(cannot_read)?;
    let folder = absolute.parent().with_context(cannot_read)?;
    bundle(&text, file, Some(file.to_owned()), InstallDir::on_disk(folder)?)
}

fn bundle(text: &str, shown: &Path, file: Option<PathBuf>, install_dir: InstallDir) -> Result<Vec<External>> {
    let manifest = Manifest::parse(text).with_context(|| shown.display().to_string())?;
    let pattern = manifest.pattern()?;
    let step = |step: Step| Step { command: install_dir.fill_in(&step.command), ..step };
    let bundle = Arc::new(Bundle {
        name: install_dir.name.clone(),
        language: manifest.language,
        file,
        probe: install_dir.fill_in(&manifest.probe.command),
        pattern,
        setup: manifest.setup.into_iter().map(step).collect(),
        install_dir,
    });
    Ok(manifest.contender.into_iter().map(|entry| External::of(entry, &bundle)).collect())
}

impl External {
    fn of(entry: Entry, bundle: &Arc<Bundle>) -> External {
        External {
            shapes: entry.shapes(),
            command: bundle.install_dir.fill_in(&entry.command),
            name: entry.name,
            about: entry.about,
            details: entry.details,
            max_in_flight: entry.max_in_flight,
            own_processes: entry.own_processes,
            rate: entry.rate,
            article_row: entry.article_row,
            bundle: bundle.clone(),
        }
    }

    /// How a worker of it is started by `program`, which is this program or can stand in for it, and
    /// becomes the worker.
    pub fn launch(&self, program: &Path) -> Launch {
        let args = ["become", "--"].map(str::to_owned).into_iter().chain(self.command.iter().cloned());
        Launch { program: program.to_owned(), args: args.collect() }
    }

    /// The command that starts a worker, as it is typed into a shell.
    pub fn command_line(&self) -> String {
        shell_line(&self.command)
    }
}

impl Bundle {
    /// Whether it can be raced, without starting anything.
    pub fn readiness(&self) -> Readiness {
        match self.install_dir.stamp() {
            Some(version) => Readiness::Ready(version),
            None if self.setup.is_empty() && self.file.is_some() => Readiness::NothingToSetUp,
            None => Readiness::Missing,
        }
    }

    /// Identifies it among all bundles and versions: a digest of its path and of the
    /// files there.
    pub fn digest(&self) -> String {
        let folder = self.install_dir.root.file_name().unwrap_or_default().to_string_lossy();
        folder.rsplit('-').next().unwrap_or_default().to_owned()
    }

    /// Whether it is a user's own.
    pub fn is_own(&self) -> bool {
        self.file.is_some()
    }

    /// Where it is defined.
    pub fn origin(&self) -> String {
        match &self.file {
            None => format!("the built-in {}", self.name),
            Some(file) => file.display().to_string(),
        }
    }

    /// The command that sets it up.
    pub fn setup_command(&self) -> String {
        match &self.file {
            None => format!("inflight setup {}", self.name),
            Some(file) => format!("inflight setup --contender {}", shell_line(&[file.display().to_string()])),
        }
    }

    /// The first line of the output of the probe: what would be measured.
    ///
    /// # Errors
    /// When the bundle is not set up, or the probe does not match.
    pub fn probe(&self) -> Result<String> {
        if self.readiness() == Readiness::Missing {
            bail!("{} is not set up: run `{}`", self.name, self.setup_command());
        }
        self.run_probe().with_context(|| format!("{} (repair it with `{}`)", self.name, self.setup_command()))
    }

    fn run_probe(&self) -> Result<String> {
        let line = shell_line(&self.probe);
        let mut command = Command::new(&self.probe[0]);
        remove_proxies(command.args(&self.probe[1..]).stdin(std::process::Stdio::null()));
        let output = command.output().with_context(|| format!("cannot start the probe `{line}`"))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
            bail!("the probe `{line}` ended with {}; last line of stderr: {last}", output.status);
        }
        let first = stdout.lines().next().unwrap_or_default().trim();
        if !self.pattern.is_match(&stdout) {
            bail!("the probe `{line}` printed {first:?}, which does not match `{}`", self.pattern);
        }
        Ok(first.to_owned())
    }
}

/// A command quoted for a shell.
pub(crate) fn shell_line(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+:./,".contains(c);
    let quoted = words.iter().map(|word| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
