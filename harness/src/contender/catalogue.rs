//! All contenders: this program's models, and those in other languages.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use mock_target::suggest::nearest;
use thiserror::Error;

use super::external::{self, Bundle, External};
use super::{Contender, Shape, Source};
use crate::models::MODELS;

/// All contenders. The default has this program's models alone.
#[derive(Clone, Default)]
pub struct Catalogue {
    externals: Vec<Arc<External>>,
}

/// Why a text is not a contender: what is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContenderError {
    /// There is no such model, or it has no such client.
    #[error("{0}")]
    Unknown(String),
    /// It has no shape, or one that it cannot have.
    #[error("{0}")]
    Shape(String),
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
        let (driven, shape) = text.split_once(':').map_or((text, None), |(at, rest)| (at, Some(rest)));
        let source = self.source(driven, shape.unwrap_or_default())?;
        let Some(shape) = shape else {
            return Err(ContenderError::Shape(format!(
                "`{text}` has no concurrency: write how many requests may be in flight, as in {text}:128 or {text}:8x64"
            )));
        };
        let Ok(shape) = shape.parse::<Shape>() else {
            return Err(ContenderError::Shape(format!(
                "`{text}`: `{shape}` is not a concurrency: write requests in flight, or processes x in flight, \
                 each at least 1, as in {driven}:128 or {driven}:8x64"
            )));
        };
        match source.max_in_flight() {
            Some(most) if shape.in_flight > most => Err(ContenderError::Shape(format!(
                "`{name}` has at most {most} in flight in each process: write {name}:{most} or {name}:8x{most}",
                name = source.model()
            ))),
            _ => Ok(Contender { source, shape }),
        }
    }

    /// What fetches, written `MODEL` or `MODEL+CLIENT`. Advice includes `shape`, where there is one,
    /// so that it can be copied as it stands.
    pub(crate) fn source(&self, text: &str, shape: &str) -> Result<Source, ContenderError> {
        let suffix = if shape.is_empty() { String::new() } else { format!(":{shape}") };
        let (name, client) = text.split_once('+').map_or((text, None), |(at, rest)| (at, Some(rest)));
        let advice = |closest: Option<String>| {
            closest.map(|close| format!("did you mean {close}? ")).unwrap_or_default()
        };
        let named: Vec<Source> = self.sources().filter(|source| source.model() == name).collect();
        if named.is_empty() {
            let client = client.map(|client| format!("+{client}")).unwrap_or_default();
            let models: Vec<Source> = self.sources().collect();
            let closest = nearest(name, models.iter().map(Source::model));
            return Err(ContenderError::Unknown(format!(
                "no model is called `{name}`; {}`inflight list` shows them all",
                advice(closest.map(|close| format!("{close}{client}{suffix}")))
            )));
        }
        let clients: Vec<&str> = named.iter().map(Source::client).collect();
        let client = client.unwrap_or(clients[0]);
        named.iter().find(|source| source.client() == client).cloned().ok_or_else(|| {
            let closest = nearest(client, clients.iter().copied());
            ContenderError::Unknown(format!(
                "`{name}` has no client `{client}`; {}it has {}",
                advice(closest.map(|close| format!("{name}+{close}{suffix}"))),
                clients.join(", ")
            ))
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
        matches!(self, ContenderError::Unknown(_))
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
    fn refusal_says_what_to_write_instead() {
        for (text, expected) in [
            ("tokio+hypr:8", "did you mean tokio+hyper:8? it has native, common, hyper"),
            ("tokoi+common:8", "did you mean tokio+common:8?"),
            ("epoll+native:8", "it has common"),
            ("tokoi:12", "did you mean tokio:12?"),
            ("tokio", "as in tokio:128 or tokio:8x64"),
            ("tokio:0", "is not a concurrency"),
            ("tokio:4x0", "is not a concurrency"),
            ("tokio:", "is not a concurrency"),
            ("tokio:2x2x2", "is not a concurrency"),
            // A blocking model takes one request at a time.
            ("sync:2", "sync:1 or sync:8x1"),
        ] {
            let message = message(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(!message("xyzzy:1").contains("did you mean"));
        assert!("sync:8x1".parse::<Contender>().is_ok());
    }
}
