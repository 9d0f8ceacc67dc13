//! `inflight setup`: make contenders in other languages ready to race.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::externals::Files;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::{Kit, Progress};

/// Every kit.
const ALL: &str = "all";

/// Prepare contenders in other languages: once, into a cache folder, from lock files
#[derive(clap::Args)]
pub(super) struct Args {
    /// Which, as `inflight list` names them, or `all`
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    files: Files,
}

pub(super) fn setup(args: &Args) -> Result<ExitCode> {
    let catalogue = args.files.catalogue()?;
    for kit in args.kits(&catalogue)? {
        let version = kit.set_up(&mut Teller).with_context(|| kit.name.clone())?;
        super::print(&format!("{}: ready: {version}\n", kit.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// Which are to be set up: those of the files that were named, where nothing else is said.
    fn kits(&self, catalogue: &Catalogue) -> Result<Vec<Arc<Kit>>> {
        let kits = catalogue.kits();
        let known = || [ALL].into_iter().chain(kits.iter().map(|kit| kit.name.as_str()));
        let known = known().collect::<Vec<_>>().join(", ");
        if self.names.is_empty() && !self.files.are_named() {
            bail!("say which to set up: {known}");
        }
        if let Some(name) =
            self.names.iter().find(|name| *name != ALL && kits.iter().all(|kit| kit.name != **name))
        {
            bail!("there is no `{name}` to set up, only {known}");
        }
        let wanted = |kit: &Kit| match &self.names[..] {
            [] => kit.is_own(),
            names => names.iter().any(|name| name == ALL || *name == kit.name),
        };
        Ok(kits.iter().filter(|kit| wanted(kit)).cloned().collect())
    }
}

/// Tells on stderr how it goes.
struct Teller;

impl Progress for Teller {
    fn begin(&mut self, kit: &Kit, step: usize, steps: usize, about: &str) {
        say(&format!("{} {step}/{steps}: {about}", kit.name));
    }

    fn wait(&mut self, kit: &Kit) {
        say(&format!("{}: another program is setting it up; waiting for it", kit.name));
    }

    fn last_lines(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| say(&format!("  | {line}")));
    }
}

fn say(line: &str) {
    // If stderr is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{line}");
}
