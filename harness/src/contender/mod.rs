//! What takes part in a race: a model, a client and a shape, written `MODEL+CLIENT:8x64`.

pub(crate) mod article;
pub mod catalogue;
pub mod external;
pub(crate) mod limits;

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::contender::catalogue::Catalogue;
use crate::runner::worker_pool::Launch;
use crate::contender::external::External;
use crate::models::{Model, NATIVE, Pairing};

/// A program to fetch with, in a shape.
#[derive(Clone)]
pub struct Contender {
    /// What fetches.
    pub source: Source,
    /// How many requests may be in flight, and in how many processes.
    pub shape: Shape,
}

/// What fetches, without a shape yet.
#[derive(Clone)]
pub enum Source {
    /// A model with one of its clients: the worker is this program itself.
    Model(&'static Model, &'static Pairing),
    /// A program of its own, in whatever language.
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

/// Of this program's own models alone: a [`Catalogue`] knows the others too.
impl FromStr for Contender {
    type Err = ContenderError;

    fn from_str(text: &str) -> Result<Contender, ContenderError> {
        Catalogue::default().contender(text)
    }
}

/// Processes × requests in flight in each, written `128` or `8x64`. Neither is ever zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Worker processes.
    pub processes: u32,
    /// Requests in flight in each.
    pub in_flight: u32,
}

impl Shape {
    /// Requests in flight over all processes.
    pub fn slots(self) -> u64 {
        u64::from(self.processes) * u64::from(self.in_flight)
    }

    /// The most requests that can be in flight over all processes when there are `urls` to fetch.
    pub fn most_possible(self, urls: u64) -> u64 {
        let shares = (0..self.processes).map(|process| self.share(process, urls).len() as u64);
        shares.map(|share| share.min(u64::from(self.in_flight))).sum()
    }

    /// The ids of `0..urls` that fall to `process`: every `processes`-th.
    pub fn share(self, process: u32, urls: u64) -> Vec<u64> {
        (u64::from(process)..urls).step_by(self.processes as usize).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processes {
            1 => write!(f, "{}", self.in_flight),
            processes => write!(f, "{processes}x{}", self.in_flight),
        }
    }
}

impl ContenderError {
    /// Whether there is no such model or client, whatever else may be wrong.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, ContenderError::UnknownModel { .. } | ContenderError::UnknownClient { .. })
    }
}

/// Why a word is not a contender: what is wrong, and what to write instead.
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
        /// The whole word.
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
        /// The word with the nearest model.
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
        /// The word with the nearest client.
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

/// A shape as it is written; `None` where it is not one.
pub(crate) fn parse_shape(text: &str) -> Option<Shape> {
    let (processes, in_flight) = text.split_once('x').unwrap_or(("1", text));
    let number = |text: &str| text.parse::<NonZeroU32>().ok().map(NonZeroU32::get);
    Some(Shape { processes: number(processes)?, in_flight: number(in_flight)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::MODELS;

    fn message(text: &str) -> String {
        text.parse::<Contender>().map(|contender| contender.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn every_model_reads_as_it_is_shown() {
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
    fn without_a_word_for_it_the_client_is_the_one_people_use_or_the_only_one() {
        let shown = |text: &str| text.parse::<Contender>().unwrap().to_string();
        assert_eq!(shown("tokio+native:128"), "tokio:128");
        assert_eq!(shown("epoll:128"), "epoll+common:128");
    }

    #[test]
    fn a_client_that_a_model_does_not_drive_is_answered_with_those_it_does() {
        let said = message("tokio+hypr:8");
        assert!(said.contains("did you mean tokio+hyper:8?"), "{said}");
        assert!(said.contains("it has native, common, hyper"), "{said}");
        assert!(message("tokoi+common:8").contains("did you mean tokio+common:8?"));
        assert!(message("epoll+native:8").contains("it has common"));
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_right_word() {
        assert!(message("tokoi:12").contains("did you mean tokio:12?"), "{}", message("tokoi:12"));
        assert!(!message("xyzzy:1").contains("did you mean"));
    }

    #[test]
    fn no_shape_has_a_zero() {
        for shape in ["0", "0x4", "4x0", "", "x", "4x", "-1", "1.5", "2x2x2", "99999999999"] {
            assert!(message(&format!("tokio:{shape}")).contains("is not a shape"), "{shape}");
        }
    }

    #[test]
    fn a_model_that_waits_for_each_request_takes_one_at_a_time() {
        assert!(message("sync:2").contains("sync:1 or sync:8x1"));
        assert!("sync:8x1".parse::<Contender>().is_ok());
    }

    #[test]
    fn shares_are_even_and_cover_every_id_once() {
        let shape = Shape { processes: 3, in_flight: 1 };
        let mut all: Vec<u64> = (0..3).flat_map(|process| shape.share(process, 10)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert!(shape.share(2, 2).is_empty());
        assert_eq!([0, 2, 3, 10].map(|urls| shape.most_possible(urls)), [0, 2, 3, 3]);
    }
}
