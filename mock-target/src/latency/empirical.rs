//! A measured distribution: quantiles, or samples from which quantiles are computed.

use std::fs;

use super::error::LatencyError;
use crate::units;

/// The maximum number of lines in a file.
const MAX_LINES: usize = 10_000_000;

/// The quantiles kept of samples besides the whole percentages up to 99, in percent.
const TAIL_PERCENTAGES: &[f64] =
    &[99.1, 99.2, 99.3, 99.4, 99.5, 99.6, 99.7, 99.8, 99.9, 99.95, 99.99, 99.999, 100.0];

/// Quantiles of measured delays, with linear interpolation between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// Percentages and delays, both rising, from 0 % to 100 %.
    points: Vec<(f64, u64)>,
}

impl Empirical {
    /// A distribution through these points: a percentage, and the delay in nanoseconds that this share of
    /// delays stays below.
    ///
    /// # Errors
    /// When there are fewer than two, they do not rise, or do not reach from 0 % to 100 %.
    pub fn new(points: Vec<(f64, u64)>) -> Result<Empirical, LatencyError> {
        let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let ends = (points.first().map(|point| point.0), points.last().map(|point| point.0));
        if points.len() < 2 || !rises || ends != (Some(0.0), Some(100.0)) {
            return Err(LatencyError::Quantiles);
        }
        Ok(Empirical { points })
    }

    /// Reads a CSV file: one column of measured delays, or two columns, quantiles (0 to 1, or in percent with a
    /// `%`) and their delays.
    ///
    /// Columns are separated by commas, semicolons or tabs, and may be quoted. Where the separator is not the comma,
    /// a comma in a number is a decimal comma. A first line in which no column begins with a number is a heading. A unit in it,
    /// as in `ttfb_s` or `latency (us)`, applies to delays without a unit, which are milliseconds
    /// otherwise. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is none of these.
    pub fn from_file(path: &str) -> Result<Empirical, LatencyError> {
        let text = fs::read_to_string(path)
            .map_err(|error| LatencyError::File { path: path.to_owned(), reason: error.to_string() })?;
        Empirical::from_csv(&text).map_err(|reason| LatencyError::File { path: path.to_owned(), reason })
    }

    fn from_csv(text: &str) -> Result<Empirical, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (mut samples, mut points) = (Vec::new(), Vec::new());
        let mut default_unit = "ms";
        for (index, (line, cells)) in rows(text)?.into_iter().enumerate() {
            let is_heading =
                |cell: &String| !cell.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            if index == 0 && cells.iter().all(is_heading) {
                default_unit = cells.last().and_then(|cell| unit_in(cell)).unwrap_or(default_unit);
                continue;
            }
            let delay = |cell: &str| delay_ns(cell, default_unit);
            let read = match cells.as_slice() {
                [cell] => delay(cell).map(|ns| samples.push(ns)),
                [share, cell] => percent(share).zip(delay(cell)).map(|point| points.push(point)),
                _ => None,
            };
            if read.is_none() {
                let cells = cells.join(",");
                return Err(format!(
                    "line {line}, \"{cells}\", is neither a delay, such as 12.5ms, nor a quantile and its delay, such \
                     as 0.99,12.5ms (a decimal comma needs semicolons or tabs between columns)"
                ));
            }
        }
        match (samples.is_empty(), points.is_empty()) {
            (false, true) => Ok(Empirical::of_samples(samples)),
            (true, false) => Empirical::new(points).map_err(|error| error.to_string()),
            _ => Err("it has no delays, or quantiles mixed with samples".to_owned()),
        }
    }

    /// Linear interpolation between order statistics: type 7 of Hyndman and Fan (1996).
    fn of_samples(mut samples: Vec<u64>) -> Empirical {
        samples.sort_unstable();
        let last = samples.len() - 1;
        let at = |percent: f64| {
            let position = percent / 100.0 * last as f64;
            let (below, above) = (samples[position as usize], samples[(position as usize + 1).min(last)]);
            below + libm::round((above - below) as f64 * (position - libm::floor(position))) as u64
        };
        let whole = (0..100).map(f64::from).filter(|percent| *percent <= 99.0);
        let points =
            whole.chain(TAIL_PERCENTAGES.iter().copied()).map(|percent| (percent, at(percent))).collect();
        Empirical { points }
    }

    /// Percentages and delays in nanoseconds, both rising.
    pub fn points(&self) -> &[(f64, u64)] {
        &self.points
    }

    /// The delay that a share `p` of delays stays below, in nanoseconds.
    pub(super) fn quantile_ns(&self, p: f64) -> f64 {
        let percent = p * 100.0;
        let above = self.points.partition_point(|point| point.0 < percent).clamp(1, self.points.len() - 1);
        let ((from, low), (to, high)) = (self.points[above - 1], self.points[above]);
        low as f64 + (high - low) as f64 * (percent - from) / (to - from)
    }
}

/// The lines of `text` that are neither empty nor comments: the number of each, from 1, and its cells with decimal
/// points.
fn rows(text: &str) -> Result<Vec<(u64, Vec<String>)>, String> {
    let mut lines: Vec<(u64, &str)> = (1..).zip(text.lines().map(str::trim)).collect();
    lines.retain(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    // Excel may state the separator in a line of its own.
    let stated = lines.first().and_then(|&(_, line)| line.strip_prefix("sep="));
    if stated.is_some() {
        lines.remove(0);
    }
    if lines.len() > MAX_LINES {
        return Err(format!("it has more than {MAX_LINES} lines: take a sample of them"));
    }
    let occurs = |separator: &u8| lines.iter().any(|(_, line)| line.contains(*separator as char));
    let found = || b";\t".iter().copied().find(occurs).unwrap_or(b',');
    let separator = stated.and_then(|stated| stated.bytes().next()).unwrap_or_else(found);
    let decimal = |cell: &str| if separator == b',' { cell.to_owned() } else { cell.replace(',', ".") };
    let row = |(number, line): &(u64, &str)| {
        let mut cells: Vec<String> =
            cells(line, separator)?.iter().map(|cell| decimal(cell.trim())).collect();
        // A trailing separator adds no column.
        while cells.len() > 1 && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        Ok((*number, cells))
    };
    lines.iter().map(row).collect()
}

/// The columns of a line.
fn cells(line: &str, separator: u8) -> Result<Vec<String>, String> {
    if !line.contains('"') {
        return Ok(line.split(separator as char).map(str::to_owned).collect());
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(line.as_bytes());
    let record = reader.records().next().transpose().map_err(|error| error.to_string())?;
    Ok(record.iter().flatten().map(str::to_owned).collect())
}

/// The unit of time that a heading names: `s` in `ttfb_s`, `ms` in `latency (ms)`.
fn unit_in(heading: &str) -> Option<&'static str> {
    let words = [
        ("ns", &["ns", "nanoseconds"][..]),
        ("us", &["us", "µs", "μs", "microseconds"]),
        ("ms", &["ms", "millis", "milliseconds"]),
        ("s", &["s", "sec", "secs", "seconds"]),
    ];
    let named = |word: &str| words.iter().find(|(_, names)| names.contains(&word)).map(|(unit, _)| *unit);
    heading.to_lowercase().split(|c: char| !c.is_alphabetic()).filter_map(named).next_back()
}

/// `0.5` or `50%` as 50.
fn percent(text: &str) -> Option<f64> {
    let percent = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok()?,
        // Rounding corrects the floating-point error of the product with 100.
        None => libm::round(text.parse::<f64>().ok()? * 1e10) / 1e8,
    };
    (0.0..=100.0).contains(&percent).then_some(percent)
}

/// A delay, in `default_unit` unless it has one of its own.
fn delay_ns(text: &str, default_unit: &str) -> Option<u64> {
    units::parse_duration(text).or_else(|_| units::parse_duration(&format!("{text}{default_unit}"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_from_csv() {
        let expected = Empirical::new(vec![(0.0, 1_000_000), (50.0, 3_000_000), (100.0, 20_000_000)]);
        for text in ["q,delay\n0,1ms\n0.5,3ms\n1,20ms\n", "0%;1\n50%;3\n100%;20", "0\t1\n\n0.5\t3\n1.0\t20\n"]
        {
            assert_eq!(Empirical::from_csv(text), expected.clone().map_err(|_| String::new()), "{text:?}");
        }
    }

    #[test]
    fn quantiles_are_computed_from_samples() {
        let text: String = (0..=1_000).rev().map(|ms| format!("{ms}\n")).collect();
        let empirical = Empirical::from_csv(&format!("ttfb_ms\n{text}")).expect("samples");
        for (percent, ns) in empirical.points() {
            assert_eq!(*ns, libm::round(percent * 1e7) as u64);
        }
        assert_eq!(Empirical::from_csv("7ms").expect("one sample").quantile_ns(0.3), 7e6);
    }

    #[test]
    fn common_csv_dialects_are_read() {
        let half_second = |text: &str| Empirical::from_csv(text).expect(text).quantile_ns(0.5) / 1e9;
        for text in [
            "\u{feff}500\r\n500\r\n",
            "\u{feff}ttfb_ms\r\n500\r\n",
            "# from the log\n500\n\n# the end\n500\n",
            "latency (s)\n0.5\n.5\n",
            "p50 in ms\n500\n",
            "\"time in seconds\"\n\"0.5\"\n",
            "duration_us\n500000\n",
            "sep=;\n0,5s;\n0,5s;\n",
            "q;delay\n0;0,5s\n1;500,0ms\n",
            "q\tdelay\n0%\t500,0\n100%\t500\n",
            "500,\n500,\n",
            "delay\n500ms\n0.5s\n500000us\n",
        ] {
            assert_eq!(half_second(text), 0.5, "{text:?}");
        }
        let first = Empirical::from_csv("\u{feff}100\n500\n").expect("two samples");
        assert_eq!(first.quantile_ns(0.0), 1e8, "the value after a byte-order mark is read");
    }

    #[test]
    fn invalid_files_are_rejected_with_the_line() {
        for (text, part) in [
            ("1ms\nfast\n", "line 2, \"fast\""),
            ("12,5\n13,5\n", "line 1, \"12,5\""),
            ("99th\n12\n", "line 1, \"99th\""),
            ("# a\ndelay\n\n-3\n", "line 4, \"-3\""),
            ("delay\nfast\n", "line 2, \"fast\""),
            ("1,2,3\n1,2,3\n", "line 1"),
            ("", "it has no delays"),
            ("1ms\n0.5,1ms\n", "mixed"),
            ("0,5ms\n1,1ms\n", "must rise"),
            ("0.5,5ms\n1,7ms\n", "must rise"),
        ] {
            let error = Empirical::from_csv(text).expect_err(text);
            assert!(error.contains(part), "{text:?}: {error}");
        }
        let error = Empirical::from_file("/no/such/file.csv").expect_err("no such file").to_string();
        assert!(error.starts_with("cannot use the latencies in /no/such/file.csv: "), "{error}");
    }
}
