//! The published table that the default contenders answer.

use std::time::Duration;

use inflight_report::record::{Reference, ReferenceRow};
use mock_target::Scenario;

use crate::contender::Shape;
use crate::floor;
use crate::workload::Workload;

/// One published row: approach, shape, wall in milliseconds, CPU in per cent, memory in MB.
type Row = (&'static str, Shape, u64, f64, u64);

const ROWS: [Row; 4] = [
    ("synchronous, 1 thread", Shape { processes: 1, in_flight: 1 }, 263_000, 3.0, 34),
    ("ThreadPoolExecutor, 32 workers", Shape { processes: 1, in_flight: 32 }, 14_200, 11.0, 87),
    ("asyncio + aiohttp, 128 concurrent", Shape { processes: 1, in_flight: 128 }, 9_100, 16.0, 54),
    ("multiprocessing × 8 + asyncio × 64 each", Shape { processes: 8, in_flight: 64 }, 2_400, 87.0, 410),
];

/// The article's rows as published, each with the floor of its shape on the `article` preset.
pub(crate) fn reference() -> Reference {
    let scenario = Scenario::preset("article").expect("the article is a preset");
    let delays_ns = Workload::of(scenario).delays_ns;
    Reference {
        title: "What the article says".to_owned(),
        source: "SpyderProxy blog, \"Concurrency vs Parallelism for Web Scraping\", 25 April 2026: \
                 1,000 GETs in Python through real internet proxies, median 250 ms"
            .to_owned(),
        floors_from: "the delays of the preset `article`, whose mean is the synchronous row's".to_owned(),
        rows: ROWS
            .iter()
            .map(|&(approach, shape, wall_ms, cpu_percent, memory_mb)| ReferenceRow {
                approach: approach.to_owned(),
                shape: shape.to_string(),
                wall_ns: Duration::from_millis(wall_ms).as_nanos() as u64,
                floor_ns: floor::floor_ns(&delays_ns, None, shape),
                cpu_percent,
                memory_bytes: memory_mb * 1_000_000,
            })
            .collect(),
    }
}
