//! The table of contenders: a row each, with the columns that [`FIGURES`](crate::figures::FIGURES) says.

use super::data::{Cell, Column, Data};
use crate::comparison::{Comparison, Interval, Row};
use crate::figures::{Figure, Table};
use crate::numbers::duration_range;

/// The columns of `table` that have something to show of `rows`.
pub(crate) fn table(comparison: &Comparison, rows: &[&Row], table: Table) -> Data {
    let mut data =
        Data { columns: vec![CONTENDER], rows: rows.iter().map(|row| vec![Cell::text(&row.name)]).collect() };
    let is_brief = matches!(table, Table::BriefNative | Table::BriefCommon);
    for figure in Figure::of_table(table) {
        data.push(column(figure), rows.iter().map(|row| cell(figure, comparison, row)));
        if figure.key == "wall_ns" && !is_brief {
            data.push(WALL_INTERVAL, rows.iter().map(|row| wall_interval(row)));
        }
    }
    if table == Table::OpenLoop {
        return data;
    }
    let verdicts = rows.iter().map(|row| {
        let verdict = verdict(row);
        let text = if is_brief { verdict.trim_end_matches(" valid") } else { &verdict };
        Cell::figure(text, f64::from(row.valid_runs))
    });
    data.push(if is_brief { VALID } else { VERDICT }, verdicts);
    let measured: Vec<bool> = rows.iter().map(|row| row.measured.is_some()).collect();
    data.without_empty_columns(&measured)
}

fn column(figure: &'static Figure) -> Column {
    Column {
        meaning: figure.meaning,
        gives_way: figure.column.and_then(|column| column.gives_way),
        ..Column::number(figure.heading, figure.key)
    }
}

fn cell(figure: &Figure, comparison: &Comparison, row: &Row) -> Cell {
    let text = figure.text(comparison, row);
    text.zip(figure.value(comparison, row)).map_or_else(Cell::none, |(text, value)| Cell::figure(text, value))
}

const CONTENDER: Column = Column {
    meaning: "model:in flight, or model:processes x in flight in each",
    ..Column::text("contender", "contender")
};

const WALL_INTERVAL: Column = Column {
    meaning: "95 % confidence interval of the median, by order statistics; min–max below six runs",
    gives_way: Some(10),
    ..Column::number("wall\ninterval", "wall_low_ns wall_high_ns")
};

const VERDICT: Column = Column {
    meaning: "valid runs / rounds asked for; in a valid run every URL was served once, received \
              once, and its body verified",
    ..Column::text("verdict", "valid_runs")
};

const VALID: Column = Column { title: "valid", ..VERDICT };

fn wall_interval(row: &Row) -> Cell {
    let Some(measured) = &row.measured else { return Cell::none() };
    let (low, high) = (measured.wall_ns.low, measured.wall_ns.high);
    let kind = match (row.valid_runs, row.interval) {
        (1, _) => return Cell::text("1 run"),
        (_, Interval::OrderStatistic) => "",
        (_, Interval::MinMax) => "min–max ",
    };
    Cell::interval(format!("{kind}{}", duration_range(low, high)), low as f64, high as f64)
}

/// `5/5 valid` where all is well, else what is not: `4/5, 1 invalid`, `2/5, 3 not run`.
fn verdict(row: &Row) -> String {
    let mut verdict = format!("{}/{}", row.valid_runs, row.rounds);
    if row.invalid_runs > 0 {
        verdict += &format!(", {} invalid", row.invalid_runs);
    }
    if row.missing_runs() > 0 {
        verdict += &format!(", {} not run", row.missing_runs());
    }
    if row.valid_runs == row.rounds { verdict + " valid" } else { verdict }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn titles(record: &crate::record::Record, table: Table) -> Vec<String> {
        let comparison = Comparison::of(record);
        let data = super::table(&comparison, &comparison.deployed(), table);
        assert!(data.rows.iter().all(|row| row.len() == data.columns.len()));
        data.columns.iter().map(Column::title_in_one_line).collect()
    }

    #[test]
    fn a_brief_table_has_the_columns_that_most_readers_ask_for() {
        assert_eq!(
            titles(&example::record(), Table::BriefNative),
            ["contender", "wall", "ideal", "efficiency", "CPU per request", "peak memory", "valid"]
        );
    }

    #[test]
    fn columns_that_a_workload_does_not_have_are_left_out() {
        let all = titles(&example::record(), Table::Native);
        assert_eq!(all.len(), 16);
        let without_delays = titles(&example::record_without_delays(), Table::Native);
        let left_out: Vec<&String> = all.iter().filter(|title| !without_delays.contains(title)).collect();
        assert_eq!(left_out, ["ideal", "efficiency"]);
    }
}
