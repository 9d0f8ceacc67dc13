//! The columns of the tables: what each is called, means and shows.

use crate::comparison::{Comparison, Interval, Measured, Row};
use crate::numbers::{
    NONE, bytes, count, duration, duration_range, efficiency, percent, signed_duration, times,
};

/// One column of a table whose rows are `R`.
pub(crate) struct Column<R> {
    /// Its title; a newline where a narrow face may break it.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// What it shows of a row.
    pub cell: fn(&R) -> String,
    /// One sentence for a reader who meets it first.
    pub meaning: &'static str,
    /// Where there is no room, the column with the lowest rank gives way first; `None` stays.
    pub gives_way: Option<u8>,
}

impl<R> Column<R> {
    pub(super) fn title_in_one_line(&self) -> String {
        self.title.replace('\n', " ")
    }

    /// The title with so many empty lines above it that the last lines of all titles stand side by side.
    pub(super) fn title_at_the_bottom(&self, all: &[&Column<R>]) -> String {
        let lines = |column: &Column<R>| column.title.lines().count();
        let most = all.iter().map(|column| lines(column)).max().unwrap_or(0);
        "\n".repeat(most.saturating_sub(lines(self))) + self.title
    }
}

impl Column<Row> {
    /// Whether [`CONTENDERS`] does not have it.
    pub(super) fn is_only_of_costs(&self) -> bool {
        CONTENDERS.iter().all(|column| column.title != self.title)
    }
}

/// The columns for our own contenders.
const CONTENDERS: [&Column<Row>; 16] = [
    &CONTENDER,
    &WALL,
    &RANGE,
    &IDEAL,
    &EFFICIENCY,
    &SPEED_UP,
    &RAMP,
    &CPU_TIME,
    &CPU_PERCENT,
    &CPU_PER_REQUEST,
    &PEAK_MEMORY,
    &CONNECTIONS,
    &STARTUP,
    &ADDED_P50,
    &ADDED_P99,
    &VERDICT,
];

/// The columns for what models cost with the client that they share.
pub(super) const COSTS: [&Column<Row>; 11] = [
    &CONTENDER,
    &WALL,
    &RANGE,
    &EFFICIENCY,
    &RAMP,
    &CPU_PER_REQUEST,
    &CPU_OVER_BASE,
    &PEAK_MEMORY,
    &CONNECTIONS,
    &ADDED_P99,
    &VERDICT,
];

/// The columns of [`CONTENDERS`] that most readers ask for.
pub(super) const BRIEF: [&Column<Row>; 7] =
    [&CONTENDER, &WALL, &IDEAL, &EFFICIENCY, &CPU_PER_REQUEST, &PEAK_MEMORY, &VALID];

/// The columns of [`COSTS`] that most readers ask for.
pub(super) const BRIEF_COSTS: [&Column<Row>; 7] =
    [&CONTENDER, &WALL, &EFFICIENCY, &CPU_PER_REQUEST, &CPU_OVER_BASE, &PEAK_MEMORY, &VALID];

/// The columns of [`CONTENDERS`] that have something to say here.
pub(super) fn for_contenders(comparison: &Comparison) -> Vec<&'static Column<Row>> {
    with_figures(&CONTENDERS, &comparison.deployed())
}

/// Those of `columns` in which any of `rows` has a figure. Those that have no valid run have none anywhere.
pub(super) fn with_figures(columns: &[&'static Column<Row>], rows: &[&Row]) -> Vec<&'static Column<Row>> {
    let measured: Vec<&&Row> = rows.iter().filter(|row| row.measured.is_some()).collect();
    let has_figures =
        |column: &Column<Row>| measured.is_empty() || measured.iter().any(|row| (column.cell)(row) != NONE);
    columns.iter().copied().filter(|column| has_figures(column)).collect()
}

const CONTENDER: Column<Row> = Column {
    title: "contender",
    numeric: false,
    cell: |row| row.name.clone(),
    meaning: "model:in flight, or model:processes x in flight in each",
    gives_way: None,
};

const WALL: Column<Row> = Column {
    title: "wall",
    numeric: true,
    cell: |row| figure(row, |m| duration(m.wall_ns.median) + limit_mark(row)),
    meaning: "from the start signal until the last request was done; † where it is the target's, see below",
    gives_way: None,
};

pub(crate) const RANGE: Column<Row> = Column {
    title: "wall\ninterval",
    numeric: true,
    cell: |row| match (row.valid_runs, row.interval) {
        (1, _) => "1 run".to_owned(),
        (0, _) | (_, Interval::OrderStatistic) => {
            figure(row, |m| duration_range(m.wall_ns.low, m.wall_ns.high))
        }
        (_, Interval::MinMax) => {
            figure(row, |m| format!("min–max {}", duration_range(m.wall_ns.low, m.wall_ns.high)))
        }
    },
    meaning: "95 % confidence interval of the median, by order statistics; min–max below six runs",
    gives_way: Some(10),
};

const IDEAL: Column<Row> = Column {
    title: "ideal",
    numeric: true,
    cell: |row| row.floor_ns.map_or_else(|| NONE.to_owned(), duration),
    meaning: "wall time of a client without any cost of its own: the planned delays, in the order of the URLs, \
              each in the slot that is free first",
    gives_way: Some(6),
};

const EFFICIENCY: Column<Row> = Column {
    title: "efficiency",
    numeric: true,
    cell: |row| figure(row, |m| m.efficiency.map_or_else(|| NONE.to_owned(), |part| marked(part.median))),
    meaning: "ideal ÷ wall; * above 100 % where another order of requests than that of the URLs ended sooner; – \
              where nothing is delayed",
    gives_way: None,
};

const SPEED_UP: Column<Row> = Column {
    title: "speed-up",
    numeric: true,
    cell: |row| figure(row, |m| m.speed_up.map_or_else(|| NONE.to_owned(), times)),
    meaning: "median wall of the first contender with one request in flight ÷ median wall",
    gives_way: Some(7),
};

const RAMP: Column<Row> = Column {
    title: "ramp",
    numeric: true,
    cell: |row| figure(row, |m| m.ramp_ns.map_or_else(|| NONE.to_owned(), |ramp| duration(ramp.median))),
    meaning: "from the start signal until the target first had in flight what the shape allows; – where \
              a run never did",
    gives_way: Some(3),
};

const CPU_TIME: Column<Row> = Column {
    title: "CPU\ntime",
    numeric: true,
    cell: |row| figure(row, |m| duration(m.cpu_ns.median)),
    meaning: "user + system of all worker processes during the wall; the target's is not in it",
    gives_way: Some(8),
};

const CPU_PERCENT: Column<Row> = Column {
    title: "CPU % of\na core",
    numeric: true,
    cell: |row| figure(row, |m| percent(m.cpu_percent.median / 100.0)),
    meaning: "CPU time ÷ wall",
    gives_way: Some(2),
};

const CPU_PER_REQUEST: Column<Row> = Column {
    title: "CPU per\nrequest",
    numeric: true,
    cell: |row| figure(row, |m| duration((m.cpu_us_per_request.median * 1e3).round() as u64)),
    meaning: "CPU time ÷ URLs",
    gives_way: Some(15),
};

const CPU_OVER_BASE: Column<Row> = Column {
    title: "CPU\n÷ base",
    numeric: true,
    cell: |row| row.cost.map_or_else(|| NONE.to_owned(), |cost| times(cost.cpu)),
    meaning: "CPU per request as a multiple of the base model's in the same shape",
    gives_way: None,
};

const PEAK_MEMORY: Column<Row> = Column {
    title: "peak\nmemory",
    numeric: true,
    cell: |row| {
        figure(row, |m| format!("{}{}", m.peak_memory_method.sign(), bytes(m.peak_memory_bytes.median)))
    },
    meaning: "of all worker processes together between the start signal and the last response, the runtime \
              included; 1 MB is 10⁶ bytes; ≥ marks a sampled peak, a lower bound; ≤ one since the program was \
              started, an upper bound",
    gives_way: Some(14),
};

const CONNECTIONS: Column<Row> = Column {
    title: "connections",
    numeric: true,
    cell: |row| figure(row, |m| count(m.connections.median)),
    meaning: "accepted by the target; more than the shape has in flight is a pool that churns",
    gives_way: Some(4),
};

const STARTUP: Column<Row> = Column {
    title: "startup",
    numeric: true,
    cell: |row| figure(row, |m| duration(m.startup_ns.median)),
    meaning: "from spawning the workers until all were ready; not part of the wall",
    gives_way: Some(1),
};

const ADDED_P50: Column<Row> = Column {
    title: "added\np50",
    numeric: true,
    cell: |row| figure(row, |m| added(m, |added| added.p50)),
    meaning: "latency less planned delay: the median over all requests of all valid runs",
    gives_way: Some(5),
};

const ADDED_P99: Column<Row> = Column {
    title: "added\np99",
    numeric: true,
    cell: |row| figure(row, |m| added(m, |added| added.p99)),
    meaning: "latency less planned delay: the 99th percentile over all requests of all valid runs",
    gives_way: Some(9),
};

const VERDICT: Column<Row> = Column {
    title: "verdict",
    numeric: false,
    cell: verdict,
    meaning: "valid runs / rounds asked for; in a valid run every URL was served once, received \
              once, and its body verified",
    gives_way: None,
};

const VALID: Column<Row> = Column {
    title: "valid",
    numeric: false,
    cell: |row| verdict(row).trim_end_matches(" valid").to_owned(),
    meaning: VERDICT.meaning,
    gives_way: None,
};

/// What stands behind a wall that is the target's.
pub(crate) fn limit_mark(row: &Row) -> &'static str {
    if row.is_target_limited() { " †" } else { "" }
}

pub(super) fn figure(row: &Row, show: impl Fn(&Measured) -> String) -> String {
    row.measured.as_ref().map_or_else(|| NONE.to_owned(), show)
}

/// An efficiency, with a mark where a reader asks how it can be above 100 %: a note says so.
pub(crate) fn marked(part: f64) -> String {
    efficiency(part) + if part > 1.0 { " *" } else { "" }
}

fn added(measured: &Measured, point: fn(&crate::record::Quantiles) -> i64) -> String {
    measured.added_latency_ns.as_ref().map_or_else(|| NONE.to_owned(), |q| signed_duration(point(q)))
}

/// `5/5 valid` where all is well, else what is not: `4/5, 1 void`, `2/5, 3 not run`.
fn verdict(row: &Row) -> String {
    let mut verdict = format!("{}/{}", row.valid_runs, row.rounds);
    if row.void_runs > 0 {
        verdict += &format!(", {} void", row.void_runs);
    }
    if row.missing_runs() > 0 {
        verdict += &format!(", {} not run", row.missing_runs());
    }
    if row.valid_runs == row.rounds { verdict + " valid" } else { verdict }
}
