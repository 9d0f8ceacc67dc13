mod readers;

use serde_json::Value;

use super::github_benchmark::Direction;
use super::*;
use crate::example;
use crate::record::{Latencies, Record};

fn named(record: &Record) -> Named {
    Named { record: "results/example".to_owned(), comparison: Comparison::of(record) }
}

/// Two records of the same contenders.
fn two() -> [Named; 2] {
    let again = Named { record: "results/again".to_owned(), ..named(&example::short_record()) };
    [named(&example::short_record()), again]
}

/// The example's contenders with one invalid run, and with several processes.
fn two_contenders() -> [Named; 1] {
    let mut named = named(&example::record());
    named.comparison.contenders.retain(|row| ["tokio:128", "tokio:8x64"].contains(&row.name.as_str()));
    [named]
}

/// `json` with each object and each list that holds no other in one line.
fn folded(json: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut innermost = None;
    for line in json.lines() {
        lines.push(line.to_owned());
        if line.ends_with(['{', '[']) {
            innermost = Some(lines.len() - 1);
        } else if line.trim_start().starts_with(['}', ']'])
            && let Some(start) = innermost.take()
        {
            let inner: Vec<&str> = lines[start + 1..].iter().map(|line| line.trim_start()).collect();
            let whole = format!("{} {}", lines[start], inner.join(" "));
            lines.truncate(start);
            lines.push(whole);
        }
    }
    lines.join("\n")
}

#[test]
fn csv_of_two_records() {
    let csv = csv::render(&[named(&example::record()), two()[1].clone()]);
    assert_eq!(csv.matches('\n').count(), csv.matches("\r\n").count(), "as RFC 4180 has it");
    insta::assert_snapshot!(csv);
}

/// Of each kind of object one or two, since the others have the same keys.
#[test]
fn json_of_one_record() {
    let mut short = named(&example::short_record());
    let comparison = &mut short.comparison;
    comparison.contenders.retain(|row| ["sync:1", "smol:256"].contains(&row.name.as_str()));
    comparison.ranking.truncate(2);
    comparison.cpu_ranking.truncate(1);
    comparison.pairs.truncate(1);
    comparison.references[0].rows.truncate(1);
    insta::assert_snapshot!(folded(&json::render(&[short])));
}

#[test]
fn bencher_metric_format() {
    let [mut named] = two_contenders();
    named.comparison.contenders.truncate(1);
    insta::assert_snapshot!(folded(&bmf::render(&[named]).unwrap()));
}

#[test]
fn github_action_benchmark() {
    let entries = github_benchmark::render(&two_contenders(), Direction::SmallerIsBetter).unwrap();
    insta::assert_snapshot!(folded(&entries));
}

#[test]
fn github_action_benchmark_where_bigger_is_better() {
    let entries = github_benchmark::render(&two_contenders(), Direction::BiggerIsBetter).unwrap();
    insta::assert_snapshot!(folded(&entries));
}

#[test]
fn junit_xml() {
    let mut record = example::record();
    record.runs.truncate(14);
    insta::assert_snapshot!(junit::render(&[named(&record)]));
}

#[test]
fn hyperfine_export() {
    let mut short = named(&example::short_record());
    short.comparison.contenders.truncate(1);
    insta::assert_snapshot!(folded(&hyperfine::render(&[short]).unwrap()));
}

/// The contender with the same name in two records stays two.
#[test]
fn contenders_of_several_records_stay_apart() {
    let json = value(&json::render(&two()));
    assert_eq!([&json[0]["record"], &json[1]["record"]], ["results/example", "results/again"]);
    assert_eq!(json[0]["contenders"], json[1]["contenders"]);
    let names = ["results/example: sync:1", "results/again: sync:1"];
    let bmf = value(&bmf::render(&two()).unwrap());
    assert!(names.iter().all(|name| bmf[name]["wall_ns"]["value"].is_f64()), "{bmf}");
    let entries = github_benchmark::render(&two(), Direction::SmallerIsBetter).unwrap();
    assert!(names.iter().all(|name| entries.contains(&format!("\"{name} wall\""))), "{entries}");
    let xml = junit::render(&two());
    assert_eq!(xml.matches("<testsuite ").count(), 2);
    assert_eq!(csv::render(&two()).lines().count(), 1 + 2 * 5);
}

#[test]
fn contenders_without_a_valid_run_are_in_formats_with_reasons() {
    let records = [named(&example::record())];
    for text in [csv::render(&records), json::render(&records), junit::render(&records)] {
        assert!(text.contains("smol:256") && text.contains("hung"), "{text}");
    }
    for text in [bmf::render(&records).unwrap(), hyperfine::render(&records).unwrap()] {
        assert!(text.contains("tokio:128") && !text.contains("smol:256"), "{text}");
    }
}

/// The cells of the line of `contender` in CSV, each with its title.
fn cells(csv: &str, contender: &str) -> Vec<(String, String)> {
    let mut lines = ::csv::Reader::from_reader(csv.as_bytes());
    let titles = lines.headers().unwrap().clone();
    let line = lines.records().map(Result::unwrap).find(|line| line.iter().any(|cell| cell == contender));
    let line = line.unwrap();
    titles.iter().zip(&line).map(|(title, cell)| (title.to_owned(), cell.to_owned())).collect()
}

/// A figure that a workload does not have is an empty cell, `null` or no key, and never a number that stands
/// for it.
#[test]
fn figures_that_a_workload_lacks_are_absent_in_every_export() {
    let mut nothing_succeeded = example::record();
    for run in &mut nothing_succeeded.runs {
        run.latencies = Latencies { failed: 1_000, ..Latencies::default() };
        let Some(figures) = &mut run.figures else { continue };
        (figures.latency_ns, figures.added_latency_ns) = (None, None);
    }
    let mut without_baseline = example::record();
    without_baseline.header.contenders.remove(0);
    without_baseline.runs.retain(|run| run.contender != "sync:1");
    let schedule = ["rate_per_second", "max_rate_per_second", "achieved_per_second", "late_"];
    let closed = |absent: &[&'static str]| [absent, &schedule].concat();
    let cases = [
        (example::record_without_delays(), closed(&["ideal_ns", "efficiency"])),
        (example::open_loop_record(), vec!["speed_up", "ramp_ns"]),
        (nothing_succeeded, closed(&["latency_", "added_latency_"])),
        (without_baseline, closed(&["speed_up"])),
        (example::record(), schedule.to_vec()),
    ];
    for (record, absent) in cases {
        let records = [named(&record)];
        for (title, cell) in cells(&csv::render(&records), "tokio:128") {
            let is_absent = absent.iter().any(|start| title.starts_with(start));
            let may_be_empty = ["preset", "cpu_over_base"].contains(&title.as_str());
            assert!(is_absent == cell.is_empty() || may_be_empty, "{title}: {cell:?}");
        }
        for contender in value(&json::render(&records))["contenders"].as_array().unwrap() {
            for (key, value) in contender.as_object().unwrap() {
                let is_absent = absent.iter().any(|start| key.starts_with(start));
                assert!(!is_absent || value.is_null(), "{key}: {value}");
            }
        }
        let others = [
            bmf::render(&records).unwrap(),
            github_benchmark::render(&records, Direction::SmallerIsBetter).unwrap(),
            github_benchmark::render(&records, Direction::BiggerIsBetter).unwrap(),
            hyperfine::render(&records).unwrap(),
            junit::render(&records),
        ];
        for text in &others {
            assert!(!text.contains("NaN") && !text.contains("inf\"") && !text.contains(": inf"), "{text}");
            for figure in absent.iter().filter(|figure| **figure != "late_") {
                assert!(!text.contains(&format!("\"{figure}")), "{figure}: {text}");
            }
        }
        let has_ideal = !absent.contains(&"ideal_ns");
        let is_open = record.header.rate.is_some();
        assert_eq!(others[2].contains(" efficiency\""), has_ideal && !is_open, "{}", others[2]);
        assert_eq!(others[2].contains("achieved rate"), is_open, "{}", others[2]);
    }
}

#[test]
fn user_and_system_time_add_up_or_are_left_out() {
    let mut record = example::record();
    let results = |record: &Record| value(&hyperfine::render(&[named(record)]).unwrap())["results"].clone();
    let mean_cpu = |record: &Record| {
        let runs = record.runs.iter().filter(|run| run.contender == "threads:32");
        let cpu: Vec<f64> = runs.map(|run| run.figures.as_ref().unwrap().cpu_ns as f64 / 1e9).collect();
        cpu.iter().sum::<f64>() / cpu.len() as f64
    };
    let threads = &results(&record)[1];
    let part = |key: &str| threads[key].as_f64().unwrap();
    assert_eq!(threads["command"], "threads:32");
    assert!(part("system") > 0.0 && part("user") > part("system"), "{threads}");
    assert!((part("user") + part("system") - mean_cpu(&record)).abs() < 1e-6, "{threads}");
    // One run of five, measured by the clocks of processes, does not know.
    let run = record.runs.iter_mut().rfind(|run| run.contender == "threads:32").unwrap();
    run.figures.as_mut().unwrap().usage.user_ns = None;
    let threads = &results(&record)[1];
    assert!(threads.get("user").is_none() && threads.get("system").is_none(), "{threads}");
}

/// `ours` has no field that `published` lacks, and what it has is of the same type. Where a published
/// object is a map from any name, `published` has a single entry that stands for all.
fn assert_fits(ours: &Value, published: &Value, place: &str, maps: &[&str]) {
    match (ours, published) {
        (Value::Object(ours), Value::Object(published)) if maps.contains(&place) => {
            let any = published.values().next().unwrap();
            ours.values().for_each(|value| assert_fits(value, any, &format!("{place}/*"), maps));
        }
        (Value::Object(ours), Value::Object(published)) => {
            for (key, value) in ours {
                let theirs = published.get(key).unwrap_or_else(|| panic!("{place} has no {key}"));
                assert_fits(value, theirs, &format!("{place}/{key}"), maps);
            }
        }
        (Value::Array(ours), Value::Array(published)) => {
            ours.iter().for_each(|value| assert_fits(value, &published[0], &format!("{place}/0"), maps));
        }
        (Value::Null, Value::Number(_)) if place.ends_with("stddev") => {}
        _ => assert_eq!(
            std::mem::discriminant(ours),
            std::mem::discriminant(published),
            "{place}: {ours} is not as {published}"
        ),
    }
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn bencher_metric_format_is_as_published() {
    let ours = value(&bmf::render(&[named(&example::record())]).unwrap());
    assert_fits(&ours, &value(include_str!("published/bmf.json")), "", &["", "/*"]);
    let measures = ours.as_object().unwrap().values().flat_map(|measures| measures.as_object().unwrap());
    for (name, metric) in measures {
        assert!(name.len() <= 64 && metric["value"].is_number(), "{name}: {metric}");
    }
}

#[test]
fn github_action_benchmark_is_as_published() {
    for direction in [Direction::SmallerIsBetter, Direction::BiggerIsBetter] {
        let ours = value(&github_benchmark::render(&[named(&example::record())], direction).unwrap());
        assert_fits(&ours, &value(include_str!("published/github_benchmark.json")), "", &[]);
        for entry in ours.as_array().unwrap() {
            assert!(["name", "unit", "value"].iter().all(|key| !entry[key].is_null()), "{entry}");
        }
    }
}

#[test]
fn hyperfine_export_is_as_published() {
    let ours = value(&hyperfine::render(&[named(&example::record())]).unwrap());
    let published = value(include_str!("published/hyperfine.json"));
    assert_fits(&ours, &published, "", &["/results/0/parameters"]);
    for result in ours["results"].as_array().unwrap() {
        for key in published["results"][0].as_object().unwrap().keys() {
            assert!(result.get(key).is_some(), "{key} is missing: {result}");
        }
        let times: Vec<f64> = result["times"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        let number = |key: &str| result[key].as_f64().unwrap();
        assert!((number("mean") * times.len() as f64 - times.iter().sum::<f64>()).abs() < 1e-9);
        assert!(number("min") <= number("median") && number("median") <= number("max"));
        assert_eq!(result["stddev"].is_null(), times.len() == 1);
    }
}

#[test]
fn every_export_renders_a_record() {
    let records = [named(&example::record())];
    for Export { name, render, .. } in EXPORTS {
        for direction in [Direction::SmallerIsBetter, Direction::BiggerIsBetter] {
            let rendered = render(&records, direction).unwrap_or_else(|| panic!("{name} holds nothing"));
            assert!(rendered.contains("tokio:128") && rendered.ends_with('\n'), "{name}: {rendered}");
        }
    }
}
