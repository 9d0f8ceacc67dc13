//! Notes on the figures: what a reader must know before relying on them.

use crate::comparison::{Comparison, Row};
use crate::numbers::{bytes, count, signed_duration};
use crate::printable::clipped;
use crate::record::{CpuMethod, MemoryMethod, TargetLimit};

/// At most so many different reasons or warnings of one contender are listed.
const MOST_TEXTS: usize = 3;

/// A reason or a warning may quote a worker at any length: it is cut after so many characters.
const TEXT_CHARS: usize = 400;

/// What a worker calls its runtime or its client is cut after so many characters.
const VERSION_CHARS: usize = 80;

/// All of them, the most important first.
pub(crate) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let missing: u32 = comparison.contenders.iter().map(Row::missing_runs).sum();
    if missing > 0 {
        let cut = if comparison.truncated { ", one of them cut off in the record" } else { "" };
        notes.push(format!("The benchmark did not finish: {missing} of its runs are missing{cut}."));
    } else if comparison.truncated {
        notes.push("The record is truncated: the last run is missing.".to_owned());
    }
    let all: Vec<&Row> = comparison.contenders.iter().collect();
    notes.extend(target_limited(&all));
    notes.extend(reasons_and_warnings(comparison));
    notes.extend(bounds_of_memory(comparison));
    notes.extend(peaks_since_start(comparison));
    notes.extend(clocks_of_processes(comparison));
    notes.extend(faster_than_ideal(&all));
    notes.extend(comparison.contenders.iter().filter_map(about_failures));
    notes.extend(target_lateness(comparison));
    notes.extend(versions(comparison));
    notes
}

/// Which wall times are the target's, and which figures remain the contender's own.
pub(super) fn target_limited(rows: &[&Row]) -> Option<String> {
    let marked: Vec<&Row> = rows.iter().copied().filter(|row| row.is_target_limited()).collect();
    let runs = || marked.iter().flat_map(|row| row.valid_figures()).filter_map(|f| f.target.limit);
    let ways = [
        (TargetLimit::Loop, "an event loop of it was busy or waited for a processor all the time"),
        (TargetLimit::Machine, "target and workers together used all of the processors that they share"),
        (TargetLimit::Residence, "requests spent a notable part of their time waiting for it"),
    ];
    let why = ways.into_iter().filter_map(|(limit, why)| {
        let runs = runs().filter(|of_run| *of_run == limit).count();
        (runs > 0).then(|| format!("{why} ({runs} runs)"))
    });
    let whose = whose(&marked, rows.len(), "all contenders")?;
    Some(format!(
        "† Target-limited: the target was the limit of {whose}, since {}. More work in the target would make such \
         a wall longer by as much, so wall and throughput are neither compared nor ranked, and latency has the \
         target's queue in it; CPU and memory are the contender's own",
        why.collect::<Vec<_>>().join("; "),
    ))
}

/// The names of `rows`, or `all` where they are as many as `count`; `None` where there are none.
fn whose(rows: &[&Row], count: usize, all: &str) -> Option<String> {
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    match names.len() {
        0 => None,
        named if named == count => Some(all.to_owned()),
        _ => Some(names.join(", ")),
    }
}

/// Reasons and warnings, each once, with the contenders that have it equally often.
fn reasons_and_warnings(comparison: &Comparison) -> Vec<String> {
    let mut notes: Vec<(Vec<&str>, String)> = Vec::new();
    let mut add = |name, words: String| match notes.iter_mut().find(|(_, known)| *known == words) {
        Some((names, _)) => names.push(name),
        None => notes.push((vec![name], words)),
    };
    for row in &comparison.contenders {
        let reasons = row.invalid_reasons.iter().map(|tally| (&tally.reason.text, tally.count)).collect();
        let warnings = row.warnings.iter().map(|tally| (&tally.text, tally.count)).collect();
        let repeated = row.repeated_for.iter().map(|tally| (&tally.reason.text, tally.count)).collect();
        let tallies: [(&str, Vec<(&String, u32)>); 3] =
            [("invalid", reasons), ("disturbed and repeated", repeated), ("warning", warnings)];
        for (what, tallies) in tallies {
            for (text, count) in tallies.iter().take(MOST_TEXTS) {
                let runs = row.runs.len();
                add(&row.name, format!("{what} in {count} of {runs} runs: {}", clipped(text, TEXT_CHARS)));
            }
            if tallies.len() > MOST_TEXTS {
                let more = tallies.len() - MOST_TEXTS;
                add(&row.name, format!("{what}: {more} more kinds, all in the record"));
            }
        }
    }
    notes.into_iter().map(|(names, words)| format!("{}, {words}", names.join(", "))).collect()
}

/// The upper bounds of the memory of several processes.
fn bounds_of_memory(comparison: &Comparison) -> Option<String> {
    let bounds: Vec<String> = comparison
        .contenders
        .iter()
        .filter_map(|row| Some((row, row.measured.as_ref()?)))
        .filter(|(_, measured)| measured.peak_memory_method == MemoryMethod::SampledTree)
        .map(|(row, measured)| format!("{} {}", row.name, bytes(measured.peak_memory_bound_bytes.median)))
        .collect();
    let note = format!(
        "The peak memory of several processes is the largest reading of the tree; it cannot be above the \
         sum of each one's own peak, which counts shared pages once a process: {}",
        bounds.join(", ")
    );
    (!bounds.is_empty()).then_some(note)
}

/// Which peaks of memory include the setup.
fn peaks_since_start(comparison: &Comparison) -> Option<String> {
    let method = |row: &Row| row.measured.as_ref().map(|measured| measured.peak_memory_method);
    let (since_start, others): (Vec<&Row>, Vec<&Row>) = comparison
        .contenders
        .iter()
        .filter(|row| method(row).is_some_and(|method| method != MemoryMethod::SampledTree))
        .partition(|row| method(row) == Some(MemoryMethod::HighWaterMarkSinceStart));
    let count = since_start.len() + others.len();
    let whose = whose(&since_start, count, "every contender with one process")?;
    Some(format!(
        "The peak memory of {whose} is the most since the program was started, what setting up took and gave \
         back included: it could not be reset at the start signal"
    ))
}

/// Which CPU times come from the clocks of processes, less exact than a control group.
fn clocks_of_processes(comparison: &Comparison) -> Option<String> {
    let by_clocks = |row: &&Row| row.valid_figures().any(|f| f.cpu_method == CpuMethod::ProcessClocks);
    let rows: Vec<&Row> = comparison.contenders.iter().filter(by_clocks).collect();
    let whose = whose(&rows, comparison.contenders.len(), "all contenders")?;
    Some(format!(
        "The CPU of {whose} is by the clocks of processes, as without a control group: children that ended \
         count in ticks of 10 ms, and those that outlived their parents not at all"
    ))
}

/// Which efficiencies are above 100 %, and why.
pub(super) fn faster_than_ideal(rows: &[&Row]) -> Option<String> {
    let faster = |row: &&&Row| {
        row.ideal_ns.is_some_and(|ideal_ns| row.valid_figures().any(|figures| figures.wall_ns < ideal_ns))
    };
    let names: Vec<&str> = rows.iter().filter(faster).map(|row| row.name.as_str()).collect();
    let note = format!(
        "* Above 100 % efficiency in at least one run: {}. The ideal takes URLs in their order, first in, \
         first out; another order, such as that of a work-stealing pool, can end sooner",
        names.join(", ")
    );
    (!names.is_empty()).then_some(note)
}

fn about_failures(row: &Row) -> Option<String> {
    let failed = row.measured.as_ref()?.failed_requests;
    (failed > 0).then(|| {
        format!("{}: {} requests of its valid runs failed; they are in no latency", row.name, count(failed))
    })
}

/// How much of the added latency is the target's.
fn target_lateness(comparison: &Comparison) -> Option<String> {
    let valid = comparison.contenders.iter().flat_map(Row::valid_figures);
    let worst = valid.map(|figures| figures.target.lateness_ns.p99).max()?;
    Some(format!(
        "Added latency includes the target's own lateness: at p99 at most {} in any valid run; the target \
         ran {} real-time priority",
        signed_duration(worst),
        realtime(comparison),
    ))
}

fn realtime(comparison: &Comparison) -> &'static str {
    let runs = || comparison.contenders.iter().flat_map(|row| &row.runs);
    let is_any = |realtime: bool| runs().flat_map(|run| &run.figures).any(|f| f.target.realtime == realtime);
    match (is_any(true), is_any(false)) {
        (_, false) => "with",
        (false, _) => "without",
        _ => "in some runs with and in some without",
    }
}

/// Every runtime with its client, once; where there are several, with the contenders that use it.
fn versions(comparison: &Comparison) -> Option<String> {
    let mut versions: Vec<(String, Vec<&str>)> = Vec::new();
    for row in &comparison.contenders {
        for run in &row.runs {
            let named = [&run.runtime, &run.client].into_iter().filter(|name| !name.is_empty());
            let named: Vec<String> = named.map(|name| clipped(name, VERSION_CHARS)).collect();
            let version = named.join(" with ");
            match versions.iter_mut().find(|(known, _)| *known == version) {
                _ if version.is_empty() => {}
                Some((_, names)) if names.contains(&row.name.as_str()) => {}
                Some((_, names)) => names.push(&row.name),
                None => versions.push((version, vec![&row.name])),
            }
        }
    }
    let listed = match versions.as_slice() {
        [] => return None,
        [(version, _)] => version.clone(),
        several => {
            let of_whom =
                |(version, names): &(String, Vec<&str>)| format!("{version} ({})", names.join(", "));
            several.iter().map(of_whom).collect::<Vec<_>>().join("; ")
        }
    };
    Some(format!("Runtimes and clients: {listed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{self, all_figures, figures_of, invalid, runs_of};
    use crate::record::{Figures, ReasonKind, Record, Run};

    fn notes_of(record: &Record) -> String {
        notes(&Comparison::of(record)).join("\n")
    }

    #[test]
    fn many_reasons_are_truncated() {
        let mut record = example::record();
        for run in runs_of(&mut record, "smol:256") {
            run.verdict = invalid(ReasonKind::Worker, format!("{} {}", run.round, "x".repeat(5_000)));
        }
        let notes = notes(&Comparison::of(&record));
        let mine: Vec<&String> = notes.iter().filter(|note| note.starts_with("smol:256")).collect();
        assert_eq!(mine.len(), MOST_TEXTS + 1);
        assert!(mine.iter().all(|note| note.chars().count() < TEXT_CHARS + 100));
        assert_eq!(mine[MOST_TEXTS], "smol:256, invalid: 2 more kinds, all in the record");
    }

    #[test]
    fn repeated_runs_are_noted_with_their_reasons() {
        let mut record = example::record();
        let late = invalid(ReasonKind::TargetLate, "the target was late");
        for run in runs_of(&mut record, "tokio:128").take(2) {
            let disturbed = Run { verdict: late.clone(), took_ns: 7, ..run.clone() };
            let took_ns = run.took_ns;
            *run = run.clone().in_place_of(&disturbed);
            assert_eq!(run.took_ns, took_ns + 7);
        }
        let comparison = Comparison::of(&record);
        let row = example::row(&comparison, "tokio:128");
        assert_eq!((row.repeated_runs, row.invalid_runs), (2, 1), "a repeated run is not an invalid one");
        let note = "\ntokio:128, disturbed and repeated in 2 of 5 runs: the target was late\n";
        assert!(notes_of(&record).contains(note), "{}", notes_of(&record));
    }

    #[test]
    fn target_limited_contenders_are_marked_and_explained() {
        let mut record = example::record();
        assert!(!notes_of(&record).contains('†'));
        for figures in figures_of(&mut record, "tokio:8x64") {
            figures.target.limit = Some(TargetLimit::Residence);
        }
        let notes = notes_of(&record);
        assert!(
            notes.contains("† Target-limited: the target was the limit of tokio:8x64, since requests spent")
        );
        assert!(notes.contains("(5 runs)"), "{notes}");
        let table = crate::tables::markdown::render(&Comparison::of(&record));
        let marked: Vec<&str> =
            table.lines().filter(|line| line.starts_with('|') && line.contains('†')).collect();
        assert!(marked.len() == 1 && marked[0].contains("tokio:8x64"), "{table}");
    }

    #[test]
    fn versions_are_listed_with_their_contenders() {
        let mut record = example::record();
        let shown = |record: &Record| versions(&Comparison::of(record)).unwrap();
        let both = "Runtimes and clients: tokio 1.54.1 with reqwest 0.13.5 (sync:1, threads:32, tokio:128, \
                    tokio:8x64); smol 2.0.2 with hyper 1.8.1 (smol:256)";
        assert_eq!(shown(&record), both);
        record.runs.retain(|run| run.contender != "smol:256");
        assert_eq!(shown(&record), "Runtimes and clients: tokio 1.54.1 with reqwest 0.13.5");
        for (number, run) in record.runs.iter_mut().enumerate() {
            run.runtime = format!("{number} {}", "x".repeat(5_000));
        }
        let long = shown(&record);
        let runs = record.runs.len();
        assert!(long.contains(&format!("; {} xx", runs - 1)) && long.len() < runs * 200, "{long}");
    }

    /// A change of a record.
    type Change = fn(&mut Record);

    /// Each note is absent until the record is changed as it says.
    #[test]
    fn what_is_not_as_usual_is_noted() {
        const SINCE_START: MemoryMethod = MemoryMethod::HighWaterMarkSinceStart;
        let cases: [(&str, Change); 7] = [
            ("The CPU of tokio:8x64 is by the clocks of processes", |record| {
                figures_of(record, "tokio:8x64").for_each(|f| f.cpu_method = CpuMethod::ProcessClocks);
            }),
            ("The peak memory of threads:32 is the most since", |record| {
                figures_of(record, "threads:32").take(1).for_each(|f| f.peak_memory_method = SINCE_START);
            }),
            ("The peak memory of every contender with one process is", |record| {
                let one_process = |f: &&mut Figures| f.peak_memory_method == MemoryMethod::HighWaterMark;
                all_figures(record).filter(one_process).for_each(|f| f.peak_memory_method = SINCE_START);
            }),
            ("* Above 100 % efficiency in at least one run: threads:32. The ideal", |record| {
                record.header.contenders[1].ideal_ns *= 2;
            }),
            ("tokio:128: 2 requests of its valid runs failed", |record| {
                record.runs[2].latencies.failed = 2;
            }),
            ("The record is truncated: the last run is missing.", |record| record.truncated = true),
            ("The benchmark did not finish: 1 of its runs are missing, one of them cut off", |record| {
                record.truncated = true;
                record.runs.truncate(20);
            }),
        ];
        for (note, change) in cases {
            let mut record = example::record();
            let begins = |notes: String| notes.lines().any(|line| line.starts_with(note));
            assert!(!begins(notes_of(&record)), "{note}");
            change(&mut record);
            assert!(begins(notes_of(&record)), "{note}: {}", notes_of(&record));
        }
    }
}
