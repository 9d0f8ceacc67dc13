//! Multiple comparisons with the best: which contenders may be the best by a figure, and which are worse than which.
//!
//! A reader wants to know which contender is best, so each is tested against the best and not every two
//! against each other: J. C. Hsu, "Constrained Simultaneous Confidence Intervals for Multiple Comparisons
//! with the Best", The Annals of Statistics 12 (3), 1984, pages 1136 to 1144. A contender is worse than another
//! when a one-sided exact signed-rank test over the logarithms of their ratios within rounds finds it so. The
//! best is tested against each of its k − 1 rivals, so a contender's p is the smallest p of its tests times k − 1
//! (Bonferroni). Several could be the best at once, so these p are adjusted by Holm's method over the k
//! contenders. With that, however many are equally good, the chance that any of them is found worse than another
//! is at most [`ALPHA`].
//!
//! Behind the best, a contender's rank counts those that are known to be better. That is the lower end
//! of a confidence interval of its rank: D. Al Mohamad, E. W. van Zwet and J. J. Goeman, "Simultaneous
//! Confidence Intervals for Ranks with Application to Ranking Institutions", Biometrics 78 (1), 2022. These
//! counts are of single tests at [`ALPHA`] divided by all comparisons that the rounds can decide.
//!
//! What needs no test is not counted: two that the bound decides cannot be equal, and contenders with so few
//! rounds that no result could be significant are left out (R. E. Tarone, "A Modified Bonferroni Method for
//! Discrete Data", Biometrics 46 (2), 1990).

use super::pairs::{Readings, log_ratios};
use super::{Finding, RankingFigure, Row};
use crate::stats::{holm, signed_rank};

/// The family-wise error rate of one figure: the chance that the best, or one of several that are equally good, is
/// found worse than another. A record compares two figures at most, which makes it 0.5 % of records of equals. The
/// documented rate is 1 %. The other half is for noise that is less symmetric than the test assumes.
pub const ALPHA: f64 = 0.0025;

/// Rounds beyond the fewest with which a test can find anything, so that one invalid run, or one round with the
/// opposite sign, does not decide the result. METHOD.md has the power of records with this many rounds.
const SPARE_ROUNDS: u32 = 2;

/// Rounds with which a test can distinguish the best of so many contenders from the others.
pub fn enough_rounds(contenders: u32) -> u32 {
    enough_for(comparisons(contenders as usize))
}

/// Rounds below which no result of so many contenders is significant.
pub fn fewest_rounds(contenders: u32) -> u32 {
    fewest_for(comparisons(contenders as usize))
}

fn enough_for(comparisons: usize) -> u32 {
    fewest_for(comparisons) + SPARE_ROUNDS
}

fn fewest_for(comparisons: usize) -> u32 {
    (1..).find(|&rounds| can_find(rounds, comparisons)).expect("the least p goes to zero")
}

/// Every contender with each of the others, in both directions.
fn comparisons(contenders: usize) -> usize {
    (contenders * contenders.saturating_sub(1)).max(2)
}

fn can_find(rounds: u32, comparisons: usize) -> bool {
    // The smallest p of a one-sided test: when all differences have the same sign.
    let least_p = 0.5_f64.powf(f64::from(rounds));
    least_p * comparisons as f64 <= ALPHA
}

/// The test results of one figure for all contenders, by their index in the rows.
pub(super) struct TestResults {
    pub(super) contenders: Vec<TestResult>,
    /// Comparisons that rounds can decide, in both directions: the strictest level is [`ALPHA`] over these.
    pub(super) comparisons: usize,
    /// Contenders that were tested.
    pub(super) tested: usize,
    /// Rounds with which each can be tested.
    pub(super) enough_rounds: u32,
}

/// What is known of one contender.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TestResult {
    /// The contenders that are known to be better.
    pub(super) behind: Vec<usize>,
    /// The p-value for its being the best, adjusted; absent where it was not tested.
    pub(super) adjusted_p: Option<f64>,
    pub(super) finding: Finding,
}

impl TestResults {
    pub(super) fn of(figure: RankingFigure, rows: &[Row], total_delay_ns: u64) -> TestResults {
        let medians: Vec<Option<u64>> = rows.iter().map(|row| figure.median(row)).collect();
        let readings: Vec<Readings> = rows.iter().map(|row| Readings::of(figure, row)).collect();
        let most: Vec<Option<u64>> = rows.iter().map(|row| figure.most(row)).collect();
        let bounds: Vec<u64> = rows.iter().map(|row| figure.bound(row, total_delay_ns)).collect();
        // Every run of `low` is below the lower bound of `high`.
        let is_bound = |low: usize, high: usize| most[low].is_some_and(|most| most < bounds[high]);
        let all: Vec<usize> = (0..rows.len()).filter(|&i| medians[i].is_some()).collect();
        let open = |among: &[usize]| {
            let is_open = |i: usize, j: usize| i != j && !is_bound(i, j) && !is_bound(j, i);
            among.iter().map(|&i| among.iter().filter(|&&j| is_open(i, j)).count()).sum::<usize>()
        };
        let (tested, comparisons) = testable(&all, rows, open);

        let ahead_by_bound =
            |i: usize| all.iter().copied().filter(|&j| j != i && is_bound(j, i)).collect::<Vec<_>>();
        let mut contenders: Vec<TestResult> = (0..rows.len())
            .map(|i| TestResult {
                behind: ahead_by_bound(i),
                adjusted_p: None,
                finding: Finding::TooFewRounds,
            })
            .collect();
        let candidates: Vec<usize> =
            tested.iter().copied().filter(|&i| contenders[i].behind.is_empty()).collect();

        let mut of_best = Vec::new();
        for &i in &tested {
            let mut strongest: (f64, Option<usize>) = (1.0, None);
            let mut most_rounds = 0;
            for &j in tested.iter().filter(|&&j| j != i && !is_bound(i, j) && !is_bound(j, i)) {
                let ratios = log_ratios(&readings[j], &readings[i]);
                most_rounds = most_rounds.max(ratios.len() as u32);
                // A test that the medians contradict does not count.
                if medians[j] >= medians[i] {
                    continue;
                }
                let p = signed_rank::greater(&ratios);
                if p * comparisons as f64 <= ALPHA {
                    contenders[i].behind.push(j);
                }
                if p < strongest.0 && candidates.contains(&j) {
                    strongest = (p, Some(j));
                }
            }
            if can_find(most_rounds, comparisons) {
                contenders[i].finding = Finding::NotDetected;
            }
            if candidates.contains(&i) {
                of_best.push((i, strongest));
            }
        }

        let rivals = candidates.len().saturating_sub(1) as f64;
        let p: Vec<f64> = of_best.iter().map(|(_, (p, _))| (p * rivals).min(1.0)).collect();
        for ((i, (_, rival)), adjusted_p) in of_best.into_iter().zip(holm(&p)) {
            let result = &mut contenders[i];
            if rivals > 0.0 && result.finding == Finding::NotDetected {
                result.adjusted_p = Some(adjusted_p);
            }
            if let Some(rival) = rival.filter(|rival| adjusted_p <= ALPHA && !result.behind.contains(rival)) {
                result.behind.push(rival);
            }
        }
        for (i, result) in contenders.iter_mut().enumerate() {
            if !ahead_by_bound(i).is_empty() {
                result.finding = Finding::Bound;
            } else if !result.behind.is_empty() {
                result.finding = Finding::Significant;
            }
        }
        let enough_rounds = enough_for(open(&all).max(2));
        TestResults { contenders, comparisons, tested: tested.len(), enough_rounds }
    }
}

/// The largest set of contenders that can be tested: each has enough valid runs for the comparisons among all of
/// them to be significant. Returns the number of these comparisons too.
fn testable(all: &[usize], rows: &[Row], open: impl Fn(&[usize]) -> usize) -> (Vec<usize>, usize) {
    let mut numbers: Vec<u32> = all.iter().map(|&i| rows[i].valid_runs).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for rounds in numbers {
        let with: Vec<usize> = all.iter().copied().filter(|&i| rows[i].valid_runs >= rounds).collect();
        let comparisons = open(&with).max(2);
        if with.len() > 1 && can_find(rounds, comparisons) {
            return (with, comparisons);
        }
    }
    (Vec::new(), 2)
}

#[cfg(test)]
mod tests;
