//! Builds a comparison from a record.

use super::significance::TestResults;
use super::{
    ALPHA, CONFIDENCE, Comparison, CostOverBase, Disturbed, Interval, Measured, MemorySlope, NoiseFloor,
    PairwiseComparison, PublishedRow, PublishedTable, Ranked, RankingFigure, ReasonTally, Row, RunSummary,
    Spread, Tally, Testing, ranking,
};
use crate::record::{
    Budget, ContenderFacts, Figures, Header, Latencies, Reason, Record, Reference, ReferenceRow, Run,
    Schedule,
};
use crate::stats::{MedianInterval, Number, Sorted, interval_after_stopping};

impl Comparison {
    /// Compares the contenders of `record`.
    pub fn of(record: &Record) -> Comparison {
        let header = &record.header;
        let is_open_loop = header.rate.is_some();
        let row = |facts: &ContenderFacts| Row::of(facts, header, &record.runs);
        let (controls, others): (Vec<_>, Vec<_>) =
            header.contenders.iter().partition(|facts| facts.control_of.is_some());
        let mut contenders: Vec<Row> = others.into_iter().map(row).collect();
        let baseline = contenders
            .iter()
            .find(|row| !is_open_loop && row.slots() == 1 && row.measured.is_some())
            .map(|row| row.name.clone());
        set_speed_ups(&mut contenders, baseline.as_deref());
        set_costs(&mut contenders, header.cost_base.as_deref());
        let original = |facts: &ContenderFacts| {
            contenders.iter().find(|contender| Some(&contender.name) == facts.control_of.as_ref())
        };
        let controls: Vec<(&Row, Row)> =
            controls.into_iter().filter_map(|facts| Some((original(facts)?, row(facts)))).collect();
        let memory_slopes = if is_open_loop {
            Vec::new()
        } else {
            MemorySlope::all(&contenders, header.scenario.urls, header.budget)
        };
        let total_delay_ns = header.scenario.total_delay_ns;
        let figures = RankingFigure::compared(is_open_loop, total_delay_ns);
        let results: Vec<TestResults> =
            figures.iter().map(|&figure| TestResults::of(figure, &contenders, total_delay_ns)).collect();
        let testing = Testing::of(&results);
        let mut noise = Vec::new();
        for &figure in figures {
            for (contender, control) in &controls {
                let is_limited = contender.is_target_limited() || control.is_target_limited();
                if figure != RankingFigure::WallNs || !is_limited {
                    noise.push(NoiseFloor::of(figure, contender, control, &testing, header.order_seed));
                }
            }
        }
        let ranked = figures.iter().zip(&results);
        let ranked = ranked.map(|(&figure, results)| ranking::rank(figure, &contenders, results));
        let mut rankings = ranked.collect::<Vec<_>>().into_iter();
        let ranking = rankings.next().unwrap_or_default();
        let cpu_ranking = rankings.next().unwrap_or_default();
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
            contender_count: contenders.len(),
            contenders,
            memory_slopes,
            ranked_by: figures[0],
            pairs: against_the_first(&ranking, &cpu_ranking),
            ranking,
            cpu_ranking,
            testing,
            noise,
            references: header.references.iter().map(PublishedTable::of).collect(),
        }
    }
}

/// The contenders of both rankings, each compared with the first of its ranking.
pub(super) fn against_the_first(ranking: &[Ranked], cpu_ranking: &[Ranked]) -> Vec<PairwiseComparison> {
    [ranking, cpu_ranking].concat().into_iter().filter_map(|ranked| ranked.to_first).collect()
}

impl Testing {
    fn of(results: &[TestResults]) -> Testing {
        let most = |count: fn(&TestResults) -> usize| results.iter().map(count).max().unwrap_or(0) as u32;
        Testing {
            alpha: ALPHA,
            contenders: most(|results| results.tested),
            comparisons: most(|results| results.comparisons),
            enough_rounds: results.iter().map(|results| results.enough_rounds).max().unwrap_or(0),
        }
    }
}

fn set_speed_ups(contenders: &mut [Row], baseline: Option<&str>) {
    let baseline_wall = contenders
        .iter()
        .find(|row| Some(row.name.as_str()) == baseline)
        .and_then(|row| RankingFigure::WallNs.median(row));
    for row in contenders.iter_mut().filter(|row| !row.is_target_limited()) {
        let Some(measured) = &mut row.measured else { continue };
        measured.speed_up = baseline_wall.map(|wall| wall as f64 / measured.wall_ns.median as f64);
    }
}

fn set_costs(contenders: &mut [Row], base: Option<&str>) {
    let costs = |row: &Row| Some(row.measured.as_ref()?.cpu_us_per_request.median);
    let bases: Vec<(u32, u32, f64)> = contenders
        .iter()
        .filter(|row| row.is_common() && Some(row.model.as_str()) == base)
        .filter_map(|row| costs(row).map(|cpu| (row.processes, row.in_flight, cpu)))
        .filter(|(.., cpu)| *cpu > 0.0)
        .collect();
    for row in contenders.iter_mut().filter(|row| row.is_common()) {
        let same_shape = bases.iter().find(|base| (base.0, base.1) == (row.processes, row.in_flight));
        row.cost = same_shape.zip(costs(row)).map(|(base, cpu)| CostOverBase { cpu: cpu / base.2 });
    }
}

/// The interval of the median of `count` values. It is wider where a budget decided how many there are.
pub(crate) fn interval(budget: Option<Budget>, count: usize) -> MedianInterval {
    let of = if budget.is_some() { interval_after_stopping } else { MedianInterval::of };
    of(count.max(1), CONFIDENCE)
}

impl Row {
    fn of(facts: &ContenderFacts, header: &Header, all: &[Run]) -> Row {
        let runs: Vec<&Run> = all.iter().filter(|run| run.contender == facts.name && !run.warm_up).collect();
        let valid: Vec<(&Run, &Figures)> = runs
            .iter()
            .filter(|run| run.verdict.is_valid())
            .filter_map(|run| Some((*run, run.figures.as_ref()?)))
            .collect();
        let interval = interval(header.budget, valid.len());
        Row {
            name: facts.name.clone(),
            model: facts.model.clone(),
            client: facts.client.clone(),
            processes: facts.processes,
            in_flight: facts.in_flight,
            rounds: if header.budget.is_some() { facts.rounds.max(runs.len() as u32) } else { facts.rounds },
            valid_runs: valid.len() as u32,
            invalid_runs: (runs.len() - valid.len()) as u32,
            target_limited_runs: valid.iter().filter(|(_, f)| f.target.limit.is_some()).count() as u32,
            invalid_reasons: reasons(runs.iter().flat_map(|run| run.verdict.reasons())),
            repeated_runs: runs.iter().filter(|run| !run.disturbed_attempts.is_empty()).count() as u32,
            repeated_for: reasons(
                runs.iter().flat_map(|run| &run.disturbed_attempts).flat_map(|attempt| &attempt.reasons),
            ),
            warnings: tally(runs.iter().flat_map(|run| &run.warnings))
                .map(|(text, count)| Tally { text, count })
                .collect(),
            ideal_ns: ideal_ns(facts),
            max_rate_per_second: header.rate.as_ref().and_then(|_| header.max_rate_per_second(facts)),
            interval: interval.into(),
            interval_confidence: interval.confidence,
            cost: None,
            measured: Measured::of(facts, header.scenario.urls, &valid, interval),
            runs: runs.into_iter().map(RunSummary::of).collect(),
        }
    }
}

/// `None` where nothing is delayed: then there is no ideal.
fn ideal_ns(facts: &ContenderFacts) -> Option<u64> {
    (facts.ideal_ns > 0).then_some(facts.ideal_ns)
}

impl Measured {
    fn of(
        facts: &ContenderFacts,
        urls: u64,
        valid: &[(&Run, &Figures)],
        interval: MedianInterval,
    ) -> Option<Measured> {
        let figures = || valid.iter().map(|(_, figures)| *figures);
        let by = |figure: fn(&Figures) -> u64| Spread::of(figures().map(figure), interval);
        let by_part = |figure: fn(&Figures) -> f64| Spread::of(figures().map(figure), interval);
        let efficiency =
            |ideal_ns: u64| Spread::of(figures().map(|f| ideal_ns as f64 / f.wall_ns as f64), interval);
        let ramps: Option<Vec<u64>> = figures().map(|f| f.ramp_ns).collect();
        let schedules: Option<Vec<Schedule>> = figures().map(|f| f.schedule).collect();
        let rates = |schedules: &Vec<Schedule>| schedules.iter().map(|s| s.achieved_per_second).collect();
        let rates: Option<Vec<f64>> = schedules.as_ref().and_then(rates);
        let late_starts = schedules.map(|schedules| schedules.iter().map(|s| s.late_starts).sum::<u64>());
        let latencies = Latencies::pool(valid.iter().map(|(run, _)| &run.latencies));
        Some(Measured {
            wall_ns: by(|f| f.wall_ns)?,
            efficiency: ideal_ns(facts).and_then(efficiency),
            speed_up: None,
            cpu_ns: by(|f| f.cpu_ns)?,
            cpu_percent: by_part(|f| f.cpu_ns as f64 / f.wall_ns as f64 * 100.0)?,
            cpu_us_per_request: by_part(|f| f.cpu_us_per_request)?,
            peak_memory_bytes: by(|f| f.peak_memory_bytes)?,
            peak_memory_method: figures().map(|f| f.peak_memory_method).max()?,
            peak_memory_bound_bytes: by(|f| f.peak_memory_bound_bytes)?,
            ready_memory_bytes: by(|f| f.ready_memory_bytes)?,
            ramp_ns: ramps.and_then(|ramps| Spread::of(ramps, interval)),
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
            target_lateness_p99_ns: Spread::of(figures().map(|f| f.target.lateness_ns.p99), interval)?,
        })
    }
}

impl<T: Number> Spread<T> {
    /// `interval` is that of so many values.
    pub(crate) fn of(values: impl IntoIterator<Item = T>, interval: MedianInterval) -> Option<Spread<T>> {
        let sorted = Sorted::new(values)?;
        let (low, high) = interval.ends(&sorted);
        Some(Spread { median: sorted.median(), low, high })
    }
}

impl From<MedianInterval> for Interval {
    fn from(interval: MedianInterval) -> Interval {
        if interval.confidence < CONFIDENCE { Interval::MinMax } else { Interval::OrderStatistic }
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

impl PublishedTable {
    fn of(reference: &Reference) -> PublishedTable {
        PublishedTable {
            title: reference.title.clone(),
            source: reference.source.clone(),
            ideals_from: reference.ideals_from.clone(),
            rows: reference.rows.iter().map(PublishedRow::of).collect(),
        }
    }
}

impl PublishedRow {
    fn of(row: &ReferenceRow) -> PublishedRow {
        let efficiency = (row.ideal_ns > 0).then(|| row.ideal_ns as f64 / row.wall_ns as f64);
        PublishedRow { published: row.clone(), efficiency }
    }
}

fn reasons<'a>(all: impl Iterator<Item = &'a Reason>) -> Vec<ReasonTally> {
    tally(all).map(|(reason, count)| ReasonTally { reason, count }).collect()
}

/// Counts equal values, in the order in which they first appear.
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
mod tests;
