//! A line a contender, as RFC 4180 has it, for a spreadsheet or a data frame. Every figure has its unit in
//! its name, the median and the ends of its interval: the median's confidence interval by order statistics, or the
//! least and the most (`interval` says which). What was not measured is empty.

use std::fmt::Display;

use ::csv::{Terminator, WriterBuilder};

use crate::comparison::{Comparison, Interval, MemorySlope, Named, Row, Spread};
use crate::figures::{FIGURES, Figure};
use crate::printable::printable;

/// Renders every contender of `records` below a line of titles.
pub fn render(records: &[Named]) -> String {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let has_slopes = records.iter().any(|named| !named.comparison.memory_slopes.is_empty());
    let lines = records.iter().flat_map(|named| {
        let Named { record, comparison } = named;
        comparison.contenders.iter().map(move |row| {
            let mut line = Line::of(record, comparison, row);
            if has_slopes {
                line.add_slope(
                    comparison.memory_slopes.iter().find(|slope| slope.contenders.contains(&row.name)),
                );
            }
            line
        })
    });
    for (number, line) in lines.enumerate() {
        if number == 0 {
            table.write_record(&line.titles).expect("memory takes every byte");
        }
        table.write_record(&line.cells).expect("every line has the same cells");
    }
    let bytes = table.into_inner().expect("memory takes every byte");
    String::from_utf8(bytes).expect("it was made of text")
}

/// What `low` and `high` are, in the words of JSON.
fn meaning(interval: Interval) -> &'static str {
    match interval {
        Interval::MinMax => "min-max",
        Interval::OrderStatistic => "order-statistic",
    }
}

/// The cells of a contender, each beside its title.
#[derive(Default)]
struct Line {
    titles: Vec<String>,
    cells: Vec<String>,
}

impl Line {
    fn of(record: &str, comparison: &Comparison, row: &Row) -> Line {
        let mut line = Line::default();
        line.add("record", record);
        line.add("started_at", &comparison.started_at);
        line.add("inflight_version", &comparison.inflight_version);
        line.add("cpu_model", &comparison.machine.cpu_model);
        line.add("cores", comparison.machine.cores);
        line.add("preset", comparison.scenario.preset.as_deref().unwrap_or_default());
        line.add("urls", comparison.scenario.urls);
        line.add("latency", &comparison.scenario.latency);
        line.add("body_bytes", comparison.scenario.body_bytes);
        line.add("seed", comparison.scenario.seed);
        line.add_optional("rate_per_second", comparison.rate.as_ref().map(|rate| rate.per_second));
        line.add("contender", &row.name);
        line.add("model", &row.model);
        line.add("client", &row.client);
        line.add("processes", row.processes);
        line.add("in_flight", row.in_flight);
        line.add("rounds", row.rounds);
        line.add("valid_runs", row.valid_runs);
        line.add("invalid_runs", row.invalid_runs);
        line.add("target_limited_runs", row.target_limited_runs);
        // What the interval is stands before the first figure that has one.
        let first = FIGURES.iter().position(Figure::has_interval).unwrap_or(0);
        let (without_interval, others) = FIGURES.split_at(first);
        without_interval.iter().for_each(|figure| line.add_figure(figure, comparison, row));
        line.add("interval", meaning(row.interval));
        line.add("interval_confidence", row.interval_confidence);
        others.iter().for_each(|figure| line.add_figure(figure, comparison, row));
        let reasons: Vec<&str> = row.invalid_reasons.iter().map(|tally| tally.reason.text.as_str()).collect();
        line.add("invalid_reasons", reasons.join("; "));
        line
    }

    /// The slope of peak memory over all contenders that differ from this one in the number in flight alone.
    fn add_slope(&mut self, slope: Option<&MemorySlope>) {
        self.add_spread("memory_per_in_flight_bytes", slope.map(|slope| slope.memory_per_in_flight_bytes));
        self.add_optional("memory_per_in_flight_interval", slope.map(|slope| meaning(slope.interval)));
        self.add_optional(
            "memory_per_in_flight_interval_confidence",
            slope.map(|slope| slope.interval_confidence),
        );
        self.add_optional("memory_per_in_flight_rounds", slope.map(|slope| slope.rounds));
    }

    fn add_figure(&mut self, figure: &Figure, comparison: &Comparison, row: &Row) {
        let Some(title) = figure.csv else { return };
        if figure.has_interval() {
            self.add_spread(title, figure.spread(comparison, row));
        } else {
            self.add_optional(title, figure.value(comparison, row));
        }
    }

    fn add_spread(&mut self, title: &str, spread: Option<Spread<f64>>) {
        self.add_optional(&format!("{title}_median"), spread.map(|spread| spread.median));
        self.add_optional(&format!("{title}_low"), spread.map(|spread| spread.low));
        self.add_optional(&format!("{title}_high"), spread.map(|spread| spread.high));
    }

    fn add_optional(&mut self, title: &str, value: Option<impl Display>) {
        self.add(title, value.map_or_else(String::new, |value| value.to_string()));
    }

    /// A text from elsewhere stays on its line, and cannot begin a formula.
    fn add(&mut self, title: &str, value: impl Display) {
        let text = printable(&value.to_string());
        let formula =
            text.starts_with(['=', '+', '@']) || (text.starts_with('-') && text.parse::<f64>().is_err());
        self.titles.push(title.to_owned());
        self.cells.push(if formula { format!("'{text}") } else { text });
    }
}
