use super::super::INTERVAL_RUNS;
use super::*;
use crate::example::{self, figures_of, invalid, row, runs_of};
use crate::record::{Budget, Histogram, MemoryMethod, ReasonKind, TargetLimit};

fn measured<'a>(comparison: &'a Comparison, name: &str) -> &'a Measured {
    row(comparison, name).measured.as_ref().unwrap()
}

#[test]
fn cost_is_relative_to_the_base_at_the_same_concurrency() {
    let mut record = example::record_with_common_client();
    let comparison = Comparison::of(&record);
    let cost = row(&comparison, "tokio+common:128").cost.unwrap();
    assert!((cost.cpu - 2.0).abs() < 1e-9, "{cost:?}");
    assert_eq!(row(&comparison, "loop+common:128").cost.unwrap().cpu, 1.0);
    assert_eq!(row(&comparison, "tokio:128").cost, None, "its client is another");
    assert_eq!((comparison.deployed().len(), comparison.common().len()), (5, 2));

    record.header.contenders.last_mut().unwrap().in_flight = 64;
    assert_eq!(row(&Comparison::of(&record), "tokio+common:128").cost, None, "its concurrency is another");
}

#[test]
fn figures_are_medians_of_the_valid_runs_alone() {
    let mut record = example::record();
    let mut walls = Vec::new();
    for run in runs_of(&mut record, "tokio:128") {
        let wall_ns = u64::from(run.round) * 1_000_000_000;
        run.figures.as_mut().unwrap().wall_ns = wall_ns;
        if run.verdict.is_valid() {
            walls.push(wall_ns / 1_000_000_000);
        }
    }
    assert_eq!(walls, [1, 2, 3, 5], "the example's round 4 is invalid");
    record.header.contenders[2].ideal_ns = 500_000_000;

    let comparison = Comparison::of(&record);
    let (row, measured) = (row(&comparison, "tokio:128"), measured(&comparison, "tokio:128"));
    assert_eq!((row.valid_runs, row.invalid_runs, row.missing_runs()), (4, 1, 0));
    assert_eq!(measured.wall_ns, Spread { median: 2_500_000_000, low: 1_000_000_000, high: 5_000_000_000 });
    let efficiency = measured.efficiency.unwrap();
    assert_eq!((efficiency.low, efficiency.high), (0.1, 0.5));
    assert_eq!(row.runs.len(), 5);
}

/// The interval of threads:32 in this number of rounds: its kind, and the positions of its ends among the sorted wall times.
fn interval(rounds: u32, budget: Option<Budget>) -> (Interval, usize, usize) {
    let mut record = example::record_of_rounds(rounds);
    record.header.budget = budget;
    let comparison = Comparison::of(&record);
    let row = row(&comparison, "threads:32");
    assert_eq!(row.valid_runs, rounds);
    assert_eq!(row.interval_confidence >= CONFIDENCE, row.interval == Interval::OrderStatistic);
    let mut walls: Vec<u64> = row.valid_figures().map(|figures| figures.wall_ns).collect();
    walls.sort_unstable();
    let place = |end| walls.iter().position(|wall| *wall == end).unwrap();
    let wall_ns = measured(&comparison, "threads:32").wall_ns;
    (row.interval, place(wall_ns.low), walls.len() - 1 - place(wall_ns.high))
}

#[test]
fn six_valid_runs_have_an_interval_and_fewer_their_range() {
    assert_eq!(INTERVAL_RUNS, 6);
    assert_eq!([1, 5].map(|rounds| interval(rounds, None)), [(Interval::MinMax, 0, 0); 2]);
    let ordered = |left_out| (Interval::OrderStatistic, left_out, left_out);
    assert_eq!([6, 7, 8, 9, 20].map(|rounds| interval(rounds, None)), [0, 0, 0, 1, 5].map(ordered));
}

#[test]
fn a_budget_widens_the_interval() {
    let budget = Some(Budget { time_ns: 1, precision: 0.02 });
    let ordered = |left_out| (Interval::OrderStatistic, left_out, left_out);
    assert_eq!([6, 9, 10, 20].map(|rounds| interval(rounds, budget)), [0, 1, 0, 3].map(ordered));
}

#[test]
fn a_target_limited_wall_time_is_neither_compared_nor_ranked() {
    let limited = "threads:32";
    let mut record = example::record_of_rounds(16);
    let before = Comparison::of(&record);
    assert!(before.ranking.iter().any(|ranked| ranked.name == limited));
    figures_of(&mut record, limited).take(7).for_each(|f| f.target.limit = Some(TargetLimit::Loop));
    let comparison = Comparison::of(&record);
    assert_eq!(row(&comparison, limited).target_limited_runs, 7);
    assert_eq!(comparison.ranking, before.ranking, "seven of sixteen do not decide the median");

    figures_of(&mut record, limited).nth(7).unwrap().target.limit = Some(TargetLimit::Machine);
    let comparison = Comparison::of(&record);
    let of_limited = row(&comparison, limited);
    assert!(of_limited.is_target_limited() && of_limited.valid_runs == 16);
    assert_eq!(measured(&comparison, limited).speed_up, None);
    assert!(comparison.ranking.iter().all(|ranked| ranked.name != limited));
    let pairs_of = |figure| {
        let pairs = comparison.pairs.iter().filter(move |pair| pair.figure == figure);
        pairs.filter(|pair| pair.lower == limited || pair.higher == limited).count()
    };
    assert_eq!(pairs_of(RankingFigure::WallNs), 0);
    assert!(pairs_of(RankingFigure::CpuNs) > 0, "its CPU is its own");
    assert!(comparison.cpu_ranking.iter().any(|ranked| ranked.name == limited));
}

#[test]
fn warm_ups_and_aa_controls_have_no_row() {
    let record = example::record();
    let without = Comparison::of(&record);

    let mut with = record.clone();
    let mut first = with.runs[1].clone();
    (first.round, first.warm_up) = (0, true);
    first.figures.as_mut().unwrap().wall_ns *= 10;
    let mut control = with.header.contenders[1].clone();
    control.control_of = Some(std::mem::replace(&mut control.name, "control".to_owned()));
    let of_control = Run { contender: control.name.clone(), ..with.runs[1].clone() };
    with.header.contenders.push(control);
    with.runs.splice(0..0, [first, of_control]);
    let with = Comparison::of(&with);
    assert_eq!((with.contenders, with.ranking), (without.contenders, without.ranking));
}

#[test]
fn selected_contenders_keep_the_tests_among_all() {
    let all = Comparison::of(&example::record_of_rounds(16));
    let names = ["tokio:128", "threads:32"].map(str::to_owned);
    let some = all.clone().only(&names);
    assert_eq!((some.contender_count, some.testing), (5, all.testing));
    let left: Vec<&str> = some.contenders.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(left, ["threads:32", "tokio:128"]);
    assert_eq!(some.pairs.len(), 2);
    let ranks: Vec<(Option<usize>, &str)> =
        some.ranking.iter().map(|ranked| (ranked.rank, ranked.name.as_str())).collect();
    assert_eq!(ranks, [(Some(1), "tokio:128"), (Some(2), "threads:32")]);
    for (of_some, figure) in
        [(&some.ranking, RankingFigure::WallNs), (&some.cpu_ranking, RankingFigure::CpuNs)]
    {
        let of_all = all.ranking_by(figure).iter().find(|ranked| ranked.name == of_some[1].name).unwrap();
        assert_eq!(of_some[1].adjusted_p, of_all.adjusted_p);
        assert_eq!(of_some[1].to_first.as_ref().unwrap().lower, of_some[0].name);
    }
}

#[test]
fn with_a_budget_rounds_are_those_that_ran() {
    let mut record = example::record();
    record.header.contenders.iter_mut().for_each(|facts| facts.rounds = 1);
    record.header.budget = Some(Budget { time_ns: 1, precision: 0.02 });
    let asked: Vec<u32> = Comparison::of(&record).contenders.iter().map(|row| row.rounds).collect();
    assert_eq!(asked, [1, 5, 5, 5, 5]);
}

#[test]
fn speed_up_is_over_the_contender_with_one_request_in_flight() {
    let mut record = example::record();
    record.header.contenders.rotate_left(1);
    let comparison = Comparison::of(&record);
    assert_eq!(comparison.baseline.as_deref(), Some("sync:1"));
    let wall = |name| measured(&comparison, name).wall_ns.median as f64;
    let speed_up = |name| measured(&comparison, name).speed_up;
    assert_eq!(speed_up("sync:1"), Some(1.0));
    assert_eq!(speed_up("threads:32"), Some(wall("sync:1") / wall("threads:32")));

    record.runs.retain(|run| run.contender != "sync:1");
    let without = Comparison::of(&record);
    assert_eq!(without.baseline, None);
    assert_eq!(measured(&without, "threads:32").speed_up, None);
    assert_eq!(row(&without, "sync:1").missing_runs(), 1);
}

#[test]
fn a_contender_without_a_valid_run_keeps_its_row_and_its_reasons() {
    let comparison = Comparison::of(&example::record());
    let row = row(&comparison, "smol:256");
    assert_eq!(row.measured, None);
    assert_eq!((row.valid_runs, row.invalid_runs), (0, 5));
    assert_eq!(row.invalid_reasons.iter().map(|tally| tally.count).collect::<Vec<_>>(), [5]);
}

#[test]
fn latencies_are_pooled_over_the_valid_runs() {
    let mut record = example::record();
    record.runs.retain(|run| run.contender == "threads:32");
    record.runs.truncate(3);
    record.runs[2].verdict = invalid(ReasonKind::TargetLate, "late");
    for (run, values) in record.runs.iter_mut().zip([&[1, 20][..], &[30, 40, 80], &[999]]) {
        run.latencies.whole = Histogram::of(values.iter().copied());
        run.latencies.failed = 1;
    }
    let comparison = Comparison::of(&record);
    let measured = measured(&comparison, "threads:32");
    assert_eq!((measured.latency_ns.unwrap().p50, measured.latency_ns.unwrap().max), (30, 80));
    assert_eq!(measured.failed_requests, 2);
}

#[test]
fn one_sampled_peak_makes_the_row_sampled() {
    let mut record = example::record();
    figures_of(&mut record, "threads:32").next().unwrap().peak_memory_method = MemoryMethod::SampledTree;
    let comparison = Comparison::of(&record);
    let method = |name| measured(&comparison, name).peak_memory_method;
    assert_eq!(method("threads:32"), MemoryMethod::SampledTree);
    assert_eq!(method("sync:1"), MemoryMethod::HighWaterMark);
}
