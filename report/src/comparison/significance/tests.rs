use super::super::{Comparison, PairwiseComparison, Ranked, Testing};
use super::*;
use crate::example::{self, all_figures, runs_of};
use crate::record::{ContenderFacts, Record, Run, Verdict};

const NAMES: [&str; 2] = ["threads:32", "tokio:128"];

/// Rounds of the example with these wall times of threads:32 and tokio:128, in milliseconds. The lower bounds
/// are 818 ms and 204 ms.
fn race<const N: usize>(threads_ms: [u64; N], tokio_ms: [u64; N]) -> Record {
    let mut record = example::record_of_rounds(N as u32);
    record.keep_only(&NAMES.map(str::to_owned)).unwrap();
    for run in &mut record.runs {
        let walls = if run.contender == "tokio:128" { &tokio_ms } else { &threads_ms };
        run.verdict = Verdict::Valid;
        run.figures.as_mut().unwrap().wall_ns = walls[run.round as usize - 1] * 1_000_000;
    }
    record
}

/// The second of two by wall time, compared with the first.
fn second(record: &Record) -> (PairwiseComparison, Testing) {
    let comparison = Comparison::of(record);
    (comparison.ranking[1].to_first.clone().unwrap(), comparison.testing)
}

const ABOUT_900: [u64; 10] = [900, 901, 902, 903, 904, 905, 906, 907, 908, 909];
const ABOUT_950: [u64; 10] = [950, 952, 951, 954, 953, 956, 955, 958, 957, 959];

#[test]
fn undecided_by_the_bound_is_tested() {
    let (pair, testing) = second(&race(ABOUT_900, ABOUT_950));
    assert_eq!((pair.lower.as_str(), pair.higher.as_str(), pair.rounds), ("threads:32", "tokio:128", 10));
    assert_eq!((testing.contenders, testing.comparisons, testing.enough_rounds), (2, 2, 12));
    // All ten have the same sign: 2⁻¹⁰ one-sided, with one rival, of two that could be the best.
    assert_eq!((pair.adjusted_p, pair.finding), (Some(1.0 / 512.0), Finding::Significant));
    let ratio = pair.ratio.unwrap();
    assert!((1.05..1.06).contains(&ratio.estimate) && ratio.low > 1.0, "{ratio:?}");
}

#[test]
fn decided_by_the_bound_is_not_tested() {
    let (pair, testing) = second(&race(ABOUT_900, [300; 10]));
    assert_eq!((pair.lower.as_str(), pair.finding, pair.adjusted_p), ("tokio:128", Finding::Bound, None));
    assert_eq!(testing.contenders, 2, "by CPU");
    let mut one_slow = [300; 10];
    one_slow[4] = 850;
    let (pair, _) = second(&race(ABOUT_900, one_slow));
    assert_eq!(pair.finding, Finding::Significant, "a run was above the bound");
}

fn invalidate(run: &mut Run) {
    run.verdict = Verdict::Invalid { reasons: Vec::new() };
}

#[test]
fn runs_are_compared_within_their_round() {
    // Both drift in the same way by more than they differ.
    let drifting = |base: u64| std::array::from_fn::<u64, 10, _>(|round| base + 40 * round as u64);
    let (pair, _) = second(&race(drifting(900), drifting(905)));
    assert_eq!(pair.finding, Finding::Significant);

    let mut record = race(drifting(900), drifting(905));
    invalidate(&mut record.runs[0]);
    record.runs.swap(2, 9);
    let (pair, testing) = second(&record);
    assert_eq!((pair.rounds, pair.finding, testing.contenders), (9, Finding::TooFewRounds, 0));
}

/// Each has enough valid runs, but they share too few rounds.
#[test]
fn invalid_runs_in_different_rounds_leave_too_few_shared_rounds() {
    let level = |base: u64| std::array::from_fn::<u64, 11, _>(|round| base + round as u64);
    let mut record = race(level(900), level(950));
    invalidate(runs_of(&mut record, "tokio:128").nth(1).unwrap());
    invalidate(runs_of(&mut record, "threads:32").nth(4).unwrap());
    let ranking = Comparison::of(&record).ranking;
    assert!(ranking.iter().all(|ranked| (ranked.rank, ranked.finding) == (None, Finding::TooFewRounds)));
}

#[test]
fn a_difference_that_the_medians_contradict_is_not_reported() {
    // Threads are faster in each shared round, but slower in their other rounds.
    let mut record = race(ABOUT_900, ABOUT_950);
    let mut run = runs_of(&mut record, "threads:32").next().unwrap().clone();
    run.figures.as_mut().unwrap().wall_ns = 990_000_000;
    record.runs.extend((11..=25).map(|round| Run { round, ..run.clone() }));
    let (pair, _) = second(&record);
    assert_eq!((pair.lower.as_str(), pair.finding), ("tokio:128", Finding::NotDetected));
}

#[test]
fn zero_readings_show_no_difference() {
    let mut record = race(ABOUT_900, ABOUT_950);
    all_figures(&mut record).for_each(|figures| figures.cpu_ns = 0);
    let comparison = Comparison::of(&record);
    let pair = comparison.cpu_ranking[1].to_first.clone().unwrap();
    assert_eq!((pair.finding, pair.adjusted_p), (Finding::NotDetected, Some(1.0)));
    assert_eq!(pair.ratio.unwrap().estimate, 1.0);
}

/// Contenders of one concurrency whose wall and CPU times, in microseconds, are a little above `levels_us`.
fn of_levels(levels_us: &[(u64, u64)], rounds: u32) -> Record {
    let mut record = example::short_record();
    let (facts, template) = (record.header.contenders[2].clone(), record.runs[1].clone());
    (record.runs, record.header.contenders) = (Vec::new(), Vec::new());
    for (at, (wall_us, cpu_us)) in levels_us.iter().enumerate() {
        let name = format!("contender {at}");
        for round in 1..=rounds {
            let mut run = Run { contender: name.clone(), round, ..template.clone() };
            let figures = run.figures.as_mut().unwrap();
            let noise = u64::from(round * 7 + at as u32 * 3) % 11;
            (figures.wall_ns, figures.cpu_ns) = ((wall_us + noise) * 1_000, (cpu_us + noise) * 1_000);
            figures.cpu_us_per_request = figures.cpu_ns as f64 / 1e6;
            record.runs.push(run);
        }
        record.header.contenders.push(ContenderFacts { name, rounds, ..facts.clone() });
    }
    record
}

fn ranks(ranking: &[Ranked]) -> Vec<Option<usize>> {
    ranking.iter().map(|ranked| ranked.rank).collect()
}

/// Wall times from 240 ms to 2.5 s and CPU from 60 to 300 ms, in opposite orders, at no delay.
#[test]
fn twenty_five_at_no_delay_are_ranked_by_cpu() {
    let levels: Vec<(u64, u64)> = (0..25).map(|at| (240_000 + at * 94_000, 300_000 - at * 10_000)).collect();
    let mut record = of_levels(&levels, enough_rounds(25));
    record.header.scenario.total_delay_ns = 0;
    let comparison = Comparison::of(&record);
    assert_eq!(comparison.ranked_by, RankingFigure::CpuNs);
    assert_eq!(ranks(&comparison.ranking), (1..=25).map(Some).collect::<Vec<_>>());
    assert_eq!(comparison.ranking[0].name, "contender 24");
    assert!(comparison.cpu_ranking.is_empty());
    assert_eq!(comparison.pairs.len(), 24);

    let five = Record { runs: record.runs.iter().filter(|run| run.round <= 5).cloned().collect(), ..record };
    assert_eq!(ranks(&Comparison::of(&five).ranking), [None; 25]);
}

/// Two that are faster and two that are slower; the two of each pair are equal.
#[test]
fn ranks_are_shared_where_no_difference_is_found() {
    let mut record =
        of_levels(&[(250_000, 90_000), (250_000, 90_000), (300_000, 99_000), (300_000, 99_000)], 14);
    for run in &mut record.runs {
        // The members of either two take turns.
        let is_first = ["contender 0", "contender 2"].contains(&run.contender.as_str());
        let slower_ns = u64::from(run.round.is_multiple_of(2) == is_first) * 1_000_000;
        run.figures.as_mut().unwrap().wall_ns += slower_ns;
    }
    let comparison = Comparison::of(&record);
    assert_eq!(ranks(&comparison.ranking), [1, 1, 3, 3].map(Some));
    assert_eq!(comparison.ranking[2].behind.len(), 2);
}

#[test]
fn fewest_rounds_are_those_below_which_nothing_is_found() {
    for contenders in [2, 3, 4, 8, 27] {
        let levels: Vec<(u64, u64)> =
            (0..u64::from(contenders)).map(|at| (250_000 + at * 20_000, 90_000 + at * 9_000)).collect();
        let fewest = fewest_rounds(contenders);
        let all: Vec<_> = (1..=contenders as usize).map(Some).collect();
        for (rounds, expected) in [(fewest - 1, vec![None; all.len()]), (fewest, all)] {
            let comparison = Comparison::of(&of_levels(&levels, rounds));
            assert_eq!(ranks(&comparison.ranking), expected, "{contenders} contenders, {rounds} rounds");
            assert_eq!(ranks(&comparison.cpu_ranking), expected, "{contenders} contenders, {rounds} rounds");
        }
        assert!(enough_rounds(contenders) > fewest);
    }
}
