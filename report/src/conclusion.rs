//! The conclusion: what a comparison bears out, in two sentences and no more.
//!
//! A difference is claimed only where [`Finding::is_difference`] holds for the pair: a test that allows for
//! every other pair tells the two apart, or the slower could not possibly have been faster.

use crate::comparison::{CONFIDENCE, Comparison, Figure, Finding, Measured, Pair, Row};
use crate::numbers::{duration, efficiency, three_digits};

/// A contender with fewer valid runs has no headline while others have more: one run is no median, and of
/// two the median is as far out as either.
pub const ENOUGH_RUNS: u32 = 3;

/// The sentences: which contender was fastest, and which took the least CPU. One sentence where fewer than
/// two contenders have valid runs.
pub fn conclusion(comparison: &Comparison) -> Vec<String> {
    let [walls, cpus] = [Figure::WallNs, Figure::CpuNs].map(|figure| Contest::of(comparison, figure));
    match (walls, cpus) {
        (_, Some(cpu)) if cpu.others.is_empty() => vec![alone(&cpu)],
        (_, Some(cpu)) if comparison.rate.is_some() => {
            vec![lowest_latency(comparison), least_cpu(&cpu, None)]
        }
        (Some(wall), Some(cpu)) => {
            let any_limited = comparison.contenders.iter().any(Row::is_target_limited);
            vec![fastest(&wall, any_limited), least_cpu(&cpu, Some(&wall))]
        }
        (None, Some(cpu)) => vec![
            least_cpu(&cpu, None),
            "Wall and throughput are the target's in all contenders, and not compared.".to_owned(),
        ],
        _ => vec!["No contender has a valid run: there is nothing to compare.".to_owned()],
    }
}

fn alone(contest: &Contest<'_>) -> String {
    let Entry { row, measured, .. } = contest.best;
    format!(
        "Only {} has valid runs: {}{}{}, with {} of CPU.",
        row.name,
        duration(measured.wall_ns.median),
        if row.is_target_limited() { " (target-limited)" } else { "" },
        at_efficiency(measured),
        duration(measured.cpu_ns.median),
    )
}

/// Where nothing is delayed there is no ideal to be held against.
fn at_efficiency(measured: &Measured) -> String {
    measured.efficiency.map_or_else(String::new, |part| format!(" at {} efficiency", efficiency(part.median)))
}

/// `any_limited`: whether there are contenders that have no wall of their own to be in the contest with.
fn fastest(contest: &Contest<'_>, any_limited: bool) -> String {
    let best = contest.best;
    let mut sentence = format!(
        "{}{}: {}, {}{}",
        contest.label("Fastest", "Lowest median wall"),
        if any_limited { " of those that the target did not limit" } else { "" },
        best.row.name,
        duration(best.median),
        at_efficiency(best.measured),
    );
    sentence += &contest.doubts();
    if let Some(lead) = contest.lead_over(None) {
        let (next, interval) = (lead.over, lead.interval());
        sentence += &match lead.times() {
            Some(times) => format!(", {times} times as fast{interval} as {next}, the next"),
            None => format!(", less than {} % faster than {next}, the next", lead.percent()),
        };
    }
    sentence + "."
}

/// `walls` is the contest of the walls, where there is one.
fn least_cpu(contest: &Contest<'_>, walls: Option<&Contest<'_>>) -> String {
    let best = contest.best;
    let mut sentence = format!(
        "{}: {}, {} ({} a request)",
        contest.label("Least CPU", "Lowest median CPU"),
        best.row.name,
        duration(best.median),
        duration((best.measured.cpu_us_per_request.median * 1e3).round() as u64),
    );
    sentence += &contest.doubts();
    if let Some(lead) = contest.lead_over(walls.map(|walls| walls.best.row)) {
        let is_fastest = walls.is_some_and(|walls| walls.best.row.name == lead.over && walls.is_settled());
        let other = if is_fastest { format!("the fastest, {},", lead.over) } else { lead.over.to_owned() };
        sentence += &match lead.times() {
            Some(times) => format!("; {other} took {times} times as much{}", lead.interval()),
            None => format!("; {other} took less than {} % more", lead.percent()),
        };
    }
    sentence + "."
}

/// In an open loop walls are not compared, and nobody is fastest. Latency is not put to a test. Where
/// contenders ran often enough, those that did not are left out.
fn lowest_latency(comparison: &Comparison) -> String {
    let p99 = |row: &Row| Some(row.measured.as_ref()?.latency_ns?.p99.unsigned_abs());
    let rows = comparison.contenders.iter();
    let (often, rarely): (Vec<(u64, &Row)>, Vec<_>) =
        rows.filter_map(|row| Some((p99(row)?, row))).partition(|(_, row)| row.valid_runs >= ENOUGH_RUNS);
    let chosen = !often.is_empty() && !rarely.is_empty();
    let of_those = if chosen { of_those_who_ran_enough() } else { String::new() };
    let compared = if often.is_empty() { rarely } else { often };
    let Some(lowest) = compared.iter().map(|(p99, _)| *p99).min() else {
        return "No request succeeded.".to_owned();
    };
    let alike = compared.iter().filter(|(p99, _)| *p99 == lowest).map(|(_, row)| row.name.as_str());
    format!(
        "Lowest p99 of latency{of_those}: {}, {}, not tested; in an open loop walls are not compared.",
        alike.collect::<Vec<_>>().join(" and "),
        duration(lowest),
    )
}

fn of_those_who_ran_enough() -> String {
    format!(" of those with {ENOUGH_RUNS} valid runs or more")
}

/// A contender with valid runs, and the figure it is judged by.
#[derive(Clone, Copy)]
struct Entry<'a> {
    row: &'a Row,
    measured: &'a Measured,
    median: u64,
}

impl Entry<'_> {
    fn ran_enough(&self) -> bool {
        self.row.valid_runs >= ENOUGH_RUNS
    }
}

/// The contender with the lowest median among those that ran often enough (among all, where none did),
/// and how each of the others stands to it, lowest median first.
struct Contest<'a> {
    best: Entry<'a>,
    others: Vec<(Entry<'a>, &'a Pair)>,
    enough_rounds: u32,
}

impl<'a> Contest<'a> {
    /// `None` where no contender has a valid run.
    fn of(comparison: &'a Comparison, figure: Figure) -> Option<Contest<'a>> {
        let entry =
            |row: &'a Row| Some(Entry { row, measured: row.measured.as_ref()?, median: figure.median(row)? });
        let mut entries: Vec<Entry<'a>> = comparison.contenders.iter().filter_map(entry).collect();
        entries.sort_by_key(|entry| entry.median);
        let best = *entries.iter().find(|entry| entry.ran_enough()).or(entries.first())?;
        let to_best =
            |entry: Entry<'a>| Some((entry, comparison.pair(figure, &best.row.name, &entry.row.name)?));
        let others = entries.into_iter().filter_map(to_best).collect();
        Some(Contest { best, others, enough_rounds: comparison.testing.enough_rounds })
    }

    fn is_below(&self, pair: &Pair) -> bool {
        pair.finding.is_difference() && pair.lower == self.best.row.name
    }

    /// Whether the best is known to be below each of the others.
    fn is_settled(&self) -> bool {
        self.others.iter().all(|(_, pair)| self.is_below(pair))
    }

    /// Those that ran too few times to be compared with the best, which did not.
    fn is_short_of_runs(&self, other: &Entry<'_>) -> bool {
        self.best.ran_enough() && !other.ran_enough()
    }

    fn names(&self, finding: Finding) -> Vec<&str> {
        self.others
            .iter()
            .filter(|(other, pair)| pair.finding == finding && !self.is_short_of_runs(other))
            .map(|(other, _)| other.row.name.as_str())
            .collect()
    }

    /// `claim` where the best is below all that it is compared with, else the bare `observation`.
    fn label(&self, claim: &str, observation: &str) -> String {
        let mut unclear = self.others.iter().filter(|(_, pair)| !self.is_below(pair));
        let short_of_runs = |(other, _): &&(Entry<'_>, &Pair)| self.is_short_of_runs(other);
        let any_short = unclear.clone().any(|other| short_of_runs(&other));
        let words = if unclear.all(|other| short_of_runs(&other)) { claim } else { observation };
        match any_short {
            true => words.to_owned() + &of_those_who_ran_enough(),
            false => words.to_owned(),
        }
    }

    /// From whom the best cannot be told apart, and why.
    fn doubts(&self) -> String {
        let alike = self.names(Finding::NotDetected);
        let unsettled = self.names(Finding::TooFewRounds);
        let mut doubts = String::new();
        if !alike.is_empty() {
            doubts += &format!("; no difference detected from {}", listed(&alike));
        }
        if !unsettled.is_empty() {
            let (names, enough) = (listed(&unsettled), self.enough_rounds);
            doubts += &format!("; too few rounds to tell it from {names} (--rounds {enough} could)");
        }
        doubts
    }

    /// The contender to hold the best against: `preferred` where the best is below it, else the next, where
    /// there are no doubts.
    fn lead_over(&self, preferred: Option<&Row>) -> Option<Lead<'a>> {
        let mut below = self.others.iter().filter(|(_, pair)| self.is_below(pair));
        let (other, pair) = below
            .clone()
            .find(|(other, _)| preferred.is_some_and(|row| row.name == other.row.name))
            .or_else(|| if self.doubts().is_empty() { below.next() } else { None })?;
        // Two that share no round can still be told apart by their bounds.
        let of_medians = other.median as f64 / self.best.median as f64;
        let ratio = pair.ratio.map_or(of_medians, |ratio| ratio.estimate);
        Some(Lead { over: &other.row.name, ratio, pair })
    }
}

/// How far the best is ahead of another.
struct Lead<'a> {
    over: &'a str,
    /// How many times as much the other has.
    ratio: f64,
    pair: &'a Pair,
}

impl Lead<'_> {
    /// The ratio, where it is worth one: not below 1 %.
    fn times(&self) -> Option<String> {
        (self.ratio >= 1.01).then(|| three_digits(self.ratio))
    }

    /// The whole per cent that the lead is below, by the upper end of its interval.
    fn percent(&self) -> u64 {
        let most = self.pair.ratio.map_or(self.ratio, |ratio| ratio.high);
        (((most - 1.0) * 100.0).floor() as u64).saturating_add(1)
    }

    /// The interval of the ratio, in brackets; a single round has none.
    fn interval(&self) -> String {
        let Some(ratio) = self.pair.ratio.filter(|_| self.pair.rounds > 1) else { return String::new() };
        let kind = if ratio.confidence < CONFIDENCE { "min–max " } else { "" };
        format!(" ({kind}{}–{})", end(ratio.low), end(ratio.high))
    }
}

/// Near 1 a thousandth counts: an interval that does not hold 1 should not look as if it did.
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
mod tests {
    use super::*;
    use crate::example;
    use crate::record::{RateFacts, Record, TargetLimit, Verdict};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const MS: u64 = 1_000_000;

    static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

    /// The example with only these contenders and, of each, only runs with these walls and CPU times,
    /// in milliseconds, one a round.
    fn race(contenders: &[(&str, &[(u64, u64)])]) -> Comparison {
        Comparison::of(&record(contenders))
    }

    fn record(contenders: &[(&str, &[(u64, u64)])]) -> Record {
        let mut record = EXAMPLE.clone();
        let template =
            record.runs.iter().find(|run| run.contender == "threads:32").expect("it is there").clone();
        record.header.contenders.retain(|facts| contenders.iter().any(|(name, _)| *name == facts.name));
        record.runs.clear();
        for (name, runs) in contenders {
            for (round, (wall_ms, cpu_ms)) in (1..).zip(*runs) {
                let mut run = template.clone();
                run.contender = (*name).to_owned();
                run.round = round;
                let figures = run.figures.as_mut().expect("it is valid");
                figures.wall_ns = wall_ms * MS;
                figures.cpu_ns = cpu_ms * MS;
                figures.cpu_us_per_request = (cpu_ms * MS) as f64 / 1e6;
                record.runs.push(run);
            }
        }
        record
    }

    /// So many runs of about these walls and CPU times.
    fn about(count: u64, wall_ms: u64, cpu_ms: u64) -> Vec<(u64, u64)> {
        (0..count).map(|round| (wall_ms + round % 3, cpu_ms + round % 3)).collect()
    }

    #[test]
    fn a_difference_is_claimed_where_the_test_bears_it_out() {
        // At 128 and 256 in flight the slower could have been as fast as the faster: the test alone decides.
        let comparison = race(&[("tokio:128", &about(10, 450, 100)), ("smol:256", &about(10, 300, 121))]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Fastest: smol:256, 301 ms at 41.0 % efficiency, 1.50 times as fast (1.50–1.50) \
                 as tokio:128, the next.",
                "Least CPU: tokio:128, 101 ms (101 µs a request); the fastest, smol:256, took 1.21 times \
                 as much (1.21–1.21).",
            ]
        );
    }

    #[test]
    fn nobody_is_fastest_in_an_open_loop() {
        let mut record = record(&[
            ("sync:1", &about(2, 450, 300)),
            ("tokio:128", &about(10, 450, 100)),
            ("smol:256", &about(10, 300, 121)),
        ]);
        record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
        let comparison = Comparison::of(&record);
        assert!(comparison.ranking.is_empty());
        assert!(comparison.pairs.iter().all(|pair| pair.figure == Figure::CpuNs));
        let [latency, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
        let of_those = "Lowest p99 of latency of those with 3 valid runs or more: tokio:128 and smol:256, ";
        assert!(latency.starts_with(of_those), "all have the same latencies: {latency}");
        assert!(latency.ends_with(", not tested; in an open loop walls are not compared."), "{latency}");
        let least = "Least CPU of those with 3 valid runs or more: tokio:128";
        assert!(cpu.starts_with(least) && !cpu.contains("fastest"), "{cpu}");
    }

    #[test]
    fn a_wall_that_is_the_targets_is_in_no_headline() {
        let limit = |record: &mut Record, name: &str| {
            for run in record.runs.iter_mut().filter(|run| run.contender == name) {
                run.figures.as_mut().unwrap().target.limit = Some(TargetLimit::Machine);
            }
        };
        let mut record = record(&[
            ("threads:32", &about(12, 900, 80)),
            ("tokio:128", &about(12, 450, 100)),
            ("smol:256", &about(12, 300, 121)),
        ]);
        limit(&mut record, "smol:256");
        let [wall, cpu] = &conclusion(&Comparison::of(&record))[..] else { panic!("two sentences") };
        assert!(
            wall.starts_with("Fastest of those that the target did not limit: tokio:128, 451 ms"),
            "{wall}"
        );
        assert!(!wall.contains("smol"), "{wall}");
        assert!(cpu.starts_with("Least CPU: threads:32"), "{cpu}");

        limit(&mut record, "tokio:128");
        limit(&mut record, "threads:32");
        let [cpu, wall] = &conclusion(&Comparison::of(&record))[..] else { panic!("two sentences") };
        assert!(cpu.starts_with("Least CPU: threads:32") && !cpu.contains("fastest"), "{cpu}");
        assert_eq!(wall, "Wall and throughput are the target's in all contenders, and not compared.");
    }

    #[test]
    fn what_comes_out_either_way_is_no_difference() {
        let mut slower = about(10, 310, 103);
        slower[3] = (290, 90);
        slower[7] = (280, 80);
        let comparison = race(&[("tokio:128", &slower), ("smol:256", &about(10, 305, 100))]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Lowest median wall: smol:256, 306 ms at 40.3 % efficiency; no difference detected from \
                 tokio:128.",
                "Lowest median CPU: smol:256, 101 ms (101 µs a request); no difference detected from \
                 tokio:128.",
            ]
        );
    }

    #[test]
    fn five_rounds_are_too_few_for_any_test() {
        let comparison = race(&[("tokio:128", &about(5, 450, 121)), ("smol:256", &about(5, 300, 100))]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Lowest median wall: smol:256, 301 ms at 41.0 % efficiency; too few rounds to tell it from \
                 tokio:128 (--rounds 10 could).",
                "Lowest median CPU: smol:256, 101 ms (101 µs a request); too few rounds to tell it from \
                 tokio:128 (--rounds 10 could).",
            ]
        );
    }

    #[test]
    fn a_single_run_that_had_to_wait_longer_is_slower_for_certain() {
        let comparison = race(&[("sync:1", &[(26_500, 80)]), ("tokio:128", &about(5, 300, 121))]);
        assert_eq!(
            conclusion(&comparison),
            [
                "Fastest: tokio:128, 301 ms at 74.9 % efficiency, 88.3 times as fast as sync:1, the next.",
                "Least CPU of those with 3 valid runs or more: tokio:128, 122 ms (122 µs a request).",
            ]
        );
    }

    #[test]
    fn a_lead_below_one_per_cent_is_not_dressed_up_as_a_ratio() {
        let slower: Vec<(u64, u64)> = (0..12).map(|round| (1_002 + round, 100)).collect();
        let faster: Vec<(u64, u64)> = (0..12).map(|round| (1_000 + round, 100)).collect();
        let comparison = race(&[("smol:256", &slower), ("tokio:128", &faster)]);
        assert!(conclusion(&comparison)[0].ends_with(", less than 1 % faster than smol:256, the next."));
    }

    /// Of the two that are ahead of threads:32 neither is known to be ahead of the other.
    #[test]
    fn nobody_is_called_the_fastest_in_passing() {
        let comparison = race(&[
            ("threads:32", &about(12, 900, 80)),
            ("tokio:128", &about(12, 310, 130)),
            ("smol:256", &[(310, 130), (312, 132), (309, 130), (308, 129)].repeat(3)),
        ]);
        let [wall, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
        assert!(wall.starts_with("Lowest median wall: "), "{wall}");
        assert!(cpu.contains(" took 1.6") && !cpu.contains("the fastest"), "{cpu}");
    }

    #[test]
    fn a_lead_of_few_rounds_has_its_range_and_of_one_none() {
        let comparison =
            race(&[("threads:32", &[(900, 80), (1_000, 80)]), ("smol:256", &[(300, 80), (301, 80)])]);
        assert!(conclusion(&comparison)[0].contains("times as fast (min–max 3.00–3.32) as threads:32"));
        let comparison = race(&[("threads:32", &[(900, 80)]), ("smol:256", &[(300, 80)])]);
        assert!(conclusion(&comparison)[0].contains(", 3.00 times as fast as threads:32, the next"));
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
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever was measured, who is called fastest is known to be below all others who ran enough: it
        /// was faster in nearly all rounds, or the other could never be.
        #[test]
        fn the_fastest_is_known_to_be_faster(
            walls in prop::collection::vec(prop::collection::vec(1_u64..60, 0..14), 4),
            lead in prop::collection::vec(0_u64..60, 4),
            void in any::<bool>(),
        ) {
            let mut record = EXAMPLE.clone();
            let names: Vec<String> = record.header.contenders.iter().map(|c| c.name.clone()).collect();
            let template = record.runs[1].clone();
            record.runs.clear();
            for ((name, walls), lead) in names.iter().zip(&walls).zip(lead) {
                for (index, wall) in walls.iter().enumerate() {
                    let mut run = template.clone();
                    run.contender.clone_from(name);
                    run.round = index as u32 + 1;
                    run.figures.as_mut().unwrap().wall_ns = (wall + lead) * 1_000 * MS;
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
            let walls_of = |name: &str| -> Vec<(u32, u64)> {
                let valid = |run: &&crate::record::Run| run.contender == name && run.verdict.is_valid();
                record.runs.iter().filter(valid).map(|run| (run.round, run.figures.as_ref().unwrap().wall_ns)).collect()
            };
            let of_best = walls_of(best);
            for row in comparison.contenders.iter().filter(|row| row.name != *best && row.valid_runs > 0) {
                if only_those_who_ran_enough && row.valid_runs < ENOUGH_RUNS {
                    continue;
                }
                let bound = comparison.scenario.total_delay_ns / row.slots();
                let could_never = of_best.iter().all(|(_, wall)| *wall < bound);
                let of_other = walls_of(&row.name);
                let (mut won, mut lost) = (0, 0);
                for (round, wall) in &of_best {
                    for (_, other) in of_other.iter().filter(|(same, _)| same == round) {
                        won += u32::from(wall < other);
                        lost += u32::from(wall > other);
                    }
                }
                prop_assert!(could_never || (won + lost >= 9 && won > 2 * lost), "{sentence} {won} {lost}");
            }
        }
    }
}
