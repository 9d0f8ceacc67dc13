//! The option that names contenders of a user's own, and what has to be ready before a race.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use crate::contender::catalogue::Catalogue;
use crate::contender::Contender;
use crate::contender::external::Kit;

/// Contenders that do not come with the program.
#[derive(Clone, Default, clap::Args)]
pub(super) struct Files {
    /// A contender of your own, in any language: its contender.toml, which CONTRIBUTING.md explains
    #[arg(id = "file", long = "contender", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Files {
    /// Whether any was named.
    pub(super) fn are_named(&self) -> bool {
        !self.files.is_empty()
    }

    /// All that can race, these among them.
    pub(super) fn catalogue(&self) -> Result<Catalogue> {
        Catalogue::load(&self.files)
    }
}

/// Makes sure that what is to race is set up, and that the right thing would be measured.
pub(super) fn probe(contenders: &[Contender]) -> Result<()> {
    let mut probed: Vec<&Arc<Kit>> = Vec::new();
    for external in contenders.iter().filter_map(Contender::external) {
        if !probed.iter().any(|kit| Arc::ptr_eq(kit, &external.kit)) {
            external.kit.probe()?;
            probed.push(&external.kit);
        }
    }
    Ok(())
}
