//! The same distribution by a saddlepoint approximation, which is fast.
//!
//! R. Lugannani and S. Rice, "Saddle Point Approximation for the Distribution of the Sum of Independent Random
//! Variables", Advances in Applied Probability 12 (2), 1980, pages 475 to 490; H. E. Daniels, "Tail Probability
//! Approximations", International Statistical Review 55 (1), 1987, pages 37 to 48. Of ranks with random signs the
//! cumulant generating function is the sum of ln cosh(t·rank). Its error is relative, a few parts in a thousand
//! where there are hundreds of ranks, in the tails as well as in the middle.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

use super::Group;

/// Newton's method stops when a step changes the saddlepoint by less than this relative amount.
const PRECISION: f64 = 1e-9;

/// Nearer to the middle than this number of standard deviations the formula is a difference of two large numbers.
const MIDDLE: f64 = 1e-3;

/// The probability that the sum over `groups` of a random subset of doubled ranks is at most `most`, which is at most
/// half of the largest sum.
pub(super) fn at_most(groups: &[Group], most: usize) -> f64 {
    let sum: usize = groups.iter().map(|group| group.doubled * group.count).sum();
    if most == 0 {
        let count: usize = groups.iter().map(|group| group.count).sum();
        return (-(count as f64) * LN_2).exp();
    }
    // Of signs instead of choices: at least so far from the middle, and half a step nearer as the sum has steps.
    let step = groups.iter().fold(0, |divisor, group| common_divisor(group.doubled, divisor));
    let distance = (sum - 2 * most) as f64 - step as f64;
    let variance: f64 = groups.iter().map(|group| group.count as f64 * (group.doubled as f64).powi(2)).sum();
    if distance / variance.sqrt() < MIDDLE {
        return 0.5;
    }
    let (t, second) = saddlepoint(groups, distance, variance);
    let w = (2.0 * (t * distance - generating(groups, t))).sqrt();
    let u = t * second.sqrt();
    upper_tail(w) + density(w) * (1.0 / u - 1.0 / w)
}

/// Where the first derivative of the generating function is `distance`, and the second there. The first is concave, so
/// Newton's method rises to it from 0, where the second is the `variance`, and never beyond.
fn saddlepoint(groups: &[Group], distance: f64, variance: f64) -> (f64, f64) {
    const MOST_STEPS: usize = 200;
    let mut t = distance / variance;
    let mut derivatives = Derivatives::at(groups, t);
    for _ in 0..MOST_STEPS {
        let step = (distance - derivatives.first) / derivatives.second;
        t += step;
        derivatives = Derivatives::at(groups, t);
        if step <= PRECISION * t {
            break;
        }
    }
    (t, derivatives.second)
}

/// The cumulant generating function: ln cosh(t·rank) of all ranks, without the overflow of cosh.
fn generating(groups: &[Group], t: f64) -> f64 {
    let of_one = |rank: f64| t * rank + (-2.0 * t * rank).exp().ln_1p() - LN_2;
    groups.iter().map(|group| group.count as f64 * of_one(group.doubled as f64)).sum()
}

/// Its first two derivatives.
struct Derivatives {
    first: f64,
    second: f64,
}

impl Derivatives {
    fn at(groups: &[Group], t: f64) -> Derivatives {
        let mut sums = Derivatives { first: 0.0, second: 0.0 };
        for group in groups {
            let (rank, count) = (group.doubled as f64, group.count as f64);
            let opposite = (-2.0 * t * rank).exp();
            let tanh = (1.0 - opposite) / (1.0 + opposite);
            sums.first += count * rank * tanh;
            sums.second += count * rank * rank * 4.0 * opposite / (1.0 + opposite).powi(2);
        }
        sums
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The probability that a standard normal value is above `w`.
fn upper_tail(w: f64) -> f64 {
    libm::erfc(w * FRAC_1_SQRT_2) / 2.0
}

fn density(w: f64) -> f64 {
    (-w * w / 2.0).exp() / (2.0 * PI).sqrt()
}
