use super::*;
use crate::comparison::Finding;
use crate::example;
use crate::record::{RateFacts, Record, Run, Verdict};
use proptest::prelude::*;
use std::sync::LazyLock;

const MS: u64 = 1_000_000;

static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

/// Wall time and CPU of a run in milliseconds, and whether it is valid.
type SyntheticRun = (u64, u64, bool);

/// A contender of the example, and its runs, one a round.
type SyntheticContender<'a> = (&'a str, Vec<SyntheticRun>);

/// A change of a record.
type Change = fn(&mut Record);

/// The example with only these contenders and, of each, only these runs, one a round. No wall time is below its bound.
fn record(contenders: &[SyntheticContender<'_>]) -> Record {
    let mut record = Record { runs: Vec::new(), ..EXAMPLE.clone() };
    record.header.contenders.retain(|facts| contenders.iter().any(|(name, _)| *name == facts.name));
    for (name, runs) in contenders {
        let facts = record.header.contenders.iter().find(|facts| facts.name == *name).unwrap();
        let least_ns = record.header.scenario.total_delay_ns / facts.slots();
        for (round, &(wall_ms, cpu_ms, is_valid)) in (1..).zip(runs) {
            let mut run = Run { contender: (*name).to_owned(), round, ..EXAMPLE.runs[1].clone() };
            let figures = run.figures.as_mut().unwrap();
            (figures.wall_ns, figures.cpu_ns) = (least_ns.max(wall_ms * MS), cpu_ms * MS);
            figures.cpu_us_per_request = cpu_ms as f64;
            if !is_valid {
                run.verdict = Verdict::Invalid { reasons: Vec::new() };
            }
            record.runs.push(run);
        }
    }
    record
}

fn set_rate(record: &mut Record) {
    record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
}

fn remove_delays(record: &mut Record) {
    record.header.scenario.total_delay_ns = 0;
    record.header.contenders.iter_mut().for_each(|facts| facts.ideal_ns = 0);
}

/// Valid runs of these wall and CPU times.
fn valid(times: &[(u64, u64)]) -> Vec<SyntheticRun> {
    times.iter().map(|&(wall_ms, cpu_ms)| (wall_ms, cpu_ms, true)).collect()
}

/// `count` valid runs of about these wall and CPU times.
fn about(count: u64, wall_ms: u64, cpu_ms: u64) -> Vec<SyntheticRun> {
    (0..count).map(|round| (wall_ms + round % 3, cpu_ms + round % 3, true)).collect()
}

fn with_an_invalid_one(mut runs: Vec<SyntheticRun>) -> Vec<SyntheticRun> {
    runs[0].2 = false;
    runs
}

/// Whether `sentence` is `pattern`, in which `…` stands for any text.
fn fits(sentence: &str, pattern: &str) -> bool {
    let Some((start, end)) = pattern.split_once('…') else { return sentence == pattern };
    sentence.strip_prefix(start).is_some_and(|rest| {
        let mut ends = rest.char_indices().map(|(at, _)| &rest[at..]).chain([""]);
        ends.any(|rest| fits(rest, end))
    })
}

/// Races at concurrencies of which the slower could have been as fast as the faster, unless a case says otherwise.
#[test]
fn sentences_say_what_tests_and_bounds_support() {
    let mut either_way = about(10, 310, 103);
    (either_way[3], either_way[7]) = ((290, 90, true), (280, 80, true));
    let mut alternating = [(310, 130), (312, 132), (309, 130), (308, 129)].repeat(3);
    alternating.push((311, 130));
    let rising = |from: u64| valid(&std::array::from_fn::<_, 12, _>(|round| (from + round as u64, 100)));
    let cases: [(&str, Vec<SyntheticContender<'_>>, &[&str]); 13] = [
        (
            "a test supports the difference",
            vec![("tokio:128", about(10, 450, 100)), ("smol:256", about(10, 300, 121))],
            &[
                "Fastest: smol:256, 301 ms at 41.0 % efficiency, 1.50 times as fast (1.50–1.50) \
                 as tokio:128, the next.",
                "Least CPU: tokio:128, 101 ms (101 µs a request); the fastest, smol:256, took 1.21 times \
                 as much (1.21–1.21).",
            ],
        ),
        (
            "two of three have an invalid run, and only the slowest has three valid runs",
            vec![
                ("tokio:128", with_an_invalid_one(about(3, 300, 100))),
                ("smol:256", with_an_invalid_one(about(3, 310, 110))),
                ("tokio:8x64", about(3, 900, 300)),
            ],
            &[
                "Lowest median wall-clock time: tokio:128, …too few rounds to compare smol:256 and tokio:8x64…",
                "Lowest median CPU: tokio:128, …",
            ],
        ),
        (
            "invalid runs among enough valid ones change nothing",
            vec![
                ("tokio:128", with_an_invalid_one(about(14, 300, 100))),
                ("smol:256", with_an_invalid_one(about(14, 310, 110))),
                ("tokio:8x64", about(14, 900, 300)),
            ],
            &["Fastest: tokio:128, … as smol:256, the next.", "Least CPU: tokio:128, …"],
        ),
        (
            "a contender with too few runs is named and not compared",
            vec![
                ("tokio:128", about(12, 300, 100)),
                ("smol:256", about(12, 310, 110)),
                ("tokio:8x64", about(2, 210, 90)),
            ],
            &[
                "Fastest of those with enough rounds: tokio:128, …; too few rounds to compare tokio:8x64 \
                 (--rounds 14 is enough).",
                "Least CPU of those with enough rounds: tokio:128, …",
            ],
        ),
        (
            "what comes out either way is no difference",
            vec![("tokio:128", either_way), ("smol:256", about(10, 305, 100))],
            &[
                "Lowest median wall-clock time: smol:256, 306 ms at 40.3 % efficiency; no difference detected from \
                 tokio:128.",
                "Lowest median CPU: smol:256, 101 ms (101 µs a request); no difference detected from \
                 tokio:128.",
            ],
        ),
        (
            "five rounds are too few for any test",
            vec![("tokio:128", about(5, 450, 121)), ("smol:256", about(5, 300, 100))],
            &[
                "Lowest median wall-clock time: smol:256, 301 ms at 41.0 % efficiency; too few rounds to compare \
                 tokio:128 (--rounds 12 is enough).",
                "Lowest median CPU: smol:256, 101 ms (101 µs a request); too few rounds to compare \
                 tokio:128 (--rounds 12 is enough).",
            ],
        ),
        (
            "a single run with a higher bound is slower",
            vec![("sync:1", valid(&[(26_500, 80)])), ("tokio:128", about(5, 300, 121))],
            &[
                "Fastest: tokio:128, 301 ms at 74.9 % efficiency, 88.3 times as fast as sync:1, the next.",
                "Lowest median CPU: sync:1, 80.0 ms (80.0 µs a request); too few rounds to compare tokio:128 \
                 (--rounds 12 is enough).",
            ],
        ),
        (
            "a margin below one per cent is no ratio",
            vec![("smol:256", rising(1_002)), ("tokio:128", rising(1_000))],
            &["…, less than 1 % faster than smol:256, the next.", "…"],
        ),
        (
            "of the two ahead of the slowest neither is known to be ahead of the other: no fastest in the CPU sentence",
            vec![
                ("threads:32", about(13, 900, 80)),
                ("tokio:128", about(13, 310, 130)),
                ("smol:256", valid(&alternating)),
            ],
            &["Lowest median wall-clock time: …", "…a request); smol:256 took 1.6…"],
        ),
        (
            "a margin of few rounds has a range",
            vec![
                ("threads:32", valid(&[(900, 80), (1_000, 80)])),
                ("smol:256", valid(&[(300, 80), (301, 80)])),
            ],
            &["…times as fast (min–max 3.00–3.32) as threads:32…", "…"],
        ),
        (
            "a margin of one round has none",
            vec![("threads:32", valid(&[(900, 80)])), ("smol:256", valid(&[(300, 80)]))],
            &["…, 3.00 times as fast as threads:32, the next…", "…"],
        ),
        (
            "one contender",
            vec![("tokio:128", valid(&[(300, 121)]))],
            &["Only tokio:128 has valid runs: 300 ms at 75.1 % efficiency, with 121 ms of CPU."],
        ),
        (
            "none",
            vec![("tokio:128", Vec::new())],
            &["No contender has a valid run: there is nothing to compare."],
        ),
    ];
    for (case, contenders, expected) in cases {
        let sentences = conclusion(&Comparison::of(&record(&contenders)));
        let all_fit = sentences.iter().zip(expected).all(|(sentence, pattern)| fits(sentence, pattern));
        assert!(all_fit && sentences.len() == expected.len(), "{case}: {sentences:#?}");
    }
}

#[test]
fn where_walls_are_not_compared_cpu_alone_is_ranked() {
    let closed = record(&[("tokio:128", about(12, 450, 100)), ("smol:256", about(12, 300, 121))]);
    let cases: [(Change, &str); 2] = [
        (set_rate, "p99 of latency: …, not tested; wall-clock times are not compared in an open loop."),
        (remove_delays, "Nothing is delayed…it is not ranked."),
    ];
    for (change, expected) in cases {
        let mut record = closed.clone();
        change(&mut record);
        let comparison = Comparison::of(&record);
        assert_eq!(comparison.ranked_by, RankingFigure::CpuNs);
        assert!(comparison.pairs.iter().all(|pair| pair.figure == RankingFigure::CpuNs));
        let [cpu, other] = &conclusion(&comparison)[..] else { panic!("two sentences") };
        let least = "Least CPU: tokio:128, 101 ms (101 µs a request); smol:256 took 1.21 times…";
        assert!(fits(cpu, least) && fits(other, expected), "{cpu} {other}");
    }
}

/// A record of synthetic runs, one vector for each contender of the example.
fn synthetic(contenders: &[Vec<SyntheticRun>], is_open_loop: bool, is_delayed: bool) -> Record {
    let names = EXAMPLE.header.contenders.iter().map(|facts| facts.name.as_str());
    let mut record = record(&names.zip(contenders.iter().cloned()).collect::<Vec<_>>());
    if is_open_loop {
        set_rate(&mut record);
    }
    if !is_delayed {
        remove_delays(&mut record);
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
