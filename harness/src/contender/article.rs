//! The published table of the article, and the contenders that correspond to its rows.

use std::time::Duration;

use inflight_report::record::{Reference, ReferenceRow};
use mock_target::Scenario;

use super::catalogue::Catalogue;
use super::{Contender, ContenderError, Shape, Source};
use crate::models::DEFAULT;
use crate::workload::{Workload, ideal};

/// One published row: approach, shape, wall time in milliseconds, CPU in per cent, memory in MB.
type Row = (&'static str, Shape, u64, f64, u64);

const ROWS: [Row; 4] = [
    ("synchronous, 1 thread", Shape { processes: 1, in_flight: 1 }, 263_000, 3.0, 34),
    ("ThreadPoolExecutor, 32 workers", Shape { processes: 1, in_flight: 32 }, 14_200, 11.0, 87),
    ("asyncio + aiohttp, 128 concurrent", Shape { processes: 1, in_flight: 128 }, 9_100, 16.0, 54),
    ("multiprocessing × 8 + asyncio × 64 each", Shape { processes: 8, in_flight: 64 }, 2_400, 87.0, 410),
];

/// The preset that has the article's delays.
pub(crate) const PRESET: &str = "article";

/// The contenders of the article, row by row: the default contenders, and every external one whose
/// `contender.toml` names the row, in the shape of the row.
pub(crate) fn contenders(catalogue: &Catalogue) -> Result<Vec<Contender>, ContenderError> {
    let mut all = Vec::new();
    for (row, default) in (1..).zip(DEFAULT) {
        let externals = catalogue.externals().iter().filter(|external| external.article_row == Some(row));
        let shape = ROWS[row - 1].1;
        all.extend(
            externals.cloned().map(|external| Contender { source: Source::External(external), shape }),
        );
        all.push(catalogue.contender(default)?);
    }
    Ok(all)
}

/// The article's rows as published, each with the ideal time of its shape on the `article` preset and, where
/// that is the workload, those of `contenders` that correspond to it.
pub(crate) fn reference(contenders: &[Contender], workload: &Workload) -> Reference {
    let scenario = Scenario::preset(PRESET).expect("the article is a preset");
    let delays_ns = Workload::of(scenario).delays_ns;
    let comparable = delays_ns == workload.delays_ns;
    let answered_by = |row| {
        let answering = contenders.iter().filter(|contender| comparable && answers(contender, row));
        answering.map(ToString::to_string).collect()
    };
    Reference {
        title: "What the article says".to_owned(),
        source: "SpyderProxy blog, \"Concurrency vs Parallelism for Web Scraping\", 25 April 2026: \
                 1,000 GETs in Python through real internet proxies, median 250 ms"
            .to_owned(),
        ideals_from: "the delays of the preset `article`, whose mean is the synchronous row's".to_owned(),
        rows: (1..)
            .zip(ROWS)
            .map(|(row, (approach, shape, wall_ms, cpu_percent, memory_mb))| ReferenceRow {
                approach: approach.to_owned(),
                shape: shape.to_string(),
                wall_ns: Duration::from_millis(wall_ms).as_nanos() as u64,
                ideal_ns: ideal::ideal_ns(&delays_ns, None, shape),
                cpu_percent,
                memory_bytes: memory_mb * 1_000_000,
                answered_by: answered_by(row),
            })
            .collect(),
    }
}

/// Whether `contender` corresponds to `row`, counted from 1.
fn answers(contender: &Contender, row: usize) -> bool {
    let as_published = contender.shape == ROWS[row - 1].1;
    match contender.external() {
        Some(external) => as_published && external.article_row == Some(row),
        None => contender.to_string() == DEFAULT[row - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_default_contender_in_its_shape() {
        let contenders = contenders(&Catalogue::default()).unwrap();
        let shapes: Vec<Shape> = contenders.iter().map(|contender| contender.shape).collect();
        assert_eq!(shapes, ROWS.map(|row| row.1));
        let article = Workload::of(Scenario::preset(PRESET).unwrap());
        let answered = |workload| {
            let rows = reference(&contenders, workload).rows.into_iter();
            rows.flat_map(|row| row.answered_by).collect::<Vec<_>>()
        };
        assert_eq!(answered(&article), DEFAULT);
        let quick = Workload::of(Scenario::preset("quick").unwrap());
        assert!(answered(&quick).is_empty(), "other delays are no answer");
    }
}
