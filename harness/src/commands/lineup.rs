//! The options that select contenders.

use std::collections::HashSet;
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
    /// Run each contender, named without a concurrency, at several concurrencies; those above its maximum are left out.
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
                bail!("--sweep needs contenders: name them without a concurrency, or use --models")
            }
            (words, []) => named(&catalogue, words, in_flight)?,
            (words, steps) => {
                let of_each = words.iter().map(|text| Ok(sweep(without_shape(&catalogue, text)?, steps)));
                of_each.collect::<Result<Vec<_>>>()?.concat()
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
        let mut seen = HashSet::new();
        contenders.retain(|contender| seen.insert(contender.to_string()));
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

fn report_left_out(why: &str, all: &[impl ToString]) {
    if !all.is_empty() {
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        super::say_error(&format!("left out, {why}: {}", names.join(", ")));
    }
}

fn named(catalogue: &Catalogue, words: &[impl AsRef<str>], in_flight: u32) -> Result<Vec<Contender>> {
    words.iter().map(|text| contender(catalogue, text.as_ref(), in_flight)).collect()
}

/// The contender that is written `text`; without a concurrency, at its default: as many in flight as it can have, and no
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
        .with_context(|| format!("`{text}` has no default concurrency: write one, as in {text}:32"))
}

fn without_the_longest(contenders: Vec<Contender>, workload: &Workload) -> Vec<Contender> {
    let ideal = |contender: &Contender| workload.ideal_ns(contender.shape);
    let (longest, others): (Vec<_>, Vec<_>) =
        contenders.into_iter().partition(|contender| u128::from(ideal(contender)) > LONGEST_IDEAL.as_nanos());
    let minutes = LONGEST_IDEAL.as_secs() / 60;
    report_left_out(&format!("since one run takes more than {minutes} minutes"), &longest);
    others
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
        bail!(
            "`{text}`: a sweep has its own concurrencies: name contenders without a concurrency, as in {named}"
        );
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

    fn contenders(lineup: &Lineup, preset: &str, in_flight: u32) -> Result<Vec<String>> {
        let workload = Workload::of(Scenario::preset(preset).unwrap());
        Ok(lineup.contenders(&workload, in_flight)?.iter().map(ToString::to_string).collect())
    }

    fn names(lineup: &Lineup) -> Vec<String> {
        contenders(lineup, "quick", 128).unwrap()
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
        assert_eq!(contenders(&lineup(&["tokio"], &[]), "crowd", 1_000).unwrap(), ["tokio:1000"]);
    }

    #[test]
    fn sweep_has_the_steps_that_a_model_supports() {
        let named = lineup(&["tokio+common", "sync"], &[1, 32]);
        assert_eq!(names(&named), ["tokio+common:1", "tokio+common:32", "sync:1"]);
        let error = contenders(&lineup(&["tokio:8"], &[1]), "quick", 128).unwrap_err();
        assert!(error.to_string().contains("without a concurrency"), "{error}");
    }

    #[test]
    fn all_selects_every_model_with_both_clients() {
        let all = Lineup { all: true, ..Lineup::default() };
        let sweep = Lineup { all: true, sweep: vec![1, 1_000], ..Lineup::default() };
        for model in MODELS {
            let common = format!("{}+{COMMON}:", model.name);
            assert!(names(&all).iter().any(|name| name.starts_with(&common)), "{common}");
        }
        for (selected, with, without) in [
            (names(&all), vec!["sync:1", "tokio:128"], "tokio+hyper:128"),
            (names(&sweep), vec!["sync:1", "tokio+common:1000"], "sync:1000"),
            // There one request at a time would take three quarters of an hour.
            (contenders(&all, "crowd", 1_000).unwrap(), vec!["tokio:1000"], "sync:1"),
        ] {
            assert!(with.iter().all(|name| selected.iter().any(|found| found == name)), "{with:?}");
            assert!(!selected.iter().any(|found| found == without), "{without}");
        }
    }
}
