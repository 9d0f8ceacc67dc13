//! The option that adds contenders of a user's own, and the probe before a race.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::contender::Contender;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::Bundle;

/// Contenders that do not come with the program.
#[derive(Clone, Default, clap::Args)]
pub(super) struct Files {
    /// A contender of your own, in any language: its contender.toml (see CONTRIBUTING.md)
    #[arg(id = "file", long = "contender", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Files {
    pub(super) fn are_named(&self) -> bool {
        !self.files.is_empty()
    }

    /// The catalogue, with these added.
    pub(super) fn catalogue(&self) -> Result<Catalogue> {
        Catalogue::load(&self.files)
    }
}

/// Checks that the contenders are set up, and that their probes match.
pub(super) fn probe(contenders: &[Contender]) -> Result<()> {
    let mut probed: Vec<&Arc<Bundle>> = Vec::new();
    for external in contenders.iter().filter_map(Contender::external) {
        if !probed.iter().any(|bundle| Arc::ptr_eq(bundle, &external.bundle)) {
            external.bundle.probe()?;
            probed.push(&external.bundle);
        }
    }
    Ok(())
}
