//! Who takes part in the next round: all that have rounds left, or those that a budget of time allows.

use std::collections::HashSet;
use std::time::Duration;

use inflight_report::comparison::CONFIDENCE;
use inflight_report::record::{Budget, Header, Run};
use inflight_report::stats;

/// A contender with a longer ideal has no run to warm up, which would double a race's time for nothing:
/// what is cold at its start is long warm at its end.
const LONGEST_WARM_UP_NS: u64 = 10_000_000_000;

/// Under a budget, a contender without a valid run tries so often, whatever it takes.
const ATTEMPTS: usize = 3;

/// No budget gives more rounds than can be asked for.
pub(crate) const MOST_ROUNDS: u32 = 1_000;

/// What the finished runs of a race come to.
#[derive(Default)]
pub(crate) struct Past {
    runs: Vec<PastRun>,
    /// Contender and round of each.
    seen: HashSet<(usize, u32)>,
}

struct PastRun {
    contender: usize,
    round: u32,
    took_ns: u64,
    /// Of a valid run.
    wall_ns: Option<u64>,
    /// Whether an attempt before was disturbed.
    repeated: bool,
}

impl Past {
    /// Adds a run of the header's contender of that index.
    pub(crate) fn add(&mut self, contender: usize, run: &Run) {
        let wall_ns = run.figures.as_ref().filter(|_| run.verdict.is_valid()).map(|figures| figures.wall_ns);
        let repeated = !run.disturbed_attempts.is_empty();
        self.push(PastRun { contender, round: run.round, took_ns: run.took_ns, wall_ns, repeated });
    }

    /// Whether the contender has finished its run of that round.
    pub(crate) fn has(&self, contender: usize, round: u32) -> bool {
        self.seen.contains(&(contender, round))
    }

    /// How many runs there are, and how many of them took another attempt.
    pub(crate) fn repeated(&self) -> (usize, usize) {
        (self.runs.len(), self.runs.iter().filter(|run| run.repeated).count())
    }

    /// Each run's contender, and what it took.
    pub(crate) fn took(&self) -> impl Iterator<Item = (usize, Duration)> {
        self.runs.iter().map(|run| (run.contender, Duration::from_nanos(run.took_ns)))
    }

    fn push(&mut self, run: PastRun) {
        self.seen.insert((run.contender, run.round));
        self.runs.push(run);
    }
}

/// The contenders of `round`, by their index in the header; none when the race is over. Looks at rounds
/// before that one alone, so that a race that was stopped in the middle of a round goes on as it began.
pub(crate) fn present(header: &Header, past: &Past, round: u32) -> Vec<usize> {
    let all = 0..header.contenders.len();
    match (round, header.budget) {
        (0, _) => all.filter(|&i| warms_up(header.contenders[i].floor_ns)).collect(),
        (_, None) => all.filter(|&i| header.contenders[i].rounds >= round).collect(),
        (1, Some(_)) => all.collect(),
        (round, Some(_)) if round > MOST_ROUNDS => Vec::new(),
        (round, Some(budget)) => {
            let spent: Vec<Spent> = all.map(|contender| Spent::of(contender, past, round)).collect();
            within(budget, &spent)
        }
    }
}

/// Whether a contender with this ideal time has a run to warm up.
pub(crate) fn warms_up(floor_ns: u64) -> bool {
    floor_ns <= LONGEST_WARM_UP_NS
}

/// What a contender has had of a budget.
struct Spent {
    contender: usize,
    time_ns: u64,
    /// Runs that count, valid or void.
    runs: usize,
    /// What one of them takes, as far as is known.
    each_ns: u64,
    walls_ns: Vec<u64>,
}

impl Spent {
    fn of(contender: usize, past: &Past, before: u32) -> Spent {
        let own = || past.runs.iter().filter(|run| run.contender == contender && run.round < before);
        let counting = || own().filter(|run| run.round > 0);
        let runs = counting().count();
        Spent {
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

/// Those that are not precise enough and can have another run within their share of the budget. All that
/// want one have an equal share of the time, so that the slow have fewer runs; what somebody leaves, being
/// precise or too slow for one more, is the others' to share.
fn within(budget: Budget, spent: &[Spent]) -> Vec<usize> {
    let (precise, mut active): (Vec<&Spent>, Vec<&Spent>) =
        spent.iter().partition(|spent| spent.is_precise(budget.precision));
    let time_of_precise: u64 = precise.iter().map(|spent| spent.time_ns).sum();
    let mut left_ns = budget.time_ns.saturating_sub(time_of_precise);
    active.sort_by_key(|spent| spent.each_ns);
    // The slowest that cannot have another leaves first: it has the least use for what is left.
    loop {
        let share_ns = left_ns / active.len().max(1) as u64;
        let cannot = |spent: &&Spent| spent.time_ns + spent.each_ns > share_ns;
        let Some(slowest) = active.iter().rposition(cannot) else { break };
        left_ns = left_ns.saturating_sub(active.remove(slowest).time_ns);
    }
    let goes_on = |spent: &Spent| active.iter().any(|active| active.contender == spent.contender);
    let tries_again = |spent: &Spent| spent.walls_ns.is_empty() && spent.runs < ATTEMPTS;
    let present = spent.iter().filter(|spent| goes_on(spent) || tries_again(spent));
    present.map(|spent| spent.contender).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Races on paper: contender `i` takes what `took(i, round)` says for every run that is valid. Gives the
    /// number of runs of each.
    fn race(budget_s: u64, contenders: usize, took_ns: impl Fn(usize, u32) -> Option<u64>) -> Vec<usize> {
        let budget = Budget { time_ns: budget_s * SECOND, precision: 0.02 };
        let mut past = Past::default();
        for round in 1..MOST_ROUNDS {
            let spent: Vec<Spent> = (0..contenders).map(|i| Spent::of(i, &past, round)).collect();
            let present = if round == 1 { (0..contenders).collect() } else { within(budget, &spent) };
            if present.is_empty() {
                break;
            }
            for contender in present {
                let wall_ns = took_ns(contender, round);
                past.push(PastRun {
                    contender,
                    round,
                    took_ns: wall_ns.unwrap_or(SECOND),
                    wall_ns,
                    repeated: false,
                });
            }
        }
        (0..contenders).map(|i| past.runs.iter().filter(|run| run.contender == i).count()).collect()
    }

    /// So wide that no interval is narrow.
    fn noisy(seconds: u64, round: u32) -> Option<u64> {
        Some(seconds * SECOND * (10 + u64::from(round % 2)) / 10)
    }

    #[test]
    fn a_budget_is_shared_by_time_so_that_the_slow_have_fewer_rounds() {
        let runs = race(100, 2, |contender, round| noisy([1, 10][contender], round));
        assert_eq!(runs, [55, 4]);
    }

    #[test]
    fn who_is_precise_has_enough_and_leaves_its_time_to_the_others() {
        let runs =
            race(100, 2, |contender, round| if contender == 0 { Some(SECOND) } else { noisy(10, round) });
        assert_eq!(runs, [stats::FIRST_LOOK, 8]);
    }

    #[test]
    fn the_interval_of_few_runs_is_not_believed() {
        assert_eq!(race(1_000, 1, |_, _| Some(SECOND)), [stats::FIRST_LOOK]);
    }

    /// Of ten runs the interval is their whole range, and of twenty it leaves out three at either end.
    #[test]
    fn it_is_looked_at_again_at_twice_as_many_runs_and_never_between() {
        let once_slow = |_, round| Some(if round == 4 { 2 * SECOND } else { SECOND });
        assert_eq!(race(1_000, 1, once_slow), [2 * stats::FIRST_LOOK]);
    }

    #[test]
    fn everybody_runs_once_however_small_the_budget() {
        assert_eq!(race(1, 3, |contender, round| noisy([1, 10, 264][contender], round)), [1, 1, 1]);
    }

    #[test]
    fn who_has_no_valid_run_tries_again() {
        let second_is_valid = |_, round| (round == 2).then_some(SECOND);
        assert_eq!(race(1, 1, second_is_valid), [2]);
        assert_eq!(race(1, 1, |_, _| None), [ATTEMPTS]);
    }

    #[test]
    fn the_last_rounds_fill_the_budget_and_do_not_pass_it() {
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
