//! The table of an open loop: how long requests took since they were due, and how well the schedule was kept.

use super::columns::{Column, figure};
use crate::comparison::{Comparison, Measured, Row};
use crate::numbers::{NONE, count, duration, percent, three_digits};

/// Its columns.
pub(crate) const OPEN_LOOP: [Column<Row>; 9] = [
    Column {
        title: "contender",
        numeric: false,
        cell: |row| row.name.clone(),
        meaning: "model:in flight, or model:processes x in flight in each",
        gives_way: None,
    },
    latency(
        "p50",
        "latency since due: half of the requests of all valid runs took no longer",
        Some(3),
        |row| latency_cell(row, 0),
    ),
    latency("p90", "latency since due: 90 % took no longer", Some(2), |row| latency_cell(row, 1)),
    latency("p99", "latency since due: 99 % took no longer", None, |row| latency_cell(row, 2)),
    latency("p99.9", "latency since due: 99.9 % took no longer", None, |row| latency_cell(row, 3)),
    latency("max", "latency since due: the longest of all", Some(4), |row| latency_cell(row, 4)),
    Column {
        title: "achieved\nrate",
        numeric: true,
        cell: |row| figure(row, |m| m.achieved_per_second.map_or_else(none, |rate| per_second(rate.median))),
        meaning: "requests started ÷ time, from the first start to the last: below the rate that was asked for \
                  where the client did not keep up",
        gives_way: Some(5),
    },
    Column {
        title: "late\nstarts",
        numeric: true,
        cell: |row| figure(row, |m| m.late_share.map_or_else(none, percent)),
        meaning: "requests that started more than 2 ms after they were due, as a part of all: those that had to \
                  wait for a slot or for the client",
        gives_way: Some(6),
    },
    Column {
        title: "most in\nflight",
        numeric: true,
        cell: |row| figure(row, |m| count(m.most_in_flight.median)),
        meaning: "the most requests that the target had in flight at once",
        gives_way: Some(1),
    },
];

const fn latency(
    title: &'static str,
    meaning: &'static str,
    gives_way: Option<u8>,
    cell: fn(&Row) -> String,
) -> Column<Row> {
    Column { title, numeric: true, cell, meaning, gives_way }
}

/// p50, p90, p99, p99.9 and max, in nanoseconds.
fn points(measured: &Measured) -> Option<[u64; 5]> {
    let latency = measured.latency_ns?;
    let [p50, p90, p99, max] = [latency.p50, latency.p90, latency.p99, latency.max].map(i64::unsigned_abs);
    Some([p50, p90, p99, measured.latency_p999_ns?, max])
}

fn latency_cell(row: &Row, point: usize) -> String {
    figure(row, |m| points(m).map_or_else(none, |points| duration(points[point])))
}

/// The figures behind all columns but the first.
pub(crate) fn figures(row: &Row) -> [Option<f64>; OPEN_LOOP.len() - 1] {
    let Some(measured) = &row.measured else { return [None; OPEN_LOOP.len() - 1] };
    let latency = |point: usize| points(measured).map(|points| points[point] as f64);
    [
        latency(0),
        latency(1),
        latency(2),
        latency(3),
        latency(4),
        measured.achieved_per_second.map(|rate| rate.median),
        measured.late_share,
        Some(measured.most_in_flight.median as f64),
    ]
}

fn none() -> String {
    NONE.to_owned()
}

fn per_second(rate: f64) -> String {
    format!("{}/s", three_digits(rate))
}

/// What stands beside the table.
pub(crate) fn heading(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let asked = comparison.rate.iter().map(|rate| {
        let random = if rate.poisson { ", at random times (Poisson)" } else { "" };
        let asked = per_second(rate.per_second);
        ("open loop", format!("{asked} asked for{random}; latency counts from when each request was due"))
    });
    asked.collect()
}

/// That the rate is more than shapes can reach, where it is.
pub(crate) fn beyond_reach(comparison: &Comparison) -> Option<String> {
    let reach =
        comparison.contenders.iter().filter_map(|row| Some((row.name.as_str(), row.reach_per_second?)));
    comparison.rate.as_ref()?.beyond_reach(reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::tables::{markdown, terminal};

    const SHOWN: [&str; 8] = ["p50", "p90", "p99", "p99.9", "max", "achieved", "late", "most in"];

    #[test]
    fn latency_since_due_and_the_schedule_are_in_every_face() {
        let (record, comparison) =
            (example::open_loop_record(), Comparison::of(&example::open_loop_record()));
        let screen = terminal::Screen { width: 100, colours: false };
        let faces = [
            terminal::render(&comparison, screen),
            markdown::render(&comparison),
            crate::page::render(&record, &comparison),
        ];
        for face in faces {
            for title in SHOWN {
                assert!(face.contains(title), "{title}: {face}");
            }
            // Of 1,000 requests of each of five runs of threads:32, 20 and four times 25 started late.
            assert!(face.contains("2.40 %") && face.contains("399/s"), "{face}");
            assert!(!face.contains("speed-up") || face.contains("<html"), "{face}");
        }
        let closed = markdown::render(&Comparison::of(&example::record()));
        assert!(!closed.contains("p99.9"), "{closed}");
    }

    #[test]
    fn a_rate_beyond_reach_is_said_and_nothing_claims_that_it_decides() {
        let mut record = example::open_loop_record();
        let said = |record: &crate::record::Record| {
            let comparison = Comparison::of(record);
            let screen = terminal::Screen { width: 1_000, colours: false };
            [
                terminal::render(&comparison, screen).replace('\n', " "),
                markdown::render(&comparison),
                crate::page::render(record, &comparison),
            ]
        };
        record.header.rate.as_mut().unwrap().per_second = 1.0;
        assert!(said(&record).iter().all(|face| !face.contains("can reach")));
        record.header.rate.as_mut().unwrap().per_second = 400.0;
        for face in said(&record) {
            let plain: String = face.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(plain.contains("400/s is more than the shape of sync:1"), "{plain}");
            assert!(!plain.contains("rate decides the wall"), "{plain}");
        }
    }
}
