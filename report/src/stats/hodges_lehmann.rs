//! The Hodges–Lehmann estimate of where values lie, with the interval that inverts the signed-rank test.
//!
//! J. L. Hodges and E. L. Lehmann, "Estimates of Location Based on Rank Tests", The Annals of Mathematical
//! Statistics 34 (2), 1963, pages 598 to 611: the median of the means of every value with every value,
//! itself included (Walsh's averages). The interval, which is Tukey's, holds each centre that the two-sided
//! test at its level does not reject: M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods",
//! 2nd edition, 1999, sections 3.2 and 3.3. Where values tie it holds what it claims and a little more.

use super::signed_rank;

/// The location of values: an estimate and an interval of their centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// The estimate, in the unit of the values.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How often such an interval contains the centre: at least what was asked for where there are enough values,
    /// else that of the whole range of the values: 1 − 2^(1−n).
    pub confidence: f64,
}

/// The centre of `values` with an interval of at least `confidence` (0.95), if there are enough values
/// for it. `None` where there are none. They must be finite. For ratios, pass logarithms.
pub fn hodges_lehmann(values: &[f64], confidence: f64) -> Option<Location> {
    if values.is_empty() {
        return None;
    }
    let mut averages: Vec<f64> = walsh_averages(values).collect();
    let (depth, reached) = depth(values.len(), confidence);
    let last = averages.len() - 1;
    // 1,000 values have half a million averages: sorting all of them would take ten times as long.
    let mut nth = |place: usize| *averages.select_nth_unstable_by(place, f64::total_cmp).1;
    let (lower, upper) = (nth(last / 2), nth(last.div_ceil(2)));
    Some(Location {
        estimate: lower + (upper - lower) / 2.0,
        low: nth(depth),
        high: nth(last - depth),
        confidence: reached,
    })
}

/// The mean of every value with itself and every later one.
fn walsh_averages(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().enumerate().flat_map(|(at, a)| values[at..].iter().map(move |b| a + (b - a) / 2.0))
}

/// How many averages to leave out at either end, and the confidence that this has. A centre between the
/// kth and the next average has k averages below it: that is the test's sum of ranks on that side.
fn depth(n: usize, confidence: f64) -> (usize, f64) {
    let outside = |depth| 2.0 * signed_rank::null_at_most(n, depth);
    // At depth 0 the interval cannot be wider. In the middle it misses the centre half the time.
    let (mut depth, mut beyond) = (0, n * (n + 1) / 4 + 1);
    while beyond - depth > 1 {
        let middle = usize::midpoint(depth, beyond);
        *(if outside(middle) > 1.0 - confidence { &mut beyond } else { &mut depth }) = middle;
    }
    (depth, (1.0 - outside(depth)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEFORE: [f64; 9] = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    #[expect(clippy::approx_constant, reason = "one of the scores is 3.14")]
    const AFTER: [f64; 9] = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];

    /// Hamilton's depression scale before and after a tranquiliser, the example in Hollander and Wolfe,
    /// table 3.1, and in R's `wilcox.test(x, y, paired = TRUE, conf.int = TRUE)`: 0.46, 0.0390625 two-sided.
    #[test]
    fn hollander_and_wolfes_example() {
        let differences: Vec<f64> = BEFORE.iter().zip(AFTER).map(|(x, y)| x - y).collect();
        let location = hodges_lehmann(&differences, 0.95).unwrap();
        assert!((location.estimate - 0.46).abs() < 1e-12, "{location:?}");
        assert!((location.low - 0.01).abs() < 1e-12 && (location.high - 0.786).abs() < 1e-12, "{location:?}");
        assert_eq!(location.confidence, 1.0 - 0.0390625);
        assert_eq!(signed_rank::two_sided(&differences), 0.0390625);
    }

    #[test]
    fn few_values_have_their_whole_range() {
        let location = hodges_lehmann(&[4.0, 1.0, 2.0], 0.95).unwrap();
        assert_eq!((location.low, location.high, location.confidence), (1.0, 4.0, 0.75));
        let one = hodges_lehmann(&[4.0], 0.95).unwrap();
        assert_eq!((one.low, one.estimate, one.high, one.confidence), (4.0, 4.0, 4.0, 0.0));
        assert_eq!(hodges_lehmann(&[], 0.95), None);
    }

    proptest! {
        /// Between any two neighbouring averages there is a centre without a tie or a zero: it lies within
        /// the interval exactly where the test does not reject it.
        #[test]
        fn the_interval_holds_what_the_test_does_not_reject(
            values in prop::collection::vec(-1.0_f64..1.0, 6..14),
            confidence in 0.5_f64..0.999,
        ) {
            let location = hodges_lehmann(&values, confidence).unwrap();
            let averages: Vec<f64> = {
                let mut averages: Vec<f64> = walsh_averages(&values).collect();
                averages.sort_by(f64::total_cmp);
                averages
            };
            let enough = signed_rank::least_two_sided(values.len() as u32) <= 1.0 - confidence;
            prop_assert_eq!(location.confidence >= confidence, enough);
            for gap in averages.windows(2).filter(|gap| gap[1] - gap[0] > 1e-9) {
                let centre = f64::midpoint(gap[0], gap[1]);
                let differences: Vec<f64> = values.iter().map(|value| value - centre).collect();
                let p = signed_rank::two_sided(&differences);
                let within = location.low < centre && centre < location.high;
                prop_assert_eq!(within, !enough || p > 1.0 - confidence, "{} {}", centre, p);
            }
        }

        #[test]
        fn the_estimate_moves_with_its_values(
            values in prop::collection::vec(-1.0_f64..1.0, 1..20),
            shift in -5.0_f64..5.0,
        ) {
            let there: Vec<f64> = values.iter().map(|value| value + shift).collect();
            let (a, b) = (hodges_lehmann(&values, 0.95).unwrap(), hodges_lehmann(&there, 0.95).unwrap());
            prop_assert!((a.estimate + shift - b.estimate).abs() < 1e-9);
            prop_assert!((a.low + shift - b.low).abs() < 1e-9 && (a.high + shift - b.high).abs() < 1e-9);
            prop_assert!(a.low <= a.estimate && a.estimate <= a.high);
        }
    }
}
