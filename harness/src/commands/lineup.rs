//! The options that say who races.

use anyhow::{Result, bail};

use crate::contender::{self, Contender, Shape};
use crate::models::{COMMON, DEFAULT, EXAMPLE, MODELS, Model, NATIVE, Pairing};

/// What every model is asked to have in flight.
const ALL_IN_FLIGHT: u32 = 128;

/// Who races.
#[derive(Clone, Default, clap::Args)]
pub(super) struct Lineup {
    #[arg(value_name = "CONTENDER", help = contenders_help())]
    contenders: Vec<String>,
    /// Every model with its native and the common client, with 128 in flight or as many as it can
    #[arg(long, conflicts_with_all = ["contenders", "ladder"])]
    all: bool,
    /// Each contender, named without a shape, with so many in flight; more than it can have are left out
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', requires = "contenders",
          value_parser = clap::value_parser!(u32).range(1..))]
    ladder: Vec<u32>,
}

fn contenders_help() -> String {
    format!("Contenders, as MODEL[+CLIENT]:SHAPE, such as {EXAMPLE} [default: {}]", DEFAULT.join(" "))
}

impl Lineup {
    /// Who races, each once, in the order in which they were named.
    pub(super) fn contenders(&self) -> Result<Vec<Contender>> {
        if self.all {
            return Ok(all());
        }
        let mut contenders: Vec<Contender> = match (&self.contenders[..], &self.ladder[..]) {
            ([], _) => DEFAULT.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            (named, []) => named.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            (named, steps) => {
                named.iter().map(|text| ladder(text, steps)).collect::<Result<Vec<_>>>()?.concat()
            }
        };
        let mut seen = Vec::new();
        contenders.retain(|contender| {
            let name = contender.to_string();
            let new = !seen.contains(&name);
            seen.push(name);
            new
        });
        Ok(contenders)
    }
}

fn all() -> Vec<Contender> {
    let in_question = |client: &&Pairing| [NATIVE, COMMON].contains(&client.name);
    let clients = |model: &'static Model| {
        let in_flight = model.max_in_flight.unwrap_or(u32::MAX).min(ALL_IN_FLIGHT);
        let shape = Shape { processes: 1, in_flight };
        model.clients.iter().filter(in_question).map(move |client| Contender { model, client, shape })
    };
    MODELS.iter().flat_map(clients).collect()
}

fn ladder(text: &str, steps: &[u32]) -> Result<Vec<Contender>> {
    if let Some((named, _)) = text.split_once(':') {
        bail!("`{text}`: a ladder brings its own shapes: name contenders without a shape, as in {named}");
    }
    let (model, client) = contender::parse_driven(text, "")?;
    let possible = |&&step: &&u32| model.max_in_flight.is_none_or(|most| step <= most);
    let contender = |&in_flight| Contender { model, client, shape: Shape { processes: 1, in_flight } };
    Ok(steps.iter().filter(possible).map(contender).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(lineup: &Lineup) -> Vec<String> {
        lineup.contenders().unwrap().iter().map(ToString::to_string).collect()
    }

    fn lineup(contenders: &[&str], ladder: &[u32]) -> Lineup {
        let contenders = contenders.iter().map(ToString::to_string).collect();
        Lineup { contenders, all: false, ladder: ladder.to_vec() }
    }

    #[test]
    fn who_is_named_twice_races_once() {
        assert_eq!(names(&lineup(&["tokio:8", "sync:1", "tokio:8"], &[])), ["tokio:8", "sync:1"]);
        assert_eq!(names(&lineup(&[], &[])), DEFAULT);
    }

    #[test]
    fn a_ladder_has_the_steps_that_a_model_can_take() {
        let named = lineup(&["tokio+common", "sync"], &[1, 32]);
        assert_eq!(names(&named), ["tokio+common:1", "tokio+common:32", "sync:1"]);
        let error = lineup(&["tokio:8"], &[1]).contenders().err().unwrap();
        assert!(error.to_string().contains("without a shape"), "{error}");
    }

    #[test]
    fn all_are_every_model_with_either_client() {
        let names = names(&Lineup { all: true, ..Lineup::default() });
        for model in MODELS {
            assert!(names.iter().any(|name| name.starts_with(&format!("{}+{COMMON}:", model.name))));
        }
        assert!(names.contains(&"sync:1".to_owned()));
        assert!(names.contains(&"tokio:128".to_owned()));
        assert!(!names.contains(&"tokio+hyper:128".to_owned()));
    }
}
