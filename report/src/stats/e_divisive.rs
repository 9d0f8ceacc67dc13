//! Change points of a series by E-divisive.
//!
//! D. S. Matteson and N. A. James, "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate
//! Data", Journal of the American Statistical Association 109 (505), 2014, pages 334 to 345, here of one variable
//! and with α = 1. The series is cut in two where the energy distance of the two sides is greatest
//! (G. J. Székely and M. L. Rizzo, "Hierarchical Clustering via Joint Between-Within Distances", Journal of
//! Classification 22 (2), 2005), the side to the right ending wherever the distance is greatest too: so a
//! change that is undone later is found too. Whether there is a change at all is decided by a permutation test,
//! which permutes the values within each segment between known changes. A significant change divides its segment;
//! the first that is not ends the search.
//!
//! It assumes that between two changes the values are exchangeable: drawn independently from one
//! distribution of any kind, also with heavy tails. A slow drift and autocorrelated values violate this: both are
//! reported as changes, though nothing changed at that time. A segment that is shorter than the minimum is never
//! found. So a change point is a hint, not a finding.

use fastrand::Rng;

/// The number of permutations for each change.
const PERMUTATIONS: u32 = 199;

/// The significance level of a change.
const LEVEL: f64 = 0.01;

/// Distances that differ relatively by less than this are equal up to rounding.
const ROUNDING: f64 = 1e-9;

/// The indices where `values` change, ascending: each is that of the first value after the change. Between two of
/// them, and before and after them, there are at least `least` (5) values. They must be finite. Permutations
/// are drawn from `seed`.
///
/// # Panics
/// Where `least` is below 2: the distance within a single value is not defined.
pub fn change_points(values: &[f64], least: usize, seed: u64) -> Vec<usize> {
    assert!(least >= 2, "a stretch of {least}");
    let mut random = Rng::with_seed(seed);
    let mut ends = vec![0, values.len()];
    while let Some(split) = best_of_all(values, &ends, least)
        && split.distance > 0.0
        && is_significant(&split, values, &ends, least, &mut random)
    {
        ends.push(split.at);
        ends.sort_unstable();
    }
    ends[1..ends.len() - 1].to_vec()
}

/// A place to cut at.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    /// The first value after it.
    at: usize,
    /// The energy distance of the two sides, times the harmonic weight of their lengths.
    distance: f64,
}

/// The best place to cut any stretch at.
fn best_of_all(values: &[f64], ends: &[usize], least: usize) -> Option<Split> {
    let stretches = ends.windows(2).filter_map(|stretch| {
        let split = best_of(&values[stretch[0]..stretch[1]], least)?;
        Some(Split { at: stretch[0] + split.at, ..split })
    });
    stretches.max_by(|a, b| a.distance.total_cmp(&b.distance))
}

/// Whether the distance is significant in the permutation test, which stops as soon as it cannot be.
fn is_significant(split: &Split, values: &[f64], ends: &[usize], least: usize, random: &mut Rng) -> bool {
    let mut values = values.to_vec();
    let mut as_great = 1;
    for _ in 0..PERMUTATIONS {
        for stretch in ends.windows(2) {
            random.shuffle(&mut values[stretch[0]..stretch[1]]);
        }
        let drawn = best_of_all(&values, ends, least).map_or(0.0, |split| split.distance);
        as_great += u32::from(drawn >= split.distance * (1.0 - ROUNDING));
        if f64::from(as_great) / f64::from(PERMUTATIONS + 1) > LEVEL {
            return false;
        }
    }
    true
}

/// The best place to cut `values` at, over all ends that the right side may have. The sums of distances grow
/// with that end, so that all of them together take as many steps as there are pairs.
fn best_of(values: &[f64], least: usize) -> Option<Split> {
    // Of the pairs among the first so many values, and of those between them and the rest up to the end.
    let mut within = vec![0.0; values.len() + 1];
    let mut between = vec![0.0; values.len() + 1];
    let mut best: Option<Split> = None;
    for end in 1..=values.len() {
        let mut to_the_last = 0.0;
        for at in 1..end {
            to_the_last += (values[at - 1] - values[end - 1]).abs();
            between[at] += to_the_last;
        }
        within[end] = within[end - 1] + to_the_last;
        for at in least..=end.saturating_sub(least) {
            let of_the_right = within[end] - within[at] - between[at];
            let distance = weighted(at, end - at, between[at], within[at], of_the_right);
            if best.is_none_or(|best| distance > best.distance) {
                best = Some(Split { at, distance });
            }
        }
    }
    best
}

/// The energy distance of two samples, from the sums of distances between and within them, times
/// `left` · `right` ÷ (`left` + `right`).
fn weighted(left: usize, right: usize, between: f64, within_left: f64, within_right: f64) -> f64 {
    let (left, right) = (left as f64, right as f64);
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let energy = 2.0 * between / (left * right) - within_left / pairs(left) - within_right / pairs(right);
    left * right / (left + right) * energy
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use proptest::prelude::*;

    const LEAST: usize = 5;
    const NONE: [usize; 0] = [];

    /// Student's t with two degrees of freedom, by the inverse of its distribution function.
    fn heavy(random: &mut Rng) -> f64 {
        let share = random.f64().clamp(1e-9, 1.0 - 1e-9);
        (2.0 * share - 1.0) / (2.0 * share * (1.0 - share)).sqrt()
    }

    fn noise(count: usize, random: &mut Rng) -> Vec<f64> {
        (0..count).map(|_| heavy(random)).collect()
    }

    /// `levels` one after the other, each so long, in noise of `scale`.
    fn steps(levels: &[(usize, f64)], scale: f64, random: &mut Rng) -> Vec<f64> {
        let of_level = |&(count, level): &(usize, f64)| vec![level; count];
        levels.iter().flat_map(of_level).map(|level| level + scale * heavy(random)).collect()
    }

    /// By the definition, pair by pair.
    fn brute_force(values: &[f64], least: usize) -> Option<f64> {
        let mean_distance = |a: &[f64], b: &[f64], same: bool| {
            let pairs = (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j)));
            let distances: Vec<f64> =
                pairs.filter(|(i, j)| !same || i != j).map(|(i, j)| (a[i] - b[j]).abs()).collect();
            distances.iter().sum::<f64>() / distances.len() as f64
        };
        let mut best = None;
        for end in 0..=values.len() {
            for at in least..=end.saturating_sub(least) {
                let (left, right) = (&values[..at], &values[at..end]);
                let energy = 2.0 * mean_distance(left, right, false)
                    - mean_distance(left, left, true)
                    - mean_distance(right, right, true);
                let weight = (left.len() * right.len()) as f64 / end as f64;
                best = Some(best.unwrap_or(f64::MIN).max(weight * energy));
            }
        }
        best
    }

    #[test]
    fn a_step_is_found_at_its_index() {
        let mut random = Rng::with_seed(1);
        let values = steps(&[(14, 0.0), (10, 1.0)], 0.05, &mut random);
        assert_eq!(change_points(&values, LEAST, 1), [14]);
    }

    #[test]
    fn two_steps_and_an_undone_step_are_found() {
        let mut random = Rng::with_seed(2);
        let stairs = steps(&[(12, 0.0), (15, 1.0), (13, 3.0)], 0.05, &mut random);
        assert_eq!(change_points(&stairs, LEAST, 1), [12, 27]);
        let undone = steps(&[(16, 0.0), (8, 1.0), (16, 0.0)], 0.05, &mut random);
        assert_eq!(change_points(&undone, LEAST, 1), [16, 24]);
    }

    #[test]
    fn a_single_stray_value_is_no_change() {
        let mut values = noise(30, &mut Rng::with_seed(3));
        values[12] = 1e6;
        assert_eq!(change_points(&values, LEAST, 1), NONE);
    }

    #[test]
    fn a_single_step_of_constant_values_is_found() {
        assert_eq!(change_points(&[1.0; 40], LEAST, 1), NONE);
        assert_eq!(change_points(&[[1.0; 9], [1.02; 9]].concat(), LEAST, 1), [9]);
        assert_eq!(change_points(&[], LEAST, 1), NONE);
        assert_eq!(change_points(&[[1.0; 4], [9.0; 4]].concat(), LEAST, 1), NONE, "too short to be cut");
    }

    /// Of 300 series a test at 1 % is expected to name 3, and hardly ever more than 9.
    #[test]
    fn false_positives_in_noise_are_rare() {
        let mut random = Rng::with_seed(4);
        let named = (0..300).filter(|seed| !change_points(&noise(30, &mut random), LEAST, *seed).is_empty());
        let named = named.count();
        assert!(named <= 9, "{named} of 300");
    }

    /// How often a step is found in a series as long as a history, and how often one that is not there is.
    #[test]
    #[ignore = "a slow simulation that prints a table"]
    fn how_often_a_step_is_found() {
        const SERIES: u64 = 2_000;
        let mut random = Rng::with_seed(5);
        println!(
            "| gates | step, in quartiles of the noise | named | within two places of it |\n|--:|--:|--:|--:|"
        );
        // The upper quartile of Student's t with two degrees of freedom.
        let quartile = 0.8165;
        for (count, step) in [24, 60].into_iter().flat_map(|count| [0, 1, 2, 3, 5].map(|step| (count, step)))
        {
            let before = count * 7 / 12;
            let levels = [(before, 0.0), (count - before, f64::from(step) * quartile)];
            let (mut named, mut near) = (0, 0);
            for seed in 0..SERIES {
                let found = change_points(&steps(&levels, 1.0, &mut random), LEAST, seed);
                named += u32::from(!found.is_empty());
                near += u32::from(found.iter().any(|at| at.abs_diff(before) <= 2));
            }
            let share = |count: u32| f64::from(count) / SERIES as f64 * 100.0;
            let near = if step == 0 { "–".to_owned() } else { format!("{:.2} %", share(near)) };
            println!("| {count} | {step} | {:.2} % | {near} |", share(named));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_distance_agrees_with_its_definition(
            values in prop::collection::vec(-1.0_f64..1.0, 0..24),
            least in 2_usize..6,
        ) {
            let (ours, theirs) = (best_of(&values, least), brute_force(&values, least));
            prop_assert_eq!(ours.is_some(), theirs.is_some());
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                prop_assert!((ours.distance - theirs).abs() < 1e-9, "{} {}", ours.distance, theirs);
            }
        }

        /// By powers of two and whole numbers, which round nothing.
        #[test]
        fn neither_shift_nor_scale_matters(
            values in prop::collection::vec((-4_096_i32..4_096).prop_map(f64::from), 10..40),
            shift in (-4_096_i32..4_096).prop_map(f64::from),
            scale in (-10_i32..10).prop_map(|power| 2_f64.powi(power)),
        ) {
            let moved: Vec<f64> = values.iter().map(|value| (value + shift) * scale).collect();
            let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
            let found = change_points(&values, LEAST, 1);
            prop_assert_eq!(&change_points(&moved, LEAST, 1), &found);
            prop_assert_eq!(&change_points(&mirrored, LEAST, 1), &found);
        }

        #[test]
        fn no_segment_is_shorter_than_the_minimum(
            levels in prop::collection::vec((1_usize..12, -3_i32..3), 1..6),
            least in 2_usize..8,
        ) {
            let of_level = |&(count, level): &(usize, i32)| vec![f64::from(level); count];
            let values: Vec<f64> = levels.iter().flat_map(of_level).collect();
            let found = change_points(&values, least, 1);
            let ends: Vec<usize> = [0].into_iter().chain(found.clone()).chain([values.len()]).collect();
            prop_assert!(found.is_empty() || ends.windows(2).all(|stretch| stretch[1] - stretch[0] >= least));
        }
    }
}
