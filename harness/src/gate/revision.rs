//! Builds what is compared: a revision in a checkout of its own, or the working tree in place.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Artifact;
use super::config::BuildSpec;
use crate::contender::external::{cache_folder, shell_line};

/// Advice for a clone without its history.
const SHALLOW: &str = " in this shallow clone: fetch its history, with `fetch-depth: 0` for actions/checkout or with \
                       `git fetch --unshallow`";

/// A repository, how it is built, and with which toolchain.
pub(crate) struct Repository<'a> {
    folder: &'a Path,
    build_spec: &'a BuildSpec,
    /// Its name in rustup, where rustup selects it.
    toolchain: Option<String>,
}

/// The repository that the current folder is in.
///
/// # Errors
/// Where it is in none.
pub(crate) fn working_tree() -> Result<PathBuf> {
    let here = env::current_dir().context("the current folder is gone")?;
    git(&here, &["rev-parse", "--show-toplevel"])
        .map(PathBuf::from)
        .context("--base-rev needs a git repository")
}

impl<'a> Repository<'a> {
    /// The repository in `folder`, built by `build_spec`, with every revision with the toolchain of the working tree.
    pub(crate) fn new(folder: &'a Path, build_spec: &'a BuildSpec) -> Repository<'a> {
        let asked = Command::new("rustup").args(["show", "active-toolchain"]).current_dir(folder).output();
        let stdout = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
        let toolchain = stdout
            .and_then(|stdout| Some(String::from_utf8(stdout).ok()?.split_whitespace().next()?.to_owned()));
        Repository { folder, build_spec, toolchain }
    }

    /// The artifact of the working tree.
    ///
    /// # Errors
    /// Where it cannot be built.
    pub(crate) fn build_working_tree(&self) -> Result<Artifact> {
        let revision = git(self.folder, &["rev-parse", "--short=12", "HEAD"])?;
        let changed = !git(self.folder, &["status", "--porcelain"])?.is_empty();
        let name = if changed { format!("{revision} with changes") } else { revision };
        self.build(self.folder, name)
    }

    /// The artifact of `revision`, built in a checkout that is kept beside the program's other caches, so that the
    /// next one has less to build.
    ///
    /// # Errors
    /// Where there is no such revision, or it cannot be built.
    pub(crate) fn build_revision(&self, revision: &str) -> Result<Artifact> {
        let commit = git(
            self.folder,
            &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")],
        )
        .with_context(|| {
            let shallow = git(self.folder, &["rev-parse", "--is-shallow-repository"]);
            let advice = if shallow.is_ok_and(|answer| answer == "true") { SHALLOW } else { "" };
            format!("there is no revision {revision}{advice}")
        })?;
        let checkout = self.checkout();
        let _alone = lock(&checkout)?;
        if checkout.join(".git").exists() {
            git(&checkout, &["checkout", "--quiet", "--force", "--detach", &commit])?;
        } else {
            fs::create_dir_all(&checkout)
                .with_context(|| format!("cannot write to {}", checkout.display()))?;
            git(self.folder, &["worktree", "prune"])?;
            let path = checkout.display().to_string();
            git(self.folder, &["worktree", "add", "--quiet", "--force", "--detach", &path, &commit])?;
        }
        let short: String = commit.chars().take(12).collect();
        self.build(&checkout, if revision == short { short } else { format!("{revision} ({short})") })
    }

    fn checkout(&self) -> PathBuf {
        const DIGITS: usize = 16;
        let path = self.folder.as_os_str().as_encoded_bytes();
        let digest = ring::digest::digest(&ring::digest::SHA256, path);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cache_folder().join("gate").join(format!("{name}-{}", &digest[..DIGITS]))
    }

    /// Builds in `folder` with this program's own environment; only that both would be built into one folder
    /// is ruled out.
    fn build(&self, folder: &Path, name: String) -> Result<Artifact> {
        let line = shell_line(&self.build_spec.command);
        let [program, args @ ..] = &self.build_spec.command[..] else { bail!("build: command: it is empty") };
        let mut command = Command::new(program);
        command.args(args).current_dir(folder).stdin(Stdio::null());
        command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
        if let Some(toolchain) = &self.toolchain {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        // Its output goes to stderr, since stdout is for the result.
        let status =
            command.stdout(std::io::stderr()).status().with_context(|| format!("cannot start `{line}`"))?;
        if !status.success() {
            bail!("{name}: `{line}` ended with {status}");
        }
        let result = folder.join(&self.build_spec.result);
        Artifact::at(&result, name)
            .with_context(|| format!("`{line}` should have made {}", self.build_spec.result.display()))
    }
}

/// Locks a checkout: another gate waits until it is built.
fn lock(checkout: &Path) -> Result<File> {
    let path = checkout.with_extension("lock");
    let cannot = || format!("cannot lock {}", path.display());
    fs::create_dir_all(checkout.parent().unwrap_or(checkout)).with_context(cannot)?;
    let file = File::create(&path).with_context(cannot)?;
    file.lock().with_context(cannot)?;
    Ok(file)
}

/// The trimmed output of git. The variables by which a hook selects a repository are ignored.
fn git(folder: &Path, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command.arg("-C").arg(folder).args(args).stdin(Stdio::null()).output();
    let output = output.context("cannot start git")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("git {}: {}", args[0], stderr.lines().last().unwrap_or("it failed"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
