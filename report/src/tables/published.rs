//! What others published, line by line, and below each line what was measured here in answer to it.

use super::data::{Cell, Column, Data};
use crate::comparison::{Comparison, PublishedRow, PublishedTable, Row};
use crate::figures::Figure;
use crate::numbers::{as_published, bytes, duration};

/// A row for each claim, with rows of the contenders of `comparison` that answer it.
pub(crate) fn table(comparison: &Comparison, published: &PublishedTable) -> Data {
    let answers = |row: &PublishedRow| {
        let names = row.published.answered_by.clone().into_iter();
        names.filter_map(|name| comparison.contenders.iter().find(|contender| contender.name == name))
    };
    let of_row = |row| [claim(row)].into_iter().chain(answers(row).map(move |row| answer(comparison, row)));
    Data {
        columns: vec![
            Column::text("approach", "approach"),
            Column { gives_way: Some(2), ..Column::text("concurrency", "concurrency") },
            Column::number("wall", "wall_ns"),
            Column { gives_way: Some(1), ..Column::number("ideal", "ideal_ns") },
            Column::number("efficiency", "efficiency"),
            Column { gives_way: Some(3), ..Column::number("CPU", "cpu_percent") },
            Column { gives_way: Some(4), ..Column::number("memory", "memory_bytes") },
        ],
        rows: published.rows.iter().flat_map(of_row).collect(),
    }
}

fn claim(row: &PublishedRow) -> Vec<Cell> {
    let claimed = &row.published;
    vec![
        Cell::text(&claimed.approach),
        Cell::text(&claimed.shape),
        Cell::figure(as_published(&duration(claimed.wall_ns)), claimed.wall_ns as f64),
        Cell::figure(duration(claimed.ideal_ns), claimed.ideal_ns as f64),
        // Walls are published with two or three digits: a tenth of a per cent would be made up.
        row.efficiency.map_or_else(Cell::none, |part| Cell::figure(format!("{:.0} %", part * 100.0), part)),
        Cell::figure(format!("{} %", claimed.cpu_percent), claimed.cpu_percent),
        Cell::figure(as_published(&bytes(claimed.memory_bytes)), claimed.memory_bytes as f64),
    ]
}

fn answer(comparison: &Comparison, row: &Row) -> Vec<Cell> {
    let cell = |key: &str| {
        let figure = Figure::by_key(key).expect("the table of figures has it");
        let value = figure.value(comparison, row);
        value.map_or_else(Cell::none, |value| Cell::figure(figure.unit.text(value), value))
    };
    vec![
        Cell::text(format!("– here: {}", row.name)),
        Cell::text(""),
        cell("wall_ns"),
        Cell::text(""),
        cell("efficiency"),
        cell("cpu_percent"),
        cell("peak_memory_bytes"),
    ]
}

/// What stands above the table.
pub(crate) fn heading(table: &PublishedTable) -> Vec<(&'static str, String)> {
    let answered = table.rows.iter().any(|row| !row.published.answered_by.is_empty());
    let ours = match answered {
        false => format!(
            "ideal and efficiency alone, computed for the concurrency from {}; the rest was not measured here \
             and cannot be compared with what was",
            table.ideals_from
        ),
        true => format!(
            "ideal and efficiency, computed for the concurrency from {}, and the lines of contenders, which were \
             measured here on those delays, over loopback",
            table.ideals_from
        ),
    };
    vec![("published", table.title.clone()), ("source", table.source.clone()), ("ours", ours)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_claim_stands_above_its_answers() {
        let mut record = example::record();
        record.header.references[0].rows[2].answered_by = vec!["tokio:128".to_owned(), "no:1".to_owned()];
        let comparison = Comparison::of(&record);
        let published = &comparison.references[0];
        let rows = table(&comparison, published).rows;
        assert_eq!(rows.len(), published.rows.len() + 1);
        assert_eq!(rows[2][2].text, "9.1 s");
        assert_eq!(rows[3][0].text, "– here: tokio:128");
        let row = comparison.contenders.iter().find(|row| row.name == "tokio:128").unwrap();
        assert_eq!(rows[3][2].text, duration(row.measured.as_ref().unwrap().wall_ns.median));
        assert!(heading(published)[2].1.contains("measured here on those delays"));
    }
}
