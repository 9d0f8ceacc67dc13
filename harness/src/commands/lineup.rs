//! The options that say who races.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::externals::Files;
use inflight_report::charts::REUSES;

use crate::contender::article;
use crate::contender::catalogue::Catalogue;
use crate::contender::{Contender, Shape, Source};
use crate::contender::external::Readiness;
use crate::models::{COMMON, DEFAULT, EXAMPLE, NATIVE};
use crate::workload::Workload;

/// What would take longer than this at best takes part when it is named, and not as one of all.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who races.
#[derive(Clone, Default, clap::Args)]
pub(super) struct Lineup {
    #[arg(value_name = "CONTENDER", help = contenders_help())]
    contenders: Vec<String>,
    /// Every model with its native and the common client, with as many in flight as the preset is meant
    /// for (mostly 128) or as it can; besides those that are named
    #[arg(long)]
    pub(super) models: bool,
    /// The same, and every contender in another language that is set up, at the shapes that it states
    #[arg(long)]
    pub(super) all: bool,
    /// The article's rows: ours, and those of contenders in other languages that say they answer one;
    /// on the preset `article` unless another is named; besides those that are named
    #[arg(long, conflicts_with = "ladder")]
    article: bool,
    /// Each contender, named without a shape, with so many in flight; more than it can have are left out.
    /// Without --urls the URLs are ten times the largest step at least, so that connections are reused
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    ladder: Vec<u32>,
    #[command(flatten)]
    files: Files,
}

fn contenders_help() -> String {
    format!("Contenders, as MODEL[+CLIENT]:SHAPE, such as {EXAMPLE} [default: {}]", DEFAULT.join(" "))
}

impl Lineup {
    /// Who races over `workload`, each once, in the order in which they were named. All are raced with
    /// `in_flight`, where nothing else is said and they can.
    pub(super) fn contenders(&self, workload: &Workload, in_flight: u32) -> Result<Vec<Contender>> {
        let catalogue = self.files.catalogue()?;
        let (words, steps) = (&self.contenders[..], &self.ladder[..]);
        let by_a_word = self.all || self.models || self.article;
        let mut contenders: Vec<Contender> = match (words, steps) {
            ([], []) if !by_a_word => named(&catalogue, &DEFAULT, in_flight)?,
            ([], [_, ..]) if !by_a_word => {
                bail!("--ladder needs contenders: name them without a shape, or say --models")
            }
            (words, []) => named(&catalogue, words, in_flight)?,
            (words, steps) => {
                let sources = words.iter().map(|text| without_shape(&catalogue, text));
                let sources = sources.collect::<Result<Vec<_>>>()?;
                sources.into_iter().flat_map(|source| ladder(source, steps)).collect()
            }
        };
        if self.article {
            contenders.extend(article::contenders(&catalogue)?);
        }
        if self.all || self.models {
            let all = self.all(&catalogue, workload).into_iter().flat_map(|source| match steps {
                [] => at_its_shapes(source, in_flight),
                steps => ladder(source, steps),
            });
            contenders.extend(without_the_endless(all.collect(), workload));
        }
        let mut seen = Vec::new();
        contenders.retain(|contender| {
            let name = contender.to_string();
            let new = !seen.contains(&name);
            seen.push(name);
            new
        });
        Ok(contenders)
    }

    /// The URLs that it takes for every step of a ladder to reuse its connections; 0 where there is no ladder.
    pub(super) fn urls_for_ladder(&self) -> u64 {
        self.ladder.iter().max().map_or(0, |&largest| REUSES * u64::from(largest))
    }

    /// Every model with the clients that are compared and, where it is asked for, every external contender
    /// that is set up; in an open loop those that can do it.
    fn all(&self, catalogue: &Catalogue, workload: &Workload) -> Vec<Source> {
        let is_asked_for = |source: &Source| match source {
            Source::Model(..) => [NATIVE, COMMON].contains(&source.client()),
            Source::External(_) => self.all,
        };
        let (ready, missing): (Vec<_>, Vec<_>) =
            catalogue.sources().filter(is_asked_for).partition(|source| match source {
                Source::Model(..) => true,
                Source::External(external) => external.kit.readiness() != Readiness::Missing,
            });
        say_left_out("since not set up (`inflight setup all`)", &missing);
        let (able, unable): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|source| workload.rate.is_none() || source.no_rate().is_none());
        say_left_out("since they do not do --rate", &unable);
        able
    }
}

fn say_left_out(why: &str, sources: &[Source]) {
    if !sources.is_empty() {
        let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
        say(&format!("left out, {why}: {}", names.join(", ")));
    }
}

fn named(catalogue: &Catalogue, words: &[impl AsRef<str>], in_flight: u32) -> Result<Vec<Contender>> {
    words.iter().map(|text| contender(catalogue, text.as_ref(), in_flight)).collect()
}

/// The contender that is written `text`; without a shape, at its usual one: as many in flight as it can have, and no
/// more than `in_flight`, or for an external program the first shape that it states.
pub(super) fn contender(catalogue: &Catalogue, text: &str, in_flight: u32) -> Result<Contender> {
    if text.starts_with("http://") || text.starts_with("https://") {
        bail!("`{text}` is no contender: {}", super::NO_SERVER);
    }
    if text.contains(':') {
        return Ok(catalogue.contender(text)?);
    }
    let shapes = at_its_shapes(catalogue.source(text, "")?, in_flight);
    shapes.into_iter().next().with_context(|| format!("`{text}` states no shape: write one, as in {text}:32"))
}

/// Those that a reader would wait for.
fn without_the_endless(contenders: Vec<Contender>, workload: &Workload) -> Vec<Contender> {
    let floor = |contender: &Contender| workload.floor_ns(contender.shape);
    let (endless, others): (Vec<_>, Vec<_>) =
        contenders.into_iter().partition(|contender| u128::from(floor(contender)) > PATIENCE.as_nanos());
    if !endless.is_empty() {
        let names: Vec<String> = endless.iter().map(ToString::to_string).collect();
        let minutes = PATIENCE.as_secs() / 60;
        say(&format!("left out, since one run takes more than {minutes} minutes: {}", names.join(", ")));
    }
    others
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "inflight: {line}"); // if stderr is gone nobody is left to tell
}

fn at_its_shapes(source: Source, in_flight: u32) -> Vec<Contender> {
    let shapes = match &source {
        Source::Model(..) => vec![Shape { processes: 1, in_flight: most_of(&source).min(in_flight) }],
        Source::External(external) => external.shapes.clone(),
    };
    shapes.into_iter().map(|shape| Contender { source: source.clone(), shape }).collect()
}

fn without_shape(catalogue: &Catalogue, text: &str) -> Result<Source> {
    if let Some((named, _)) = text.split_once(':') {
        bail!("`{text}`: a ladder brings its own shapes: name contenders without a shape, as in {named}");
    }
    Ok(catalogue.source(text, "")?)
}

fn ladder(source: Source, steps: &[u32]) -> Vec<Contender> {
    let possible = steps.iter().filter(|&&step| step <= most_of(&source));
    let shapes = possible.map(|&in_flight| Shape { processes: 1, in_flight });
    shapes.map(|shape| Contender { source: source.clone(), shape }).collect()
}

fn most_of(source: &Source) -> u32 {
    source.max_in_flight().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use mock_target::Scenario;

    use super::*;
    use crate::models::MODELS;

    fn names(lineup: &Lineup) -> Vec<String> {
        names_at(lineup, "quick", 128)
    }

    fn names_at(lineup: &Lineup, preset: &str, in_flight: u32) -> Vec<String> {
        let workload = Workload::of(Scenario::preset(preset).unwrap());
        lineup.contenders(&workload, in_flight).unwrap().iter().map(ToString::to_string).collect()
    }

    fn lineup(contenders: &[&str], ladder: &[u32]) -> Lineup {
        let contenders = contenders.iter().map(ToString::to_string).collect();
        Lineup { contenders, ladder: ladder.to_vec(), ..Lineup::default() }
    }

    #[test]
    fn who_is_named_twice_races_once() {
        assert_eq!(names(&lineup(&["tokio:8", "sync:1", "tokio:8"], &[])), ["tokio:8", "sync:1"]);
        assert_eq!(names(&lineup(&[], &[])), DEFAULT);
    }

    #[test]
    fn without_a_shape_a_contender_has_its_usual_one() {
        assert_eq!(names(&lineup(&["tokio+common", "sync"], &[])), ["tokio+common:128", "sync:1"]);
        assert_eq!(names_at(&lineup(&["tokio"], &[]), "crowd", 1_000), ["tokio:1000"]);
    }

    #[test]
    fn a_ladder_has_the_steps_that_a_model_can_take() {
        let named = lineup(&["tokio+common", "sync"], &[1, 32]);
        assert_eq!(names(&named), ["tokio+common:1", "tokio+common:32", "sync:1"]);
        let workload = Workload::of(Scenario::preset("quick").unwrap());
        let error = lineup(&["tokio:8"], &[1]).contenders(&workload, 128).err().unwrap();
        assert!(error.to_string().contains("without a shape"), "{error}");
    }

    #[test]
    fn all_are_every_model_with_either_client() {
        let all = Lineup { all: true, ..Lineup::default() };
        let names = names(&all);
        for model in MODELS {
            assert!(names.iter().any(|name| name.starts_with(&format!("{}+{COMMON}:", model.name))));
        }
        assert!(names.contains(&"sync:1".to_owned()));
        assert!(names.contains(&"tokio:128".to_owned()));
        assert!(!names.contains(&"tokio+hyper:128".to_owned()));
        let ladder = Lineup { all: true, ladder: vec![1, 1_000], ..Lineup::default() };
        let ladder = names_at(&ladder, "quick", 128);
        assert!(ladder.contains(&"sync:1".to_owned()) && !ladder.contains(&"sync:1000".to_owned()));
        assert!(ladder.contains(&"tokio+common:1000".to_owned()));

        let crowd = names_at(&all, "crowd", 1_000);
        assert!(crowd.contains(&"tokio:1000".to_owned()));
        assert!(!crowd.contains(&"sync:1".to_owned()), "it would take three quarters of an hour");
    }
}
