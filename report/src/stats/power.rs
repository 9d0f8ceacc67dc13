//! The smallest detectable difference of a test, by resampling the observed noise.

use fastrand::Rng;

use super::signed_rank;

/// The number of resamples. With 500, a power of 80 % has a standard error of 2 percentage points.
const DRAWS: usize = 500;

/// The search stops when the shift is known to one part in this number.
const PRECISION: f64 = 100.0;

/// The smallest shift of differences like `noise` that the two-sided signed-rank test finds at `level` with at least
/// `power` (0.8). `None` where there are too few differences to find any shift.
///
/// `noise` are differences between two runs of the same program. Since their order is arbitrary, each is drawn with a
/// random sign; then the shift is added and tested. The draws are the same for every shift and come from `seed`.
pub fn smallest_detectable_shift(noise: &[f64], level: f64, power: f64, seed: u64) -> Option<f64> {
    let level = level / 2.0;
    if noise.is_empty() || 0.5_f64.powf(noise.len() as f64) > level {
        return None;
    }
    let mut draws = draws(noise, seed);
    // Sorted differences are fast to rank after a shift.
    draws.iter_mut().for_each(|draw| draw.sort_unstable_by(f64::total_cmp));
    let needed = (power * draws.len() as f64).ceil() as usize;
    // With a shift beyond the largest difference all signs are positive.
    let largest = noise.iter().fold(0.0_f64, |largest, difference| largest.max(difference.abs()));
    let (mut too_small, mut enough) = (0.0, largest * (1.0 + 1.0 / PRECISION));
    // A draw in which a shift is found shows a larger shift as well, so each draw is tested only until it is known on
    // which side of the shift it lies.
    let mut open: Vec<&[f64]> = draws.iter().map(Vec::as_slice).collect();
    let mut found_below = 0;
    while enough - too_small > enough / PRECISION {
        let middle = f64::midpoint(too_small, enough);
        let (found, missed): (Vec<&[f64]>, Vec<&[f64]>) =
            open.into_iter().partition(|draw| is_found(draw, middle, level));
        if found_below + found.len() >= needed {
            (enough, open) = (middle, found);
        } else {
            found_below += found.len();
            (too_small, open) = (middle, missed);
        }
    }
    Some(enough)
}

fn draws(noise: &[f64], seed: u64) -> Vec<Vec<f64>> {
    let mut random = Rng::with_seed(seed);
    let mut draw_one = || {
        let difference = noise[random.usize(..noise.len())];
        if random.bool() { difference } else { -difference }
    };
    (0..DRAWS).map(|_| noise.iter().map(|_| draw_one()).collect()).collect()
}

/// Whether the test at a one-sided level finds the shift.
fn is_found(draw: &[f64], shift: f64, level: f64) -> bool {
    let shifted: Vec<f64> = draw.iter().map(|difference| difference + shift).collect();
    signed_rank::roughly_greater(&shifted) <= level
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Differences as even as a normal distribution's (here: a triangle's) quantiles are.
    fn noise(count: usize) -> Vec<f64> {
        (0..count)
            .map(|at| {
                let share = (at as f64 + 0.5) / count as f64 * 2.0 - 1.0;
                share.signum() * (1.0 - (1.0 - share.abs()).sqrt())
            })
            .collect()
    }

    #[test]
    fn too_few_differences_find_no_shift() {
        assert_eq!(smallest_detectable_shift(&noise(5), 0.05, 0.8, 1), None);
        assert!(smallest_detectable_shift(&noise(6), 0.05, 0.8, 1).is_some());
        assert_eq!(smallest_detectable_shift(&[], 0.05, 0.8, 1), None);
        assert_eq!(smallest_detectable_shift(&[0.0; 10], 0.05, 0.8, 1), Some(0.0));
    }

    #[test]
    fn the_shift_falls_with_differences_and_grows_with_strictness() {
        let at = |count, level, power| smallest_detectable_shift(&noise(count), level, power, 1).unwrap();
        assert!(at(40, 0.01, 0.8) < 0.7 * at(12, 0.01, 0.8));
        assert!(at(12, 0.05, 0.8) < at(12, 0.001, 0.8));
        assert!(at(12, 0.01, 0.8) < at(12, 0.01, 0.95));
    }

    /// New noise of the same kind with the detectable shift is significant about as often as the power says.
    #[test]
    fn the_detectable_shift_has_its_power() {
        let noise = noise(24);
        let shift = smallest_detectable_shift(&noise, 0.01, 0.8, 1).unwrap();
        let found = draws(&noise, 99).iter().filter(|draw| is_found(draw, shift, 0.005)).count();
        let share = found as f64 / DRAWS as f64;
        assert!((0.72..0.88).contains(&share), "{share}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn it_scales_with_its_noise(
            noise in prop::collection::vec(-1.0_f64..1.0, 10..14),
            scale in 0.01_f64..100.0,
        ) {
            let scaled: Vec<f64> = noise.iter().map(|difference| difference * scale).collect();
            let (a, b) = (
                smallest_detectable_shift(&noise, 0.01, 0.8, 1).unwrap(),
                smallest_detectable_shift(&scaled, 0.01, 0.8, 1).unwrap(),
            );
            prop_assert!((a * scale / b - 1.0).abs() < 0.03, "{} {}", a * scale, b);
        }
    }
}
