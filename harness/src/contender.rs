//! What takes part in a race: a model, a client and a shape, written `MODEL+CLIENT:8x64`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;

use crate::models::{MODELS, Model, NATIVE, Pairing};

/// A model with a client in a shape.
#[derive(Clone)]
pub struct Contender {
    /// The model.
    pub model: &'static Model,
    /// The client.
    pub client: &'static Pairing,
    /// How many requests may be in flight, and in how many processes.
    pub shape: Shape,
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client.name {
            NATIVE => write!(f, "{}:{}", self.model.name, self.shape),
            client => write!(f, "{}+{client}:{}", self.model.name, self.shape),
        }
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
    #[error("no model is called `{name}`{}; `inflight list` names them all",
            .closest.as_ref().map(|close| format!(": did you mean {close}?")).unwrap_or_default())]
    UnknownModel {
        /// As written.
        name: String,
        /// The word with the nearest model.
        closest: Option<String>,
    },
    /// A client that the model does not drive.
    #[error("`{model}` has no client `{client}`{}; it has {known}",
            .closest.as_ref().map(|close| format!(": did you mean {close}?")).unwrap_or_default())]
    UnknownClient {
        /// The model.
        model: &'static str,
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
        name: &'static str,
        /// What it can have.
        most: u32,
    },
}

impl FromStr for Contender {
    type Err = ContenderError;

    fn from_str(text: &str) -> Result<Contender, ContenderError> {
        let (driven, shape) = match text.split_once(':') {
            Some((driven, shape)) => (driven, Some(shape)),
            None => (text, None),
        };
        let (model, client) = parse_driven(driven, shape.unwrap_or_default())?;
        let shape = shape.ok_or_else(|| ContenderError::NoShape(text.to_owned()))?;
        let shape = parse_shape(shape).ok_or_else(|| ContenderError::BadShape {
            text: text.to_owned(),
            model: driven.to_owned(),
            shape: shape.to_owned(),
        })?;
        match model.max_in_flight {
            Some(most) if shape.in_flight > most => {
                Err(ContenderError::TooManyInFlight { name: model.name, most })
            }
            _ => Ok(Contender { model, client, shape }),
        }
    }
}

/// A model with the client it drives, written `MODEL` or `MODEL+CLIENT`. Advice goes on with `shape`,
/// where there is one, so that it can be written as it stands.
pub(crate) fn parse_driven(
    text: &str,
    shape: &str,
) -> Result<(&'static Model, &'static Pairing), ContenderError> {
    let suffix = if shape.is_empty() { String::new() } else { format!(":{shape}") };
    let (name, client) = match text.split_once('+') {
        Some((name, client)) => (name, Some(client)),
        None => (text, None),
    };
    let model = MODELS.iter().find(|model| model.name == name).ok_or_else(|| {
        let client = client.map(|client| format!("+{client}")).unwrap_or_default();
        let models = MODELS.iter().map(|model| model.name);
        let closest = closest(name, models).map(|close| format!("{close}{client}{suffix}"));
        ContenderError::UnknownModel { name: name.to_owned(), closest }
    })?;
    let Some(client) = client else { return Ok((model, &model.clients[0])) };
    let known = model.clients.iter().find(|known| known.name == client).ok_or_else(|| {
        let names = || model.clients.iter().map(|known| known.name);
        ContenderError::UnknownClient {
            model: model.name,
            client: client.to_owned(),
            closest: closest(client, names()).map(|close| format!("{name}+{close}{suffix}")),
            known: names().collect::<Vec<_>>().join(", "),
        }
    })?;
    Ok((model, known))
}

fn parse_shape(text: &str) -> Option<Shape> {
    let (processes, in_flight) = text.split_once('x').unwrap_or(("1", text));
    let number = |text: &str| text.parse::<NonZeroU32>().ok().map(NonZeroU32::get);
    Some(Shape { processes: number(processes)?, in_flight: number(in_flight)? })
}

/// The name that is most like `word`, if any is like it at all.
fn closest(word: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    const ALIKE: f64 = 0.7; // Jaro–Winkler: above it are slips of the finger, below it other words
    names
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
