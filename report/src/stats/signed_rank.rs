//! Wilcoxon's signed-rank test, exact at any number of differences, with zeros and ties.
//!
//! F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (6), 1945, pages 80 to
//! 83. The null hypothesis is that differences lie symmetrically around zero, as they do between two runs
//! of the same thing. Then each sign was a coin's throw, and of the 2ⁿ ways in which the coins could have
//! fallen we count those that are as extreme as what was seen, without an approximation. A p-value is thus
//! exact for the magnitudes at hand, with their ties and zeros.
//!
//! Equal magnitudes share the mean of their ranks, and the count is over the ranks as they came out, so
//! that it stays exact. Zeros are ranked with the others and then left out, as J. W. Pratt has it in
//! "Remarks on Zeros and Ties in the Wilcoxon Signed Rank Procedures", Journal of the American Statistical
//! Association 54 (287), 1959, pages 655 to 667.

/// The chance that differences of the same magnitudes but random signs are as far from zero, to either
/// side, as `differences`; 1 where there are none. They must be finite.
pub fn two_sided(differences: &[f64]) -> f64 {
    let ranks = Ranks::of(differences);
    let smaller = ranks.positive.min(ranks.all() - ranks.positive);
    (2.0 * share_up_to(&ranks.doubled, smaller)).min(1.0)
}

/// The chance that differences of the same magnitudes but random signs are as far above zero as
/// `differences`; 1 where there are none. They must be finite. For a null hypothesis other than zero,
/// subtract it first.
pub fn greater(differences: &[f64]) -> f64 {
    let ranks = Ranks::of(differences);
    // The distribution is symmetric: as much at this sum and above as at its mirror image and below.
    share_up_to(&ranks.doubled, ranks.all() - ranks.positive)
}

/// The smallest that [`two_sided`] can be with so many differences: when none is zero and all have the same
/// sign. Each zero among them doubles what they can reach.
pub fn least_two_sided(differences: u32) -> f64 {
    0.5_f64.powf(f64::from(differences) - 1.0).min(1.0)
}

/// How likely each sum of the ranks 1 to `n`, from 0 up, is where every rank counts or not by the throw of
/// a coin.
pub(super) fn null_distribution(n: usize) -> Vec<f64> {
    let ranks: Vec<usize> = (1..=n).collect();
    distribution(&ranks, n * (n + 1) / 2)
}

/// The ranks of magnitudes, doubled so that the mean of two is a whole number.
struct Ranks {
    /// Of every difference that is not zero.
    doubled: Vec<usize>,
    /// Their sum over the positive differences.
    positive: usize,
}

impl Ranks {
    fn of(differences: &[f64]) -> Ranks {
        let mut sorted = differences.to_vec();
        sorted.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut ranks = Ranks { doubled: Vec::with_capacity(sorted.len()), positive: 0 };
        let mut before = 0;
        for equal in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
            // The first has rank before + 1, the last before + equal.len(): twice their mean is the sum.
            let doubled = 2 * before + equal.len() + 1;
            before += equal.len();
            for difference in equal.iter().filter(|difference| **difference != 0.0) {
                ranks.doubled.push(doubled);
                ranks.positive += if *difference > 0.0 { doubled } else { 0 };
            }
        }
        ranks
    }

    fn all(&self) -> usize {
        self.doubled.iter().sum()
    }
}

/// The share of all choices among `ranks` whose sum is at most `most`.
fn share_up_to(ranks: &[usize], most: usize) -> f64 {
    distribution(ranks, most).iter().sum()
}

/// How likely each sum from 0 to `most` is where every rank counts or not by the throw of a coin: rank
/// after rank, a sum is reached without it or with it.
fn distribution(ranks: &[usize], most: usize) -> Vec<f64> {
    let mut likely = vec![0.0; most + 1];
    likely[0] = 1.0;
    for &rank in ranks {
        for sum in (0..=most).rev() {
            let with = if sum >= rank { likely[sum - rank] } else { 0.0 };
            likely[sum] = (likely[sum] + with) / 2.0;
        }
    }
    likely
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every assignment of signs, one by one: the shares of those whose sum of positive ranks is at most,
    /// and at least, what was seen. Ranks by counting who is smaller.
    fn by_enumeration(differences: &[f64]) -> (f64, f64) {
        let rank = |of: f64| {
            let smaller = differences.iter().filter(|d| d.abs() < of.abs()).count() as f64;
            let equal = differences.iter().filter(|d| d.abs() == of.abs()).count() as f64;
            smaller + (equal + 1.0) / 2.0
        };
        let nonzero: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
        let seen: f64 = nonzero.iter().filter(|d| **d > 0.0).map(|d| rank(*d)).sum();
        let ways = 1_u32 << nonzero.len();
        let (mut low, mut high) = (0, 0);
        for signs in 0..ways {
            let sum: f64 = (0..nonzero.len()).filter(|i| signs >> i & 1 == 1).map(|i| rank(nonzero[i])).sum();
            low += u32::from(sum <= seen);
            high += u32::from(sum >= seen);
        }
        (f64::from(low) / f64::from(ways), f64::from(high) / f64::from(ways))
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12
    }

    proptest! {
        #[test]
        fn it_agrees_with_every_assignment_of_signs(
            // Few magnitudes, so that zeros and ties are frequent.
            tied in prop::collection::vec(-4_i32..=4, 0..11),
            free in prop::collection::vec(-1.0_f64..1.0, 0..11),
        ) {
            let tied: Vec<f64> = tied.into_iter().map(f64::from).collect();
            for differences in [tied, free] {
                let (low, high) = by_enumeration(&differences);
                prop_assert!(close(greater(&differences), high));
                prop_assert!(close(two_sided(&differences), (2.0 * low.min(high)).min(1.0)));
            }
        }

        #[test]
        fn turning_every_sign_turns_the_sides(
            differences in prop::collection::vec(-1.0_f64..1.0, 1..40),
        ) {
            let turned: Vec<f64> = differences.iter().map(|d| -d).collect();
            prop_assert!(close(two_sided(&differences), two_sided(&turned)));
            prop_assert!(greater(&differences) + greater(&turned) >= 1.0 - 1e-12);
        }

        #[test]
        fn the_least_is_reached_where_all_signs_agree(
            differences in prop::collection::vec(0.1_f64..1.0, 1..40),
        ) {
            let p = two_sided(&differences);
            prop_assert!(close(p / least_two_sided(differences.len() as u32), 1.0));
        }
    }

    /// Charles Darwin's plants, cross- against self-fertilised, the example of the test in
    /// `scipy.stats.wilcoxon`'s documentation: two-sided 0.041259765625, greater 0.0206298828125.
    #[test]
    fn scipys_documented_example() {
        let differences = [6., 8., 14., 16., 23., 24., 28., 29., 41., -48., 49., 56., 60., -67., 75.];
        assert_eq!(two_sided(&differences), 0.041259765625);
        assert_eq!(greater(&differences), 0.0206298828125);
    }

    /// `scipy.stats.wilcoxon(d, zero_method="pratt", method=PermutationMethod(n_resamples=numpy.inf))`,
    /// and the same with `alternative="greater"`.
    #[test]
    fn scipy_agrees_on_zeros_and_ties() {
        let differences = [0., 0., 1., 1., -1., 2., 2., 2., 3., -3., 4., 5.];
        assert_eq!(two_sided(&differences), 0.05859375);
        assert_eq!(greater(&differences), 0.029296875);
    }

    /// `scipy.stats.wilcoxon(d, method="exact")`, and the same with `alternative="greater"`.
    #[test]
    fn scipy_agrees_on_forty() {
        let differences = [
            -0.702, -1.224, -0.148, 0.52, 1.236, 0.21, -0.453, -0.685, 0.849, 1.735, 0.373, -1.133, -0.858,
            1.7, 0.303, -1.632, 0.016, -1.063, -0.529, -0.388, -0.613, 0.653, 0.037, -0.489, 0.51, 0.93,
            -1.543, -0.157, -0.881, -0.073, -1.189, 0.121, 0.062, -0.204, -0.948, -0.296, -0.991, -1.255,
            0.325, -1.009,
        ];
        assert!(close(two_sided(&differences), 0.07472652908654709));
        assert!(close(greater(&differences), 0.9637468339406041));
    }

    #[test]
    fn a_zero_doubles_the_least() {
        assert_eq!(two_sided(&[0.0, 1.0, 2.0, 3.0, 4.0]), 2.0 * least_two_sided(5));
        assert_eq!(two_sided(&[0.0, 1.0, 0.0, 3.0, 4.0]), 4.0 * least_two_sided(5));
    }

    #[test]
    fn nothing_tells_nothing() {
        assert_eq!(two_sided(&[]), 1.0);
        assert_eq!(greater(&[0.0, 0.0]), 1.0);
        assert_eq!(least_two_sided(0), 1.0);
        assert_eq!(least_two_sided(5), 1.0 / 16.0);
    }
}
