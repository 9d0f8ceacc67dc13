use super::super::{Comparison, PairwiseComparison, Ranked, Testing};
use super::*;
use crate::example;
use crate::record::{Record, Run, Verdict};

const NAMES: [&str; 2] = ["threads:32", "tokio:128"];

/// Rounds of the example with these wall times of threads:32 and tokio:128, in milliseconds. The lower bounds
/// are 818 ms and 204 ms.
fn race<const N: usize>(threads_ms: [u64; N], tokio_ms: [u64; N]) -> Record {
    let mut record = example::record_of_rounds(N as u32);
    record.header.contenders.retain(|facts| NAMES.contains(&facts.name.as_str()));
    record.runs.retain(|run| NAMES.contains(&run.contender.as_str()));
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
    assert_eq!(
        second(&race(ABOUT_900, one_slow)).0.finding,
        Finding::Significant,
        "a run was above the bound"
    );
}

#[test]
fn runs_are_compared_within_their_round() {
    // Both drift in the same way by more than they differ.
    let drifting = |base: u64| std::array::from_fn::<u64, 10, _>(|round| base + 40 * round as u64);
    let (pair, _) = second(&race(drifting(900), drifting(905)));
    assert_eq!(pair.finding, Finding::Significant);

    let mut record = race(drifting(900), drifting(905));
    record.runs[0].verdict = Verdict::Invalid { reasons: Vec::new() };
    record.runs.swap(2, 9);
    let (pair, testing) = second(&record);
    assert_eq!((pair.rounds, pair.finding, testing.contenders), (9, Finding::TooFewRounds, 0));
}

/// Each has enough valid runs, but they share too few rounds.
#[test]
fn invalid_runs_in_different_rounds_leave_too_few_shared_rounds() {
    let level = |base: u64| std::array::from_fn::<u64, 11, _>(|round| base + round as u64);
    let mut record = race(level(900), level(950));
    let invalidate = |run: &mut Run| run.verdict = Verdict::Invalid { reasons: Vec::new() };
    invalidate(record.runs.iter_mut().find(|run| run.contender == "tokio:128" && run.round == 2).unwrap());
    invalidate(record.runs.iter_mut().find(|run| run.contender == "threads:32" && run.round == 5).unwrap());
    let comparison = Comparison::of(&record);
    assert!(comparison.ranking.iter().all(|ranked| ranked.rank.is_none()));
    assert!(comparison.ranking.iter().all(|ranked| ranked.finding == Finding::TooFewRounds));
}

#[test]
fn a_difference_that_the_medians_contradict_is_not_reported() {
    // Threads are faster in each shared round, but slower in their other rounds.
    let mut record = race(ABOUT_900, ABOUT_950);
    record.header.contenders.iter_mut().for_each(|facts| facts.rounds = 25);
    let template = record.runs.iter().find(|run| run.contender == "threads:32").unwrap().clone();
    for round in 11..=25 {
        let mut run = template.clone();
        run.round = round;
        run.figures.as_mut().unwrap().wall_ns = 990_000_000;
        record.runs.push(run);
    }
    let (pair, _) = second(&record);
    assert_eq!((pair.lower.as_str(), pair.finding), ("tokio:128", Finding::NotDetected));
}

#[test]
fn zero_readings_show_no_difference() {
    let mut record = race(ABOUT_900, ABOUT_950);
    record.runs.iter_mut().for_each(|run| run.figures.as_mut().unwrap().cpu_ns = 0);
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
        record.header.contenders.push(crate::record::ContenderFacts { name, rounds, ..facts.clone() });
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
        let even =
            run.round.is_multiple_of(2) == ["contender 0", "contender 2"].contains(&run.contender.as_str());
        run.figures.as_mut().unwrap().wall_ns += u64::from(even) * 1_000_000;
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
        let found = |rounds| {
            let comparison = Comparison::of(&of_levels(&levels, rounds));
            [ranks(&comparison.ranking), ranks(&comparison.cpu_ranking)]
        };
        let all: Vec<_> = (1..=contenders as usize).map(Some).collect();
        assert_eq!(found(fewest), [all.clone(), all], "{contenders}");
        assert_eq!(found(fewest - 1), [vec![None; contenders as usize], vec![None; contenders as usize]]);
        assert!(enough_rounds(contenders) > fewest);
    }
}
