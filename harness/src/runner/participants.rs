//! The participants of the next round: all that have rounds left, or those that a time budget permits.

use std::collections::HashSet;
use std::time::Duration;

use inflight_report::comparison::CONFIDENCE;
use inflight_report::record::{Budget, Header, Run};
use inflight_report::stats;

/// A contender with a longer ideal has no warm-up run, which would double the time of a race for nothing:
/// whatever is cold at its start is warm for most of the run.
const LONGEST_WARM_UP_NS: u64 = 10_000_000_000;

/// Under a budget, a contender without a valid run has this many attempts, whatever they take.
const ATTEMPTS: usize = 3;

/// No budget gives more rounds than `--rounds` accepts.
pub(crate) const MOST_ROUNDS: u32 = 1_000;

/// The finished runs of a race.
#[derive(Default)]
pub(crate) struct RunHistory {
    runs: Vec<FinishedRun>,
    /// Contender and round of each.
    seen: HashSet<(usize, u32)>,
}

struct FinishedRun {
    contender: usize,
    round: u32,
    took_ns: u64,
    /// Of a valid run.
    wall_ns: Option<u64>,
    /// Whether an attempt before was disturbed.
    repeated: bool,
}

impl RunHistory {
    /// Adds a run of the header's contender of that index.
    pub(crate) fn add(&mut self, contender: usize, run: &Run) {
        let wall_ns = run.figures.as_ref().filter(|_| run.verdict.is_valid()).map(|figures| figures.wall_ns);
        let repeated = !run.disturbed_attempts.is_empty();
        self.push(FinishedRun { contender, round: run.round, took_ns: run.took_ns, wall_ns, repeated });
    }

    pub(crate) fn has(&self, contender: usize, round: u32) -> bool {
        self.seen.contains(&(contender, round))
    }

    /// How many runs there are, and how many of them took another attempt.
    pub(crate) fn repeated(&self) -> (usize, usize) {
        (self.runs.len(), self.runs.iter().filter(|run| run.repeated).count())
    }

    pub(crate) fn took(&self) -> impl Iterator<Item = (usize, Duration)> {
        self.runs.iter().map(|run| (run.contender, Duration::from_nanos(run.took_ns)))
    }

    fn push(&mut self, run: FinishedRun) {
        self.seen.insert((run.contender, run.round));
        self.runs.push(run);
    }
}

/// The contenders of `round`, by their index in the header; none when the race is over. Depends on rounds
/// before that one alone, so that a race that was stopped in the middle of a round resumes as it began.
pub(crate) fn participants(header: &Header, history: &RunHistory, round: u32) -> Vec<usize> {
    let all = 0..header.contenders.len();
    match (round, header.budget) {
        (0, _) => all.filter(|&i| warms_up(header.contenders[i].ideal_ns)).collect(),
        (_, None) => all.filter(|&i| header.contenders[i].rounds >= round).collect(),
        (1, Some(_)) => all.collect(),
        (round, Some(_)) if round > MOST_ROUNDS => Vec::new(),
        (round, Some(budget)) => {
            let uses: Vec<BudgetUse> =
                all.map(|contender| BudgetUse::of(contender, history, round)).collect();
            within(budget, &uses)
        }
    }
}

/// Whether a contender with this ideal time has a warm-up run.
pub(crate) fn warms_up(ideal_ns: u64) -> bool {
    ideal_ns <= LONGEST_WARM_UP_NS
}

/// How much of a budget a contender has used.
struct BudgetUse {
    contender: usize,
    time_ns: u64,
    /// Runs that count, valid or invalid.
    runs: usize,
    /// The mean time of one of them; 0 before the first.
    each_ns: u64,
    walls_ns: Vec<u64>,
}

impl BudgetUse {
    fn of(contender: usize, history: &RunHistory, before: u32) -> BudgetUse {
        let own = || history.runs.iter().filter(|run| run.contender == contender && run.round < before);
        let counting = || own().filter(|run| run.round > 0);
        let runs = counting().count();
        BudgetUse {
            contender,
            time_ns: own().map(|run| run.took_ns).sum(),
            runs,
            each_ns: counting().map(|run| run.took_ns).sum::<u64>() / runs.max(1) as u64,
            walls_ns: counting().filter_map(|run| run.wall_ns).collect(),
        }
    }

    fn is_precise(&self, precision: f64) -> bool {
        stats::is_precise(&self.walls_ns, precision, CONFIDENCE)
    }
}

/// The contenders that are not precise enough and fit another run into their share of the budget. All that
/// need one have an equal share of the time, so that the slow have fewer runs; what a contender leaves, being
/// precise or too slow for one more, is shared by the others.
fn within(budget: Budget, uses: &[BudgetUse]) -> Vec<usize> {
    let (precise, mut active): (Vec<&BudgetUse>, Vec<&BudgetUse>) =
        uses.iter().partition(|used| used.is_precise(budget.precision));
    let time_of_precise: u64 = precise.iter().map(|used| used.time_ns).sum();
    let mut left_ns = budget.time_ns.saturating_sub(time_of_precise);
    active.sort_by_key(|used| used.each_ns);
    // The slowest that has no time for another run leaves first: it would use what is left least.
    loop {
        let share_ns = left_ns / active.len().max(1) as u64;
        let cannot = |used: &&BudgetUse| used.time_ns + used.each_ns > share_ns;
        let Some(slowest) = active.iter().rposition(cannot) else { break };
        left_ns = left_ns.saturating_sub(active.remove(slowest).time_ns);
    }
    let goes_on = |used: &BudgetUse| active.iter().any(|active| active.contender == used.contender);
    let tries_again = |used: &BudgetUse| used.walls_ns.is_empty() && used.runs < ATTEMPTS;
    let participants = uses.iter().filter(|used| goes_on(used) || tries_again(used));
    participants.map(|used| used.contender).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Simulates a race: contender `i` takes what `took(i, round)` says for every run that is valid. Gives the
    /// number of runs of each.
    fn race(budget_s: u64, contenders: usize, took_ns: impl Fn(usize, u32) -> Option<u64>) -> Vec<usize> {
        let budget = Budget { time_ns: budget_s * SECOND, precision: 0.02 };
        let mut history = RunHistory::default();
        for round in 1..MOST_ROUNDS {
            let uses: Vec<BudgetUse> = (0..contenders).map(|i| BudgetUse::of(i, &history, round)).collect();
            let participants = if round == 1 { (0..contenders).collect() } else { within(budget, &uses) };
            if participants.is_empty() {
                break;
            }
            for contender in participants {
                let wall_ns = took_ns(contender, round);
                history.push(FinishedRun {
                    contender,
                    round,
                    took_ns: wall_ns.unwrap_or(SECOND),
                    wall_ns,
                    repeated: false,
                });
            }
        }
        (0..contenders).map(|i| history.runs.iter().filter(|run| run.contender == i).count()).collect()
    }

    /// So wide that no interval is narrow.
    fn noisy(seconds: u64, round: u32) -> Option<u64> {
        Some(seconds * SECOND * (10 + u64::from(round % 2)) / 10)
    }

    #[test]
    fn budget_is_shared_by_time() {
        let runs = race(100, 2, |contender, round| noisy([1, 10][contender], round));
        assert_eq!(runs, [55, 4]);
    }

    #[test]
    fn precise_contender_leaves_its_time_to_the_others() {
        let runs =
            race(100, 2, |contender, round| if contender == 0 { Some(SECOND) } else { noisy(10, round) });
        assert_eq!(runs, [stats::FIRST_LOOK, 8]);
    }

    #[test]
    fn interval_of_few_runs_does_not_count() {
        assert_eq!(race(1_000, 1, |_, _| Some(SECOND)), [stats::FIRST_LOOK]);
    }

    /// Of ten runs the interval is their whole range, and of twenty it leaves out three at either end.
    #[test]
    fn precision_is_checked_at_doubled_numbers_of_runs() {
        let once_slow = |_, round| Some(if round == 4 { 2 * SECOND } else { SECOND });
        assert_eq!(race(1_000, 1, once_slow), [2 * stats::FIRST_LOOK]);
    }

    #[test]
    fn each_contender_runs_once_however_small_the_budget() {
        assert_eq!(race(1, 3, |contender, round| noisy([1, 10, 264][contender], round)), [1, 1, 1]);
    }

    #[test]
    fn contender_without_a_valid_run_tries_again() {
        let second_is_valid = |_, round| (round == 2).then_some(SECOND);
        assert_eq!(race(1, 1, second_is_valid), [2]);
        assert_eq!(race(1, 1, |_, _| None), [ATTEMPTS]);
    }

    #[test]
    fn last_rounds_fill_the_budget() {
        for seconds in 1..=30 {
            let runs = race(100, 3, |_, round| noisy(seconds, round));
            let (least, most) = (runs.iter().min().unwrap(), runs.iter().max().unwrap());
            assert!(most - least <= 1, "{seconds} s: {runs:?}");
            let each_ms = seconds as usize * 1_050;
            let all_ms = runs.iter().sum::<usize>() * each_ms;
            assert!((100_000 - each_ms * 13 / 10..=105_000).contains(&all_ms), "{seconds} s: {runs:?}");
        }
    }
}
