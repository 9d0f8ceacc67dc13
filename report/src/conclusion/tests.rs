use super::*;
use crate::comparison::Finding;
use crate::example;
use crate::record::{RateFacts, Record, Run, Verdict};
use proptest::prelude::*;
use std::sync::LazyLock;

const MS: u64 = 1_000_000;

static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

/// The example with only these contenders and, of each, only runs with these wall and CPU times,
/// in milliseconds, one a round.
fn race(contenders: &[(&str, &[(u64, u64)])]) -> Comparison {
    Comparison::of(&record(contenders))
}

fn record(contenders: &[(&str, &[(u64, u64)])]) -> Record {
    let mut record = EXAMPLE.clone();
    let template = record.runs.iter().find(|run| run.contender == "threads:32").expect("it is there").clone();
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

/// `count` runs of about these wall and CPU times.
fn about(count: u64, wall_ms: u64, cpu_ms: u64) -> Vec<(u64, u64)> {
    (0..count).map(|round| (wall_ms + round % 3, cpu_ms + round % 3)).collect()
}

/// Makes the first valid run of a contender invalid.
fn invalidate_one(record: &mut Record, contender: &str) {
    let is_valid = |run: &&mut Run| run.contender == contender && run.verdict.is_valid();
    let run = record.runs.iter_mut().find(is_valid).expect("it has a valid run");
    run.verdict = Verdict::Invalid { reasons: Vec::new() };
}

#[test]
fn a_difference_is_claimed_where_a_test_supports_it() {
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

/// Two of three contenders have an invalid run, and only the slowest has three that are valid.
#[test]
fn invalid_runs_of_others_make_no_winner() {
    let contenders: [(&str, &[(u64, u64)]); 3] = [
        ("tokio:128", &about(3, 300, 100)),
        ("smol:256", &about(3, 310, 110)),
        ("tokio:8x64", &about(3, 900, 300)),
    ];
    let mut three = record(&contenders);
    invalidate_one(&mut three, "tokio:128");
    invalidate_one(&mut three, "smol:256");
    let comparison = Comparison::of(&three);
    assert!(comparison.ranking.iter().all(|ranked| ranked.rank.is_none()));
    let [wall, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
    assert!(wall.starts_with("Lowest median wall-clock time: tokio:128, "), "{wall}");
    assert!(wall.contains("too few rounds to compare smol:256 and tokio:8x64"), "{wall}");
    assert!(cpu.starts_with("Lowest median CPU: tokio:128, "), "{cpu}");
}

#[test]
fn invalid_runs_among_enough_change_nothing() {
    let mut record = record(&[
        ("tokio:128", &about(14, 300, 100)),
        ("smol:256", &about(14, 310, 110)),
        ("tokio:8x64", &about(14, 900, 300)),
    ]);
    invalidate_one(&mut record, "tokio:128");
    invalidate_one(&mut record, "smol:256");
    let comparison = Comparison::of(&record);
    let ranks: Vec<(Option<usize>, &str)> =
        comparison.ranking.iter().map(|ranked| (ranked.rank, ranked.name.as_str())).collect();
    assert_eq!(ranks, [(Some(1), "tokio:128"), (Some(2), "smol:256"), (Some(3), "tokio:8x64")]);
    let [wall, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
    assert!(wall.starts_with("Fastest: tokio:128, ") && wall.ends_with(" as smol:256, the next."), "{wall}");
    assert!(cpu.starts_with("Least CPU: tokio:128, "), "{cpu}");
}

#[test]
fn contender_with_too_few_runs_is_named_and_not_compared() {
    let comparison = race(&[
        ("tokio:128", &about(12, 300, 100)),
        ("smol:256", &about(12, 310, 110)),
        ("tokio:8x64", &about(2, 210, 90)),
    ]);
    let [wall, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
    assert!(wall.starts_with("Fastest of those with enough rounds: tokio:128, "), "{wall}");
    assert!(wall.ends_with("; too few rounds to compare tokio:8x64 (--rounds 14 is enough)."), "{wall}");
    assert!(cpu.starts_with("Least CPU of those with enough rounds: tokio:128, "), "{cpu}");
}

#[test]
fn under_a_rate_cpu_alone_is_ranked() {
    let mut record = record(&[("tokio:128", &about(12, 450, 100)), ("smol:256", &about(12, 300, 121))]);
    record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
    let comparison = Comparison::of(&record);
    assert_eq!(comparison.ranked_by, RankingFigure::CpuNs);
    assert!(comparison.pairs.iter().all(|pair| pair.figure == RankingFigure::CpuNs));
    let [cpu, latency] = &conclusion(&comparison)[..] else { panic!("two sentences") };
    assert!(cpu.starts_with("Least CPU: tokio:128") && !cpu.contains("fastest"), "{cpu}");
    assert!(latency.starts_with("p99 of latency: "), "{latency}");
    assert!(
        latency.ends_with(", not tested; wall-clock times are not compared in an open loop."),
        "{latency}"
    );
}

#[test]
fn where_nothing_is_delayed_cpu_alone_is_ranked() {
    let mut record = record(&[("tokio:128", &about(12, 450, 100)), ("smol:256", &about(12, 300, 121))]);
    record.header.scenario.total_delay_ns = 0;
    record.header.contenders.iter_mut().for_each(|facts| facts.ideal_ns = 0);
    let [cpu, wall] = &conclusion(&Comparison::of(&record))[..] else { panic!("two sentences") };
    assert!(
        cpu.starts_with("Least CPU: tokio:128, 101 ms (101 µs a request); smol:256 took 1.21 times"),
        "{cpu}"
    );
    assert!(wall.starts_with("Nothing is delayed") && wall.ends_with("it is not ranked."), "{wall}");
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
            "Lowest median wall-clock time: smol:256, 306 ms at 40.3 % efficiency; no difference detected from \
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
            "Lowest median wall-clock time: smol:256, 301 ms at 41.0 % efficiency; too few rounds to compare \
             tokio:128 (--rounds 12 is enough).",
            "Lowest median CPU: smol:256, 101 ms (101 µs a request); too few rounds to compare \
             tokio:128 (--rounds 12 is enough).",
        ]
    );
}

#[test]
fn a_single_run_with_a_higher_bound_is_slower() {
    let comparison = race(&[("sync:1", &[(26_500, 80)]), ("tokio:128", &about(5, 300, 121))]);
    assert_eq!(
        conclusion(&comparison),
        [
            "Fastest: tokio:128, 301 ms at 74.9 % efficiency, 88.3 times as fast as sync:1, the next.",
            "Lowest median CPU: sync:1, 80.0 ms (80.0 µs a request); too few rounds to compare tokio:128 \
             (--rounds 12 is enough).",
        ]
    );
}

#[test]
fn a_margin_below_one_per_cent_is_no_ratio() {
    let slower: Vec<(u64, u64)> = (0..12).map(|round| (1_002 + round, 100)).collect();
    let faster: Vec<(u64, u64)> = (0..12).map(|round| (1_000 + round, 100)).collect();
    let comparison = race(&[("smol:256", &slower), ("tokio:128", &faster)]);
    assert!(conclusion(&comparison)[0].ends_with(", less than 1 % faster than smol:256, the next."));
}

/// Of the two that are ahead of threads:32 neither is known to be ahead of the other.
#[test]
fn without_a_fastest_the_cpu_sentence_names_none() {
    let comparison = race(&[
        ("threads:32", &about(13, 900, 80)),
        ("tokio:128", &about(13, 310, 130)),
        (
            "smol:256",
            &[&[(310, 130), (312, 132), (309, 130), (308, 129)].repeat(3)[..], &[(311, 130)]].concat(),
        ),
    ]);
    let [wall, cpu] = &conclusion(&comparison)[..] else { panic!("two sentences") };
    assert!(wall.starts_with("Lowest median wall-clock time: "), "{wall}");
    assert!(cpu.contains(" took 1.6") && !cpu.contains("the fastest"), "{cpu}");
}

#[test]
fn a_margin_of_few_rounds_has_a_range_and_of_one_round_none() {
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

/// Wall time and CPU of a run in milliseconds, and whether it is valid.
type SyntheticRun = (u64, u64, bool);

/// A record of synthetic runs, one vector for each contender of the example.
fn synthetic(contenders: &[Vec<SyntheticRun>], is_open_loop: bool, is_delayed: bool) -> Record {
    let mut record = EXAMPLE.clone();
    let template = record.runs[1].clone();
    record.runs.clear();
    record.header.contenders.truncate(contenders.len());
    for (facts, runs) in record.header.contenders.iter().zip(contenders) {
        for (round, (wall_ms, cpu_ms, is_valid)) in (1..).zip(runs) {
            let mut run = Run { contender: facts.name.clone(), round, ..template.clone() };
            let figures = run.figures.as_mut().unwrap();
            let least_ns = record.header.scenario.total_delay_ns / facts.slots();
            (figures.wall_ns, figures.cpu_ns) = (least_ns.max(wall_ms * MS), cpu_ms * MS);
            figures.cpu_us_per_request = *cpu_ms as f64;
            if !is_valid {
                run.verdict = Verdict::Invalid { reasons: Vec::new() };
            }
            record.runs.push(run);
        }
    }
    record.header.rate = is_open_loop.then_some(RateFacts { per_second: 400.0, poisson: false });
    if !is_delayed {
        record.header.scenario.total_delay_ns = 0;
        record.header.contenders.iter_mut().for_each(|facts| facts.ideal_ns = 0);
    }
    record
}

/// Runs of a contender: around a level of its own, a few of them invalid.
fn runs() -> impl Strategy<Value = Vec<SyntheticRun>> {
    let run = (0_u64..40, 0_u64..40, prop::bool::weighted(0.9));
    (prop::collection::vec(run, 0..18), 100_u64..400, 50_u64..200).prop_map(|(runs, wall, cpu)| {
        runs.into_iter().map(|(more, more_cpu, is_valid)| (wall + more, cpu + more_cpu, is_valid)).collect()
    })
}

/// The contender that a sentence calls the best, and by which figure.
fn named<'a>(sentence: &str, comparison: &'a Comparison) -> Option<(RankingFigure, &'a Ranked)> {
    let claims = [("Fastest", RankingFigure::WallNs), ("Least CPU", RankingFigure::CpuNs)];
    let (claim, figure) = claims.into_iter().find(|(claim, _)| sentence.starts_with(claim))?;
    let rest = sentence.strip_prefix(claim)?;
    let is_named = |ranked: &&Ranked| rest.contains(&format!(": {}, ", ranked.name));
    let best = comparison.ranking_by(figure).iter().find(is_named);
    Some((figure, best.expect("it is ranked by that figure")))
}

/// In how many rounds `one` was below `other`, and above it.
fn won_and_lost(figure: RankingFigure, one: &Row, other: &Row) -> (u32, u32) {
    let reading = |row: &Row, round: u32| {
        let run = row.runs.iter().find(|run| run.round == round && run.verdict.is_valid())?;
        let figures = run.figures.as_ref()?;
        Some(if figure == RankingFigure::WallNs { figures.wall_ns } else { figures.cpu_ns })
    };
    (1..=18).fold((0, 0), |(won, lost), round| match (reading(one, round), reading(other, round)) {
        (Some(a), Some(b)) => (won + u32::from(a < b), lost + u32::from(a > b)),
        _ => (won, lost),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    /// Whatever was measured: a contender that is called the best alone has rank 1 with others behind it, and each of
    /// these lost to another in nearly all rounds or is worse by the bound. A contender that alone has rank 1 before
    /// others is called the best. Invalid runs, and contenders without valid ones, do not change this.
    #[test]
    fn headline_and_ranking_agree(
        contenders in prop::collection::vec(runs(), 1..5),
        is_open_loop in prop::bool::weighted(0.25),
        is_delayed in prop::bool::weighted(0.75),
    ) {
        let record = synthetic(&contenders, is_open_loop, is_delayed);
        let comparison = Comparison::of(&record);
        let sentences = conclusion(&comparison);
        prop_assert!(sentences.len() <= 2);
        let mut claims = Vec::new();
        for (figure, best) in sentences.iter().filter_map(|sentence| named(sentence, &comparison)) {
            claims.push(figure);
            let ranking = comparison.ranking_by(figure);
            let row = |name: &str| comparison.contenders.iter().find(|row| row.name == name).unwrap();
            prop_assert_eq!(best, &ranking[0]);
            let with_rank_1: Vec<_> = ranking.iter().filter(|ranked| ranked.rank == Some(1)).collect();
            prop_assert_eq!(with_rank_1, [best]);
            let others: Vec<_> = ranking.iter().filter(|ranked| ranked.rank > Some(1)).collect();
            prop_assert!(!others.is_empty());
            for other in others {
                prop_assert!(best.median_ns < other.median_ns);
                let lost_to = |rival: &String| {
                    let (won, lost) = won_and_lost(figure, row(rival), row(&other.name));
                    won + lost >= 8 && won > 3 * lost
                };
                let clear = other.finding == Finding::Bound || other.behind.iter().any(lost_to);
                prop_assert!(clear, "{:?} {:?}", sentences, other);
            }
        }
        for figure in [RankingFigure::WallNs, RankingFigure::CpuNs] {
            let ranking = comparison.ranking_by(figure);
            let count = |wanted: fn(usize) -> bool| {
                ranking.iter().filter(|ranked| ranked.rank.is_some_and(wanted)).count()
            };
            let has_a_best = count(|rank| rank == 1) == 1 && count(|rank| rank > 1) > 0;
            prop_assert_eq!(has_a_best, claims.contains(&figure), "{:?}", sentences);
        }

        let mut otherwise = record.clone();
        for run in otherwise.runs.iter_mut().filter(|run| !run.verdict.is_valid()) {
            run.figures.as_mut().unwrap().wall_ns = 1;
            run.figures.as_mut().unwrap().cpu_ns = 1;
        }
        let is_valid_run = |name: &str| {
            record.runs.iter().any(|run| run.contender == name && run.verdict.is_valid())
        };
        otherwise.header.contenders.retain(|facts| is_valid_run(&facts.name));
        prop_assert_eq!(conclusion(&Comparison::of(&otherwise)), sentences);
    }
}
