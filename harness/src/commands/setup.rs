//! `inflight setup`: make contenders in other languages ready to race.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::externals::Files;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::Bundle;

const ALL: &str = "all";

/// Install contenders in other languages, from lock files, into a cache folder
#[derive(clap::Args)]
pub(super) struct Args {
    /// Which to set up, by the names in `inflight list`, or `all`
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    files: Files,
}

pub(super) fn setup(args: &Args) -> Result<ExitCode> {
    let catalogue = args.files.catalogue()?;
    for bundle in args.bundles(&catalogue)? {
        let version = bundle.set_up(say).with_context(|| bundle.name.clone())?;
        super::print(&format!("{}: ready: {version}\n", bundle.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// The bundles to set up: by default those of the files that were named.
    fn bundles(&self, catalogue: &Catalogue) -> Result<Vec<Arc<Bundle>>> {
        let bundles = catalogue.bundles();
        let mut known = vec![ALL];
        known.extend(bundles.iter().map(|bundle| bundle.name.as_str()));
        if self.names.is_empty() && !self.files.are_named() {
            bail!("name what to set up: {}", known.join(", "));
        }
        if let Some(name) = self.names.iter().find(|name| !known.contains(&name.as_str())) {
            bail!("there is no `{name}` to set up, only {}", known.join(", "));
        }
        let wanted = |bundle: &Bundle| match &self.names[..] {
            [] => bundle.is_own(),
            names => names.iter().any(|name| name == ALL || *name == bundle.name),
        };
        Ok(bundles.iter().filter(|bundle| wanted(bundle)).cloned().collect())
    }
}

fn say(line: &str) {
    // Nothing can be done if stderr is closed.
    let _ = writeln!(io::stderr(), "{line}");
}
