//! Synthetic long and wide races, from a saved one: its contenders and runs are repeated, with noise added to each.

use anyhow::{Result, ensure};
use inflight_report::record::{ContenderFacts, Reason, ReasonKind, Record, Run, Samples, Verdict};

use crate::spread;

/// One run in this many is invalid, so that pairs of contenders share different numbers of rounds.
const INVALID_EVERY: usize = 97;

/// The first `contenders` contenders of `saved` that run several rounds, in a race of `rounds` rounds, the first of them
/// with an A/A control.
pub(crate) fn race(saved: &Record, contenders: usize, rounds: u32) -> Result<Record> {
    let several =
        saved.header.contenders.iter().filter(|facts| facts.rounds > 1 && facts.control_of.is_none());
    let mut chosen: Vec<ContenderFacts> = several.take(contenders).cloned().collect();
    ensure!(chosen.len() == contenders, "the saved record has {} such contenders", chosen.len());
    let control = ContenderFacts {
        name: format!("{}#control", chosen[0].name),
        control_of: Some(chosen[0].name.clone()),
        ..chosen[0].clone()
    };
    let mut race = Record { runs: Vec::new(), ..saved.clone() };
    for (number, facts) in chosen.iter().chain([&control]).enumerate() {
        let original = facts.control_of.as_ref().unwrap_or(&facts.name);
        let templates: Vec<&Run> = saved
            .runs
            .iter()
            .filter(|run| run.contender == *original && run.verdict.is_valid() && !run.warm_up)
            .collect();
        ensure!(!templates.is_empty(), "the saved record has no valid run of {original}");
        let runs = (1..=rounds).zip(templates.into_iter().cycle());
        race.runs.extend(runs.map(|(round, run)| repeat(run, &facts.name, round, number)));
    }
    // In the order of a race: round after round.
    race.runs.sort_by_key(|run| run.round);
    chosen.push(control);
    chosen.iter_mut().for_each(|facts| facts.rounds = rounds);
    race.header.contenders = chosen;
    Ok(race)
}

fn repeat(run: &Run, name: &str, round: u32, contender: usize) -> Run {
    let at = contender * 1_009 + round as usize;
    let mut run = Run { contender: name.to_owned(), round, ..run.clone() };
    if round > 1 {
        // A record keeps the samples of one valid run of a contender.
        (run.samples, run.timeline) = (Samples::default(), Vec::new());
    }
    if let Some(figures) = &mut run.figures {
        figures.wall_ns = (figures.wall_ns as f64 * (0.98 + 0.04 * spread(at))) as u64;
        figures.cpu_ns = (figures.cpu_ns as f64 * (0.95 + 0.1 * spread(at * 7))) as u64;
    }
    if at.is_multiple_of(INVALID_EVERY) {
        run.verdict = Verdict::from(vec![Reason::new(ReasonKind::TargetLate, "the target was late")]);
    }
    run
}
