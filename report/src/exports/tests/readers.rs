//! What the programs that read exports ask of them, beyond their schemas.

use serde_json::Value;

use super::{named, two, value};
use crate::comparison::Named;
use crate::example;
use crate::exports::github_benchmark::{self, Direction};
use crate::exports::{bmf, hyperfine, junit};
use crate::record::{ReasonKind, Record, TargetLimit};

#[test]
fn junit_xml_is_as_published() {
    let mut stopped = example::record();
    stopped.runs.truncate(14);
    let xml = junit::render(&[named(&example::record()), named(&stopped)]);
    let seen = junit::schema::assert_fits(&xml);
    for element in ["property", "testcase", "failure", "skipped", "system-out", "system-err"] {
        assert!(seen.iter().any(|had| had == element), "no {element}: {xml}");
    }
    assert!(xml.contains(r#"tests="21" failures="6" errors="0" skipped="0""#), "{xml}");
    assert!(xml.contains(r#"tests="21" failures="3" errors="0" skipped="7""#), "{xml}");
}

#[test]
fn times_of_junit_xml_are_rounded_to_three_decimals_whatever_their_size() {
    let times = [0, 499_999, 500_000, 999_500_000, 59_999_999_999, 86_400_000_000_000, u64::MAX];
    let texts = times.map(junit::seconds);
    assert_eq!(texts[..5], ["0.000", "0.000", "0.001", "1.000", "60.000"]);
    assert_eq!(texts[5..], ["86400.000", "18446744073.710"]);
    for ns in [0, 1, 1_234_567, u64::MAX / 100] {
        let mut record = example::record();
        example::all_figures(&mut record).for_each(|figures| figures.wall_ns = ns);
        junit::schema::assert_fits(&junit::render(&[named(&record)]));
    }
}

/// What `scripts/plot_parametrized.py` of hyperfine asks of a file: results, each with exactly one parameter, of one
/// name in all, whose value Python's `float` takes.
#[test]
fn a_sweep_can_be_plotted_by_the_script_of_hyperfine() {
    let mut several_processes = example::record();
    for (contender, processes) in several_processes.header.contenders.iter_mut().zip(2..) {
        contender.processes = processes;
    }
    let sweep = example::record_of_sweep(6, |_, slots| 1_000_000 + slots);
    for records in [vec![named(&sweep)], vec![named(&several_processes)], two().to_vec()] {
        let export = value(&hyperfine::render(&records).unwrap());
        let results = export["results"].as_array().unwrap();
        let in_flight: Vec<f64> = results
            .iter()
            .map(|result| {
                let parameters = result["parameters"].as_object().unwrap();
                assert_eq!(parameters.len(), 1, "{parameters:?}");
                parameters["requests_in_flight"].as_str().unwrap().parse().unwrap()
            })
            .collect();
        let rows = records.iter().flat_map(|named| &named.comparison.contenders);
        let of_all_processes = rows
            .filter(|row| row.measured.is_some())
            .map(|row| f64::from(row.processes) * f64::from(row.in_flight));
        assert_eq!(in_flight, of_all_processes.collect::<Vec<_>>());
        assert!(in_flight.windows(2).any(|two| two[0] != two[1]), "there is something to plot against");
    }
}

#[test]
fn names_for_bencher_have_at_most_1024_bytes_and_stay_different() {
    for letter in ["n", "é", "€", "🦀"] {
        let fits = letter.repeat(1_024 / letter.len());
        let names = [
            fits.clone(),
            format!("{fits}-1"),
            format!("{fits}-2"),
            format!("a{}-2", letter.repeat(2_000)),
            "short:1".to_owned(),
        ];
        let mut record = example::record();
        example::rename(&mut record, &names.each_ref().map(String::as_str));
        let bmf = value(&bmf::render(&[named(&record)]).unwrap());
        let keys: Vec<&String> = bmf.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 4, "all that have valid runs");
        assert!(keys.iter().all(|key| key.len() <= 1_024), "{keys:?}");
        assert!(keys.contains(&&fits), "what fits stays as it is");
        let alone = bmf::benchmark_name(&names[1]);
        assert!(keys.contains(&&alone) && alone.starts_with(letter), "a name does not hang on the others");
    }
}

/// The example, in which the target was the limit of every run of the contenders that `is_limited` names.
fn limited(mut record: Record, is_limited: impl Fn(&str) -> bool) -> Named {
    let limited = record.runs.iter_mut().filter(|run| is_limited(&run.contender));
    for figures in limited.filter_map(|run| run.figures.as_mut()) {
        figures.target.limit = Some(TargetLimit::Loop);
    }
    named(&record)
}

/// Those that hang on the wall or on how long responses took.
const OF_THE_WALL: [&str; 6] =
    ["wall_ns", "efficiency", "added_latency_p99_ns", "latency_p99_ns", "achieved_per_second", "late_share"];

#[test]
fn target_limited_figures_are_left_out_where_a_format_has_no_mark() {
    for record in [example::record(), example::record_without_delays(), example::open_loop_record()] {
        let all = named(&record);
        let records = [limited(record, |name| name == "tokio:128")];
        let bmf_of = |one: &Named| value(&bmf::render(std::slice::from_ref(one)).unwrap());
        let (before, after) = (bmf_of(&all), bmf_of(&records[0]));
        for (name, measures) in before.as_object().unwrap() {
            for (measure, metric) in measures.as_object().unwrap() {
                let is_gone = name == "tokio:128" && OF_THE_WALL.contains(&measure.as_str());
                let expected = if is_gone { &Value::Null } else { metric };
                assert_eq!(&after[name][measure], expected, "{name}: {measure}");
            }
        }
        assert!(after["tokio:128"]["cpu_us_per_request"]["value"].is_f64(), "its CPU is its own");

        let names = |records: &[Named], direction| -> Vec<String> {
            let entries = value(&github_benchmark::render(records, direction).unwrap());
            let names =
                entries.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned());
            names.filter(|name| name.starts_with("tokio:128 ")).collect()
        };
        let of = |figures: [&str; 2]| figures.map(|figure| format!("tokio:128 {figure}"));
        assert_eq!(names(&records, Direction::SmallerIsBetter), of(["CPU", "peak memory"]));
        assert_eq!(names(std::slice::from_ref(&all), Direction::SmallerIsBetter).len(), 3);
        assert!(names(&records, Direction::BiggerIsBetter).is_empty());
        assert!(!names(&[all], Direction::BiggerIsBetter).is_empty());

        let commands = value(&hyperfine::render(&records).unwrap());
        for result in commands["results"].as_array().unwrap() {
            let command = result["command"].as_str().unwrap();
            let is_limited = command.starts_with("tokio:128");
            assert_eq!(command.strip_suffix(" (target-limited)").is_some(), is_limited, "{command}");
        }
    }
}

#[test]
fn an_empty_export_is_not_rendered() {
    let mut nothing_valid = example::record();
    let invalid = example::invalid(ReasonKind::TargetLate, "late");
    nothing_valid.runs.iter_mut().for_each(|run| run.verdict = invalid.clone());
    for records in [vec![], vec![named(&nothing_valid)], vec![named(&nothing_valid), named(&nothing_valid)]] {
        assert_eq!(bmf::render(&records), None);
        assert_eq!(hyperfine::render(&records), None);
        for direction in [Direction::SmallerIsBetter, Direction::BiggerIsBetter] {
            assert_eq!(github_benchmark::render(&records, direction), None);
        }
    }
    let all_limited = [limited(example::record(), |_| true)];
    assert_eq!(github_benchmark::render(&all_limited, Direction::BiggerIsBetter), None);
    assert!(github_benchmark::render(&all_limited, Direction::SmallerIsBetter).is_some());
}
