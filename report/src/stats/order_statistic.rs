//! The interval of a median from order statistics. Its coverage is at least its confidence for any number of values
//! and any distribution.
//!
//! Each of n independent values is below the median of their distribution with probability ½, so the interval from the
//! kth smallest to the kth largest value misses that median exactly where fewer than k of them are on one side: with
//! probability 2·P(B < k), B binomial with n and ½. Where values can be equal it misses it less often. W. J. Conover,
//! "Practical Nonparametric Statistics", 3rd edition, Wiley 1999, section 3.2; H. A. David and H. N. Nagaraja, "Order
//! Statistics", 3rd edition, Wiley 2003, section 7.1.

use super::{Number, Sorted};

/// The symmetric interval of a median between two of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianInterval {
    /// The number of values outside at either end.
    pub left_out: usize,
    /// How often such an interval contains the median: at least what was asked for where there are enough values,
    /// else that of the whole range, 1 − 2^(1−n).
    pub confidence: f64,
}

impl MedianInterval {
    /// The narrowest interval of `count` values with at least `confidence` (0.95), or their whole range where even that
    /// has less.
    ///
    /// # Panics
    /// Where `count` is zero.
    pub fn of(count: usize, confidence: f64) -> MedianInterval {
        assert!(count > 0, "no values have no median");
        let mut chances = binomial(count);
        let mut misses = 2.0 * chances.next().expect("none can fall on one side");
        let mut left_out = 0;
        for chance in chances.take((count - 1) / 2) {
            if misses + 2.0 * chance > 1.0 - confidence {
                break;
            }
            misses += 2.0 * chance;
            left_out += 1;
        }
        MedianInterval { left_out, confidence: (1.0 - misses).max(0.0) }
    }

    /// The ends of this interval, which was made for so many `values`.
    pub fn ends<T: Number>(self, values: &Sorted<T>) -> (T, T) {
        (values.nth(self.left_out), values.nth(values.count() - 1 - self.left_out))
    }
}

/// The probabilities of 0, 1, 2, … successes in `count` trials with probability ½.
fn binomial(count: usize) -> impl Iterator<Item = f64> {
    let n = count as f64;
    (0..=count).scan(-n * std::f64::consts::LN_2, move |ln, k| {
        let chance = ln.exp();
        *ln += ((n - k as f64) / (k as f64 + 1.0)).ln();
        Some(chance)
    })
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::stats::distribution::{DISTRIBUTIONS, Distribution};

    /// How often the interval of `count` values contains their median, by counting all outcomes.
    fn by_counting(count: u32, left_out: u32) -> f64 {
        let held = (0..1_u64 << count).filter(|outcome| {
            let below = outcome.count_ones();
            below > left_out && count - below > left_out
        });
        held.count() as f64 / 2_f64.powi(count.cast_signed())
    }

    #[test]
    fn the_confidence_agrees_with_counting() {
        for count in 1..=16 {
            let interval = MedianInterval::of(count, 0.95);
            let expected = by_counting(count as u32, interval.left_out as u32);
            assert!((interval.confidence - expected).abs() < 1e-12, "{count}: {interval:?}");
        }
    }

    #[test]
    fn it_is_the_narrowest_with_the_confidence() {
        for count in 6..=1_000 {
            let interval = MedianInterval::of(count, 0.95);
            assert!(interval.confidence >= 0.95, "{count}: {interval:?}");
            let one_more: f64 = 2.0 * binomial(count).take(interval.left_out + 2).sum::<f64>();
            assert!(one_more > 0.05, "{count}: {interval:?} could leave out one more");
        }
    }

    /// D. J. Conover's table A3, and `binom.cdf(k - 1, n, 0.5)` in R and SciPy.
    #[test]
    fn known_intervals() {
        let of = |count| MedianInterval::of(count, 0.95);
        let known = [(6, 0, 0.968_75), (7, 0, 0.984_375), (12, 2, 0.961_425_781), (20, 5, 0.958_610_534)];
        for (count, left_out, confidence) in known {
            assert_eq!(of(count).left_out, left_out, "{count}");
            assert!((of(count).confidence - confidence).abs() < 1e-9, "{count}: {:?}", of(count));
        }
        for (count, confidence) in [(1, 0.0), (2, 0.5), (5, 0.9375)] {
            assert!((of(count).confidence - confidence).abs() < 1e-12, "{count}");
        }
        assert_eq!(of(5).ends(&Sorted::new([5_u64, 1, 4, 2, 3]).unwrap()), (1, 5));
        assert_eq!(of(9).ends(&Sorted::new(1..=9_u64).unwrap()), (2, 8));
    }

    fn coverage(noise: Distribution, runs: usize, draws: u32) -> f64 {
        let mut random = Rng::with_seed(runs as u64);
        let interval = MedianInterval::of(runs, 0.95);
        let held = (0..draws).filter(|_| {
            let values = Sorted::new((0..runs).map(|_| noise.draw(&mut random))).expect("there are runs");
            let (low, high) = interval.ends(&values);
            (low..=high).contains(&noise.median())
        });
        held.count() as f64 / f64::from(draws)
    }

    #[test]
    fn coverage_of_few_draws() {
        for noise in DISTRIBUTIONS {
            let held = coverage(noise, 7, 2_000);
            assert!((held - 0.984).abs() < 0.012, "{noise}: {held}");
        }
    }

    #[test]
    #[ignore = "some million draws; its results are in METHOD.md"]
    fn coverage_with_a_fixed_number_of_runs() {
        const DRAWS: u32 = 200_000;
        for runs in [5, 6, 7, 8, 9, 10, 12, 16, 20, 50, 100] {
            let MedianInterval { confidence, .. } = MedianInterval::of(runs, 0.95);
            print!("{runs} runs: {:.2} % by the binomial;", confidence * 100.0);
            for noise in DISTRIBUTIONS {
                let held = coverage(noise, runs, DRAWS);
                print!(" {noise} {:.2} %", held * 100.0);
                assert!(held > confidence - 0.003, "{runs} {noise}");
            }
            println!();
        }
    }
}
