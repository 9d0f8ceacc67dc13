//! What a request in flight takes, of contenders that were run with several numbers in flight.

use super::data::{Cell, Column, Data};
use crate::comparison::{Comparison, Interval, MemorySlope};
use crate::numbers::{count, signed_bytes};
use crate::record::MemoryMethod;

/// A row for each sweep.
pub(crate) fn table(comparison: &Comparison) -> Data {
    Data {
        columns: vec![
            Column::text("contender", "contender"),
            Column { gives_way: Some(2), ..Column::number("in flight", "least_in_flight most_in_flight") },
            Column::number("memory per\nin flight", "memory_per_in_flight_bytes"),
            Column::number("interval", "memory_per_in_flight_low_bytes memory_per_in_flight_high_bytes"),
            Column { gives_way: Some(1), ..Column::number("rounds", "rounds") },
        ],
        rows: comparison.memory_slopes.iter().map(row).collect(),
    }
}

fn row(slope: &MemorySlope) -> Vec<Cell> {
    let spread = slope.memory_per_in_flight_bytes;
    let (least, most) = (slope.least_in_flight, slope.most_in_flight);
    vec![
        Cell::text(&slope.name),
        Cell::interval(format!("{}–{}", count(least), count(most)), least as f64, most as f64),
        Cell::figure(signed_bytes(spread.median), spread.median),
        interval(slope),
        Cell::figure(slope.rounds.to_string(), f64::from(slope.rounds)),
    ]
}

fn interval(slope: &MemorySlope) -> Cell {
    let spread = slope.memory_per_in_flight_bytes;
    let range = format!("{} to {}", signed_bytes(spread.low), signed_bytes(spread.high));
    let text = match (slope.rounds, slope.interval) {
        (1, _) => return Cell::text("1 round"),
        (_, Interval::MinMax) => format!("min–max {range}"),
        (_, Interval::OrderStatistic) => range,
    };
    Cell::interval(text, spread.low, spread.high)
}

/// What stands above the table.
pub(crate) fn heading(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let slopes = &comparison.memory_slopes;
    let weakest = slopes.iter().map(|slope| slope.peak_memory_method).max();
    let caveat = match weakest {
        None | Some(MemoryMethod::HighWaterMark) => "",
        Some(MemoryMethod::HighWaterMarkSinceStart) => {
            "; peaks marked ≤ above hide growth below what setting up took"
        }
        Some(MemoryMethod::SampledTree) => {
            "; where peaks are marked ≥ above it is between lower bounds, and itself no bound"
        }
    };
    vec![(
        "memory",
        format!(
            "per request in flight: the slope of peak memory between numbers in flight, by least squares within \
             each round; the median of the rounds with its 95 % interval, or min–max below six rounds{caveat}"
        ),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Named;
    use crate::example::{self, rendered};
    use crate::exports::csv;
    use crate::record::Record;

    fn csv_of(record: &Record) -> String {
        csv::render(&[Named { record: "a".to_owned(), comparison: Comparison::of(record) }])
    }

    #[test]
    fn every_renderer_shows_a_slope_with_its_interval() {
        let record = example::record_of_sweep(3, |round, in_flight| u64::from(round) * 1_000 * in_flight);
        for text in rendered(&record) {
            assert!(text.contains("2.00 kB") && text.contains("min–max 1.00 kB to 3.00 kB"), "{text}");
        }
        for part in [",memory_per_in_flight_bytes_median,", ",2000,1000,3000,min-max,0.75,3"] {
            assert!(csv_of(&record).contains(part), "{}", csv_of(&record));
        }
    }

    #[test]
    fn no_renderer_has_such_a_column_without_two_numbers_in_flight() {
        let record = example::record();
        for text in rendered(&record).into_iter().chain([csv_of(&record)]) {
            assert!(!text.contains("per in flight") && !text.contains("per_in_flight"), "{text}");
        }
    }

    #[test]
    fn a_slope_may_lie_below_zero() {
        let record = example::record_of_sweep(1, |_, in_flight| 9_000_000 - 12 * in_flight);
        let shown = row(&Comparison::of(&record).memory_slopes[0]);
        let texts: Vec<&str> = shown.iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(texts, ["threads", "100–1,000", "-12 B", "1 round", "1"]);
    }
}
