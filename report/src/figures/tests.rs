use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::comparison::Named;
use crate::example;
use crate::exports::json;
use crate::gate::GateFigure;

/// Every key of an object anywhere in `json`.
fn keys(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn keys_are_unique_and_end_in_their_unit() {
    let known: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.key).collect();
    assert_eq!(known.len(), FIGURES.len());
    for figure in FIGURES {
        let end = match figure.unit {
            Unit::Nanoseconds => "_ns",
            Unit::Microseconds => "_us_per_request",
            Unit::Bytes => "_bytes",
            Unit::Percent => "_percent",
            Unit::PerSecond => "_per_second",
            Unit::Fraction | Unit::Efficiency | Unit::Times | Unit::Count => "",
        };
        assert!(figure.key.ends_with(end), "{}", figure.key);
        assert!(!figure.heading.is_empty() && !figure.meaning.is_empty(), "{}", figure.key);
    }
}

#[test]
fn columns_of_a_table_have_places_of_their_own() {
    for table in [Table::Native, Table::Common, Table::BriefNative, Table::BriefCommon, Table::OpenLoop] {
        let places: Vec<u8> =
            Figure::of_table(table).iter().map(|figure| figure.column.unwrap().place).collect();
        assert!(places.len() > 3 && places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
    }
}

#[test]
fn json_has_the_figures_of_csv_and_of_runs() {
    let record = example::record();
    let named = Named { record: "a".to_owned(), comparison: Comparison::of(&record) };
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(&json::render(&[named])).unwrap(), &mut found);
    // The points of a distribution are keys below its own.
    let points = ["_p50", "_p90", "_p99", "_max"];
    let name =
        |title: &'static str| points.iter().find_map(|point| title.strip_suffix(*point)).unwrap_or(title);
    for figure in FIGURES {
        let name = match (figure.csv, figure.reading) {
            (Some("cpu_over_base"), _) => "cost",
            (Some(title), _) => name(title),
            (None, Reading::Run(_)) => figure.key,
            (None, _) => continue,
        };
        assert!(found.contains(name), "{name}");
    }
}

#[test]
fn the_gate_judges_the_figures_that_have_a_rule() {
    let rules: BTreeSet<&str> =
        FIGURES.iter().filter_map(|figure| figure.gate).map(|rule| rule.name).collect();
    let own = GateFigure::ALL.into_iter().filter(|figure| !figure.is_of_target());
    let judged: BTreeSet<&str> = own.map(GateFigure::name).collect();
    assert_eq!(judged, rules);
}

#[test]
fn units_are_written_with_three_digits() {
    let cases = [
        (Unit::Nanoseconds, 26_300_000.0, "26.3 ms"),
        (Unit::Nanoseconds, -12_340.0, "-12.3 µs"),
        (Unit::Microseconds, 98.4784, "98.5 µs"),
        (Unit::Bytes, 21_490_000.0, "21.5 MB"),
        (Unit::Percent, 42.46, "42.5 %"),
        (Unit::Fraction, 0.024, "2.40 %"),
        (Unit::Efficiency, 0.9997, "> 99.9 %"),
        (Unit::Times, 25.44, "25.4×"),
        (Unit::Count, 1_000.0, "1,000"),
        (Unit::PerSecond, 399.0, "399/s"),
    ];
    for (unit, value, text) in cases {
        assert_eq!(unit.text(value), text);
    }
}
