//! What others published, line by line, and below each line what was measured here in answer to it.

use super::columns::Column;
use crate::charts::Cell;
use crate::comparison::{Comparison, Measured, PublishedRow, PublishedTable, Row};
use crate::numbers::{as_published, bytes, duration, efficiency, percent};

/// A line of the table: a claim, or a contender of ours that answers it.
pub(crate) struct Line {
    pub approach: String,
    pub shape: String,
    /// In nanoseconds.
    pub wall: Cell,
    /// In nanoseconds.
    pub ideal: Cell,
    pub efficiency: Cell,
    /// In per cent of one core.
    pub cpu: Cell,
    /// In bytes.
    pub memory: Cell,
}

/// The columns of the table.
pub(super) const COLUMNS: [Column<Line>; 7] = [
    Column { gives_way: None, ..column("approach", false, |line| line.approach.clone()) },
    Column { gives_way: Some(2), ..column("shape", false, |line| line.shape.clone()) },
    Column { gives_way: None, ..column("wall", true, |line| line.wall.text.clone()) },
    Column { gives_way: Some(1), ..column("ideal", true, |line| line.ideal.text.clone()) },
    Column { gives_way: None, ..column("efficiency", true, |line| line.efficiency.text.clone()) },
    Column { gives_way: Some(3), ..column("CPU", true, |line| line.cpu.text.clone()) },
    Column { gives_way: Some(4), ..column("memory", true, |line| line.memory.text.clone()) },
];

const fn column(title: &'static str, numeric: bool, cell: fn(&Line) -> String) -> Column<Line> {
    Column { title, numeric, cell, meaning: "", gives_way: None }
}

/// The lines of `table`, each claim with the contenders of `comparison` that answer it.
pub(crate) fn lines(comparison: &Comparison, table: &PublishedTable) -> Vec<Line> {
    let answers = |row: &PublishedRow| {
        let names = row.published.answered_by.clone().into_iter();
        names.filter_map(|name| comparison.contenders.iter().find(|contender| contender.name == name))
    };
    let of_row = |row| [claim(row)].into_iter().chain(answers(row).map(answer));
    table.rows.iter().flat_map(of_row).collect()
}

fn claim(row: &PublishedRow) -> Line {
    let claimed = &row.published;
    Line {
        approach: claimed.approach.clone(),
        shape: claimed.shape.clone(),
        wall: Cell::figure(as_published(&duration(claimed.wall_ns)), claimed.wall_ns as f64),
        ideal: Cell::figure(duration(claimed.floor_ns), claimed.floor_ns as f64),
        // Walls are published with two or three digits: a tenth of a per cent would be made up.
        efficiency: row
            .efficiency
            .map_or_else(Cell::none, |part| Cell::figure(format!("{:.0} %", part * 100.0), part)),
        cpu: Cell::figure(format!("{} %", claimed.cpu_percent), claimed.cpu_percent),
        memory: Cell::figure(as_published(&bytes(claimed.memory_bytes)), claimed.memory_bytes as f64),
    }
}

fn answer(row: &Row) -> Line {
    let figure = |cell: fn(&Measured) -> Cell| row.measured.as_ref().map_or_else(Cell::none, cell);
    Line {
        approach: format!("– here: {}", row.name),
        shape: String::new(),
        wall: figure(|m| Cell::figure(duration(m.wall_ns.median), m.wall_ns.median as f64)),
        ideal: Cell::text(""),
        efficiency: figure(|m| {
            m.efficiency.map_or_else(Cell::none, |part| Cell::figure(efficiency(part.median), part.median))
        }),
        cpu: figure(|m| Cell::figure(percent(m.cpu_percent.median / 100.0), m.cpu_percent.median)),
        memory: figure(|m| {
            Cell::figure(bytes(m.peak_memory_bytes.median), m.peak_memory_bytes.median as f64)
        }),
    }
}

/// What stands above the table.
pub(crate) fn heading(table: &PublishedTable) -> Vec<(&'static str, String)> {
    let answered = table.rows.iter().any(|row| !row.published.answered_by.is_empty());
    let ours = match answered {
        false => format!(
            "ideal and efficiency alone, computed for the shape from {}; the rest was not measured here \
             and cannot be compared with what was",
            table.floors_from
        ),
        true => format!(
            "ideal and efficiency, computed for the shape from {}, and the lines of contenders, which were \
             measured here on those delays, over loopback",
            table.floors_from
        ),
    };
    vec![("published", table.title.clone()), ("source", table.source.clone()), ("ours", ours)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_claim_stands_above_those_who_answer_it() {
        let mut record = example::record();
        record.header.references[0].rows[2].answered_by = vec!["tokio:128".to_owned(), "no:1".to_owned()];
        let comparison = Comparison::of(&record);
        let table = &comparison.references[0];
        let lines = lines(&comparison, table);
        assert_eq!(lines.len(), table.rows.len() + 1);
        assert_eq!(lines[2].wall.text, "9.1 s");
        assert_eq!(lines[3].approach, "– here: tokio:128");
        let row = comparison.contenders.iter().find(|row| row.name == "tokio:128").unwrap();
        assert_eq!(lines[3].wall.text, duration(row.measured.as_ref().unwrap().wall_ns.median));
        assert!(heading(table)[2].1.contains("measured here on those delays"));
    }
}
