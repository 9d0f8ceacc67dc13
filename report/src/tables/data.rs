//! The figures behind a chart or a table: as text for eyes, and raw for sorting and CSV.

/// A table: every row has a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column, named for readers and, with its unit, for programs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub title: &'static str,
    /// Its name in CSV, which ends in the unit. An interval has two with a space between: of either end.
    pub key: &'static str,
    /// Numbers stand to the right.
    pub numeric: bool,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub text: String,
    /// The figures in the unit of the column's key, one for each of its names; none in a column of texts, and
    /// where nothing was measured.
    pub raw: Vec<f64>,
}

impl Data {
    pub(crate) fn new(columns: &[(&'static str, &'static str, bool)]) -> Data {
        let columns = columns.iter().map(|&(title, key, numeric)| Column { title, key, numeric }).collect();
        Data { columns, rows: Vec::new() }
    }
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), raw: Vec::new() }
    }

    pub(crate) fn figure(text: impl Into<String>, raw: f64) -> Cell {
        Cell { text: text.into(), raw: vec![raw] }
    }

    /// An interval from one figure to another.
    pub(crate) fn interval(text: impl Into<String>, low: f64, high: f64) -> Cell {
        Cell { text: text.into(), raw: vec![low, high] }
    }

    /// The cell of what was not measured.
    pub(crate) fn none() -> Cell {
        Cell::text(crate::numbers::NONE)
    }
}
