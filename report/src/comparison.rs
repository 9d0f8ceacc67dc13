//! The comparison: a record in, one row per contender out. Every table, chart and export is made from it.

mod build;
mod disturbed;
mod memory;
mod noise;
mod pairs;
mod ranking;
mod ranking_figure;
mod significance;

use serde::Serialize;

use crate::record::{
    Budget, COMMON, Figures, Machine, MemoryMethod, Order, PlacementFacts, Quantiles, RateFacts, Reason,
    ReferenceRow, ScenarioFacts, Verdict,
};

pub(crate) use build::interval;
pub use disturbed::Disturbed;
pub use memory::MemorySlope;
pub use noise::{NoiseFloor, POWER};
pub use pairs::{CONFIDENCE, Finding, PairwiseComparison, Ratio};
pub use ranking::Ranked;
pub use ranking_figure::RankingFigure;
pub use significance::{ALPHA, enough_rounds, fewest_rounds};

/// From so many valid runs on the interval of a figure is [`Interval::OrderStatistic`].
pub const INTERVAL_RUNS: u32 = 6;

/// The results of a record's contenders, side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The version of Inflight that made the record.
    pub inflight_version: String,
    /// The command line that makes such a record again.
    pub command: String,
    /// When the first run began: RFC 3339, UTC.
    pub started_at: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// The scenario that the target played.
    pub scenario: ScenarioFacts,
    /// How fast requests came in an open loop; absent in a closed one.
    pub rate: Option<RateFacts>,
    /// Which CPUs target and clients were confined to; absent where they ran on any.
    pub placement: Option<PlacementFacts>,
    /// How the contenders were ordered within each round.
    pub order: Order,
    /// The seed of that order.
    pub order_seed: u64,
    /// The time that decided how many rounds there were; absent where each contender had its number.
    pub budget: Option<Budget>,
    /// By what runs were disturbed.
    pub disturbed: Vec<Disturbed>,
    /// The record was cut short in the middle of a run.
    pub truncated: bool,
    /// The contender that speed-ups are over: the first with valid runs that has one request in flight; absent
    /// in an open loop, where wall times are not compared.
    pub baseline: Option<String>,
    /// The model that [`CostOverBase`] is over.
    pub cost_base: Option<String>,
    /// How many contenders took part. Fewer are here where [`Comparison::only`] chose among them.
    pub contender_count: usize,
    /// The contenders, in the order in which they were asked for.
    pub contenders: Vec<Row>,
    /// Memory per request in flight, of contenders with several concurrencies. None in an open loop, where the
    /// number in flight does not follow from the concurrency.
    pub memory_slopes: Vec<MemorySlope>,
    /// What ranks the contenders: wall time, or CPU in an open loop and where nothing is delayed.
    pub ranked_by: RankingFigure,
    /// The contenders with valid runs, the best first.
    pub ranking: Vec<Ranked>,
    /// The same by CPU, where the ranking is not.
    pub cpu_ranking: Vec<Ranked>,
    /// Each contender of a ranking compared with its first.
    pub pairs: Vec<PairwiseComparison>,
    /// How they were tested, together with those that [`Comparison::only`] left out.
    pub testing: Testing,
    /// The noise, measured by contenders that have an A/A control.
    pub noise: Vec<NoiseFloor>,
    /// Published figures, shown beside ours and never mixed into them.
    pub references: Vec<PublishedTable>,
}

/// A comparison and the name of its record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// The record's name: where it was read from.
    pub record: String,
    /// The comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// How the contenders were tested.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Testing {
    /// [`ALPHA`], for each figure.
    pub alpha: f64,
    /// Contenders that had enough rounds for a test.
    pub contenders: u32,
    /// Comparisons among these that no bound decides, in both directions.
    pub comparisons: u32,
    /// Rounds with which a test can distinguish the best from all others.
    pub enough_rounds: u32,
}

/// One contender. In JSON the fields of [`Measured`] are flattened into it, and are absent where no run
/// is valid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The contender's name: model, client and concurrency.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// The client's name.
    pub client: String,
    /// Worker processes.
    pub processes: u32,
    /// Requests in flight allowed in each process.
    pub in_flight: u32,
    /// Rounds asked of it, or those it was given where a budget of time decided.
    pub rounds: u32,
    /// Valid runs. The figures are computed from them.
    pub valid_runs: u32,
    /// Invalid runs. They are shown and are in none of the figures.
    pub invalid_runs: u32,
    /// Valid runs whose wall time the target limited: see
    /// [`TargetLimit`](crate::record::TargetLimit).
    pub target_limited_runs: u32,
    /// Why runs were invalid.
    pub invalid_reasons: Vec<ReasonTally>,
    /// Runs that were disturbed at first and were repeated. Their disturbed attempts are in no other count.
    pub repeated_runs: u32,
    /// What disturbed these attempts.
    pub repeated_for: Vec<ReasonTally>,
    /// The warnings of all runs.
    pub warnings: Vec<Tally>,
    /// The ideal wall time at its concurrency, in nanoseconds: that of a client without any cost of its own.
    /// Absent where nothing is delayed.
    pub ideal_ns: Option<u64>,
    /// In an open loop: the highest rate that the concurrency allows, its slots ÷ the mean planned delay, in
    /// requests per second. Absent in a closed loop, and where nothing is delayed.
    pub max_rate_per_second: Option<f64>,
    /// What `low` and `high` mean in the figures of this row.
    pub interval: Interval,
    /// How often such an interval contains the true median, at least: 0.95 or more, or less where there are too few
    /// runs for that.
    pub interval_confidence: f64,
    /// Its cost relative to the base of the common client, where both have valid runs.
    pub cost: Option<CostOverBase>,
    /// The figures of the valid runs.
    #[serde(flatten)]
    pub measured: Option<Measured>,
    /// Every run that is no warm-up, valid or invalid, in the order in which they ran.
    pub runs: Vec<RunSummary>,
}

/// What the valid runs of a contender measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Wall time, in nanoseconds.
    pub wall_ns: Spread<u64>,
    /// Ideal ÷ wall time of each run; absent where nothing is delayed. Above 1 where another order of requests
    /// than that of the URLs ends sooner.
    pub efficiency: Option<Spread<f64>>,
    /// How many times as fast as the [baseline](Comparison::baseline): its median wall time ÷ this one's. Absent
    /// without a baseline, as in an open loop.
    pub speed_up: Option<f64>,
    /// User and system time of the worker tree between `go` and `done`, in nanoseconds.
    pub cpu_ns: Spread<u64>,
    /// CPU ÷ wall time, in per cent of one core.
    pub cpu_percent: Spread<f64>,
    /// CPU over the number of URLs, in microseconds.
    pub cpu_us_per_request: Spread<f64>,
    /// Peak memory of the worker tree, in bytes: over runs the median of the peaks, like all figures here.
    pub peak_memory_bytes: Spread<u64>,
    /// How the peaks were measured; where the runs differ, the less exact method.
    pub peak_memory_method: MemoryMethod,
    /// Each run's peak was not above this, in bytes: the sum of every process's own high-water mark.
    pub peak_memory_bound_bytes: Spread<u64>,
    /// Memory of the worker tree before the first request, in bytes.
    pub ready_memory_bytes: Spread<u64>,
    /// From `go` until the target first had as many in flight as the concurrency allows, in nanoseconds; absent
    /// where a run never got that far.
    pub ramp_ns: Option<Spread<u64>>,
    /// From spawning the workers until all were ready, in nanoseconds: not part of the wall time.
    pub startup_ns: Spread<u64>,
    /// Durations of requests, in nanoseconds, over all valid runs together; absent where none succeeded.
    pub latency_ns: Option<Quantiles>,
    /// Durations less each URL's planned delay, in nanoseconds, over all valid runs together.
    pub added_latency_ns: Option<Quantiles>,
    /// The 99.9th percentile of these durations, in nanoseconds.
    pub latency_p999_ns: Option<u64>,
    /// The 99.9th percentile of the added latency, in nanoseconds.
    pub added_latency_p999_ns: Option<u64>,
    /// In an open loop: requests started per second, from the first start of a run to its last.
    pub achieved_per_second: Option<Spread<f64>>,
    /// In an open loop: requests of valid runs that started more than [`LATE_START_NS`](crate::record::LATE_START_NS) after they were due.
    pub late_starts: Option<u64>,
    /// These as a part of all requests of valid runs.
    pub late_share: Option<f64>,
    /// Requests of valid runs that ended in an error: counted here, and in neither latency.
    pub failed_requests: u64,
    /// Connections that the target accepted.
    pub connections: Spread<u64>,
    /// The most requests that the target ever had in flight.
    pub most_in_flight: Spread<u64>,
    /// How late the target answered at p99, in nanoseconds. The added latency includes it.
    pub target_lateness_p99_ns: Spread<i64>,
}

/// The cost of a contender with the common client ÷ the base model's cost at the same concurrency with the same
/// client. Both are medians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CostOverBase {
    /// CPU per request.
    pub cpu: f64,
}

/// A figure over the valid runs: see [`crate::stats`] for the median.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread<T> {
    /// The median of the runs.
    pub median: T,
    /// The lower end of the row's [`Interval`].
    pub low: T,
    /// The upper end of the row's [`Interval`].
    pub high: T,
}

impl<T: Copy> Spread<T> {
    /// The same in another unit: `convert` must not change the order.
    pub fn map<U>(&self, convert: impl Fn(T) -> U) -> Spread<U> {
        Spread { median: convert(self.median), low: convert(self.low), high: convert(self.high) }
    }
}

/// What the ends of a [`Spread`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// The smallest and the largest value: of fewer than [`INTERVAL_RUNS`] valid runs.
    MinMax,
    /// The confidence interval of the median between two of the valid runs, at [`CONFIDENCE`] or a little more.
    /// Where a budget decided the number of runs, it is wide enough to allow for that. Of six to eight runs it is
    /// their smallest and their largest value.
    OrderStatistic,
}

/// A warning, and in how many runs it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The warning.
    pub text: String,
    /// The number of runs.
    pub count: u32,
}

/// Why runs were invalid, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonTally {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// How often it was given.
    pub count: u32,
}

/// One run without its samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The round, from 1.
    pub round: u32,
    /// Its place within the round, from 1.
    pub position: u32,
    /// Whether its figures count.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What a reader should know, though it does not make the run invalid.
    pub warnings: Vec<String>,
    /// Runtime and version, as the worker named it.
    pub runtime: String,
    /// Client and version, as the worker named it.
    pub client: String,
    /// What was measured, where the run got that far.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// A table published elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedTable {
    /// What it is, in a few words.
    pub title: String,
    /// Who published it, where and when, and what it was measured on.
    pub source: String,
    /// What its ideal times are computed from.
    pub ideals_from: String,
    /// Its rows.
    pub rows: Vec<PublishedRow>,
}

/// One row of a published table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedRow {
    /// As published, with the ideal time at its concurrency.
    #[serde(flatten)]
    pub published: ReferenceRow,
    /// Ideal ÷ wall time, computed by Inflight; absent where nothing is delayed.
    pub efficiency: Option<f64>,
}

impl Comparison {
    /// Keeps the contenders of these names. They were chosen after the data had been seen, so their tests stay
    /// adjusted for all contenders of the record.
    pub fn only(mut self, names: &[String]) -> Comparison {
        self.contenders.retain(|row| names.contains(&row.name));
        self.noise.retain(|floor| names.contains(&floor.contender));
        if self.rate.is_none() {
            self.memory_slopes = MemorySlope::all(&self.contenders, self.scenario.urls, self.budget);
        }
        self.ranking = ranking::among(self.ranked_by, self.ranking, &self.contenders);
        self.cpu_ranking = ranking::among(RankingFigure::CpuNs, self.cpu_ranking, &self.contenders);
        self.pairs = build::against_the_first(&self.ranking, &self.cpu_ranking);
        self
    }

    /// The contenders of the first table: those with the client people use, or all where no other is.
    pub fn deployed(&self) -> Vec<&Row> {
        let deployed: Vec<&Row> = self.contenders.iter().filter(|row| !row.is_common()).collect();
        if deployed.is_empty() { self.contenders.iter().collect() } else { deployed }
    }

    /// The contenders of the second table: those with the client that all models share.
    pub fn common(&self) -> Vec<&Row> {
        self.contenders.iter().filter(|row| row.is_common()).collect()
    }
}

impl Row {
    /// The figures of its valid runs.
    pub fn valid_figures(&self) -> impl Iterator<Item = &Figures> {
        self.runs.iter().filter(|run| run.verdict.is_valid()).filter_map(|run| run.figures.as_ref())
    }

    /// Whether the target limited its median wall time, which is so where it limited half of its valid runs or more.
    /// Such a wall time, and the throughput with it, is shown with a mark, and neither compared nor ranked.
    pub fn is_target_limited(&self) -> bool {
        self.target_limited_runs > 0 && 2 * self.target_limited_runs >= self.valid_runs
    }

    /// Whether it uses the client that all models share.
    pub fn is_common(&self) -> bool {
        self.client == COMMON
    }

    /// Requests in flight allowed over all processes.
    pub fn slots(&self) -> u64 {
        u64::from(self.processes) * u64::from(self.in_flight)
    }

    /// Rounds that were asked for and left no run, valid or invalid.
    pub fn missing_runs(&self) -> u32 {
        self.rounds.saturating_sub(self.valid_runs + self.invalid_runs)
    }
}
