//! What others published, line by line, and below each line what was measured here in answer to it.

use super::columns::Column;
use crate::comparison::{Comparison, Measured, PublishedRow, PublishedTable, Row};
use crate::numbers::{NONE, as_published, bytes, duration, efficiency, percent};

/// A line of the table: a claim, or a contender of ours that answers it.
pub(super) struct Line {
    approach: String,
    shape: String,
    wall: String,
    floor: String,
    efficiency: String,
    cpu: String,
    memory: String,
}

/// The columns of the table.
pub(super) const COLUMNS: [Column<Line>; 7] = [
    Column { gives_way: None, ..column("approach", false, |line| line.approach.clone()) },
    Column { gives_way: Some(2), ..column("shape", false, |line| line.shape.clone()) },
    Column { gives_way: None, ..column("wall", true, |line| line.wall.clone()) },
    Column { gives_way: Some(1), ..column("floor", true, |line| line.floor.clone()) },
    Column { gives_way: None, ..column("efficiency", true, |line| line.efficiency.clone()) },
    Column { gives_way: Some(3), ..column("CPU", true, |line| line.cpu.clone()) },
    Column { gives_way: Some(4), ..column("memory", true, |line| line.memory.clone()) },
];

const fn column(title: &'static str, numeric: bool, cell: fn(&Line) -> String) -> Column<Line> {
    Column { title, numeric, cell, meaning: "", gives_way: None }
}

/// The lines of `table`, each claim with the contenders of `comparison` that answer it.
pub(super) fn lines(comparison: &Comparison, table: &PublishedTable) -> Vec<Line> {
    let answers = |row: &PublishedRow| {
        let names = row.published.answered_by.clone().into_iter();
        names.filter_map(|name| comparison.contenders.iter().find(|contender| contender.name == name))
    };
    let of_row = |row| [claim(row)].into_iter().chain(answers(row).map(answer));
    table.rows.iter().flat_map(of_row).collect()
}

fn claim(row: &PublishedRow) -> Line {
    Line {
        approach: row.published.approach.clone(),
        shape: row.published.shape.clone(),
        wall: as_published(&duration(row.published.wall_ns)),
        floor: duration(row.published.floor_ns),
        // Walls are published with two or three digits: a tenth of a per cent would be made up.
        efficiency: format!("{:.0} %", row.efficiency * 100.0),
        cpu: format!("{} %", row.published.cpu_percent),
        memory: as_published(&bytes(row.published.memory_bytes)),
    }
}

fn answer(row: &Row) -> Line {
    let figure = |shown: fn(&Measured) -> String| row.measured.as_ref().map_or(NONE.to_owned(), shown);
    Line {
        approach: format!("– here: {}", row.name),
        shape: String::new(),
        wall: figure(|measured| duration(measured.wall_ns.median)),
        floor: String::new(),
        efficiency: figure(|measured| efficiency(measured.efficiency.median)),
        cpu: figure(|measured| percent(measured.cpu_percent.median / 100.0)),
        memory: figure(|measured| bytes(measured.peak_memory_bytes.median)),
    }
}

/// What stands above the table.
pub(super) fn heading(table: &PublishedTable) -> Vec<(&'static str, String)> {
    let answered = table.rows.iter().any(|row| !row.published.answered_by.is_empty());
    let ours = match answered {
        false => format!(
            "floor and efficiency alone, computed for the shape from {}; the rest was not measured here \
             and cannot be compared with what was",
            table.floors_from
        ),
        true => format!(
            "floor and efficiency, computed for the shape from {}, and the lines of contenders, which were \
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
        assert_eq!(lines[2].wall, "9.1 s");
        assert_eq!(lines[3].approach, "– here: tokio:128");
        let row = comparison.contenders.iter().find(|row| row.name == "tokio:128").unwrap();
        assert_eq!(lines[3].wall, duration(row.measured.as_ref().unwrap().wall_ns.median));
        assert!(heading(table)[2].1.contains("measured here on those delays"));
    }
}
