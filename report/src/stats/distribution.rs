//! Distributions of known medians, for simulations of coverage and error rates.

use std::f64::consts::{LN_2, TAU};
use std::fmt;

use fastrand::Rng;

/// A distribution of noise, in units of its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Distribution {
    Normal,
    /// Student's t with two degrees of freedom: its variance is infinite.
    HeavyTailed,
    /// Exponential, with one in fifty far beyond: runs with a lower bound that sometimes stall.
    Stalled,
    /// Half around −1 and half around 1: the median lies between them, where hardly any value is.
    Bimodal,
}

pub(super) const DISTRIBUTIONS: [Distribution; 4] =
    [Distribution::Normal, Distribution::HeavyTailed, Distribution::Stalled, Distribution::Bimodal];

impl Distribution {
    pub(super) fn draw(self, random: &mut Rng) -> f64 {
        match self {
            Distribution::Normal => normal(random),
            Distribution::HeavyTailed => normal(random) / (-(1.0 - random.f64()).ln()).sqrt(),
            Distribution::Stalled => {
                let share = random.f64();
                let stall = if share > 0.98 { 50.0 * random.f64() } else { 0.0 };
                stall - (1.0 - share).ln()
            }
            Distribution::Bimodal => {
                (if random.bool() { 1.0 } else { -1.0 }) + 0.2 * normal(random).clamp(-4.0, 4.0)
            }
        }
    }

    pub(super) fn median(self) -> f64 {
        match self {
            Distribution::Stalled => LN_2,
            Distribution::Normal | Distribution::HeavyTailed | Distribution::Bimodal => 0.0,
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Distribution::Normal => "normal",
            Distribution::HeavyTailed => "heavy tails",
            Distribution::Stalled => "skewed, with stalls",
            Distribution::Bimodal => "two modes",
        })
    }
}

/// A draw from the standard normal distribution, by the method of Box and Muller.
pub(crate) fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}
