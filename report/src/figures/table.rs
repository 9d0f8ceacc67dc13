//! The table of figures, in the order of the columns of CSV.

use super::{Better, Figure, GateRule, GithubEntry, Loops, Placement, Reading, Table, Unit, limit_mark};
use crate::comparison::{Measured, Row, Spread};
use crate::record::MemoryMethod;

use Table::{BriefCommon, BriefNative, Common, Native, OpenLoop};

/// Every figure of a contender.
pub const FIGURES: &[Figure] = &[
    Figure {
        key: "ideal_ns",
        heading: "ideal",
        meaning: "wall time of a client without any cost of its own: the planned delays, in the order of the URLs, \
                  each in the slot that is free first",
        unit: Unit::Nanoseconds,
        better: Better::Neither,
        reading: Reading::Contender(|row| row.ideal_ns.map(exact)),
        column: Some(Placement { gives_way: Some(6), ..at(2, &[Native, BriefNative]) }),
        csv: Some("ideal_ns"),
        ..DEFAULT
    },
    Figure {
        key: "max_rate_per_second",
        heading: "reach",
        meaning: "in an open loop: the rate that the concurrency can reach, its slots ÷ the mean planned delay",
        unit: Unit::PerSecond,
        better: Better::Neither,
        reading: Reading::Contender(|row| row.max_rate_per_second),
        csv: Some("max_rate_per_second"),
        ..DEFAULT
    },
    Figure {
        key: "wall_ns",
        heading: "wall",
        meaning: "from the start signal until the last request was done; † where it is the target's, see below",
        unit: Unit::Nanoseconds,
        reading: Reading::Spread(|_, measured| Some(measured.wall_ns.map(exact))),
        follows_wall: true,
        column: Some(Placement {
            marked: |row, text| text + limit_mark(row),
            ..at(1, &[Native, Common, BriefNative, BriefCommon])
        }),
        csv: Some("wall_ns"),
        bmf: Some(Loops::Both),
        github: Some(GithubEntry { loops: Loops::Closed, ..entry("wall", "ms", |ns| ns / 1e6) }),
        ..DEFAULT
    },
    Figure {
        key: "throughput_per_second",
        heading: "throughput",
        meaning: "URLs ÷ wall",
        unit: Unit::PerSecond,
        better: Better::Larger,
        // The slowest run has the lowest throughput.
        reading: Reading::Spread(|comparison, measured| {
            let urls = comparison.scenario.urls as f64;
            let wall = measured.wall_ns;
            let swapped = Spread { median: wall.median, low: wall.high, high: wall.low };
            Some(swapped.map(|ns| urls / (ns as f64 / 1e9)))
        }),
        follows_wall: true,
        github: Some(GithubEntry { loops: Loops::Closed, ..entry("throughput", "requests/s", same) }),
        gate: Some(GateRule { name: "throughput", ..TIMED }),
        ..DEFAULT
    },
    Figure {
        key: "efficiency",
        heading: "efficiency",
        meaning: "ideal ÷ wall; * above 100 % where another order of requests than that of the URLs ended sooner; – \
                  where nothing is delayed",
        unit: Unit::Efficiency,
        better: Better::Larger,
        reading: Reading::Spread(|_, measured| measured.efficiency),
        follows_wall: true,
        column: Some(Placement { marked: above_ideal, ..at(3, &[Native, Common, BriefNative, BriefCommon]) }),
        csv: Some("efficiency"),
        bmf: Some(Loops::Both),
        github: Some(GithubEntry { loops: Loops::Closed, ..entry("efficiency", "%", |part| part * 100.0) }),
        ..DEFAULT
    },
    Figure {
        key: "speed_up",
        heading: "speed-up",
        meaning: "median wall of the first contender with one request in flight ÷ median wall",
        unit: Unit::Times,
        better: Better::Larger,
        reading: Reading::Pooled(|measured| measured.speed_up),
        follows_wall: true,
        column: Some(Placement { gives_way: Some(7), ..at(4, &[Native]) }),
        csv: Some("speed_up"),
        ..DEFAULT
    },
    Figure {
        key: "cpu_ns",
        heading: "CPU\ntime",
        meaning: "user + system of all worker processes during the wall; the target's is not in it",
        unit: Unit::Nanoseconds,
        reading: Reading::Spread(|_, measured| Some(measured.cpu_ns.map(exact))),
        column: Some(Placement { gives_way: Some(8), ..at(6, &[Native]) }),
        csv: Some("cpu_ns"),
        gate: Some(GateRule { name: "CPU", ..TIMED }),
        ..DEFAULT
    },
    Figure {
        key: "cpu_percent",
        heading: "CPU % of\na core",
        meaning: "CPU time ÷ wall",
        unit: Unit::Percent,
        better: Better::Neither,
        reading: Reading::Spread(|_, measured| Some(measured.cpu_percent)),
        column: Some(Placement { gives_way: Some(2), ..at(7, &[Native]) }),
        csv: Some("cpu_percent"),
        ..DEFAULT
    },
    Figure {
        key: "cpu_us_per_request",
        heading: "CPU per\nrequest",
        meaning: "CPU time ÷ URLs",
        unit: Unit::Microseconds,
        reading: Reading::Spread(|_, measured| Some(measured.cpu_us_per_request)),
        column: Some(Placement { gives_way: Some(15), ..at(8, &[Native, Common, BriefNative, BriefCommon]) }),
        csv: Some("cpu_us_per_request"),
        bmf: Some(Loops::Both),
        github: Some(entry("CPU", "µs/request", same)),
        ..DEFAULT
    },
    Figure {
        key: "peak_memory_bytes",
        heading: "peak\nmemory",
        meaning: "of all worker processes together between the start signal and the last response, the runtime \
                  included; 1 MB is 10⁶ bytes; ≥ marks a sampled peak, a lower bound; ≤ one since the program was \
                  started, an upper bound",
        unit: Unit::Bytes,
        reading: Reading::Spread(|_, measured| Some(measured.peak_memory_bytes.map(exact))),
        column: Some(Placement {
            gives_way: Some(14),
            marked: bound_of_memory,
            ..at(10, &[Native, Common, BriefNative, BriefCommon])
        }),
        csv: Some("peak_memory_bytes"),
        bmf: Some(Loops::Both),
        github: Some(GithubEntry {
            remark: remark_on_memory,
            ..entry("peak memory", "MB", |bytes| bytes / 1e6)
        }),
        gate: Some(GateRule { name: "peak memory", ..TIMED }),
        ..DEFAULT
    },
    Figure {
        key: "peak_memory_bound_bytes",
        heading: "bound of\npeak memory",
        meaning: "the sum of every process's own peak, shared pages once a process: the peak was not above it",
        unit: Unit::Bytes,
        reading: Reading::Spread(|_, measured| Some(measured.peak_memory_bound_bytes.map(exact))),
        csv: Some("peak_memory_bound_bytes"),
        ..DEFAULT
    },
    Figure {
        key: "ready_memory_bytes",
        heading: "memory\nat start",
        meaning: "of all worker processes when they were ready, before the first request",
        unit: Unit::Bytes,
        reading: Reading::Spread(|_, measured| Some(measured.ready_memory_bytes.map(exact))),
        csv: Some("ready_memory_bytes"),
        ..DEFAULT
    },
    Figure {
        key: "startup_ns",
        heading: "startup",
        meaning: "from spawning the workers until all were ready; not part of the wall",
        unit: Unit::Nanoseconds,
        reading: Reading::Spread(|_, measured| Some(measured.startup_ns.map(exact))),
        column: Some(Placement { gives_way: Some(1), ..at(12, &[Native]) }),
        csv: Some("startup_ns"),
        bmf: Some(Loops::Both),
        ..DEFAULT
    },
    Figure {
        key: "ramp_ns",
        heading: "ramp",
        meaning: "from the start signal until the target first had in flight what the shape allows; – where \
                  a run never did",
        unit: Unit::Nanoseconds,
        reading: Reading::Spread(|_, measured| measured.ramp_ns.map(|ramp| ramp.map(exact))),
        column: Some(Placement { gives_way: Some(3), ..at(5, &[Native, Common]) }),
        csv: Some("ramp_ns"),
        ..DEFAULT
    },
    Figure {
        key: "latency_p50_ns",
        heading: "p50",
        meaning: "latency since due: half of the requests of all valid runs took no longer",
        reading: Reading::Pooled(|measured| measured.latency_ns.map(|points| points.p50 as f64)),
        column: Some(Placement { gives_way: Some(3), ..at(1, &[OpenLoop]) }),
        csv: Some("latency_ns_p50"),
        ..LATENCY
    },
    Figure {
        key: "latency_p90_ns",
        heading: "p90",
        meaning: "latency since due: 90 % took no longer",
        reading: Reading::Pooled(|measured| measured.latency_ns.map(|points| points.p90 as f64)),
        column: Some(Placement { gives_way: Some(2), ..at(2, &[OpenLoop]) }),
        csv: Some("latency_ns_p90"),
        ..LATENCY
    },
    Figure {
        key: "latency_p99_ns",
        heading: "p99",
        meaning: "latency since due: 99 % took no longer",
        reading: Reading::Pooled(|measured| measured.latency_ns.map(|points| points.p99 as f64)),
        column: Some(at(3, &[OpenLoop])),
        csv: Some("latency_ns_p99"),
        bmf: Some(Loops::Open),
        github: Some(GithubEntry { loops: Loops::Open, ..entry("p99 of latency", "ms", |ns| ns / 1e6) }),
        ..LATENCY
    },
    Figure {
        key: "latency_max_ns",
        heading: "max",
        meaning: "latency since due: the longest of all",
        reading: Reading::Pooled(|measured| measured.latency_ns.map(|points| points.max as f64)),
        column: Some(Placement { gives_way: Some(4), ..at(5, &[OpenLoop]) }),
        csv: Some("latency_ns_max"),
        ..LATENCY
    },
    Figure {
        key: "latency_p999_ns",
        heading: "p99.9",
        meaning: "latency since due: 99.9 % took no longer",
        reading: Reading::Pooled(|measured| measured.latency_p999_ns.map(exact)),
        column: Some(at(4, &[OpenLoop])),
        csv: Some("latency_p999_ns"),
        ..LATENCY
    },
    Figure {
        key: "added_latency_p50_ns",
        heading: "added\np50",
        meaning: "latency less planned delay: the median over all requests of all valid runs",
        reading: Reading::Pooled(|measured| measured.added_latency_ns.map(|points| points.p50 as f64)),
        column: Some(Placement { gives_way: Some(5), ..at(13, &[Native]) }),
        csv: Some("added_latency_ns_p50"),
        ..LATENCY
    },
    Figure {
        key: "added_latency_p90_ns",
        heading: "added\np90",
        meaning: "latency less planned delay: the 90th percentile over all requests of all valid runs",
        reading: Reading::Pooled(|measured| measured.added_latency_ns.map(|points| points.p90 as f64)),
        csv: Some("added_latency_ns_p90"),
        ..LATENCY
    },
    Figure {
        key: "added_latency_p99_ns",
        heading: "added\np99",
        meaning: "latency less planned delay: the 99th percentile over all requests of all valid runs",
        reading: Reading::Pooled(|measured| measured.added_latency_ns.map(|points| points.p99 as f64)),
        column: Some(Placement { gives_way: Some(9), ..at(14, &[Native, Common]) }),
        csv: Some("added_latency_ns_p99"),
        bmf: Some(Loops::Both),
        ..LATENCY
    },
    Figure {
        key: "added_latency_max_ns",
        heading: "added\nmax",
        meaning: "latency less planned delay: the largest over all requests of all valid runs",
        reading: Reading::Pooled(|measured| measured.added_latency_ns.map(|points| points.max as f64)),
        csv: Some("added_latency_ns_max"),
        ..LATENCY
    },
    Figure {
        key: "added_latency_p999_ns",
        heading: "added\np99.9",
        meaning: "latency less planned delay: what 999 of 1,000 requests of all valid runs did not exceed",
        reading: Reading::Pooled(|measured| measured.added_latency_p999_ns.map(exact)),
        csv: Some("added_latency_p999_ns"),
        ..LATENCY
    },
    Figure {
        key: "achieved_per_second",
        heading: "achieved\nrate",
        meaning: "requests started ÷ time, from the first start to the last: below the rate that was asked for \
                  where the client did not keep up",
        unit: Unit::PerSecond,
        better: Better::Larger,
        reading: Reading::Spread(|_, measured| measured.achieved_per_second),
        follows_wall: true,
        column: Some(Placement { gives_way: Some(5), ..at(6, &[OpenLoop]) }),
        csv: Some("achieved_per_second"),
        bmf: Some(Loops::Open),
        github: Some(GithubEntry { loops: Loops::Open, ..entry("achieved rate", "requests/s", same) }),
        ..DEFAULT
    },
    Figure {
        key: "late_starts",
        heading: "late\nstarts",
        meaning: "requests that started more than 2 ms after they were due",
        follows_wall: true,
        reading: Reading::Pooled(|measured| measured.late_starts.map(exact)),
        csv: Some("late_starts"),
        ..DEFAULT
    },
    Figure {
        key: "late_share",
        heading: "late\nstarts",
        meaning: "requests that started more than 2 ms after they were due, as a part of all: those that had to \
                  wait for a slot or for the client",
        unit: Unit::Fraction,
        reading: Reading::Pooled(|measured| measured.late_share),
        follows_wall: true,
        column: Some(Placement { gives_way: Some(6), ..at(7, &[OpenLoop]) }),
        csv: Some("late_share"),
        bmf: Some(Loops::Open),
        ..DEFAULT
    },
    Figure {
        key: "failed_requests",
        heading: "failed\nrequests",
        meaning: "requests of valid runs that ended in an error: they are in no latency",
        reading: Reading::Pooled(|measured| Some(measured.failed_requests as f64)),
        csv: Some("failed_requests"),
        ..DEFAULT
    },
    Figure {
        key: "connections",
        heading: "connections",
        meaning: "accepted by the target; more than the concurrency allows means that connections are being reopened",
        reading: Reading::Spread(|_, measured| Some(measured.connections.map(exact))),
        column: Some(Placement { gives_way: Some(4), ..at(11, &[Native, Common]) }),
        csv: Some("connections"),
        gate: Some(GateRule { name: "connections", ..COUNTED }),
        ..DEFAULT
    },
    Figure {
        key: "most_in_flight",
        heading: "most in\nflight",
        meaning: "the most requests that the target had in flight at once",
        better: Better::Neither,
        reading: Reading::Spread(|_, measured| Some(measured.most_in_flight.map(exact))),
        column: Some(Placement { gives_way: Some(1), ..at(8, &[OpenLoop]) }),
        csv: Some("most_in_flight"),
        ..DEFAULT
    },
    Figure {
        key: "target_lateness_p99_ns",
        heading: "target's\nlateness",
        meaning: "how late the target answered, at p99: a part of the added latency is its own",
        unit: Unit::Nanoseconds,
        reading: Reading::Spread(|_, measured| Some(measured.target_lateness_p99_ns.map(|ns| ns as f64))),
        csv: Some("target_lateness_p99_ns"),
        ..DEFAULT
    },
    Figure {
        key: "cpu_over_base",
        heading: "CPU\n÷ base",
        meaning: "CPU per request as a multiple of the base model's at the same concurrency",
        unit: Unit::Times,
        reading: Reading::Contender(|row| row.cost.map(|cost| cost.cpu)),
        column: Some(at(9, &[Common, BriefCommon])),
        csv: Some("cpu_over_base"),
        ..DEFAULT
    },
    Figure {
        key: "instructions",
        heading: "instructions",
        meaning: "instructions in user space between the start signal and the last response",
        reading: Reading::Run(|figures| figures.usage.instructions.map(exact)),
        gate: Some(GateRule { name: "instructions", least_share: 0.01, least_amount: 20.0, ..COUNTED }),
        ..DEFAULT
    },
    Figure {
        key: "allocations",
        heading: "allocations",
        meaning: "calls of the functions that allocate memory",
        reading: Reading::Run(|figures| figures.usage.allocations.map(exact)),
        gate: Some(GateRule { name: "allocations", least_share: 0.01, least_amount: 0.05, ..COUNTED }),
        ..DEFAULT
    },
    Figure {
        key: "system_calls",
        heading: "system\ncalls",
        meaning: "system calls of all worker processes",
        reading: Reading::Run(|figures| figures.usage.system_calls.map(exact)),
        // How many events a wake-up finds is a matter of timing, and with it the number of wake-ups.
        gate: Some(GateRule { name: "system calls", least_share: 0.05, least_amount: 0.05, ..COUNTED }),
        ..DEFAULT
    },
];

/// What most entries have: a count, the smaller the better, in no table or export.
const DEFAULT: Figure = Figure {
    key: "",
    heading: "",
    meaning: "",
    unit: Unit::Count,
    better: Better::Smaller,
    reading: Reading::Pooled(|_| None),
    follows_wall: false,
    column: None,
    csv: None,
    bmf: None,
    github: None,
    gate: None,
};

/// What all points of a latency have.
const LATENCY: Figure = Figure { unit: Unit::Nanoseconds, follows_wall: true, ..DEFAULT };

/// A figure that varies from run to run.
pub(crate) const TIMED: GateRule = GateRule { name: "", is_timed: true, least_share: 0.0, least_amount: 0.0 };

const COUNTED: GateRule = GateRule { is_timed: false, ..TIMED };

/// A column without a mark that always stays.
const fn at(place: u8, tables: &'static [Table]) -> Placement {
    Placement { tables, place, gives_way: None, marked: |_, text| text }
}

/// An entry of both loops without a remark.
const fn entry(name: &'static str, unit: &'static str, convert: fn(f64) -> f64) -> GithubEntry {
    GithubEntry { name, unit, convert, loops: Loops::Both, remark: |_| "" }
}

fn exact(number: u64) -> f64 {
    number as f64
}

fn same(value: f64) -> f64 {
    value
}

/// A reader asks how an efficiency can be above 100 %: a note says so.
fn above_ideal(row: &Row, text: String) -> String {
    let efficiency = row.measured.as_ref().and_then(|measured| measured.efficiency);
    let is_above = efficiency.is_some_and(|spread| spread.median > 1.0);
    if is_above { text + " *" } else { text }
}

fn bound_of_memory(row: &Row, text: String) -> String {
    let sign = row.measured.as_ref().map_or("", |measured| measured.peak_memory_method.sign());
    format!("{sign}{text}")
}

fn remark_on_memory(measured: &Measured) -> &'static str {
    match measured.peak_memory_method {
        MemoryMethod::HighWaterMark => "",
        MemoryMethod::HighWaterMarkSinceStart => "; since the program was started, an upper bound",
        MemoryMethod::SampledTree => "; sampled, a lower bound",
    }
}
