//! The smallest difference that a test would have found, by drawing from the noise that was seen.

use fastrand::Rng;

use super::signed_rank;

/// How often the noise is drawn anew. With 500 draws a power of 80 % is known to 2 percentage points
/// (one standard error).
const DRAWS: usize = 500;

/// The search stops when it knows the shift to one part in so many.
const PRECISION: f64 = 100.0;

/// The smallest shift of differences like `noise` that the two-sided signed-rank test would find at `level`
/// with at least `power` (0.8). `None` where there are too few of them for any shift to be found.
///
/// `noise` are differences between two of the same. Since either could have been the first, each is drawn
/// with a random sign; then the shift is added, and the test is asked whether it sees it. The draws are the
/// same for every shift and come from `seed`.
pub fn smallest_detectable_shift(noise: &[f64], level: f64, power: f64, seed: u64) -> Option<f64> {
    if signed_rank::least_two_sided(noise.len() as u32) > level {
        return None;
    }
    let draws = draws(noise, seed);
    let enough = |shift: f64| {
        let found = draws.iter().filter(|draw| is_found(draw, shift, level)).count();
        found as f64 >= power * draws.len() as f64
    };
    // A shift beyond the largest difference leaves no sign in doubt.
    let largest = noise.iter().fold(0.0_f64, |largest, difference| largest.max(difference.abs()));
    let (mut too_small, mut found) = (0.0, largest * (1.0 + 1.0 / PRECISION));
    while found - too_small > found / PRECISION {
        let middle = f64::midpoint(too_small, found);
        *(if enough(middle) { &mut found } else { &mut too_small }) = middle;
    }
    Some(found)
}

fn draws(noise: &[f64], seed: u64) -> Vec<Vec<f64>> {
    let mut random = Rng::with_seed(seed);
    let mut draw_one = || {
        let difference = noise[random.usize(..noise.len())];
        if random.bool() { difference } else { -difference }
    };
    (0..DRAWS).map(|_| noise.iter().map(|_| draw_one()).collect()).collect()
}

/// Whether the test sees the shift, and in the right direction.
fn is_found(draw: &[f64], shift: f64, level: f64) -> bool {
    let shifted: Vec<f64> = draw.iter().map(|difference| difference + shift).collect();
    signed_rank::greater(&shifted) <= level / 2.0
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
    fn too_few_find_nothing() {
        assert_eq!(smallest_detectable_shift(&noise(5), 0.05, 0.8, 1), None);
        assert!(smallest_detectable_shift(&noise(6), 0.05, 0.8, 1).is_some());
        assert_eq!(smallest_detectable_shift(&[], 0.05, 0.8, 1), None);
        assert_eq!(smallest_detectable_shift(&[0.0; 10], 0.05, 0.8, 1), Some(0.0));
    }

    #[test]
    fn more_differences_find_less_and_a_stricter_level_finds_more() {
        let at = |count, level, power| smallest_detectable_shift(&noise(count), level, power, 1).unwrap();
        assert!(at(40, 0.01, 0.8) < 0.7 * at(12, 0.01, 0.8));
        assert!(at(12, 0.05, 0.8) < at(12, 0.001, 0.8));
        assert!(at(12, 0.01, 0.8) < at(12, 0.01, 0.95));
    }

    /// Fresh noise of the same kind, shifted by what is said to be detectable, is found about as often as is
    /// said.
    #[test]
    fn it_is_found_as_often_as_is_said() {
        let noise = noise(24);
        let shift = smallest_detectable_shift(&noise, 0.01, 0.8, 1).unwrap();
        let found = draws(&noise, 99).iter().filter(|draw| is_found(draw, shift, 0.01)).count();
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
