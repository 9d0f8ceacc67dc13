//! The conclusion: what a comparison bears out, in two sentences and no more.
//!
//! A difference is claimed only where every run of one contender lies below every run of the other,
//! and either both ran [`ENOUGH_RUNS`] times or the slower could not possibly have been faster.

use crate::comparison::{Comparison, Measured, Row, Spread};
use crate::numbers::{duration, efficiency, three_digits};

/// Fewer runs than this settle nothing. Of two contenders that are the same, all of three runs lie below
/// all of three others once in (6 choose 3) = 20 times; with two each it would be once in 6.
pub const ENOUGH_RUNS: u32 = 3;

/// The sentences: which contender was fastest, and which took the least CPU. One sentence where fewer than
/// two contenders have valid runs.
pub fn conclusion(comparison: &Comparison) -> Vec<String> {
    let walls = entries(comparison, |row, measured| {
        let bound = comparison.scenario.total_delay_ns / row.slots().max(1);
        (measured.wall_ns, bound)
    });
    // Processor time has no bound that follows from the workload.
    let cpus = entries(comparison, |_, measured| (measured.cpu_ns, 0));
    match (Contest::of(&walls), Contest::of(&cpus)) {
        (Some(wall), Some(_)) if wall.others.is_empty() => vec![alone(&wall)],
        (Some(wall), Some(cpu)) => vec![fastest(&wall), least_cpu(&cpu, wall.best.row)],
        _ => vec!["No contender has a valid run: there is nothing to compare.".to_owned()],
    }
}

fn alone(contest: &Contest<'_>) -> String {
    let Entry { row, measured, .. } = contest.best;
    format!(
        "Only {} has valid runs: {}{}, with {} of CPU.",
        row.name,
        duration(measured.wall_ns.median),
        at_efficiency(row, measured),
        duration(measured.cpu_ns.median),
    )
}

/// Where nothing is delayed there is no floor to be held against.
fn at_efficiency(row: &Row, measured: &Measured) -> String {
    match row.floor_ns {
        0 => String::new(),
        _ => format!(" at {} efficiency", efficiency(measured.efficiency.median)),
    }
}

fn fastest(contest: &Contest<'_>) -> String {
    let best = contest.best;
    let mut sentence = format!(
        "{}: {}, {}{}",
        contest.label("Fastest", "Lowest median wall"),
        best.row.name,
        duration(best.spread.median),
        at_efficiency(best.row, best.measured),
    );
    sentence += &contest.doubts();
    if let Some((next, ratio)) = contest.lead_over(None) {
        sentence += &match ratio {
            Some(ratio) => format!(", {ratio} times as fast as {next}, the next"),
            None => format!(", less than 1 % faster than {next}, the next"),
        };
    }
    sentence + "."
}

fn least_cpu(contest: &Contest<'_>, fastest: &Row) -> String {
    let best = contest.best;
    let mut sentence = format!(
        "{}: {}, {} ({} a request)",
        contest.label("Least CPU", "Lowest median CPU"),
        best.row.name,
        duration(best.spread.median),
        duration((best.measured.cpu_us_per_request.median * 1e3).round() as u64),
    );
    sentence += &contest.doubts();
    if let Some((other, ratio)) = contest.lead_over(Some(fastest)) {
        let other = if other == fastest.name { format!("the fastest, {other},") } else { other };
        sentence += &match ratio {
            Some(ratio) => format!("; {other} took {ratio} times as much"),
            None => format!("; {other} took less than 1 % more"),
        };
    }
    sentence + "."
}

/// A contender with valid runs, and the figure it is judged by.
struct Entry<'a> {
    row: &'a Row,
    measured: &'a Measured,
    spread: Spread<u64>,
    /// No run of it can have less than this.
    bound: u64,
}

fn entries<'a>(
    comparison: &'a Comparison,
    figure: impl Fn(&Row, &Measured) -> (Spread<u64>, u64),
) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = comparison
        .contenders
        .iter()
        .filter_map(|row| {
            let measured = row.measured.as_ref()?;
            let (spread, bound) = figure(row, measured);
            Some(Entry { row, measured, spread, bound })
        })
        .collect();
    entries.sort_by_key(|entry| entry.spread.median);
    entries
}

impl Entry<'_> {
    fn ran_enough(&self) -> bool {
        self.row.valid_runs >= ENOUGH_RUNS
    }

    fn is_less_than(&self, other: &Entry<'_>) -> Finding {
        let both_ran_enough = self.ran_enough() && other.ran_enough();
        let apart = other.spread.low > self.spread.high;
        if apart && (both_ran_enough || other.bound > self.spread.high) {
            Finding::Less
        } else if both_ran_enough {
            Finding::Overlap
        } else {
            Finding::TooFewRuns
        }
    }
}

#[derive(PartialEq)]
enum Finding {
    Less,
    Overlap,
    TooFewRuns,
}

/// The contender with the lowest median among those that ran often enough (among all, where none did),
/// and how each of the others stands to it.
struct Contest<'a> {
    best: &'a Entry<'a>,
    others: Vec<(&'a Entry<'a>, Finding)>,
}

impl<'a> Contest<'a> {
    /// `entries` in ascending order of their medians. `None` where there are none.
    fn of(entries: &'a [Entry<'a>]) -> Option<Contest<'a>> {
        let best = entries.iter().find(|entry| entry.ran_enough()).or(entries.first())?;
        let others = entries
            .iter()
            .filter(|entry| entry.row.name != best.row.name)
            .map(|entry| (entry, best.is_less_than(entry)))
            .collect();
        Some(Contest { best, others })
    }

    fn names(&self, finding: Finding) -> Vec<&str> {
        self.others
            .iter()
            .filter(|(_, found)| *found == finding)
            .map(|(other, _)| other.row.name.as_str())
            .collect()
    }

    /// `claim` where the best is below all that it is compared with, else the bare `observation`.
    fn label(&self, claim: &str, observation: &str) -> String {
        let any = |finding| self.others.iter().any(|(_, found)| *found == finding);
        let (overlap, unsettled) = (any(Finding::Overlap), any(Finding::TooFewRuns));
        let words = if overlap || (unsettled && !self.best.ran_enough()) { observation } else { claim };
        if unsettled && self.best.ran_enough() {
            format!("{words} of those with {ENOUGH_RUNS} valid runs or more")
        } else {
            words.to_owned()
        }
    }

    /// From whom the best cannot be told apart, and why.
    fn doubts(&self) -> String {
        let overlapping = self.names(Finding::Overlap);
        let unsettled = self.names(Finding::TooFewRuns);
        let mut doubts = String::new();
        if !overlapping.is_empty() {
            doubts += &format!("; no difference detected from {} (ranges overlap)", listed(&overlapping));
        }
        if !unsettled.is_empty() && !self.best.ran_enough() {
            doubts += &format!("; too few runs to tell it from {}", listed(&unsettled));
        }
        doubts
    }

    /// The contender to hold the best against, and how many times as much it has, or `None` where that is
    /// less than 1 %: `preferred` where the best is below it, else the next, where there are no doubts.
    fn lead_over(&self, preferred: Option<&Row>) -> Option<(String, Option<String>)> {
        let mut below = self.others.iter().filter(|(_, found)| *found == Finding::Less);
        let (other, _) = below
            .clone()
            .find(|(other, _)| preferred.is_some_and(|row| row.name == other.row.name))
            .or_else(|| if self.doubts().is_empty() { below.next() } else { None })?;
        let ratio = other.spread.median as f64 / self.best.spread.median as f64;
        Some((other.row.name.clone(), (ratio >= 1.01).then(|| three_digits(ratio))))
    }
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
mod tests {
    use super::*;
    use crate::example;
    use crate::record::{Record, Verdict};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const MS: u64 = 1_000_000;

    static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

    /// The example with only these contenders and, of each, only runs with these walls and CPU times,
    /// in milliseconds.
    fn race(contenders: &[(&str, &[(u64, u64)])]) -> Comparison {
        let mut record = EXAMPLE.clone();
        let template =
            record.runs.iter().find(|run| run.contender == "threads:32").expect("it is there").clone();
        record.header.contenders.retain(|facts| contenders.iter().any(|(name, _)| *name == facts.name));
        record.runs.clear();
        for (name, runs) in contenders {
            for (wall_ms, cpu_ms) in *runs {
                let mut run = template.clone();
                run.contender = (*name).to_owned();
                let figures = run.figures.as_mut().expect("it is valid");
                figures.wall_ns = wall_ms * MS;
                figures.cpu_ns = cpu_ms * MS;
                figures.cpu_us_per_request = (cpu_ms * MS) as f64 / 1e6;
                record.runs.push(run);
            }
        }
        Comparison::of(&record)
    }

    #[test]
    fn a_difference_is_claimed_where_every_run_bears_it_out() {
        let comparison = race(&[
            ("tokio:128", &[(900, 100), (910, 101), (905, 102)]),
            ("smol:256", &[(300, 121), (310, 122), (305, 123)]),
        ]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Fastest: smol:256, 305 ms at 40.5 % efficiency, 2.97 times as fast as tokio:128, the next.",
                "Least CPU: tokio:128, 101 ms (101 µs a request); the fastest, smol:256, took 1.21 times \
                 as much.",
            ]
        );
    }

    #[test]
    fn overlapping_ranges_are_no_difference() {
        let comparison = race(&[
            ("tokio:128", &[(900, 100), (310, 101), (905, 102)]),
            ("smol:256", &[(300, 100), (310, 100), (305, 100)]),
        ]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Lowest median wall: smol:256, 305 ms at 40.5 % efficiency; no difference detected from \
                 tokio:128 (ranges overlap).",
                "Lowest median CPU: smol:256, 100 ms (100 µs a request); no difference detected from \
                 tokio:128 (ranges overlap).",
            ]
        );
    }

    #[test]
    fn single_runs_settle_nothing() {
        let comparison = race(&[("tokio:128", &[(900, 100)]), ("smol:256", &[(300, 90)])]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Lowest median wall: smol:256, 300 ms at 41.1 % efficiency; too few runs to tell it from \
                 tokio:128.",
                "Lowest median CPU: smol:256, 90.0 ms (90.0 µs a request); too few runs to tell it from \
                 tokio:128.",
            ]
        );
    }

    #[test]
    fn a_single_run_that_had_to_wait_longer_is_slower_for_certain() {
        let comparison =
            race(&[("sync:1", &[(26_500, 80)]), ("tokio:128", &[(300, 121), (310, 122), (305, 123)])]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Fastest: tokio:128, 305 ms at 73.9 % efficiency, 86.9 times as fast as sync:1, the next.",
                "Least CPU of those with 3 valid runs or more: tokio:128, 122 ms (122 µs a request).",
            ]
        );
    }

    #[test]
    fn a_lead_below_one_per_cent_is_not_dressed_up_as_a_ratio() {
        let comparison = race(&[
            ("smol:256", &[(1_001, 100), (1_002, 100), (1_003, 100)]),
            ("tokio:128", &[(1_000, 100), (1_000, 100), (1_000, 100)]),
        ]);
        assert!(conclusion(&comparison)[0].ends_with(", less than 1 % faster than smol:256, the next."));
    }

    #[test]
    fn one_contender_and_none() {
        let alone = conclusion(&race(&[("tokio:128", &[(300, 121)])]));
        let text = "Only tokio:128 has valid runs: 300 ms at 75.1 % efficiency, with 121 ms of CPU.";
        assert_eq!(alone, [text]);
        let none = conclusion(&race(&[("tokio:128", &[])]));
        assert_eq!(none, ["No contender has a valid run: there is nothing to compare."]);
    }

    proptest! {
        /// Whatever was measured, who is called fastest has every run below every run of all who ran enough.
        #[test]
        fn the_fastest_is_fastest_in_every_run(
            walls in prop::collection::vec(prop::collection::vec(1_u64..60, 0..6), 4),
            void in any::<bool>(),
        ) {
            let mut record = EXAMPLE.clone();
            let names: Vec<String> = record.header.contenders.iter().map(|c| c.name.clone()).collect();
            let template = record.runs[1].clone();
            record.runs.clear();
            for (name, walls) in names.iter().zip(&walls) {
                for (index, wall) in walls.iter().enumerate() {
                    let mut run = template.clone();
                    run.contender.clone_from(name);
                    run.figures.as_mut().unwrap().wall_ns = wall * 1_000 * MS;
                    if void && index == 0 {
                        run.verdict = Verdict::Void { reasons: Vec::new() };
                    }
                    record.runs.push(run);
                }
            }
            let comparison = Comparison::of(&record);
            let sentence = conclusion(&comparison).remove(0);
            let Some(rest) = sentence.strip_prefix("Fastest") else { return Ok(()) };
            let only_those_who_ran_enough = rest.starts_with(" of those");
            let best = names.iter().find(|name| rest.contains(&format!(": {name},"))).unwrap();
            let wall = |row: &Row| row.measured.as_ref().map(|m| m.wall_ns);
            let high = comparison.contenders.iter().find(|r| r.name == *best).and_then(wall).unwrap().high;
            for row in comparison.contenders.iter().filter(|row| row.name != *best) {
                if only_those_who_ran_enough && row.valid_runs < ENOUGH_RUNS {
                    continue;
                }
                prop_assert!(wall(row).is_none_or(|wall| wall.low > high), "{sentence}");
            }
        }
    }
}
