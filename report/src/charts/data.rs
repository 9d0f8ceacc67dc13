//! The figures of a chart as a table.

use crate::numbers::{count, duration};
use crate::tables::data::{Cell, Data};

/// A column's title, its key and whether it is numeric; and its cell in one row.
pub(super) type Field = (&'static str, &'static str, bool, Cell);

/// A row for each of `items`, of which there is at least one.
pub(super) fn table<T>(items: impl IntoIterator<Item = T>, fields: impl Fn(T) -> Vec<Field>) -> Data {
    let rows: Vec<Vec<Field>> = items.into_iter().map(fields).collect();
    let columns = rows.first().into_iter().flatten();
    let columns: Vec<_> = columns.map(|(title, key, numeric, _)| (*title, *key, *numeric)).collect();
    let mut data = Data::new(&columns);
    data.rows.extend(rows.into_iter().map(|fields| fields.into_iter().map(|field| field.3).collect()));
    data
}

/// A text; the title of its column is the key too.
pub(super) fn words(title: &'static str, text: &str) -> Field {
    (title, title, false, Cell::text(text))
}

/// A number and the text that shows it, where it was measured.
pub(super) fn figure(title: &'static str, key: &'static str, shown: Option<(String, f64)>) -> Field {
    (title, key, true, shown.map_or_else(Cell::none, |(text, raw)| Cell::figure(text, raw)))
}

pub(super) fn number(title: &'static str, key: &'static str, number: u64) -> Field {
    figure(title, key, Some((count(number), number as f64)))
}

/// A duration in nanoseconds, where it was measured.
pub(super) fn time(title: &'static str, key: &'static str, ns: Option<u64>) -> Field {
    figure(title, key, ns.map(|ns| (duration(ns), ns as f64)))
}
