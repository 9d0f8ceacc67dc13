//! What a request in flight takes, of contenders that raced with several numbers in flight.

use super::columns::Column;
use crate::comparison::{Comparison, Interval, MemorySlope};
use crate::numbers::{count, signed_bytes};
use crate::record::MemoryMethod;

/// The columns of the table.
pub(crate) const SLOPES: [&Column<MemorySlope>; 5] =
    [&CONTENDER, &IN_FLIGHT, &MEMORY_PER_IN_FLIGHT, &INTERVAL, &ROUNDS];

const CONTENDER: Column<MemorySlope> = Column {
    title: "contender",
    numeric: false,
    cell: |slope| slope.name.clone(),
    meaning: "",
    gives_way: None,
};

const IN_FLIGHT: Column<MemorySlope> = Column {
    title: "in flight",
    numeric: true,
    cell: |slope| format!("{}–{}", count(slope.least_in_flight), count(slope.most_in_flight)),
    meaning: "",
    gives_way: Some(2),
};

const MEMORY_PER_IN_FLIGHT: Column<MemorySlope> = Column {
    title: "memory per\nin flight",
    numeric: true,
    cell: |slope| signed_bytes(slope.memory_per_in_flight_bytes.median),
    meaning: "the slope of peak memory between numbers in flight, the median of the rounds; 1 kB is 10³ bytes",
    gives_way: None,
};

const INTERVAL: Column<MemorySlope> = Column {
    title: "interval",
    numeric: true,
    cell: |slope| {
        let spread = slope.memory_per_in_flight_bytes;
        let range = format!("{} to {}", signed_bytes(spread.low), signed_bytes(spread.high));
        match (slope.rounds, slope.interval) {
            (1, _) => "1 round".to_owned(),
            (_, Interval::MinMax) => format!("min–max {range}"),
            (_, Interval::OrderStatistic) => range,
        }
    },
    meaning: "",
    gives_way: None,
};

const ROUNDS: Column<MemorySlope> = Column {
    title: "rounds",
    numeric: true,
    cell: |slope| slope.rounds.to_string(),
    meaning: "",
    gives_way: Some(1),
};

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
    use crate::exports::csv;
    use crate::record::Record;
    use crate::tables::{markdown, terminal};
    use crate::{example, page};

    fn faces(record: &Record) -> [String; 4] {
        let comparison = Comparison::of(record);
        let screen = terminal::Screen { width: 120, colours: false };
        [
            terminal::render(&comparison, screen),
            markdown::render(&comparison),
            page::render(record, &comparison),
            csv::render(&[Named { record: "a".to_owned(), comparison }]),
        ]
    }

    #[test]
    fn every_face_shows_a_slope_with_its_interval() {
        let record = example::record_of_sweep(3, |round, in_flight| u64::from(round) * 1_000 * in_flight);
        let [terminal, markdown, page, csv] = faces(&record);
        for face in [terminal, markdown, page] {
            assert!(face.contains("2.00 kB") && face.contains("min–max 1.00 kB to 3.00 kB"), "{face}");
        }
        assert!(
            csv.contains(",memory_per_in_flight_bytes_median,")
                && csv.contains(",2000,1000,3000,min-max,0.75,3"),
            "{csv}"
        );
    }

    #[test]
    fn no_face_has_such_a_column_without_two_numbers_in_flight() {
        for face in faces(&example::record()) {
            assert!(!face.contains("per in flight") && !face.contains("per_in_flight"), "{face}");
        }
    }

    #[test]
    fn a_slope_may_lie_below_zero() {
        let record = example::record_of_sweep(1, |_, in_flight| 9_000_000 - 12 * in_flight);
        let shown = &Comparison::of(&record).memory_slopes[0];
        assert_eq!(
            SLOPES.map(|column| (column.cell)(shown)),
            ["threads", "100–1,000", "-12 B", "1 round", "1"]
        );
    }
}
