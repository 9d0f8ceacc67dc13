//! The conclusion: what a comparison supports, in two sentences.
//!
//! It follows from the rankings. A contender is called the fastest, or that of least CPU, where it alone has
//! rank 1 and others are ranked behind it.

use crate::comparison::{CONFIDENCE, Comparison, Measured, Ranked, RankingFigure, Ratio, Row};
use crate::numbers::{duration, efficiency, three_digits};

/// The sentences: of wall time and of CPU where contenders are compared by both, else of CPU and why wall time is
/// not compared. One sentence where fewer than two contenders have valid runs.
pub fn conclusion(comparison: &Comparison) -> Vec<String> {
    let cpus = comparison.ranking_by(RankingFigure::CpuNs);
    let cpu = |fastest| least_cpu(comparison, cpus, fastest);
    match (&comparison.ranking[..], comparison.ranked_by) {
        _ if cpus.is_empty() => vec!["No contender has a valid run: there is nothing to compare.".to_owned()],
        _ if cpus.len() == 1 => vec![alone(comparison, &cpus[0])],
        ([] | [_], RankingFigure::WallNs) => {
            vec![cpu(None), "The target limited wall-clock time, so it is not ranked.".to_owned()]
        }
        (walls, RankingFigure::WallNs) => {
            let best = &walls[0];
            vec![fastest(comparison, walls), cpu(is_best(walls).then_some(best))]
        }
        (_, RankingFigure::CpuNs) if comparison.rate.is_some() => vec![cpu(None), latencies(comparison)],
        (_, RankingFigure::CpuNs) => vec![
            cpu(None),
            "Nothing is delayed, so the target limits wall-clock time as well: it is not ranked.".to_owned(),
        ],
    }
}

/// Whether the first of `ranking` is known to be ahead of every other whose rank is known, and there is one.
fn is_best(ranking: &[Ranked]) -> bool {
    let [first, others @ ..] = ranking else { return false };
    let mut ranks = others.iter().filter_map(|other| other.rank).peekable();
    first.rank == Some(1) && ranks.peek().is_some() && ranks.all(|rank| rank > 1)
}

fn alone(comparison: &Comparison, only: &Ranked) -> String {
    let (name, at) = (&only.name, at_efficiency(comparison, only));
    let Some(measured) = measured(comparison, only) else { return String::new() };
    let [wall, cpu] = [measured.wall_ns.median, measured.cpu_ns.median].map(duration);
    format!("Only {name} has valid runs: {wall}{at}, with {cpu} of CPU.")
}

fn fastest(comparison: &Comparison, ranking: &[Ranked]) -> String {
    let best = &ranking[0];
    let mut label = label(ranking, "Fastest", "Lowest median wall-clock time");
    if comparison.contenders.iter().any(Row::is_target_limited) {
        label += " of those that the target did not limit";
    }
    let (name, wall, at) = (&best.name, duration(best.median_ns), at_efficiency(comparison, best));
    let mut sentence = format!("{label}: {name}, {wall}{at}");
    if let Some(next) = next(ranking) {
        let margin = Margin::of(best, next);
        sentence += &match margin.times() {
            Some(times) => format!(", {times} times as fast{} as {}, the next", margin.interval(), next.name),
            None => format!(", less than {} % faster than {}, the next", margin.percent(), next.name),
        };
    }
    sentence + &caveats(comparison, ranking) + "."
}

/// `fastest` is the contender that is known to be the fastest, if there is one.
fn least_cpu(comparison: &Comparison, ranking: &[Ranked], fastest: Option<&Ranked>) -> String {
    let best = &ranking[0];
    let label = label(ranking, "Least CPU", "Lowest median CPU");
    let all = measured(comparison, best).map_or(0, |measured| measured.cpu_ns.median);
    let (name, each) = (&best.name, duration(best.median_ns));
    let mut sentence = format!("{label}: {name}, {} ({each} a request)", duration(all));
    if let Some(next) = next(ranking) {
        let is_fastest = |other: &&Ranked| fastest.is_some_and(|fastest| fastest.name == other.name);
        let the_fastest = ranking.iter().find(|other| is_fastest(other) && other.rank > Some(1));
        let other = the_fastest.unwrap_or(next);
        let name =
            if the_fastest.is_some() { format!("the fastest, {},", other.name) } else { other.name.clone() };
        let margin = Margin::of(best, other);
        sentence += &match margin.times() {
            Some(times) => format!("; {name} took {times} times as much{}", margin.interval()),
            None => format!("; {name} took less than {} % more", margin.percent()),
        };
    }
    sentence + &caveats(comparison, ranking) + "."
}

/// `claim` where the first is the best, else the bare `observation`.
fn label(ranking: &[Ranked], claim: &str, observation: &str) -> String {
    let words = if is_best(ranking) { claim } else { observation };
    let some_are_not_ranked = ranking.iter().any(|ranked| ranked.rank.is_none());
    match ranking[0].rank {
        Some(_) if some_are_not_ranked => format!("{words} of those with enough rounds"),
        _ => words.to_owned(),
    }
}

/// The first that ranks behind the best, where there is a best.
fn next(ranking: &[Ranked]) -> Option<&Ranked> {
    if is_best(ranking) { ranking.iter().find(|other| other.rank > Some(1)) } else { None }
}

/// The contenders that the first is not known to differ from, and why.
fn caveats(comparison: &Comparison, ranking: &[Ranked]) -> String {
    let names = |rank| -> Vec<&str> {
        ranking[1..].iter().filter(|other| other.rank == rank).map(|other| other.name.as_str()).collect()
    };
    let (equal, untested) = (listed(&names(Some(1))), listed(&names(None)));
    let enough = comparison.testing.enough_rounds;
    let mut caveats = String::new();
    if !equal.is_empty() {
        caveats += &format!("; no difference detected from {equal}");
    }
    if !untested.is_empty() {
        caveats += &format!("; too few rounds to compare {untested} (--rounds {enough} is enough)");
    }
    caveats
}

/// In an open loop latency is what a user sees. It is not tested, so no contender is called the best.
fn latencies(comparison: &Comparison) -> String {
    let p99 = |row: &Row| Some((row.measured.as_ref()?.latency_ns?.p99.unsigned_abs(), row.name.clone()));
    let mut all: Vec<(u64, String)> = comparison.contenders.iter().filter_map(p99).collect();
    all.sort();
    let shown = |(p99, name): &(u64, String)| format!("{} ({name})", duration(*p99));
    match &all[..] {
        [] => "No request succeeded.".to_owned(),
        [only] => format!("p99 of latency: {}.", shown(only)),
        [least, .., most] => {
            format!(
                "p99 of latency: {} to {}, not tested; wall-clock times are not compared in an open loop.",
                shown(least),
                shown(most)
            )
        }
    }
}

fn measured<'a>(comparison: &'a Comparison, ranked: &Ranked) -> Option<&'a Measured> {
    comparison.contenders.iter().find(|row| row.name == ranked.name)?.measured.as_ref()
}

/// Empty where nothing is delayed: then there is no ideal.
fn at_efficiency(comparison: &Comparison, ranked: &Ranked) -> String {
    let part = measured(comparison, ranked).and_then(|measured| measured.efficiency);
    part.map_or_else(String::new, |part| format!(" at {} efficiency", efficiency(part.median)))
}

/// The margin between the best and another.
struct Margin {
    /// The other's figure ÷ the best's.
    ratio: f64,
    /// The same within rounds; absent where the two share no round and only the bound distinguishes them.
    within_rounds: Option<Ratio>,
    rounds: u32,
}

impl Margin {
    fn of(best: &Ranked, other: &Ranked) -> Margin {
        let within_rounds = other.to_first.as_ref().and_then(|pair| pair.ratio);
        let of_medians = other.median_ns as f64 / best.median_ns.max(1) as f64;
        Margin {
            ratio: within_rounds.map_or(of_medians, |ratio| ratio.estimate),
            within_rounds,
            rounds: other.to_first.as_ref().map_or(0, |pair| pair.rounds),
        }
    }

    /// The ratio, where the difference is 1 % or more.
    fn times(&self) -> Option<String> {
        (self.ratio >= 1.01).then(|| three_digits(self.ratio))
    }

    /// The whole per cent that the difference is below, by the upper end of its interval.
    fn percent(&self) -> u64 {
        let most = self.within_rounds.map_or(self.ratio, |ratio| ratio.high);
        (((most - 1.0) * 100.0).floor() as u64).saturating_add(1)
    }

    /// The interval of the ratio, in brackets; a single round has none.
    fn interval(&self) -> String {
        let Some(ratio) = self.within_rounds.filter(|_| self.rounds > 1) else { return String::new() };
        let kind = if ratio.confidence < CONFIDENCE { "min–max " } else { "" };
        format!(" ({kind}{}–{})", end(ratio.low), end(ratio.high))
    }
}

/// Near 1 with three decimals, so that an interval that excludes 1 does not look as if it included 1.
fn end(ratio: f64) -> String {
    if (0.9..1.1).contains(&ratio) { format!("{ratio:.3}") } else { three_digits(ratio) }
}

/// `a`, `a and b`, `a, b and c`, `4 others`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] if names.len() <= 3 => format!("{} and {last}", most.join(", ")),
        _ => format!("{} others", names.len()),
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
