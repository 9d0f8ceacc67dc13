//! All that can race: the models, and the contenders in other languages.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use mock_target::suggest::nearest;

use crate::contender::{Contender, ContenderError, Source, parse_shape};
use crate::contender::external::{self, External, Kit};
use crate::models::MODELS;

/// All that can race. The default knows the models alone.
#[derive(Clone, Default)]
pub struct Catalogue {
    externals: Vec<Arc<External>>,
}

impl Catalogue {
    /// The models, the external contenders that come with the program, and those of `files`.
    ///
    /// # Errors
    /// When a file is not as it should be, or two contenders have one name.
    pub fn load(files: &[PathBuf]) -> Result<Catalogue> {
        let mut catalogue = Catalogue::default();
        catalogue.add(external::built_in()?)?;
        for file in files {
            catalogue.add(external::own(file)?)?;
        }
        Ok(catalogue)
    }

    /// The external contenders.
    pub fn externals(&self) -> &[Arc<External>] {
        &self.externals
    }

    /// The kits that the external contenders come from, each once.
    pub fn kits(&self) -> Vec<Arc<Kit>> {
        let mut kits: Vec<Arc<Kit>> = self.externals.iter().map(|external| external.kit.clone()).collect();
        kits.dedup_by(|a, b| Arc::ptr_eq(a, b));
        kits
    }

    /// The contender that is written `MODEL:SHAPE` or `MODEL+CLIENT:SHAPE`.
    ///
    /// # Errors
    /// When there is none, with what to write instead.
    pub fn contender(&self, text: &str) -> Result<Contender, ContenderError> {
        let (driven, shape) = match text.split_once(':') {
            Some((driven, shape)) => (driven, Some(shape)),
            None => (text, None),
        };
        let source = self.source(driven, shape.unwrap_or_default())?;
        let shape = shape.ok_or_else(|| ContenderError::NoShape(text.to_owned()))?;
        let shape = parse_shape(shape).ok_or_else(|| ContenderError::BadShape {
            text: text.to_owned(),
            model: driven.to_owned(),
            shape: shape.to_owned(),
        })?;
        match source.max_in_flight() {
            Some(most) if shape.in_flight > most => {
                Err(ContenderError::TooManyInFlight { name: source.model().to_owned(), most })
            }
            _ => Ok(Contender { source, shape }),
        }
    }

    /// What fetches, written `MODEL` or `MODEL+CLIENT`. Advice goes on with `shape`, where there is one,
    /// so that it can be written as it stands.
    pub(crate) fn source(&self, text: &str, shape: &str) -> Result<Source, ContenderError> {
        let suffix = if shape.is_empty() { String::new() } else { format!(":{shape}") };
        let (name, client) = match text.split_once('+') {
            Some((name, client)) => (name, Some(client)),
            None => (text, None),
        };
        let named: Vec<Source> = self.sources().filter(|source| source.model() == name).collect();
        if named.is_empty() {
            let client = client.map(|client| format!("+{client}")).unwrap_or_default();
            let models: Vec<Source> = self.sources().collect();
            let closest = nearest(name, models.iter().map(Source::model))
                .map(|close| format!("{close}{client}{suffix}"));
            return Err(ContenderError::UnknownModel { name: name.to_owned(), closest });
        }
        let clients = || named.iter().map(|source| source.client().to_owned());
        let client = client.unwrap_or(named[0].client());
        named.iter().find(|source| source.client() == client).cloned().ok_or_else(|| {
            ContenderError::UnknownClient {
                model: name.to_owned(),
                client: client.to_owned(),
                closest: nearest(client, named.iter().map(Source::client))
                    .map(|close| format!("{name}+{close}{suffix}")),
                known: clients().collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// Every model with each of its clients, then the external contenders.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        let models = MODELS
            .iter()
            .flat_map(|model| model.clients.iter().map(move |client| Source::Model(model, client)));
        models.chain(self.externals.iter().cloned().map(Source::External))
    }

    fn add(&mut self, externals: Vec<External>) -> Result<()> {
        for external in externals {
            if let Some(known) = self.externals.iter().find(|known| known.name == external.name) {
                bail!(
                    "two contenders are called {}: one in {}, the other in {}",
                    external.name,
                    known.kit.origin(),
                    external.kit.origin()
                );
            }
            self.externals.push(Arc::new(external));
        }
        Ok(())
    }
}
