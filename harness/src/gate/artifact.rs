//! The two builds that are compared: each an `inflight`, or contenders of a user's own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use inflight_report::gate::Build;
use ring::digest;

use super::Copies;
use crate::contender::Contender;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::FILE_NAME;
use crate::process::Launch;

/// One of the two builds that are compared, as it lies on the disk.
#[derive(Clone)]
pub(crate) struct Artifact {
    pub(crate) build: Build,
    origin: Origin,
    /// Its contenders.
    catalogue: Catalogue,
}

#[derive(Clone)]
enum Origin {
    /// An inflight, which starts its own workers.
    Program(PathBuf),
    /// A `contender.toml`, whose workers this program starts.
    Manifest,
}

impl Artifact {
    /// The build at `path`, called `name`: a program that is an `inflight`, or the `contender.toml` of
    /// contenders of a user's own, which this program starts.
    ///
    /// # Errors
    /// Where there is neither.
    pub(crate) fn at(path: &Path, name: String) -> Result<Artifact> {
        let found = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
        if found.extension().is_some_and(|extension| extension == "toml") {
            return Artifact::of_manifest(&found, name);
        }
        ask_for_version(&found)?;
        let digest = digest_of(&found).with_context(|| format!("cannot read {}", path.display()))?;
        let origin = Origin::Program(found);
        Ok(Artifact { build: Build { name, digest }, origin, catalogue: Catalogue::load(&[])? })
    }

    fn of_manifest(file: &Path, name: String) -> Result<Artifact> {
        let catalogue = Catalogue::load(&[file.to_owned()])?;
        let bundles = catalogue.bundles();
        let bundle = bundles.iter().find(|bundle| bundle.is_own());
        let digest = bundle
            .map(|bundle| bundle.digest())
            .with_context(|| format!("{} has no contender", file.display()))?;
        Ok(Artifact { build: Build { name, digest }, origin: Origin::Manifest, catalogue })
    }

    /// The same from a copy of the program, in a folder called `name`. How much of a file a process has mapped in depends on how
    /// its pages came into memory: two copies of one program can differ by a fifth in peak memory. Copies made
    /// alike, one right after the other, do not differ.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub(crate) fn copied(&self, copies: &Copies, name: &str) -> Result<Artifact> {
        let Origin::Program(program) = &self.origin else { return Ok(self.clone()) };
        Ok(Artifact { origin: Origin::Program(copies.of(program, name)?), ..self.clone() })
    }

    /// The contender that is written `text`, checked to be ready.
    ///
    /// # Errors
    /// Where it does not have it.
    pub(crate) fn contender(&self, text: &str) -> Result<Contender> {
        let contender = self.catalogue.contender(text).with_context(|| self.build.name.clone())?;
        let own = match &self.origin {
            Origin::Program(_) => contender.external().is_none(),
            Origin::Manifest => contender.external().is_some_and(|external| external.bundle.is_own()),
        };
        if !own {
            bail!("{contender} comes with this program: it would be the same for base and head");
        }
        if let Some(external) = contender.external() {
            external.bundle.probe().with_context(|| self.build.name.clone())?;
        }
        Ok(contender)
    }

    /// Whether the build has the contender that is written `text`.
    ///
    /// # Errors
    /// Where this program cannot read `text` as a contender of such a build, or cannot ask the build.
    pub(crate) fn has(&self, text: &str) -> Result<bool> {
        match (&self.origin, self.catalogue.contender(text)) {
            (Origin::Manifest, Err(error)) if error.is_unknown() => Ok(false),
            (_, Err(error)) => Err(error).with_context(|| self.build.name.clone()),
            (Origin::Manifest, Ok(_)) => Ok(true),
            (Origin::Program(program), Ok(_)) => {
                let mut plan = Command::new(program);
                plan.args(["plan", text, "--urls", "1"]).stdin(Stdio::null());
                let output = plan.output().with_context(|| format!("cannot start {}", program.display()))?;
                // Anything else that is wrong with it is found when it runs.
                let stderr = String::from_utf8_lossy(&output.stderr);
                Ok(!LACKING.iter().any(|words| stderr.contains(words)))
            }
        }
    }

    /// The program, which is also a target.
    ///
    /// # Errors
    /// Where there is none: contenders of a user's own are clients alone.
    pub(crate) fn program(&self) -> Result<&Path> {
        match &self.origin {
            Origin::Program(program) => Ok(program),
            Origin::Manifest => {
                bail!("{} has no target of its own to compare: leave out [[target]]", self.build.name)
            }
        }
    }

    /// How its workers are started, where `own` is this program, or one that can stand in for it.
    pub(crate) fn launch(&self, contender: &Contender, own: &Path) -> Launch {
        match &self.origin {
            Origin::Program(program) => contender.launch(program),
            Origin::Manifest => contender.launch(own),
        }
    }
}

/// The messages of an inflight, of any version, that has no such model or client.
const LACKING: [&str; 2] = ["no model is called", "has no client"];

/// Checks that `program` is an inflight.
fn ask_for_version(program: &Path) -> Result<()> {
    let shown = program.display();
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let output = output.with_context(|| {
        format!("cannot start {shown}: a build is a program `inflight`, or a {FILE_NAME}")
    })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !stdout.starts_with("inflight ") {
        bail!("{shown} is no inflight: its --version printed {:?}", stdout.trim());
    }
    Ok(())
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut hash = Hash(digest::Context::new(&digest::SHA256));
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Hash(digest::Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
