//! All contenders: this program's models, and those in other languages.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use mock_target::suggest::nearest;
use thiserror::Error;

use super::external::{self, Bundle, External};
use super::{Contender, Source};
use crate::models::MODELS;

/// All contenders. The default has this program's models alone.
#[derive(Clone, Default)]
pub struct Catalogue {
    externals: Vec<Arc<External>>,
}

/// Why a text is not a contender: what is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContenderError {
    /// No shape.
    #[error("`{0}` has no shape: write how many requests may be in flight, as in {0}:128 or {0}:8x64")]
    NoShape(String),
    /// A shape that is not one.
    #[error(
        "`{text}`: `{shape}` is not a shape: write requests in flight, or processes x in flight, \
             each at least 1, as in {model}:128 or {model}:8x64"
    )]
    BadShape {
        /// The whole text.
        text: String,
        /// Its model.
        model: String,
        /// Its shape.
        shape: String,
    },
    /// A model that does not exist.
    #[error("no model is called `{name}`; {}`inflight list` shows them all",
            .closest.as_ref().map(|close| format!("did you mean {close}? ")).unwrap_or_default())]
    UnknownModel {
        /// As written.
        name: String,
        /// The text with the nearest model.
        closest: Option<String>,
    },
    /// A client that the model does not drive.
    #[error("`{model}` has no client `{client}`; {}it has {known}",
            .closest.as_ref().map(|close| format!("did you mean {close}? ")).unwrap_or_default())]
    UnknownClient {
        /// The model.
        model: String,
        /// As written.
        client: String,
        /// The text with the nearest client.
        closest: Option<String>,
        /// Those it has.
        known: String,
    },
    /// More in flight than the model can have.
    #[error("`{name}` has at most {most} in flight in each process: write {name}:{most} or {name}:8x{most}")]
    TooManyInFlight {
        /// The model.
        name: String,
        /// What it can have.
        most: u32,
    },
}

impl Catalogue {
    /// The models, the external contenders that come with the program, and those of `files`.
    ///
    /// # Errors
    /// When a file is invalid, or two contenders have one name.
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

    /// The bundles that the external contenders come from, each once.
    pub fn bundles(&self) -> Vec<Arc<Bundle>> {
        let mut bundles: Vec<Arc<Bundle>> =
            self.externals.iter().map(|external| external.bundle.clone()).collect();
        bundles.dedup_by(|a, b| Arc::ptr_eq(a, b));
        bundles
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
        let shape: super::Shape = shape.parse().map_err(|_| ContenderError::BadShape {
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

    /// What fetches, written `MODEL` or `MODEL+CLIENT`. Advice includes `shape`, where there is one,
    /// so that it can be copied as it stands.
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
                    known.bundle.origin(),
                    external.bundle.origin()
                );
            }
            self.externals.push(Arc::new(external));
        }
        Ok(())
    }
}

impl ContenderError {
    /// Whether there is no such model or client, whatever else may be wrong.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, ContenderError::UnknownModel { .. } | ContenderError::UnknownClient { .. })
    }
}

/// Parses this program's own models alone: a [`Catalogue`] has the others too.
impl FromStr for Contender {
    type Err = ContenderError;

    fn from_str(text: &str) -> Result<Contender, ContenderError> {
        Catalogue::default().contender(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::NATIVE;

    fn message(text: &str) -> String {
        text.parse::<Contender>().map(|contender| contender.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn every_model_parses_as_it_is_shown() {
        for model in MODELS {
            for client in model.clients {
                let client = if client.name == NATIVE { String::new() } else { format!("+{}", client.name) };
                for shape in ["1", "8x1"] {
                    let text = format!("{}{client}:{shape}", model.name);
                    assert_eq!(text.parse::<Contender>().unwrap().to_string(), text);
                }
            }
        }
    }

    #[test]
    fn default_client_is_native_or_the_only_one() {
        let shown = |text: &str| text.parse::<Contender>().unwrap().to_string();
        assert_eq!(shown("tokio+native:128"), "tokio:128");
        assert_eq!(shown("epoll:128"), "epoll+common:128");
    }

    #[test]
    fn unknown_client_suggests_those_of_the_model() {
        let message_of_typo = message("tokio+hypr:8");
        assert!(message_of_typo.contains("did you mean tokio+hyper:8?"), "{message_of_typo}");
        assert!(message_of_typo.contains("it has native, common, hyper"), "{message_of_typo}");
        assert!(message("tokoi+common:8").contains("did you mean tokio+common:8?"));
        assert!(message("epoll+native:8").contains("it has common"));
    }

    #[test]
    fn typo_suggests_nearest_model() {
        assert!(message("tokoi:12").contains("did you mean tokio:12?"), "{}", message("tokoi:12"));
        assert!(!message("xyzzy:1").contains("did you mean"));
    }

    #[test]
    fn invalid_shapes_are_refused() {
        for shape in ["0", "4x0", "", "2x2x2"] {
            assert!(message(&format!("tokio:{shape}")).contains("is not a shape"), "{shape}");
        }
    }

    #[test]
    fn blocking_model_takes_one_request_at_a_time() {
        assert!(message("sync:2").contains("sync:1 or sync:8x1"));
        assert!("sync:8x1".parse::<Contender>().is_ok());
    }
}
