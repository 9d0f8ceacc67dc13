//! Every chart as a file that stands alone: what is drawn of the example, and where.

use super::{NAMES, svg};
use crate::comparison::Comparison;
use crate::example;
use crate::record::Record;

/// The example with 24 requests a run, so that a drawing can be read, and a sweep of one model.
fn small() -> Record {
    let mut record = example::record();
    record.header.scenario.urls = 10_000;
    for run in &mut record.runs {
        let samples = &mut run.samples;
        samples.process.truncate(24);
        for column in [&mut samples.id, &mut samples.start_ns, &mut samples.end_ns, &mut samples.planned_ns] {
            column.truncate(24);
        }
        let points = [(5_u64, 0.0), (9, 71.5), (14, 20.0)];
        let point = |(at_ms, cpu_percent)| crate::record::TimePoint {
            at_ns: at_ms * 1_000_000,
            cpu_percent,
            memory_bytes: 5_000_000 + at_ms * 10_000,
        };
        run.timeline = points.map(point).to_vec();
    }
    for (facts, slots) in record.header.contenders.iter_mut().skip(1).zip([32, 128, 512]) {
        let name = format!("pool:{slots}");
        for run in record.runs.iter_mut().filter(|run| run.contender == facts.name) {
            run.contender.clone_from(&name);
        }
        "pool".clone_into(&mut facts.model);
        (facts.name, facts.processes, facts.in_flight) = (name, 1, slots);
    }
    record
}

/// What the small example looks like in one chart.
struct Expected {
    name: &'static str,
    size: &'static str,
    /// Marks, circles and paths.
    counts: [usize; 3],
    /// Texts and places, in the order in which they are drawn.
    parts: &'static [&'static str],
}

const EXPECTED: [Expected; 7] = [
    Expected {
        name: "bars",
        size: "0 0 920 256",
        counts: [4, 0, 0],
        parts: &[
            ">Wall time against the ideal<",
            r#"x="139.2" y="175" text-anchor="middle" class="mute">100 ms<"#,
            r#"x="669.4" y="175" text-anchor="middle" class="mute">20 s<"#,
            ">pool:512<",
            r#"<rect class="tint" x="72" y="27" width="34.6" height="14">"#,
            r#"<rect class="solid" x="106.6" y="27" width="6.5" height="14">"#,
            r#"<line class="floor whisker" x1="112.8" y1="34" x2="113.9" y2="34">"#,
            r#"<line class="floor" x1="106.6" y1="24" x2="106.6" y2="44">"#,
            ">77.1 ms<",
            ">93.7 %<",
            ">pool:128<",
            ">pool:32<",
            ">sync:1<",
            ">26.6 s<",
            ">smol:256<",
            ">no valid run<",
        ],
    },
    Expected {
        name: "flights",
        size: "0 0 920 494",
        counts: [4, 0, 19],
        parts: &[
            ">sync:1<",
            r#"x="376.6" y="193" text-anchor="middle" class="mute">25 ms<"#,
            r#"<path class="thin" d="M36 72V42H408">"#,
            r#"<path class="even" stroke-width="105.0" d="M0 70h3569">"#,
            r#"<path class="odd" stroke-width="105.0" d="M3569 70h151">"#,
            ">goes on to 26.6 s →<",
            ">pool:512<",
            r#"<path class="even" stroke-width="23.4" d="M0 16h2341M0 47h2415">"#,
            ">goes on to 77.1 ms →<",
        ],
    },
    Expected {
        name: "cost",
        size: "0 0 920 602",
        counts: [4, 4, 0],
        parts: &[
            r#"x="50" y="402.1" text-anchor="end" class="mute">10 MB<"#,
            r#"x="184.1" y="499" text-anchor="middle" class="mute">90 µs<"#,
            ">CPU per request<",
            r#"<text x="182.3" y="471" class="ink">sync:1<"#,
            r#"cx="174.3" cy="467" r="4">"#,
            r#"cx="655.5" cy="43" r="8.1">"#,
        ],
    },
    Expected {
        name: "latency",
        size: "0 0 920 256",
        counts: [4, 20, 0],
        parts: &[
            r#"x="284.7" y="175" text-anchor="middle" class="mute">500 µs<"#,
            r#"x="677" y="19" text-anchor="middle" class="mute small">p50<"#,
            ">pool:512<",
            r#"cx="739.2" cy="34" r="5">"#,
            r#"cx="762.3" cy="34" r="1.8">"#,
            ">2.20 ms<",
            ">sync:1<",
            ">438 µs<",
            ">smol:256<",
            ">–<",
        ],
    },
    Expected {
        name: "sweep",
        size: "0 0 920 374",
        counts: [3, 9, 3],
        parts: &[
            ">pool<",
            r#"x="47" y="127" text-anchor="end" class="mute small">20,000<"#,
            ">CPU a request<",
            ">peak memory, 184 kB per in flight<",
            r#"x="390.1" y="277" text-anchor="middle" class="mute">500<"#,
            ">knee uncertain<",
            r#"<path class="thin" d="M65.1 167.5L229 179.7L392.9 170.7">"#,
            r#"<path class="thin" d="M65.1 258L229 253.4L392.9 223.4">"#,
            r#"cx="65.1" cy="145.8" r="3.2">"#,
            r#"cx="392.9" cy="223.4" r="3.2">"#,
        ],
    },
    Expected {
        name: "timeline",
        size: "0 0 920 418",
        counts: [12, 0, 8],
        parts: &[
            ">sync:1<",
            ">80.0 %<",
            ">6 MB<",
            r#"x="305.1" y="153" text-anchor="middle" class="mute">10 ms<"#,
            r#"<path class="thin" d="M176.6 80L279.4 40.7L408 69">"#,
            r#"<path class="thin" d="M176.6 101L279.4 100.7L408 100.3">"#,
            ">pool:512<",
        ],
    },
    Expected {
        name: "runs",
        size: "0 0 920 256",
        counts: [16, 15, 0],
        parts: &[
            r#"x="105.7" y="175" text-anchor="middle" class="mute">−1.2 %<"#,
            r#"x="441" y="175" text-anchor="middle" class="mute">0 %<"#,
            ">pool:512<",
            ">5 of 5<",
            r#"<circle class="ring" cx="589.2" cy="34" r="3.5">"#,
            ">4 of 5<",
            r#"<circle class="ring" cx="441" cy="118" r="3.5">"#,
            ">0 of 5<",
        ],
    },
];

#[test]
fn every_chart_draws_its_marks_and_texts_in_their_places() {
    let record = small();
    let comparison = Comparison::of(&record);
    assert_eq!(EXPECTED.map(|expected| expected.name), NAMES);
    for Expected { name, size, counts, parts } in EXPECTED {
        let drawn = svg(name, &record, &comparison).unwrap_or_else(|| panic!("{name} is not drawn"));
        assert!(drawn.starts_with("<svg xmlns=") && drawn.ends_with("</svg>\n"), "{name}");
        assert!(drawn.contains(&format!("viewBox=\"{size}\"")), "{name}: {size}");
        let counted = [r#"class="mark""#, "<circle", "<path"].map(|element| drawn.matches(element).count());
        assert_eq!(counted, counts, "{name}: {drawn}");
        let mut rest = drawn.as_str();
        for part in parts {
            let place =
                rest.find(*part).unwrap_or_else(|| panic!("{name} has no {part} in its place: {rest}"));
            rest = &rest[place + part.len()..];
        }
    }
}

#[test]
fn a_sweep_fits_no_step_that_reuses_no_connection() {
    let mut record = small();
    let fitted = |record: &Record| -> Vec<(String, Option<f64>)> {
        let comparison = Comparison::of(record);
        let charts = super::all(record, &comparison);
        let sweep = charts.iter().find(|chart| chart.titles().name == "sweep").unwrap();
        assert_eq!(sweep.caption().contains("reuse a connection: pool:1001"), sweep.data().rows.len() == 4);
        let rows = sweep.data().rows;
        rows.iter().map(|cells| (cells[0].text.clone(), cells[6].raw.first().copied())).collect()
    };
    let before = fitted(&record);
    assert!(before.len() == 3 && before.iter().all(|(_, rate)| rate.is_some()), "{before:?}");

    // One more step, with nearly as many in flight as a tenth of the URLs, and a hundred times as fast.
    let mut facts = record.header.contenders[3].clone();
    (facts.name, facts.in_flight) = ("pool:1001".to_owned(), 1_001);
    let mut runs: Vec<_> = record.runs.iter().filter(|run| run.contender == "pool:512").cloned().collect();
    for run in &mut runs {
        run.contender.clone_from(&facts.name);
        run.figures.as_mut().unwrap().wall_ns /= 100;
    }
    record.header.contenders.push(facts);
    record.runs.extend(runs);
    let mut after = fitted(&record);
    assert_eq!(after.pop(), Some(("pool:1001".to_owned(), None)));
    assert_eq!(after, before);
}

#[test]
fn there_is_no_chart_of_another_name_or_of_nothing() {
    let mut record = example::record();
    assert_eq!(svg("pie", &record, &Comparison::of(&record)), None);
    record.runs.clear();
    assert_eq!(svg("bars", &record, &Comparison::of(&record)), None);
}
