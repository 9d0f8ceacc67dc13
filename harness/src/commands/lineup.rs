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
    #[arg(long, conflicts_with = "contenders")]
    pub(super) all: bool,
    /// Each contender, named without a shape, with so many in flight; more than it can have are left out
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    ladder: Vec<u32>,
}

fn contenders_help() -> String {
    format!("Contenders, as MODEL[+CLIENT]:SHAPE, such as {EXAMPLE} [default: {}]", DEFAULT.join(" "))
}

/// A model with one of its clients, and no shape yet.
type Driven = (&'static Model, &'static Pairing);

impl Lineup {
    /// Who races, each once, in the order in which they were named.
    pub(super) fn contenders(&self) -> Result<Vec<Contender>> {
        let mut contenders: Vec<Contender> = match (&self.contenders[..], &self.ladder[..]) {
            ([], []) if self.all => {
                all().map(|driven| at(driven, most_of(driven).min(ALL_IN_FLIGHT))).collect()
            }
            ([], steps) if self.all => all().flat_map(|driven| ladder(driven, steps)).collect(),
            ([], []) => DEFAULT.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            ([], _) => bail!("--ladder needs contenders: name them without a shape, or say --all"),
            (named, []) => named.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            (named, steps) => {
                let driven = named.iter().map(|text| without_shape(text)).collect::<Result<Vec<_>>>()?;
                driven.into_iter().flat_map(|driven| ladder(driven, steps)).collect()
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

fn all() -> impl Iterator<Item = Driven> {
    let driven = MODELS.iter().flat_map(|model| model.clients.iter().map(move |client| (model, client)));
    driven.filter(|(_, client)| [NATIVE, COMMON].contains(&client.name))
}

fn without_shape(text: &str) -> Result<Driven> {
    if let Some((named, _)) = text.split_once(':') {
        bail!("`{text}`: a ladder brings its own shapes: name contenders without a shape, as in {named}");
    }
    Ok(contender::parse_driven(text, "")?)
}

fn ladder(driven: Driven, steps: &[u32]) -> impl Iterator<Item = Contender> {
    let possible = steps.iter().filter(move |&&step| step <= most_of(driven));
    possible.map(move |&in_flight| at(driven, in_flight))
}

fn at((model, client): Driven, in_flight: u32) -> Contender {
    Contender { model, client, shape: Shape { processes: 1, in_flight } }
}

fn most_of((model, _): Driven) -> u32 {
    model.max_in_flight.unwrap_or(u32::MAX)
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
        let ladder = Lineup { all: true, ladder: vec![1, 1_000], ..Lineup::default() };
        let ladder: Vec<String> = ladder.contenders().unwrap().iter().map(ToString::to_string).collect();
        assert!(ladder.contains(&"sync:1".to_owned()) && !ladder.contains(&"sync:1000".to_owned()));
        assert!(ladder.contains(&"tokio+common:1000".to_owned()));
    }
}
