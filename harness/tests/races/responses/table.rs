//! The table of outcomes: a row for each response, a column for each client.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::Response;

const SEPARATOR: &str = " | ";

/// Cells by client and row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) clients: Vec<String>,
    cells: BTreeMap<(String, String), String>,
}

impl Table {
    /// The table in the repository.
    pub(super) fn committed() -> Table {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/races/responses/table.txt"));
        let text = text.unwrap();
        let mut lines = text.lines().map(|line| line.split(SEPARATOR).map(str::trim));
        let clients: Vec<String> = lines.next().unwrap().skip(1).map(str::to_owned).collect();
        let mut cells = BTreeMap::new();
        for mut line in lines {
            let row = line.next().unwrap();
            for (client, cell) in clients.iter().zip(line) {
                let before = cells.insert((client.clone(), row.to_owned()), cell.to_owned());
                assert_eq!(before, None, "{row} twice");
            }
        }
        Table { clients, cells }
    }

    pub(super) fn rows(&self) -> usize {
        self.cells.len() / self.clients.len()
    }

    pub(super) fn cell(&self, client: &str, row: &str) -> &str {
        self.cells.get(&(client.to_owned(), row.to_owned())).map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, client: &str, row: &str, cell: String) {
        if !self.clients.iter().any(|known| known == client) {
            self.clients.push(client.to_owned());
        }
        self.cells.insert((client.to_owned(), row.to_owned()), cell);
    }

    /// Writes the table to a file in the build directory. Returns its path.
    pub(super) fn write(&self, name: &str, responses: &[Response]) -> PathBuf {
        let rows = responses.iter().map(|response| {
            let cells = self.clients.iter().map(|client| self.cell(client, &response.name).to_owned());
            [response.name.clone()].into_iter().chain(cells).collect::<Vec<_>>()
        });
        let header = [&["response".to_owned()], &self.clients[..]].concat();
        let rows: Vec<Vec<String>> = [header].into_iter().chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join(SEPARATOR).trim_end().to_owned() + "\n"
        };
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&file, rows.iter().map(line).collect::<String>()).unwrap();
        file
    }
}
