//! JUnit XML: a suite per record, a test case per run. An invalid run is a failure with its reasons, a run that never
//! took place is skipped.

#[cfg(test)]
pub(crate) mod schema;

use crate::comparison::{Comparison, Named, Row, RunSummary};
use crate::conclusion::conclusion;
#[cfg(test)]
pub(crate) use crate::junit_xml::seconds;
use crate::junit_xml::{self, Case, CaseResult, Problem, Suite};
use crate::record::Verdict;

/// Renders `records`, ending in a newline.
pub fn render(records: &[Named]) -> String {
    junit_xml::render(&records.iter().map(suite).collect::<Vec<_>>())
}

fn suite(named: &Named) -> Suite {
    let comparison = &named.comparison;
    let rows = &comparison.contenders;
    let cases = rows.iter().flat_map(|row| {
        let runs = row.runs.iter().map(|run| case(row, run));
        // Cases of one name would count as one, so runs that did not take place are numbered.
        let missing = (1..=row.missing_runs()).map(|number| Case {
            name: format!("{} not run {number}", row.name),
            class: row.name.clone(),
            time_ns: 0,
            result: CaseResult::Skipped,
        });
        runs.chain(missing)
    });
    Suite {
        name: named.record.clone(),
        started_at: comparison.started_at.clone(),
        time_ns: rows.iter().flat_map(|row| &row.runs).map(wall_ns).sum(),
        properties: properties(comparison),
        cases: cases.collect(),
        output: conclusion(comparison),
    }
}

fn properties(comparison: &Comparison) -> Vec<(&'static str, String)> {
    vec![
        ("command", comparison.command.clone()),
        ("inflight_version", comparison.inflight_version.clone()),
        ("latency", comparison.scenario.latency.clone()),
        ("urls", comparison.scenario.urls.to_string()),
        ("cpu_model", comparison.machine.cpu_model.clone()),
        ("cores", comparison.machine.cores.to_string()),
    ]
}

fn case(row: &Row, run: &RunSummary) -> Case {
    let result = match &run.verdict {
        Verdict::Valid => CaseResult::Passed,
        Verdict::Invalid { reasons } => {
            let unknown = || ("invalid".to_owned(), "invalid".to_owned());
            let first = reasons.first().map(|reason| (reason.kind.name(), reason.text.clone()));
            let (kind, message) = first.unwrap_or_else(unknown);
            let details = reasons.iter().map(|reason| reason.text.clone()).collect();
            CaseResult::Failure(Problem { kind, message, details })
        }
    };
    let name = format!("{} round {}", row.name, run.round);
    Case { name, class: row.name.clone(), time_ns: wall_ns(run), result }
}

fn wall_ns(run: &RunSummary) -> u64 {
    run.figures.as_ref().map_or(0, |figures| figures.wall_ns)
}
