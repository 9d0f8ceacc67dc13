//! Noise of known medians, to draw from where an interval is put to the test.

use std::f64::consts::{LN_2, TAU};
use std::fmt;

use fastrand::Rng;

/// Where a draw comes from, in units of its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Noise {
    Normal,
    /// Student's t with two degrees of freedom: its variance is infinite.
    HeavyTailed,
    /// Exponential, and one in fifty far beyond: as of runs that nothing makes faster, and that stall.
    Stalled,
    /// Half of them around −1 and half around 1: between the two lies the median, and nothing else.
    TwoModes,
}

pub(super) const NOISES: [Noise; 4] = [Noise::Normal, Noise::HeavyTailed, Noise::Stalled, Noise::TwoModes];

impl Noise {
    pub(super) fn draw(self, random: &mut Rng) -> f64 {
        match self {
            Noise::Normal => normal(random),
            Noise::HeavyTailed => normal(random) / (-(1.0 - random.f64()).ln()).sqrt(),
            Noise::Stalled => {
                let share = random.f64();
                let stall = if share > 0.98 { 50.0 * random.f64() } else { 0.0 };
                stall - (1.0 - share).ln()
            }
            Noise::TwoModes => {
                (if random.bool() { 1.0 } else { -1.0 }) + 0.2 * normal(random).clamp(-4.0, 4.0)
            }
        }
    }

    pub(super) fn median(self) -> f64 {
        match self {
            Noise::Stalled => LN_2,
            Noise::Normal | Noise::HeavyTailed | Noise::TwoModes => 0.0,
        }
    }
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Noise::Normal => "normal",
            Noise::HeavyTailed => "heavy tails",
            Noise::Stalled => "skewed, with stalls",
            Noise::TwoModes => "two modes",
        })
    }
}

/// Box and Muller's way to a standard normal distribution.
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}
