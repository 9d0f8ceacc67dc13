//! A table before it is rendered: texts for readers, and the numbers behind them for sorting and CSV.

use crate::numbers::NONE;

/// A table: every row has a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column, named for readers and, with its unit, for programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    /// A newline where a narrow table may break it.
    pub title: &'static str,
    /// Its name in CSV, which ends in the unit. An interval has two with a space between: of either end.
    pub key: &'static str,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// One sentence for a reader who meets it first; empty where the text around the table explains it.
    pub meaning: &'static str,
    /// Where there is no room, the column with the lowest rank gives way first; `None` stays.
    pub gives_way: Option<u8>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub text: String,
    /// The numbers in the unit of the column's key, one for each of its names; none in a column of texts, and
    /// where nothing was measured.
    pub raw: Vec<f64>,
}

impl Data {
    /// An empty table of columns that always stay: title, key, and whether it is numeric.
    pub(crate) fn new(columns: &[(&'static str, &'static str, bool)]) -> Data {
        let columns = columns.iter().map(|&(title, key, numeric)| match numeric {
            true => Column::number(title, key),
            false => Column::text(title, key),
        });
        Data { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a column at the right, with a cell for each row.
    pub(super) fn push(&mut self, column: Column, cells: impl IntoIterator<Item = Cell>) {
        self.insert(self.columns.len(), column, cells);
    }

    /// Adds a column at this place, with a cell for each row.
    pub(super) fn insert(&mut self, place: usize, column: Column, cells: impl IntoIterator<Item = Cell>) {
        self.columns.insert(place, column);
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.insert(place, cell);
        }
    }

    /// Without the columns in which every row that is `measured` has no value. Where no row is measured all stay.
    pub(super) fn without_empty_columns(mut self, measured: &[bool]) -> Data {
        if !measured.contains(&true) {
            return self;
        }
        let is_filled = |place: usize| {
            self.rows.iter().zip(measured).any(|(row, measured)| *measured && row[place].text != NONE)
        };
        let filled: Vec<bool> = (0..self.columns.len()).map(is_filled).collect();
        keep(&mut self.columns, &filled);
        self.rows.iter_mut().for_each(|row| keep(row, &filled));
        self
    }
}

/// Leaves of `values` those at whose place `kept` is true.
fn keep<T>(values: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    values.retain(|_| kept.next() == Some(&true));
}

impl Column {
    /// A column of texts.
    pub(super) const fn text(title: &'static str, key: &'static str) -> Column {
        Column { title, key, numeric: false, meaning: "", gives_way: None }
    }

    /// A column of numbers.
    pub(super) const fn number(title: &'static str, key: &'static str) -> Column {
        Column { numeric: true, ..Column::text(title, key) }
    }

    /// The title without its line breaks.
    pub(crate) fn title_in_one_line(&self) -> String {
        self.title.replace('\n', " ")
    }

    /// The title with so many empty lines above it that the last lines of all titles stand side by side.
    pub(super) fn title_at_the_bottom(&self, all: &[&Column]) -> String {
        let lines = |column: &Column| column.title.lines().count();
        let most = all.iter().map(|column| lines(column)).max().unwrap_or(0);
        "\n".repeat(most.saturating_sub(lines(self))) + self.title
    }
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), raw: Vec::new() }
    }

    /// A number and the text that shows it.
    pub(crate) fn figure(text: impl Into<String>, raw: f64) -> Cell {
        Cell { text: text.into(), raw: vec![raw] }
    }

    /// An interval from one number to another.
    pub(crate) fn interval(text: impl Into<String>, low: f64, high: f64) -> Cell {
        Cell { text: text.into(), raw: vec![low, high] }
    }

    /// The cell of what was not measured.
    pub(crate) fn none() -> Cell {
        Cell::text(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_a_value_are_left_out_unless_nothing_was_measured() {
        let mut data = Data::new(&[("contender", "contender", false), ("ramp", "ramp_ns", true)]);
        data.rows = vec![vec![Cell::text("a:1"), Cell::none()], vec![Cell::text("b:1"), Cell::none()]];
        let columns = |data: Data, measured| data.without_empty_columns(measured).columns.len();
        assert_eq!(columns(data.clone(), &[false, false]), 2);
        assert_eq!(columns(data.clone(), &[true, false]), 1);
        data.rows[1][1] = Cell::figure("9 ms", 9e6);
        assert_eq!(columns(data.clone(), &[true, false]), 1, "only what was measured counts");
        assert_eq!(columns(data, &[true, true]), 2);
    }
}
