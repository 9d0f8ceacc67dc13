//! What takes part in a race: a model, a client and a shape, written `MODEL+CLIENT:8x64`.

pub(crate) mod article;
pub mod catalogue;
pub mod external;
pub(crate) mod limits;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use crate::workload::Shape;
pub use catalogue::ContenderError;

use crate::models::{Model, NATIVE, Pairing};
use crate::process::Launch;
use external::External;

/// A source of requests, in a shape.
#[derive(Clone)]
pub struct Contender {
    /// What fetches.
    pub source: Source,
    /// How many requests may be in flight, and in how many processes.
    pub shape: Shape,
}

/// What fetches, without a concurrency.
#[derive(Clone)]
pub enum Source {
    /// A model with one of its clients: the worker is this program itself.
    Model(&'static Model, &'static Pairing),
    /// A separate program, in whatever language.
    External(Arc<External>),
}

impl Source {
    /// The model's name; an external contender's own.
    pub fn model(&self) -> &str {
        match self {
            Source::Model(model, _) => model.name,
            Source::External(external) => &external.name,
        }
    }

    /// The client's name. An external contender always has the one that people use with it.
    pub fn client(&self) -> &str {
        match self {
            Source::Model(_, client) => client.name,
            Source::External(_) => NATIVE,
        }
    }

    /// The most requests that one process can have in flight.
    pub fn max_in_flight(&self) -> Option<u32> {
        match self {
            Source::Model(model, _) => model.max_in_flight,
            Source::External(external) => external.max_in_flight,
        }
    }

    /// Why it cannot start requests when they are due, where it cannot.
    pub fn no_rate(&self) -> Option<&str> {
        match self {
            Source::Model(model, _) => model.no_rate,
            Source::External(external) if external.rate => None,
            Source::External(_) => Some("its `contender.toml` does not say that it keeps to a schedule"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client() {
            NATIVE => f.write_str(self.model()),
            client => write!(f, "{}+{client}", self.model()),
        }
    }
}

impl Contender {
    /// How a worker is started, where `program` is this program, or one that can stand in for it.
    pub fn launch(&self, program: &Path) -> Launch {
        match &self.source {
            Source::Model(..) => Launch { program: program.to_owned(), args: vec!["worker".to_owned()] },
            Source::External(external) => external.launch(program),
        }
    }

    /// The external program, where it is one.
    pub fn external(&self) -> Option<&Arc<External>> {
        match &self.source {
            Source::Model(..) => None,
            Source::External(external) => Some(external),
        }
    }

    /// Whether one worker starts all the processes of the shape.
    pub fn own_processes(&self) -> bool {
        self.external().is_some_and(|external| external.own_processes)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.shape)
    }
}
