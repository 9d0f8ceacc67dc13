//! When requests are due where the load does not wait for the client: an open loop.

use std::str::FromStr;

use anyhow::{Context, Error, Result};

/// Requests a second, and how they arrive, written `400/s` or `400/s,poisson`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests a second, over all processes together: from [`LEAST_PER_SECOND`] to [`MOST_PER_SECOND`].
    pub per_second: f64,
    /// How they arrive.
    pub arrivals: Arrivals,
}

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly spaced, the first at once.
    Constant,
    /// Independently of each other, as those of many users are: the times between them are exponential.
    Poisson,
}

/// The lowest rate: one request in 100 s.
pub const LEAST_PER_SECOND: f64 = 0.01;

/// The highest rate: no client reaches it, and due times are in nanoseconds.
pub const MOST_PER_SECOND: f64 = 1e6;

impl Rate {
    /// When each of `urls` requests is due, by id, in nanoseconds since `go`. They never decrease. `seed`
    /// matters to [`Arrivals::Poisson`] alone.
    pub fn due_ns(self, urls: u64, seed: u64) -> Vec<u64> {
        let between_ns = 1e9 / self.per_second;
        match self.arrivals {
            Arrivals::Constant => (0..urls).map(|id| (id as f64 * between_ns).round() as u64).collect(),
            Arrivals::Poisson => {
                let mut random = fastrand::Rng::with_seed(seed);
                let mut due_ns = 0.0;
                let mut next = || {
                    // The inverse of the exponential distribution (Devroye, Non-Uniform Random Variate
                    // Generation, 1986, II.2): 1 - u is never zero.
                    due_ns -= between_ns * (1.0 - random.f64()).ln();
                    due_ns.round() as u64
                };
                (0..urls).map(|_| next()).collect()
            }
        }
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rate> {
        parse(text).with_context(|| {
            format!(
                "`{text}` is not a rate: write requests a second, from 0.01 to 1000000, as in 400/s, \
                 400/s,constant or 400/s,poisson"
            )
        })
    }
}

fn parse(text: &str) -> Option<Rate> {
    let (rate, arrivals) = match text.split_once(',').unwrap_or((text, "constant")) {
        (rate, "constant") => (rate, Arrivals::Constant),
        (rate, "poisson") => (rate, Arrivals::Poisson),
        _ => return None,
    };
    let per_second: f64 = rate.strip_suffix("/s")?.parse().ok()?;
    (LEAST_PER_SECOND..=MOST_PER_SECOND).contains(&per_second).then_some(Rate { per_second, arrivals })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_parsed() {
        assert_eq!(rate("400/s"), Rate { per_second: 400.0, arrivals: Arrivals::Constant });
        assert_eq!(rate("400/s,constant"), rate("400/s"));
        assert_eq!(rate("0.5/s,poisson"), Rate { per_second: 0.5, arrivals: Arrivals::Poisson });
    }

    #[test]
    fn invalid_rates_are_refused_with_an_example() {
        for text in [
            "",
            "400",
            "/s",
            "0/s",
            "1e-9/s",
            "-1/s",
            "nan/s",
            "inf/s",
            "1e9/s",
            "400/s,often",
            "400/s,",
            "4/m",
        ] {
            let refused = text.parse::<Rate>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{text}`")) && refused.contains("400/s,poisson"), "{refused}");
        }
    }

    #[test]
    fn constant_rate_is_evenly_spaced() {
        assert_eq!(rate("400/s").due_ns(4, 1), [0, 2_500_000, 5_000_000, 7_500_000]);
        assert_eq!(rate("3/s").due_ns(4, 1), [0, 333_333_333, 666_666_667, 1_000_000_000]);
        assert!(rate("3/s").due_ns(0, 1).is_empty());
    }

    #[test]
    fn poisson_arrivals_depend_on_the_seed_and_have_the_right_mean_and_spread() {
        const MANY: u64 = 20_000;
        let due = rate("400/s,poisson").due_ns(MANY, 7);
        assert_eq!(due, rate("400/s,poisson").due_ns(MANY, 7));
        assert_ne!(due, rate("400/s,poisson").due_ns(MANY, 8));
        assert!(due.is_sorted());

        // An exponential distribution's deviation is its mean; of 20,000 either is known to about 1 %.
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 2.5e6 - 1.0).abs() < 0.04, "{mean}");
        assert!((variance.sqrt() / 2.5e6 - 1.0).abs() < 0.04, "{}", variance.sqrt());
    }
}
