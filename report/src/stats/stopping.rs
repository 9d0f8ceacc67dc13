//! The stopping rule of a time budget: when a median is precise enough, and its interval after stopping.
//!
//! Checking after every run whether the interval is narrow, and stopping when it is, reduces its coverage: some
//! intervals are narrow by chance, and those stop. So it is checked after 10, 20, 40, … runs only, as in a group
//! sequential design. Up to 1,000 runs these are seven interim looks, and a benchmark that runs out of time adds one.
//! Each has an eighth of the 5 % in which an interval may miss, and by Bonferroni's inequality the sum is at most 5 %
//! for any noise.

use super::{MedianInterval, Sorted};

/// The runs at the first interim look; every later look is at twice as many.
pub const FIRST_LOOK: usize = 10;

/// The interim looks up to 1,000 runs, and the end.
const LOOKS: f64 = 8.0;

/// The interval that contains the median of `runs` with at least `confidence` (0.95), where [`is_precise`] may have
/// stopped them. Below the first look only the time can have stopped them.
///
/// # Panics
/// Where `runs` is zero.
pub fn interval_after_stopping(runs: usize, confidence: f64) -> MedianInterval {
    if runs < FIRST_LOOK {
        return MedianInterval::of(runs, confidence);
    }
    let of_one_look = MedianInterval::of(runs, 1.0 - (1.0 - confidence) / LOOKS);
    MedianInterval { confidence, ..of_one_look }
}

/// Whether there is a look at this number of runs and [`interval_after_stopping`] at `confidence` of their `walls_ns` is
/// narrower than `precision` (0.02), relative to their median.
pub fn is_precise(walls_ns: &[u64], precision: f64, confidence: f64) -> bool {
    let runs = walls_ns.len();
    if !is_look(runs) {
        return false;
    }
    Sorted::new(walls_ns.iter().copied()).is_some_and(|sorted| {
        let (low, high) = interval_after_stopping(runs, confidence).ends(&sorted);
        ((high - low) as f64) < precision * sorted.median() as f64
    })
}

fn is_look(runs: usize) -> bool {
    runs.is_multiple_of(FIRST_LOOK) && (runs / FIRST_LOOK).is_power_of_two()
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::stats::distribution::{DISTRIBUTIONS, Distribution};

    const CONFIDENCE: f64 = 0.95;
    const PRECISION: f64 = 0.02;

    /// A contender whose wall time is one second with noise of this size, and a time budget of about so many runs.
    #[derive(Clone, Copy)]
    struct Race {
        noise: Distribution,
        size: f64,
        time: f64,
    }

    impl Race {
        /// The wall times of its runs.
        fn run(&self, random: &mut Rng) -> Vec<u64> {
            let (mut walls, mut spent) = (Vec::new(), 0.0);
            while spent < self.time && !is_precise(&walls, PRECISION, CONFIDENCE) {
                let seconds = (self.size * self.noise.draw(random)).exp().min(1e6);
                // However long it stalls, a single run does not take the time of all.
                spent += seconds.min(2.0);
                walls.push(wall_ns(seconds));
            }
            walls
        }

        /// Of many simulations, the share whose interval contains the true median, the mean number of runs, and the share
        /// that stopped before time was spent.
        fn coverage(&self, races: u32) -> [f64; 3] {
            let mut random = Rng::with_seed(42);
            let median = wall_ns((self.size * self.noise.median()).exp());
            let mut sums = [0.0; 3];
            for _ in 0..races {
                let walls = self.run(&mut random);
                let interval = interval_after_stopping(walls.len(), CONFIDENCE);
                let stopped = is_precise(&walls, PRECISION, CONFIDENCE);
                let runs = walls.len() as f64;
                let (low, high) = interval.ends(&Sorted::new(walls).expect("there is time for a run"));
                let held = (low..=high).contains(&median);
                sums = [sums[0] + f64::from(held), sums[1] + runs, sums[2] + f64::from(stopped)];
            }
            sums.map(|sum| sum / f64::from(races))
        }
    }

    fn wall_ns(seconds: f64) -> u64 {
        (seconds * 1e9).round() as u64
    }

    #[test]
    fn the_looks_add_up_to_the_error_rate() {
        let looks: Vec<usize> = (1..=1_000).filter(|runs| is_look(*runs)).collect();
        assert_eq!(looks, [10, 20, 40, 80, 160, 320, 640]);
        assert_eq!(looks.len() as f64 + 1.0, LOOKS);
        let missed = |runs| 1.0 - MedianInterval::of(runs, 1.0 - 0.05 / LOOKS).confidence;
        let at_most = looks.iter().map(|runs| missed(*runs)).sum::<f64>() + 0.05 / LOOKS;
        assert!(at_most <= 0.05, "{at_most}");
    }

    #[test]
    fn it_is_precise_only_at_a_look() {
        let even = [1_000_u64; 50];
        let precise: Vec<usize> =
            (1..=50).filter(|runs| is_precise(&even[..*runs], PRECISION, CONFIDENCE)).collect();
        assert_eq!(precise, [10, 20, 40]);
        let mut spread = even;
        spread[3] = 1_030;
        assert!(!is_precise(&spread[..10], PRECISION, CONFIDENCE), "of ten the interval is the whole range");
        assert!(is_precise(&spread[..20], PRECISION, CONFIDENCE));
    }

    #[test]
    fn before_the_first_look_the_interval_is_that_of_a_fixed_number_of_runs() {
        for runs in 1..FIRST_LOOK {
            assert_eq!(interval_after_stopping(runs, CONFIDENCE), MedianInterval::of(runs, CONFIDENCE));
        }
    }

    /// With two modes an interval is narrow exactly where all of it lies in one of them, and misses the median: the
    /// worst case for a rule that stops too early.
    #[test]
    fn coverage_of_few_races() {
        for noise in DISTRIBUTIONS {
            for size in [0.008, 0.02] {
                let [held, ..] = Race { noise, size, time: 100.0 }.coverage(1_000);
                assert!(held >= 0.94, "{noise} {size}: {held}");
            }
        }
    }

    #[test]
    #[ignore = "some hundred thousand simulations; its results are in METHOD.md"]
    fn coverage_under_the_stopping_rule() {
        const RACES: u32 = 10_000;
        for noise in DISTRIBUTIONS {
            for size in [0.002, 0.005, 0.008, 0.012, 0.02, 0.05] {
                for time in [15.0, 50.0, 250.0] {
                    let [held, runs, stopped] = Race { noise, size, time }.coverage(RACES);
                    println!(
                        "{noise} of {:.1} %, time for {time} runs: {runs:.1} runs, {:.1} % stopped before, \
                         coverage {:.2} %",
                        size * 100.0,
                        stopped * 100.0,
                        held * 100.0
                    );
                    assert!(held >= CONFIDENCE, "{noise} {size} {time}: {held}");
                }
            }
        }
    }
}
