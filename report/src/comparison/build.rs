//! How a record becomes a comparison.

use super::standings::Standings;
use super::{
    ALPHA, CONFIDENCE, Comparison, CostOverBase, Disturbed, Figure, Interval, Measured, NoiseFloor, Pair,
    PublishedRow, PublishedTable, Ranked, ReasonTally, Row, RunSummary, Spread, Tally, Testing, ranking,
};
use crate::record::{ContenderFacts, Figures, Latencies, Reason, Record, ReferenceRow, Run, Schedule};
use crate::stats::{MedianInterval, Number, Sorted, interval_after_stopping};

impl Comparison {
    /// Compares the contenders of `record`.
    pub fn of(record: &Record) -> Comparison {
        let header = &record.header;
        let is_open_loop = header.rate.is_some();
        let interval = match header.budget {
            None => MedianInterval::of,
            Some(_) => interval_after_stopping,
        };
        let row = |facts: &ContenderFacts| Row {
            reach_per_second: header.reach_per_second(facts).filter(|_| is_open_loop),
            ..Row::of(facts, header.scenario.urls, &record.runs, interval)
        };
        let (twins, others): (Vec<_>, Vec<_>) =
            header.contenders.iter().partition(|facts| facts.twin_of.is_some());
        let mut contenders: Vec<Row> = others.into_iter().map(row).collect();
        if header.budget.is_some() {
            contenders.iter_mut().for_each(|row| row.rounds = row.rounds.max(row.valid_runs + row.void_runs));
        }
        let baseline = contenders
            .iter()
            .find(|row| !is_open_loop && row.slots() == 1 && row.measured.is_some())
            .map(|row| row.name.clone());
        set_speed_ups(&mut contenders, baseline.as_deref());
        set_costs(&mut contenders, header.cost_base.as_deref());
        let original = |facts: &ContenderFacts| {
            contenders.iter().find(|contender| Some(&contender.name) == facts.twin_of.as_ref())
        };
        let twins: Vec<(&Row, Row)> =
            twins.into_iter().filter_map(|facts| Some((original(facts)?, row(facts)))).collect();
        let total_delay_ns = header.scenario.total_delay_ns;
        let figures = Figure::compared(is_open_loop, total_delay_ns);
        let standings: Vec<Standings> =
            figures.iter().map(|&figure| Standings::of(figure, &contenders, total_delay_ns)).collect();
        let testing = Testing::of(&standings);
        let noise = figures.iter().flat_map(|&figure| {
            twins.iter().map(move |(contender, twin)| (figure, *contender, twin)).collect::<Vec<_>>()
        });
        let noise = noise
            .map(|(figure, contender, twin)| {
                NoiseFloor::of(figure, contender, twin, &testing, header.order_seed)
            })
            .collect();
        let mut rankings = figures
            .iter()
            .zip(&standings)
            .map(|(&figure, standings)| ranking::rank(figure, &contenders, standings));
        let ranking = rankings.next().unwrap_or_default();
        let cpu_ranking = rankings.next().unwrap_or_default();
        drop(rankings);
        Comparison {
            inflight_version: header.inflight_version.clone(),
            command: header.command.clone(),
            started_at: header.started_at.clone(),
            machine: header.machine.clone(),
            scenario: header.scenario.clone(),
            rate: header.rate.clone(),
            placement: header.placement.clone(),
            order: header.order,
            order_seed: header.order_seed,
            budget: header.budget,
            disturbed: Disturbed::of(&record.runs),
            truncated: record.truncated,
            baseline,
            cost_base: header.cost_base.clone(),
            raced: contenders.len(),
            contenders,
            ranked_by: figures[0],
            pairs: against_the_first(&ranking, &cpu_ranking),
            ranking,
            cpu_ranking,
            testing,
            noise,
            references: header
                .references
                .iter()
                .map(|reference| PublishedTable {
                    title: reference.title.clone(),
                    source: reference.source.clone(),
                    floors_from: reference.floors_from.clone(),
                    rows: reference.rows.iter().map(PublishedRow::of).collect(),
                })
                .collect(),
        }
    }
}

/// What the contenders of both rankings are beside the first of each.
pub(super) fn against_the_first(ranking: &[Ranked], cpu_ranking: &[Ranked]) -> Vec<Pair> {
    [ranking, cpu_ranking].concat().into_iter().filter_map(|ranked| ranked.to_first).collect()
}

impl Testing {
    fn of(standings: &[Standings]) -> Testing {
        let most = |count: fn(&Standings) -> usize| standings.iter().map(count).max().unwrap_or(0) as u32;
        Testing {
            alpha: ALPHA,
            contenders: most(|standings| standings.tested),
            comparisons: most(|standings| standings.comparisons),
            enough_rounds: standings.iter().map(|standings| standings.enough_rounds).max().unwrap_or(0),
        }
    }
}

fn set_speed_ups(contenders: &mut [Row], baseline: Option<&str>) {
    let baseline_wall = contenders
        .iter()
        .find(|row| Some(row.name.as_str()) == baseline)
        .and_then(|row| row.measured.as_ref())
        .map(|measured| measured.wall_ns.median);
    for measured in contenders.iter_mut().filter_map(|row| row.measured.as_mut()) {
        measured.speed_up = baseline_wall.map(|wall| wall as f64 / measured.wall_ns.median as f64);
    }
}

fn set_costs(contenders: &mut [Row], base: Option<&str>) {
    let costs = |row: &Row| {
        let measured = row.measured.as_ref()?;
        Some((measured.cpu_us_per_request.median, measured.memory_per_in_flight_bytes.median as f64))
    };
    let bases: Vec<(u32, u32, f64, f64)> = contenders
        .iter()
        .filter(|row| row.is_common() && Some(row.model.as_str()) == base)
        .filter_map(|row| costs(row).map(|(cpu, memory)| (row.processes, row.in_flight, cpu, memory)))
        .filter(|(.., cpu, _)| *cpu > 0.0)
        .collect();
    for row in contenders.iter_mut().filter(|row| row.is_common()) {
        let same_shape = bases.iter().find(|base| (base.0, base.1) == (row.processes, row.in_flight));
        row.cost = same_shape.zip(costs(row)).map(|(base, (cpu, memory))| CostOverBase {
            cpu: cpu / base.2,
            memory: (base.3 > 0.0).then(|| memory / base.3),
        });
    }
}

impl Row {
    /// `interval` is that of so many runs at a confidence.
    fn of(facts: &ContenderFacts, urls: u64, all: &[Run], interval: fn(usize, f64) -> MedianInterval) -> Row {
        let runs: Vec<&Run> = all.iter().filter(|run| run.contender == facts.name && !run.warm_up).collect();
        let valid: Vec<(&Run, &Figures)> = runs
            .iter()
            .filter(|run| run.verdict.is_valid())
            .filter_map(|run| Some((*run, run.figures.as_ref()?)))
            .collect();
        let interval = interval(valid.len().max(1), CONFIDENCE);
        Row {
            name: facts.name.clone(),
            model: facts.model.clone(),
            client: facts.client.clone(),
            processes: facts.processes,
            in_flight: facts.in_flight,
            rounds: facts.rounds,
            valid_runs: valid.len() as u32,
            void_runs: (runs.len() - valid.len()) as u32,
            void_reasons: reasons(runs.iter().flat_map(|run| run.verdict.reasons())),
            repeated_runs: runs.iter().filter(|run| !run.disturbed_attempts.is_empty()).count() as u32,
            repeated_for: reasons(
                runs.iter().flat_map(|run| &run.disturbed_attempts).flat_map(|attempt| &attempt.reasons),
            ),
            warnings: tally(runs.iter().flat_map(|run| &run.warnings))
                .map(|(text, count)| Tally { text, count })
                .collect(),
            floor_ns: ideal_ns(facts),
            reach_per_second: None,
            interval: if interval.confidence < CONFIDENCE {
                Interval::MinMax
            } else {
                Interval::OrderStatistic
            },
            interval_confidence: interval.confidence,
            cost: None,
            measured: Measured::of(facts, urls, &valid, interval),
            runs: runs.into_iter().map(RunSummary::of).collect(),
        }
    }
}

/// Where nothing is delayed there is no ideal to be held against.
fn ideal_ns(facts: &ContenderFacts) -> Option<u64> {
    (facts.floor_ns > 0).then_some(facts.floor_ns)
}

impl Measured {
    fn of(
        facts: &ContenderFacts,
        urls: u64,
        valid: &[(&Run, &Figures)],
        interval: MedianInterval,
    ) -> Option<Measured> {
        let by = |figure: fn(&Figures) -> u64| Spread::of(valid.iter().map(|(_, f)| figure(f)), interval);
        let efficiency = |ideal_ns: u64| {
            Spread::of(valid.iter().map(|(_, f)| ideal_ns as f64 / f.wall_ns as f64), interval)
        };
        let in_flight = facts.slots().min(urls).max(1);
        let schedules: Option<Vec<Schedule>> = valid.iter().map(|(_, f)| f.schedule).collect();
        let rates = |schedules: &Vec<Schedule>| schedules.iter().map(|s| s.achieved_per_second).collect();
        let rates: Option<Vec<f64>> = schedules.as_ref().and_then(rates);
        let late_starts = schedules.map(|schedules| schedules.iter().map(|s| s.late_starts).sum::<u64>());
        let latencies = Latencies::pool(valid.iter().map(|(run, _)| &run.latencies));
        Some(Measured {
            wall_ns: by(|f| f.wall_ns)?,
            efficiency: ideal_ns(facts).and_then(efficiency),
            speed_up: None,
            cpu_ns: by(|f| f.cpu_ns)?,
            cpu_percent: Spread::of(
                valid.iter().map(|(_, f)| f.cpu_ns as f64 / f.wall_ns as f64 * 100.0),
                interval,
            )?,
            cpu_us_per_request: Spread::of(valid.iter().map(|(_, f)| f.cpu_us_per_request), interval)?,
            peak_memory_bytes: by(|f| f.peak_memory_bytes)?,
            peak_memory_method: valid.iter().map(|(_, f)| f.peak_memory_method).max()?,
            peak_memory_bound_bytes: by(|f| f.peak_memory_bound_bytes)?,
            ready_memory_bytes: by(|f| f.ready_memory_bytes)?,
            memory_per_in_flight_bytes: Spread::of(
                valid
                    .iter()
                    .map(|(_, f)| f.peak_memory_bytes.saturating_sub(f.ready_memory_bytes) / in_flight),
                interval,
            )?,
            ramp_ns: valid
                .iter()
                .map(|(_, f)| f.ramp_ns)
                .collect::<Option<Vec<u64>>>()
                .and_then(|ramps| Spread::of(ramps, interval)),
            startup_ns: by(|f| f.startup_ns)?,
            latency_ns: latencies.whole.quantiles(),
            added_latency_ns: latencies.added.quantiles(),
            latency_p999_ns: latencies.whole.quantile(0.999),
            added_latency_p999_ns: latencies.added.quantile(0.999),
            achieved_per_second: rates.and_then(|rates| Spread::of(rates, interval)),
            late_starts,
            late_share: late_starts.map(|late| late as f64 / (urls.max(1) * valid.len() as u64) as f64),
            failed_requests: latencies.failed,
            connections: by(|f| f.target.connections)?,
            most_in_flight: by(|f| f.target.most_in_flight)?,
            target_lateness_p99_ns: Spread::of(
                valid.iter().map(|(_, f)| f.target.lateness_ns.p99),
                interval,
            )?,
        })
    }
}

impl<T: Number> Spread<T> {
    /// `interval` is that of so many values.
    fn of(values: impl IntoIterator<Item = T>, interval: MedianInterval) -> Option<Spread<T>> {
        let sorted = Sorted::new(values)?;
        let (low, high) = interval.ends(&sorted);
        Some(Spread { median: sorted.median(), low, high })
    }
}

impl RunSummary {
    fn of(run: &Run) -> RunSummary {
        RunSummary {
            round: run.round,
            position: run.position,
            verdict: run.verdict.clone(),
            warnings: run.warnings.clone(),
            runtime: run.runtime.clone(),
            client: run.client.clone(),
            figures: run.figures.clone(),
        }
    }
}

impl PublishedRow {
    fn of(row: &ReferenceRow) -> PublishedRow {
        let efficiency = (row.floor_ns > 0).then(|| row.floor_ns as f64 / row.wall_ns as f64);
        PublishedRow { published: row.clone(), efficiency }
    }
}

fn reasons<'a>(all: impl Iterator<Item = &'a Reason>) -> Vec<ReasonTally> {
    tally(all).map(|(reason, count)| ReasonTally { reason, count }).collect()
}

/// Counts what is equal, in the order in which it first appears.
fn tally<'a, T: PartialEq + Clone + 'a>(all: impl Iterator<Item = &'a T>) -> impl Iterator<Item = (T, u32)> {
    let mut tallies: Vec<(T, u32)> = Vec::new();
    for one in all {
        match tallies.iter_mut().find(|(known, _)| known == one) {
            Some((_, count)) => *count += 1,
            None => tallies.push((one.clone(), 1)),
        }
    }
    tallies.into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::INTERVAL_RUNS;
    use super::*;
    use crate::example;
    use crate::record::{Budget, Histogram, MemoryMethod, ReasonKind, Verdict};

    fn row<'a>(comparison: &'a Comparison, name: &str) -> &'a Row {
        comparison.contenders.iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn cost_with_the_common_client_is_over_the_base_in_the_same_shape() {
        let mut record = example::record_with_common_client();
        let comparison = Comparison::of(&record);
        let cost = row(&comparison, "tokio+common:128").cost.unwrap();
        assert!((cost.cpu - 2.0).abs() < 1e-9 && (cost.memory.unwrap() - 2.0).abs() < 0.01, "{cost:?}");
        assert_eq!(row(&comparison, "loop+common:128").cost.unwrap().cpu, 1.0);
        assert_eq!(row(&comparison, "tokio:128").cost, None, "its client is another");
        let shares: Vec<usize> = [comparison.deployed().len(), comparison.common().len()].to_vec();
        assert_eq!(shares, [5, 2]);

        record.header.contenders.last_mut().unwrap().in_flight = 64;
        assert_eq!(row(&Comparison::of(&record), "tokio+common:128").cost, None, "its shape is another");
    }

    #[test]
    fn figures_are_medians_of_the_valid_runs_alone() {
        let mut record = example::record();
        let mut walls = Vec::new();
        for run in record.runs.iter_mut().filter(|run| run.contender == "tokio:128") {
            let wall_ns = u64::from(run.round) * 1_000_000_000;
            run.figures.as_mut().unwrap().wall_ns = wall_ns;
            if run.verdict.is_valid() {
                walls.push(wall_ns / 1_000_000_000);
            }
        }
        assert_eq!(walls, [1, 2, 3, 5], "the example's round 4 is void");
        record.header.contenders[2].floor_ns = 500_000_000;

        let comparison = Comparison::of(&record);
        let row = row(&comparison, "tokio:128");
        let measured = row.measured.as_ref().unwrap();
        assert_eq!((row.valid_runs, row.void_runs, row.missing_runs()), (4, 1, 0));
        assert_eq!(
            measured.wall_ns,
            Spread { median: 2_500_000_000, low: 1_000_000_000, high: 5_000_000_000 }
        );
        let efficiency = measured.efficiency.unwrap();
        assert_eq!((efficiency.low, efficiency.high), (0.1, 0.5));
        assert_eq!(row.runs.len(), 5);
    }

    /// The interval of threads:32 in so many rounds: what it is, and the places of its ends among the sorted walls.
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
        let wall_ns = row.measured.as_ref().unwrap().wall_ns;
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
    fn where_a_budget_stopped_the_race_the_interval_allows_for_it() {
        let budget = Some(Budget { time_ns: 1, precision: 0.02 });
        let ordered = |left_out| (Interval::OrderStatistic, left_out, left_out);
        assert_eq!([6, 9, 10, 20].map(|rounds| interval(rounds, budget)), [0, 1, 0, 3].map(ordered));
    }

    #[test]
    fn a_warm_up_counts_nowhere_and_a_twin_has_no_row() {
        let record = example::record();
        let without = Comparison::of(&record);

        let mut with = record.clone();
        let mut first = with.runs[1].clone();
        (first.round, first.warm_up) = (0, true);
        first.figures.as_mut().unwrap().wall_ns *= 10;
        let mut twin = with.header.contenders[1].clone();
        twin.twin_of = Some(std::mem::replace(&mut twin.name, "twin".to_owned()));
        let of_twin = Run { contender: twin.name.clone(), ..with.runs[1].clone() };
        with.header.contenders.push(twin);
        with.runs.splice(0..0, [first, of_twin]);
        let with = Comparison::of(&with);
        assert_eq!((with.contenders, with.ranking), (without.contenders, without.ranking));
    }

    #[test]
    fn contenders_that_are_chosen_stay_tested_among_all() {
        let all = Comparison::of(&example::record_of_rounds(16));
        let names = ["tokio:128", "threads:32"].map(str::to_owned);
        let some = all.clone().only(&names);
        assert_eq!((some.raced, some.testing), (5, all.testing));
        let left: Vec<&str> = some.contenders.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(left, ["threads:32", "tokio:128"]);
        assert_eq!(some.pairs.len(), 2);
        let ranks: Vec<(Option<usize>, &str)> =
            some.ranking.iter().map(|ranked| (ranked.rank, ranked.name.as_str())).collect();
        assert_eq!(ranks, [(Some(1), "tokio:128"), (Some(2), "threads:32")]);
        for (of_some, figure) in [(&some.ranking, Figure::WallNs), (&some.cpu_ranking, Figure::CpuNs)] {
            let of_all = all.ranking_by(figure).iter().find(|ranked| ranked.name == of_some[1].name).unwrap();
            assert_eq!(of_some[1].adjusted_p, of_all.adjusted_p);
            assert_eq!(of_some[1].to_first.as_ref().unwrap().lower, of_some[0].name);
        }
    }

    #[test]
    fn under_a_budget_the_rounds_asked_for_are_those_given() {
        let mut record = example::record();
        record.header.contenders.iter_mut().for_each(|facts| facts.rounds = 1);
        record.header.budget = Some(Budget { time_ns: 1, precision: 0.02 });
        let asked: Vec<u32> = Comparison::of(&record).contenders.iter().map(|row| row.rounds).collect();
        assert_eq!(asked, [1, 5, 5, 5, 5]);
    }

    #[test]
    fn speed_up_is_over_the_contender_with_one_request_in_flight_whatever_its_name() {
        let mut record = example::record();
        record.header.contenders.rotate_left(1);
        let comparison = Comparison::of(&record);
        assert_eq!(comparison.baseline.as_deref(), Some("sync:1"));
        let wall = |name| row(&comparison, name).measured.as_ref().unwrap().wall_ns.median as f64;
        let speed_up = |name| row(&comparison, name).measured.as_ref().unwrap().speed_up;
        assert_eq!(speed_up("sync:1"), Some(1.0));
        assert_eq!(speed_up("threads:32"), Some(wall("sync:1") / wall("threads:32")));

        record.runs.retain(|run| run.contender != "sync:1");
        let without = Comparison::of(&record);
        assert_eq!(without.baseline, None);
        assert_eq!(row(&without, "threads:32").measured.as_ref().unwrap().speed_up, None);
        assert_eq!(row(&without, "sync:1").missing_runs(), 1);
    }

    #[test]
    fn a_contender_without_a_valid_run_keeps_its_row_and_its_reasons() {
        let comparison = Comparison::of(&example::record());
        let row = row(&comparison, "smol:256");
        assert_eq!(row.measured, None);
        assert_eq!((row.valid_runs, row.void_runs), (0, 5));
        assert_eq!(row.void_reasons.len(), 1);
        assert_eq!(row.void_reasons[0].count, 5);
    }

    #[test]
    fn latencies_are_pooled_over_the_valid_runs() {
        let mut record = example::record();
        record.runs.retain(|run| run.contender == "threads:32");
        record.runs.truncate(3);
        record.runs[2].verdict = Verdict::Void { reasons: vec![Reason::new(ReasonKind::TargetLate, "late")] };
        for (run, values) in record.runs.iter_mut().zip([&[1, 20][..], &[30, 40, 80], &[999]]) {
            run.latencies.whole = Histogram::of(values.iter().copied());
            run.latencies.failed = 1;
        }
        let comparison = Comparison::of(&record);
        let measured = row(&comparison, "threads:32").measured.as_ref().unwrap();
        assert_eq!((measured.latency_ns.unwrap().p50, measured.latency_ns.unwrap().max), (30, 80));
        assert_eq!(measured.failed_requests, 2);
    }

    #[test]
    fn one_sampled_peak_makes_the_row_a_sampled_one() {
        let mut record = example::record();
        let run = record.runs.iter_mut().find(|run| run.contender == "threads:32").unwrap();
        run.figures.as_mut().unwrap().peak_memory_method = MemoryMethod::SampledTree;
        let comparison = Comparison::of(&record);
        let method = |name| row(&comparison, name).measured.as_ref().unwrap().peak_memory_method;
        assert_eq!(method("threads:32"), MemoryMethod::SampledTree);
        assert_eq!(method("sync:1"), MemoryMethod::HighWaterMark);
    }

    #[test]
    fn the_json_face_has_the_published_shape() {
        let json = serde_json::to_value(Comparison::of(&example::record())).unwrap();
        let tokio = &json["contenders"][2];
        assert_eq!(tokio["name"], "tokio:128");
        assert_eq!(tokio["interval"], "min-max");
        for figure in [
            "wall_ns",
            "efficiency",
            "cpu_ns",
            "cpu_us_per_request",
            "peak_memory_bytes",
            "ready_memory_bytes",
            "startup_ns",
        ] {
            for part in ["median", "low", "high"] {
                assert!(tokio[figure][part].is_number(), "{figure} {part}");
            }
        }
        assert!(tokio["floor_ns"].is_u64());
        assert!(tokio["added_latency_ns"]["p99"].is_i64());
        assert_eq!(tokio["runs"][3]["verdict"], "void");
        assert_eq!(tokio["runs"][4]["verdict"], "valid");
        assert!(tokio["runs"][4]["wall_ns"].is_u64());

        let hung = &json["contenders"][4];
        assert!(hung.get("wall_ns").is_none());
        assert_eq!(hung["runs"][0]["verdict"], "void");
        assert!(json["references"][0]["rows"][3]["efficiency"].is_f64());
    }
}
