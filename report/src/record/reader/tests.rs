use std::io::Write;

use super::*;
use crate::example;
use crate::record::{Reason, ReasonKind};

fn bytes_of(record: &Record) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    example::save(record, &path);
    std::fs::read(path).unwrap()
}

/// The bytes of the example's record, with a run's line as the last.
fn saved() -> Vec<u8> {
    bytes_of(&example::short_record())
}

fn read(bytes: &[u8]) -> Result<Record, RecordError> {
    Record::parse(Path::new(FILE_NAME), bytes)
}

/// A record of an older format, kept from its time.
fn kept(name: &str) -> Record {
    Record::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record").join(name)).unwrap()
}

/// The line and the reason for which `bytes` are refused as broken.
fn flaw(bytes: &[u8]) -> (usize, String) {
    match read(bytes) {
        Err(RecordError::Broken { line, reason, .. }) => (line, reason),
        other => panic!("expected a broken record, got {other:?}"),
    }
}

#[test]
fn a_compressed_record_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let record = example::short_record();
    let compressed = folder.path().join("record.jsonl.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&saved()).unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(&compressed, &bytes).unwrap();
    assert_eq!(Record::read(folder.path()).unwrap(), record);
    assert_eq!(Record::read(&compressed).unwrap(), record);

    std::fs::write(&compressed, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(Record::read(folder.path()), Err(RecordError::Read { .. })));
}

#[test]
fn a_record_cut_anywhere_in_its_last_line_keeps_all_runs_before_it() {
    let whole = saved();
    let runs = example::short_record().runs;
    let body = &whole[..whole.len() - 1];
    let last = body.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;

    for end in last..body.len() {
        let record = read(&whole[..end]).unwrap();
        assert_eq!(record.runs, runs[..runs.len() - 1]);
        assert_eq!(record.truncated, end > last, "cut at byte {end}");
    }
    // All that is missing is the line's end: nothing is lost.
    let record = read(body).unwrap();
    assert_eq!(record.runs, runs);
    assert!(!record.truncated);
}

#[test]
fn a_record_cut_within_its_header_is_no_record() {
    let whole = saved();
    let header_end = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for end in 0..header_end {
        assert_eq!(flaw(&whole[..end]).0, 1, "cut at byte {end}");
    }
    assert_eq!(read(&whole[..header_end]).unwrap().runs, []);
}

#[test]
fn a_broken_line_before_the_end_is_refused_with_its_number() {
    let whole = String::from_utf8(saved()).unwrap();
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[2] = "{\"run\":{\"contender\":";
    let broken = flaw((lines.join("\n") + "\n").as_bytes());
    assert_eq!(broken, (3, "EOF while parsing a value".to_owned()));

    lines[2] = lines[0];
    assert_eq!(flaw(lines.join("\n").as_bytes()), (3, "a second header".to_owned()));
}

#[test]
fn other_files_are_refused() {
    assert_eq!(flaw(b"").1, "the file is empty");
    for other in ["hello\n", "{}\n", "[1,2]\n", "\n", "{\"header\":{}}\n", "\u{0}\n"] {
        assert_eq!(flaw(other.as_bytes()).0, 1, "{other:?}");
    }
    assert_eq!(flaw(b"{\"header\":{\"format\":0}}\n").1, "there is no format 0");
}

#[test]
fn a_run_that_contradicts_itself_or_the_header_is_refused() {
    let whole = String::from_utf8(saved()).unwrap();
    let spoilt = whole.replacen("\"contender\":\"sync:1\"", "\"contender\":\"nobody\"", 1);
    assert_eq!(flaw(spoilt.as_bytes()), (2, "the header has no contender \"nobody\"".to_owned()));
}

#[test]
fn a_newer_format_is_refused_as_newer_whatever_else_it_holds() {
    let newer = b"{\"header\":{\"format\":5,\"inflight_version\":{\"major\":9}}}\n{\"lap\":1}\n";
    let refused = read(newer).unwrap_err();
    assert!(matches!(refused, RecordError::Newer { found: 5, .. }));
    assert!(refused.to_string().ends_with("has format 5, this version reads up to 4: use a newer inflight"));
}

#[test]
fn latencies_of_the_first_format_are_computed_from_samples() {
    let mut record = example::record();
    record.header.format = 1;
    let mut lines = vec![serde_json::to_string(&Line::<_, &Run>::Header(&record.header)).unwrap()];
    for run in &record.runs[..3] {
        let mut line = serde_json::to_value(Line::<&Header, _>::Run(run)).unwrap();
        line["run"].as_object_mut().unwrap().remove("latencies").unwrap();
        lines.push(line.to_string());
    }
    let read = read(lines.join("\n").as_bytes()).unwrap().runs;
    assert!(read.iter().zip(&record.runs).all(|(read, run)| read.latencies == run.latencies));
    assert_eq!(read.len(), 3);
}

#[test]
fn peaks_of_older_formats_count_since_the_start_of_the_program() {
    let saved = String::from_utf8(saved()).unwrap();
    for (format, method) in
        [(2, MemoryMethod::HighWaterMarkSinceStart), (FORMAT, MemoryMethod::HighWaterMark)]
    {
        let saved = saved.replacen(&format!("\"format\":{FORMAT}"), &format!("\"format\":{format}"), 1);
        let runs = read(saved.as_bytes()).unwrap().runs;
        let methods = runs.iter().map(|run| run.figures.as_ref().unwrap().peak_memory_method);
        assert_eq!(methods.collect::<Vec<_>>(), [method; 3], "format {format}");
    }
}

/// A record of format 2, reduced to one contender, three runs and twenty samples per run.
#[test]
fn reasons_of_the_second_format_are_read_without_a_kind() {
    let record = kept("format_2.jsonl");
    assert_eq!((record.header.format, record.runs.len(), record.truncated), (2, 3, false));
    let reasons: Vec<&Reason> = record.runs.iter().flat_map(|run| run.verdict.reasons()).collect();
    let late = "the target was late: its p99 is above the 1 ms allowed";
    assert_eq!(reasons, [&Reason::new(ReasonKind::Unclassified, late)]);
    let table = crate::tables::markdown::render(&crate::comparison::Comparison::of(&record));
    assert!(table.contains(&format!("in 1 of 3 runs: {late}")), "{table}");
}

#[test]
fn keys_of_the_third_format_are_read() {
    let current = String::from_utf8(saved()).unwrap();
    let renamed = [
        ("\"ideal_ns\"", "\"floor_ns\""),
        ("\"ideals_from\"", "\"floors_from\""),
        ("\"sampling\"", "\"watching\""),
        ("\"readings\"", "\"looks\""),
        ("\"verdict\":\"invalid\"", "\"verdict\":\"void\""),
    ];
    let older = current.replacen(&format!("\"format\":{FORMAT}"), "\"format\":3", 1);
    let older = renamed.iter().fold(older, |text, (new, old)| text.replace(new, old));
    assert!(older.contains("floor_ns") && older.contains("watching") && older.contains("looks"));
    let (current, older) = (read(current.as_bytes()).unwrap(), read(older.as_bytes()).unwrap());
    assert_eq!(older.runs, current.runs);
    assert_eq!(Header { format: FORMAT, ..older.header }, current.header);
}

/// A record of format 1, reduced to two rounds and twenty samples per run.
#[test]
fn a_record_of_the_first_format_is_read_and_rendered() {
    let record = kept("format_1.jsonl");
    assert_eq!((record.header.format, record.runs.len(), record.truncated), (1, 7, false));
    let comparison = crate::comparison::Comparison::of(&record);
    for row in &comparison.contenders {
        let measured = row.measured.as_ref().unwrap();
        assert_eq!(row.valid_runs, row.rounds, "{}", row.name);
        assert!(measured.added_latency_ns.is_some(), "{}", row.name);
    }
    let rendered = crate::tables::markdown::render(&comparison);
    let native = rendered.split("\n\n").find(|part| part.starts_with('|')).unwrap();
    insta::assert_snapshot!(native);
}

#[test]
fn the_largest_latency_of_an_older_record_is_exact_too() {
    let mut record = example::short_record();
    record.header.format = 2;
    let run = &mut record.runs[0];
    let true_max = run.latencies.whole.max_ns().unwrap();
    run.latencies.whole.buckets.last_mut().unwrap().0 = true_max + 50_000;
    // Nothing succeeded in this one, and zeros stood for what there is not.
    let failed = &mut record.runs[1];
    failed.latencies = Latencies { failed: 1_000, ..Latencies::default() };
    failed.figures.as_mut().unwrap().latency_ns = Some(super::super::Quantiles::default());
    let read = read(&bytes_of(&record)).unwrap();
    assert_eq!(read.runs[0].latencies.whole.max_ns(), Some(true_max));
    assert_eq!(read.runs[1].figures.as_ref().unwrap().latency_ns, None);
}

#[test]
fn selected_contenders_keep_their_runs_and_controls() {
    let mut record = example::record();
    record.header.contenders[2].control_of = Some("sync:1".to_owned());
    let refused = record.keep_only(&["sync:1".to_owned(), "nobody:1".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("\"nobody:1\"") && refused.known.contains("tokio:8x64"));
    record.keep_only(&["sync:1".to_owned()]).unwrap();
    let names: Vec<&str> = record.header.contenders.iter().map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["sync:1", "tokio:128"], "the control stays with its contender");
    assert!(!record.runs.is_empty() && record.runs.iter().all(|run| names.contains(&&*run.contender)));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Record::read(folder.path()).unwrap_err().to_string();
    assert!(refused.contains(FILE_NAME), "{refused}");
}
