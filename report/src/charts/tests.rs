//! Every chart as it is drawn of the example, as a file that stands alone.

use super::{NAMES, svg};
use crate::comparison::Comparison;
use crate::example;
use crate::record::Record;

/// The example with 24 requests a run, so that a snapshot can be read, and a ladder of one model.
fn small() -> Record {
    let mut record = example::record();
    record.header.scenario.urls = 10_000;
    for run in &mut record.runs {
        let samples = &mut run.samples;
        samples.id.truncate(24);
        samples.process.truncate(24);
        samples.start_ns.truncate(24);
        samples.end_ns.truncate(24);
        samples.planned_ns.truncate(24);
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

#[test]
fn every_chart_as_a_file() {
    let record = small();
    let comparison = Comparison::of(&record);
    for name in NAMES {
        let drawn = svg(name, &record, &comparison).unwrap_or_else(|| panic!("{name} is not drawn"));
        assert!(drawn.starts_with("<svg xmlns="), "{name}");
        insta::assert_snapshot!(name, drawn.replace("><", ">\n<"));
    }
}

#[test]
fn a_ladder_fits_no_step_that_reuses_no_connection() {
    let mut record = small();
    let fitted = |record: &Record| -> Vec<(String, Option<f64>)> {
        let comparison = Comparison::of(record);
        let palette = super::Palette::of(&comparison);
        let ladder = super::all(record, &comparison, &palette);
        let ladder = ladder.iter().find(|chart| chart.name() == "ladder").unwrap();
        assert_eq!(ladder.caption().contains("reuse a connection: pool:1001"), ladder.data().rows.len() == 4);
        let rows = ladder.data().rows;
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
fn hostile_names_are_text_in_every_file() {
    let record = example::hostile_record();
    let comparison = Comparison::of(&record);
    for name in NAMES {
        let Some(drawn) = svg(name, &record, &comparison) else { continue };
        assert!(!drawn.contains("<script") && !drawn.contains("<img"), "{name}");
        assert!(!drawn.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{name}");
    }
}

#[test]
fn there_is_no_chart_of_another_name_or_of_nothing() {
    let mut record = example::record();
    assert_eq!(svg("pie", &record, &Comparison::of(&record)), None);
    record.runs.clear();
    assert_eq!(svg("bars", &record, &Comparison::of(&record)), None);
}
