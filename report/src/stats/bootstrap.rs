//! The bootstrap percentile interval of a median, computed instead of drawn.
//!
//! B. Efron, "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7 (1), 1979, pages
//! 1 to 26. The bootstrap draws n of n values with replacement, again and again, and takes the interval that
//! holds the middle 95 % of the medians. For a median there is no need to draw: section 3 of that paper has
//! the chance of each order statistic in closed form for odd n, and the same argument gives it for even n,
//! where the median is the mean of two. So this is what ever more draws would come to, the same for every
//! reader of a record, without a seed.
//!
//! With five values the interval is the least to the greatest: each of them is the median of 5.8 % of all
//! draws. With seven it begins at the second.
//!
//! How often such an interval holds the true median is another number than its 95 %, and with few values a
//! lower one. For odd n its ends are two of the values, and the chance is a binomial's, whatever the values
//! are drawn from: 93.75 % of 5, 87.5 % of 7, 96.1 % of 9 (H. A. David and H. N. Nagaraja, "Order Statistics",
//! 3rd edition, 2003, section 7.1). For even n the ends are means of two values, and it depends on what they
//! are drawn from: of 6 about 94 % and of 8 about 93 % where that is a normal distribution.

use super::{Number, Sorted};

/// The interval that holds the middle `confidence` (0.95) of the medians of all draws.
pub fn median_interval<T: Number>(values: &Sorted<T>, confidence: f64) -> (T, T) {
    let mut medians = medians_of_draws(values);
    medians.sort_unstable_by(|(a, _), (b, _)| a.order(b));
    let outside = (1.0 - confidence) / 2.0;
    let low = first_beyond(medians.iter(), outside);
    let high = first_beyond(medians.iter().rev(), outside);
    (low, high)
}

/// The first of `medians` at which they have become more likely than `outside`.
fn first_beyond<'a, T: Number + 'a>(medians: impl Iterator<Item = &'a (T, f64)>, outside: f64) -> T {
    let mut so_far = 0.0;
    let mut passed = medians.skip_while(|(_, likely)| {
        so_far += likely;
        so_far <= outside
    });
    passed.next().expect("together they are certain").0
}

/// Every median that a draw can have, and how likely it is.
fn medians_of_draws<T: Number>(values: &Sorted<T>) -> Vec<(T, f64)> {
    let n = values.count();
    let half = n.div_ceil(2);
    let draws = Draws::of(n);
    // The value at which half of the draw is reached.
    let middle = |at: usize| draws.at_least_up_to(half, at + 1) - draws.at_least_up_to(half, at);
    if n % 2 == 1 {
        return (0..n).map(|at| (values.nth(at), middle(at))).collect();
    }
    let mut medians = Vec::with_capacity(n * (n + 1) / 2);
    for lower in 0..n {
        let mut apart = 0.0;
        for upper in lower + 1..n {
            let likely = draws.halves_at(lower, upper);
            apart += likely;
            medians.push((values.nth(lower).towards(values.nth(upper), 500), likely));
        }
        medians.push((values.nth(lower), (middle(lower) - apart).max(0.0)));
    }
    medians
}

/// Draws of n from n places with replacement. Chances are products of very large and very small numbers:
/// they are computed from logarithms.
struct Draws {
    n: usize,
    ln_factorials: Vec<f64>,
}

impl Draws {
    fn of(n: usize) -> Draws {
        let mut ln_factorials = vec![0.0];
        for number in 1..=n {
            ln_factorials.push(ln_factorials[number - 1] + (number as f64).ln());
        }
        Draws { n, ln_factorials }
    }

    fn ln_choose(&self, chosen: usize) -> f64 {
        self.ln_factorials[self.n] - self.ln_factorials[chosen] - self.ln_factorials[self.n - chosen]
    }

    /// The chance that `least` or more of a draw are among the first `places`: a binomial's tail.
    fn at_least_up_to(&self, least: usize, places: usize) -> f64 {
        if places == 0 || places == self.n {
            return if places == 0 { 0.0 } else { 1.0 };
        }
        let share = places as f64 / self.n as f64;
        let (ln_in, ln_out) = (share.ln(), (1.0 - share).ln());
        (least..=self.n)
            .map(|k| (self.ln_choose(k) + k as f64 * ln_in + (self.n - k) as f64 * ln_out).exp())
            .sum()
    }

    /// The chance that the lower half of an even draw ends at the place `lower` and the upper half begins at
    /// `upper`, above it.
    fn halves_at(&self, lower: usize, upper: usize) -> f64 {
        let half = self.n / 2;
        let up_to = |places: usize| {
            (self.ln_choose(half) / 2.0 + half as f64 * (places as f64 / self.n as f64).ln()).exp()
        };
        let ends_at = |places: usize| up_to(places) - up_to(places - 1);
        ends_at(lower + 1) * ends_at(self.n - upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(values: &[f64]) -> (f64, f64) {
        median_interval(&Sorted::new(values.iter().copied()).unwrap(), 0.95)
    }

    /// The medians of all nⁿ draws, one by one.
    fn of_every_draw(values: &[f64]) -> Sorted<f64> {
        let n = values.len();
        let draws = n.pow(n as u32);
        let median = |draw: usize| {
            let drawn = (0..n as u32).map(|place| values[draw / n.pow(place) % n]);
            Sorted::new(drawn).unwrap().median()
        };
        Sorted::new((0..draws).map(median)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_agrees_with_every_draw(
            // Few values, so that some are equal.
            values in prop::collection::vec((0_i32..20).prop_map(f64::from), 1..7),
            confidence in 0.3_f64..0.99,
        ) {
            let all = of_every_draw(&values);
            let outside = (1.0 - confidence) / 2.0 * all.count() as f64;
            // Where the share falls between two draws; on the edge rounding decides, either way.
            prop_assume!((outside - outside.round()).abs() > 1e-6);
            let at = outside as usize;
            let expected = (all.nth(at), all.nth(all.count() - 1 - at));
            let sorted = Sorted::new(values.iter().copied()).unwrap();
            prop_assert_eq!(median_interval(&sorted, confidence), expected);
        }

        #[test]
        fn all_medians_together_are_certain(n in 1_usize..300) {
            let values = Sorted::new((0..n as u64).map(|value| value * 2)).unwrap();
            let whole: f64 = medians_of_draws(&values).iter().map(|(_, likely)| likely).sum();
            prop_assert!((whole - 1.0).abs() < 1e-9, "{}", whole);
            let (low, high) = median_interval(&values, 0.95);
            prop_assert!(low <= values.median() && values.median() <= high);
            prop_assert_eq!(low, 2 * (n as u64 - 1) - high, "it is symmetric as the values are");
        }
    }

    /// `scipy.stats.bootstrap((values,), numpy.median, method="percentile", n_resamples=400_000, rng=1)`.
    #[test]
    fn scipy_agrees() {
        let nine = [12.1, 12.5, 11.9, 12.0, 14.2, 12.3, 12.2, 12.4, 12.15];
        assert_eq!(interval(&nine), (12.0, 12.5));
        let mut ten = nine.to_vec();
        ten.push(15.0);
        let (low, high) = interval(&ten);
        assert!((low - 12.075).abs() < 1e-9 && (high - 13.3).abs() < 1e-9, "{low} {high}");
        assert_eq!(interval(&[1.0, 2.0, 4.0, 8.0, 16.0]), (1.0, 16.0));
    }

    /// The median lies below the value at `at`, or above its mirror image, where at most `at` of n coins fall
    /// on one side.
    fn true_coverage(n: u32, at: u32) -> f64 {
        let draws = Draws::of(n as usize);
        let ways: f64 = (0..=at).map(|k| draws.ln_choose(k as usize).exp()).sum();
        1.0 - 2.0 * ways / 2_f64.powf(n.into())
    }

    #[test]
    fn of_few_values_it_is_less_sure_than_it_says() {
        for (n, sure) in [(5, 0.9375), (7, 0.875), (9, 0.961)] {
            let places: Vec<f64> = (0..n).map(f64::from).collect();
            let (low, high) = interval(&places);
            assert_eq!(low, f64::from(n - 1) - high);
            assert!((true_coverage(n, low as u32) - sure).abs() < 0.000_5, "{n}");
        }
    }

    #[test]
    fn of_an_even_number_too() {
        let mut random = fastrand::Rng::with_seed(1);
        // The sum of twelve draws is as good as normal, and 6 is its median.
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>();
        for (n, sure) in [(6, 0.938), (8, 0.930)] {
            let held = (0..2_000).filter(|_| {
                let (low, high) = interval(&(0..n).map(|_| normal()).collect::<Vec<_>>());
                low <= 6.0 && 6.0 <= high
            });
            assert!((held.count() as f64 / 2_000.0 - sure).abs() < 0.02, "{n}");
        }
    }

    #[test]
    fn five_values_have_their_range_and_seven_less() {
        assert_eq!(interval(&[5.0, 1.0, 2.0, 3.0, 4.0]), (1.0, 5.0));
        assert_eq!(interval(&[5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0]), (2.0, 6.0));
    }
}
