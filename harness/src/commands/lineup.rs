//! The options that select contenders.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use inflight_report::charts::REUSES;

use super::externals::Files;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::Readiness;
use crate::contender::{Contender, Shape, Source, article};
use crate::models::{COMMON, DEFAULT, EXAMPLE, NATIVE};
use crate::workload::Workload;

/// A contender with a longer ideal takes part only when it is named.
const LONGEST_IDEAL: Duration = Duration::from_secs(600);

/// Which contenders race.
#[derive(Clone, Default, clap::Args)]
pub(super) struct Lineup {
    #[arg(value_name = "CONTENDER", help = contenders_help())]
    contenders: Vec<String>,
    /// Run every model with its native and the common client, at the preset's concurrency (usually 128), in
    /// addition to the named contenders
    #[arg(long)]
    pub(super) models: bool,
    /// Like --models, plus every installed contender in other languages at its default shapes
    #[arg(long)]
    pub(super) all: bool,
    /// The rows of the article: the default contenders, and the contenders in other languages that correspond to
    /// one; on the preset `article` unless another is named; in addition to the named contenders
    #[arg(long, conflicts_with = "sweep")]
    article: bool,
    /// Run each contender, named without a shape, at several concurrencies; those above its maximum are left out.
    /// Without --urls there are at least ten URLs for each request in flight of the largest step, so that connections
    /// are reused
    #[arg(long, alias = "ladder", value_name = "N,N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    sweep: Vec<u32>,
    #[command(flatten)]
    files: Files,
}

fn contenders_help() -> String {
    format!("Contenders, as MODEL[+CLIENT]:SHAPE, such as {EXAMPLE} [default: {}]", DEFAULT.join(" "))
}

impl Lineup {
    /// The contenders for `workload`, each once, in the order in which they were named. All have
    /// `in_flight` requests in flight by default, if they can.
    pub(super) fn contenders(&self, workload: &Workload, in_flight: u32) -> Result<Vec<Contender>> {
        let catalogue = self.files.catalogue()?;
        let (words, steps) = (&self.contenders[..], &self.sweep[..]);
        let by_an_option = self.all || self.models || self.article;
        let mut contenders: Vec<Contender> = match (words, steps) {
            ([], []) if !by_an_option => named(&catalogue, &DEFAULT, in_flight)?,
            ([], [_, ..]) if !by_an_option => {
                bail!("--sweep needs contenders: name them without a shape, or use --models")
            }
            (words, []) => named(&catalogue, words, in_flight)?,
            (words, steps) => {
                let sources = words.iter().map(|text| without_shape(&catalogue, text));
                let sources = sources.collect::<Result<Vec<_>>>()?;
                sources.into_iter().flat_map(|source| sweep(source, steps)).collect()
            }
        };
        if self.article {
            contenders.extend(article::contenders(&catalogue)?);
        }
        if self.all || self.models {
            let all = self.all(&catalogue, workload).into_iter().flat_map(|source| match steps {
                [] => at_default_shapes(source, in_flight),
                steps => sweep(source, steps),
            });
            contenders.extend(without_the_longest(all.collect(), workload));
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

    /// The number of URLs for which every step of a sweep reuses its connections; 0 without a sweep.
    pub(super) fn urls_for_sweep(&self) -> u64 {
        self.sweep.iter().max().map_or(0, |&largest| REUSES * u64::from(largest))
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
                Source::External(external) => external.bundle.readiness() != Readiness::Missing,
            });
        report_left_out("since not set up (`inflight setup all`)", &missing);
        let (able, unable): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|source| workload.rate.is_none() || source.no_rate().is_none());
        report_left_out("since they do not support --rate", &unable);
        able
    }
}

fn report_left_out(why: &str, sources: &[Source]) {
    if !sources.is_empty() {
        let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
        say(&format!("left out, {why}: {}", names.join(", ")));
    }
}

fn named(catalogue: &Catalogue, words: &[impl AsRef<str>], in_flight: u32) -> Result<Vec<Contender>> {
    words.iter().map(|text| contender(catalogue, text.as_ref(), in_flight)).collect()
}

/// The contender that is written `text`; without a shape, at its default: as many in flight as it can have, and no
/// more than `in_flight`, or for an external program the first of its shapes.
pub(super) fn contender(catalogue: &Catalogue, text: &str, in_flight: u32) -> Result<Contender> {
    if text.starts_with("http://") || text.starts_with("https://") {
        bail!("`{text}` is not a contender: {}", super::NO_SERVER);
    }
    if text.contains(':') {
        return Ok(catalogue.contender(text)?);
    }
    let shapes = at_default_shapes(catalogue.source(text, "")?, in_flight);
    shapes
        .into_iter()
        .next()
        .with_context(|| format!("`{text}` has no default shape: write one, as in {text}:32"))
}

/// Leaves out those whose ideal takes too long.
fn without_the_longest(contenders: Vec<Contender>, workload: &Workload) -> Vec<Contender> {
    let ideal = |contender: &Contender| workload.ideal_ns(contender.shape);
    let (longest, others): (Vec<_>, Vec<_>) =
        contenders.into_iter().partition(|contender| u128::from(ideal(contender)) > LONGEST_IDEAL.as_nanos());
    if !longest.is_empty() {
        let names: Vec<String> = longest.iter().map(ToString::to_string).collect();
        let minutes = LONGEST_IDEAL.as_secs() / 60;
        say(&format!("left out, since one run takes more than {minutes} minutes: {}", names.join(", ")));
    }
    others
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "inflight: {line}"); // nothing can be done if stderr is closed
}

fn at_default_shapes(source: Source, in_flight: u32) -> Vec<Contender> {
    let shapes = match &source {
        Source::Model(..) => vec![Shape { processes: 1, in_flight: most_of(&source).min(in_flight) }],
        Source::External(external) => external.shapes.clone(),
    };
    shapes.into_iter().map(|shape| Contender { source: source.clone(), shape }).collect()
}

fn without_shape(catalogue: &Catalogue, text: &str) -> Result<Source> {
    if let Some((named, _)) = text.split_once(':') {
        bail!("`{text}`: a sweep has its own shapes: name contenders without a shape, as in {named}");
    }
    Ok(catalogue.source(text, "")?)
}

fn sweep(source: Source, steps: &[u32]) -> Vec<Contender> {
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

    fn lineup(contenders: &[&str], sweep: &[u32]) -> Lineup {
        let contenders = contenders.iter().map(ToString::to_string).collect();
        Lineup { contenders, sweep: sweep.to_vec(), ..Lineup::default() }
    }

    #[test]
    fn duplicate_contenders_run_once() {
        assert_eq!(names(&lineup(&["tokio:8", "sync:1", "tokio:8"], &[])), ["tokio:8", "sync:1"]);
        assert_eq!(names(&lineup(&[], &[])), DEFAULT);
    }

    #[test]
    fn contender_without_a_shape_has_its_default() {
        assert_eq!(names(&lineup(&["tokio+common", "sync"], &[])), ["tokio+common:128", "sync:1"]);
        assert_eq!(names_at(&lineup(&["tokio"], &[]), "crowd", 1_000), ["tokio:1000"]);
    }

    #[test]
    fn sweep_has_the_steps_that_a_model_supports() {
        let named = lineup(&["tokio+common", "sync"], &[1, 32]);
        assert_eq!(names(&named), ["tokio+common:1", "tokio+common:32", "sync:1"]);
        let workload = Workload::of(Scenario::preset("quick").unwrap());
        let error = lineup(&["tokio:8"], &[1]).contenders(&workload, 128).err().unwrap();
        assert!(error.to_string().contains("without a shape"), "{error}");
    }

    #[test]
    fn all_selects_every_model_with_both_clients() {
        let all = Lineup { all: true, ..Lineup::default() };
        let names = names(&all);
        for model in MODELS {
            assert!(names.iter().any(|name| name.starts_with(&format!("{}+{COMMON}:", model.name))));
        }
        assert!(names.contains(&"sync:1".to_owned()));
        assert!(names.contains(&"tokio:128".to_owned()));
        assert!(!names.contains(&"tokio+hyper:128".to_owned()));
        let sweep = Lineup { all: true, sweep: vec![1, 1_000], ..Lineup::default() };
        let names_of_sweep = names_at(&sweep, "quick", 128);
        assert!(
            names_of_sweep.contains(&"sync:1".to_owned())
                && !names_of_sweep.contains(&"sync:1000".to_owned())
        );
        assert!(names_of_sweep.contains(&"tokio+common:1000".to_owned()));

        let crowd = names_at(&all, "crowd", 1_000);
        assert!(crowd.contains(&"tokio:1000".to_owned()));
        assert!(!crowd.contains(&"sync:1".to_owned()), "it would take three quarters of an hour");
    }
}
