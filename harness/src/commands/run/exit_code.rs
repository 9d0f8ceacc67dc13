//! The exit code of a race.

use inflight_report::record::{ContenderFacts, Record, Verdict};

use crate::commands::{INCONCLUSIVE, NOTHING_VALID};

/// 0 where every contender has a valid run. Where one has none, 3 if the machine disturbed all of its runs, and 1 if not.
pub(super) fn of(record: &Record) -> u8 {
    let verdicts = |contender: &ContenderFacts| {
        let runs = record.runs.iter().filter(|run| run.contender == contender.name && !run.warm_up);
        runs.map(|run| &run.verdict).collect::<Vec<_>>()
    };
    let all = record.header.contenders.iter().map(verdicts);
    let mut without = all.filter(|verdicts| !verdicts.iter().any(|verdict| verdict.is_valid())).peekable();
    if without.peek().is_none() {
        return 0;
    }
    let is_disturbed = |verdicts: Vec<&Verdict>| {
        !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.is_disturbed())
    };
    if without.all(is_disturbed) { INCONCLUSIVE } else { NOTHING_VALID }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use inflight_report::record::{Reason, ReasonKind};

    use super::*;

    #[test]
    fn the_exit_code_distinguishes_a_failure_from_a_disturbance() {
        let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("../report/src/record/format_1.jsonl");
        let record = |verdicts: [Option<ReasonKind>; 2]| {
            let mut record = Record::read(&saved).unwrap();
            record.runs.retain(|run| !run.warm_up);
            for (contender, kind) in record.header.contenders.iter().zip(verdicts) {
                let runs = record.runs.iter_mut().filter(|run| run.contender == contender.name);
                let reasons: Vec<Reason> = kind.into_iter().map(|kind| Reason::new(kind, "why")).collect();
                runs.for_each(|run| run.verdict = Verdict::from(reasons.clone()));
            }
            record
        };
        assert!(record([None; 2]).header.contenders.len() >= 2);
        let (late, lost) = (Some(ReasonKind::TargetLate), Some(ReasonKind::NotServedOnce));
        let codes = [[None, None], [late, None], [lost, None], [late, lost]].map(|kinds| of(&record(kinds)));
        assert_eq!(codes, [0, 3, 1, 1]);
    }
}
