//! Wilcoxon's signed-rank test, with zeros and ties.
//!
//! F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (6), 1945, pages 80 to
//! 83. The null hypothesis is that differences are distributed symmetrically around zero, as they are between two
//! runs of the same program. Then both signs of each difference have the same probability, and p is the share of the
//! 2ⁿ assignments of signs that are at least as extreme as the observed one.
//!
//! Without zeros and ties that share is exact up to 1,000 differences: it depends on their number alone, and is
//! computed once for each number. With them it depends on the magnitudes. Equal magnitudes share the mean
//! of their ranks; zeros are ranked with the others and then left out, following J. W. Pratt, "Remarks on Zeros
//! and Ties in the Wilcoxon Signed Rank Procedures", Journal of the American Statistical Association 54 (287),
//! 1959, pages 655 to 667. The count is over the actual ranks. It is exact where that is fast (up to some
//! 400 differences), else a saddlepoint approximation that is within a few per cent.

mod exact;
mod saddlepoint;

use self::exact::Null;

/// The most sums that an exact count may visit: some 20 ms.
const EXACT_WORK: usize = 1 << 25;

/// The same where a test is one of hundreds on resampled differences.
const ROUGH_WORK: usize = 1 << 17;

/// The two-sided p-value of `differences`; 1 where there are none. They must be finite.
#[cfg(test)]
pub(super) fn two_sided(differences: &[f64]) -> f64 {
    let ranks = Ranks::of(differences);
    let smaller = ranks.positive.min(ranks.sum - ranks.positive);
    (2.0 * ranks.at_most(smaller, EXACT_WORK)).min(1.0)
}

/// The one-sided p-value for `differences` above zero; 1 where there are none. They must be finite. For a null
/// hypothesis other than zero, subtract it first.
pub fn greater(differences: &[f64]) -> f64 {
    above(differences, EXACT_WORK)
}

/// As [`greater`], but approximate for fewer differences where there are ties or zeros: for simulations.
pub(super) fn roughly_greater(differences: &[f64]) -> f64 {
    above(differences, ROUGH_WORK)
}

fn above(differences: &[f64], exact_work: usize) -> f64 {
    let ranks = Ranks::of(differences);
    // The distribution is symmetric: the upper tail equals the lower tail at the mirrored sum.
    ranks.at_most(ranks.sum - ranks.positive, exact_work)
}

/// The smallest value of [`two_sided`] for a number of differences: none is zero and all have the same sign. Each zero
/// doubles it.
#[cfg(test)]
pub(super) fn least_two_sided(differences: u32) -> f64 {
    0.5_f64.powf(f64::from(differences) - 1.0).min(1.0)
}

/// The probability that a random subset of the ranks 1 to `n` has a sum of at most `sum`.
pub(super) fn null_at_most(n: usize, sum: usize) -> f64 {
    let groups = (1..=n).map(|rank| Group { doubled: 2 * rank, count: 1 }).collect();
    Ranks { groups, sum: n * (n + 1), positive: 0, untied: Some(n) }.at_most(2 * sum, EXACT_WORK)
}

/// Differences of one magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Group {
    /// Their common rank, doubled so that it is a whole number.
    doubled: usize,
    count: usize,
}

/// The ranks of magnitudes.
struct Ranks {
    /// The ranks of all differences that are not zero, ascending.
    groups: Vec<Group>,
    /// The sum of their doubled ranks.
    sum: usize,
    /// The sum of the doubled ranks of positive differences.
    positive: usize,
    /// The number of differences, where there is neither a zero nor a tie.
    untied: Option<usize>,
}

impl Ranks {
    fn of(differences: &[f64]) -> Ranks {
        let mut sorted = differences.to_vec();
        // Sorted differences are two runs of sorted magnitudes, which this sort detects and merges.
        sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut ranks = Ranks { groups: Vec::with_capacity(sorted.len()), sum: 0, positive: 0, untied: None };
        let mut before = 0;
        for equal in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
            // The first has rank before + 1, the last before + count: twice their mean is the sum.
            let group = Group { doubled: 2 * before + equal.len() + 1, count: equal.len() };
            before += group.count;
            if equal[0] != 0.0 {
                ranks.positive +=
                    group.doubled * equal.iter().filter(|difference| **difference > 0.0).count();
                ranks.sum += group.doubled * group.count;
                ranks.groups.push(group);
            }
        }
        ranks.untied = (ranks.groups.len() == sorted.len()).then_some(sorted.len());
        ranks
    }

    /// The share of all subsets of the ranks whose doubled sum is at most `most`.
    fn at_most(&self, most: usize, exact_work: usize) -> f64 {
        if let Some(n) = self.untied.filter(|n| *n <= exact::MOST) {
            return Null::of(n).at_most(most / 2);
        }
        if most >= self.sum {
            1.0
        } else if 2 * most > self.sum {
            1.0 - self.at_most(self.sum - 1 - most, exact_work)
        } else if exact::work(&self.groups, most) <= exact_work {
            exact::at_most(&self.groups, most)
        } else {
            saddlepoint::at_most(&self.groups, most)
        }
    }
}

#[cfg(test)]
mod tests;
