//! Wilcoxon's signed-rank test, with zeros and ties.
//!
//! F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (6), 1945, pages 80 to
//! 83. The null hypothesis is that differences lie symmetrically around zero, as they do between two runs
//! of the same thing. Then each sign was a coin's throw, and p is the share of the 2ⁿ ways in which the coins
//! could have fallen that are as extreme as what was seen.
//!
//! Without zeros and ties that share is exact up to 1,000 differences: it depends on their number alone, and is
//! computed once for each number. With them it depends on the magnitudes at hand. Equal magnitudes share the mean
//! of their ranks; zeros are ranked with the others and then left out, as J. W. Pratt has it in "Remarks on Zeros
//! and Ties in the Wilcoxon Signed Rank Procedures", Journal of the American Statistical Association 54 (287),
//! 1959, pages 655 to 667. The count is over the ranks as they came out, and exact where it is quick (up to some
//! 400 differences), else a saddlepoint approximation that is within a few per cent.

mod exact;
mod saddlepoint;

use self::exact::Null;

/// The most sums that an exact count may visit: some 20 ms.
const EXACT_WORK: usize = 1 << 25;

/// The same where a test is one of hundreds on made-up differences.
const ROUGH_WORK: usize = 1 << 17;

/// The chance that differences of the same magnitudes but random signs are as far from zero, to either
/// side, as `differences`; 1 where there are none. They must be finite.
pub fn two_sided(differences: &[f64]) -> f64 {
    let ranks = Ranks::of(differences);
    let smaller = ranks.positive.min(ranks.sum - ranks.positive);
    (2.0 * ranks.at_most(smaller, EXACT_WORK)).min(1.0)
}

/// The chance that differences of the same magnitudes but random signs are as far above zero as
/// `differences`; 1 where there are none. They must be finite. For a null hypothesis other than zero,
/// subtract it first.
pub fn greater(differences: &[f64]) -> f64 {
    above(differences, EXACT_WORK)
}

/// As [`greater`], with ties or zeros approximate from fewer differences on: for simulations.
pub(super) fn roughly_greater(differences: &[f64]) -> f64 {
    above(differences, ROUGH_WORK)
}

fn above(differences: &[f64], exact_work: usize) -> f64 {
    let ranks = Ranks::of(differences);
    // The distribution is symmetric: as much at this sum and above as at its mirror image and below.
    ranks.at_most(ranks.sum - ranks.positive, exact_work)
}

/// The smallest that [`two_sided`] can be with so many differences: when none is zero and all have the same
/// sign. Each zero among them doubles what they can reach.
pub fn least_two_sided(differences: u32) -> f64 {
    0.5_f64.powf(f64::from(differences) - 1.0).min(1.0)
}

/// The chance that the sum of the ranks 1 to `n` is at most `sum` where every rank counts or not by the throw of a
/// coin.
pub(super) fn null_at_most(n: usize, sum: usize) -> f64 {
    let groups = (1..=n).map(|rank| Group { doubled: 2 * rank, count: 1 }).collect();
    Ranks { groups, sum: n * (n + 1), positive: 0, untied: Some(n) }.at_most(2 * sum, EXACT_WORK)
}

/// Differences of one magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Group {
    /// The rank that they share, doubled so that the mean of two is a whole number.
    doubled: usize,
    count: usize,
}

/// The ranks of magnitudes.
struct Ranks {
    /// Those of all that are not zero, ascending.
    groups: Vec<Group>,
    /// The sum of the doubled ranks of all that are not zero.
    sum: usize,
    /// The same of the positive ones.
    positive: usize,
    /// How many differences there are, without a zero and without a tie.
    untied: Option<usize>,
}

impl Ranks {
    fn of(differences: &[f64]) -> Ranks {
        let mut sorted = differences.to_vec();
        // Ascending differences are two ascending runs of magnitudes, which this sort finds and merges.
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

    /// The share of all choices among the ranks whose sum, doubled, is at most `most`.
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
