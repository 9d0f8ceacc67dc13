//! Distributions of delays, and the delay of every URL.
//!
//! A delay is a pure function of the distribution, a seed and a URL id. Nothing depends on the order
//! in which requests arrive, nor on the platform: only IEEE 754 operations and `libm` are used, and
//! results are whole nanoseconds.

mod empirical;
mod error;
mod text;

use serde::{Deserialize, Serialize};

use crate::normal;
use crate::random::{self, Purpose};
use crate::units;

pub use empirical::Empirical;
pub use error::LatencyError;

/// A distribution of delays, serialized as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Latency {
    /// The same delay for every response: `fixed:20ms`.
    Fixed {
        /// The delay.
        delay_ns: u64,
    },
    /// Uniform between two bounds: `uniform:10ms,50ms`.
    Uniform {
        /// The shortest delay.
        low_ns: u64,
        /// The longest delay.
        high_ns: u64,
    },
    /// Normal, with negative values set to zero: `normal:50ms,10ms`.
    Normal {
        /// The mean before negative values are set to zero.
        mean_ns: u64,
        /// The standard deviation.
        deviation_ns: u64,
    },
    /// The logarithm of the delay is normal: `lognormal:250ms,0.318`.
    Lognormal {
        /// The median delay, which is e to the power of the logarithm's mean.
        median_ns: u64,
        /// Standard deviation of the natural logarithm, without unit.
        sigma: f64,
    },
    /// The sum of equal exponential stages, as of a request handed from queue to queue:
    /// `erlang:3,250ms`. One stage is the exponential distribution.
    Erlang {
        /// Number of stages, 1 to 100.
        stages: u32,
        /// The mean of their sum.
        mean_ns: u64,
    },
    /// A tail that falls as a power, never below a minimum: `pareto:10ms,1.5`.
    Pareto {
        /// The shortest delay.
        minimum_ns: u64,
        /// The power: the smaller, the heavier the tail.
        shape: f64,
    },
    /// One of several distributions for each URL: `mix:95%*lognormal:70ms,0.3+5%*pareto:1s,1.5`.
    Mixture(
        /// Shares in percent, 100 in total, each with its distribution.
        Vec<(f64, Latency)>,
    ),
    /// Measured delays: `file:ttfb.csv`, or `quantiles:0%=1ms,50%=3ms,100%=20ms`.
    Empirical(Empirical),
}

impl Latency {
    /// The planned delay of URL `id` under `seed`, in nanoseconds, at most [`units::LONGEST_NS`].
    pub fn delay_ns(&self, seed: u64, id: u64) -> u64 {
        let mut draws = Draws { seed, id, count: 0 };
        libm::round(self.sample(&mut draws).clamp(0.0, units::LONGEST_NS as f64)) as u64
    }

    /// A delay in nanoseconds. Takes as many random numbers as it needs.
    fn sample(&self, draws: &mut Draws) -> f64 {
        match self {
            Latency::Fixed { delay_ns } => *delay_ns as f64,
            Latency::Uniform { low_ns, high_ns } => {
                *low_ns as f64 + libm::round((high_ns - low_ns) as f64 * draws.next())
            }
            Latency::Normal { mean_ns, deviation_ns } => {
                *mean_ns as f64 + *deviation_ns as f64 * normal::quantile(draws.next())
            }
            Latency::Lognormal { median_ns, sigma } => {
                *median_ns as f64 * libm::exp(sigma * normal::quantile(draws.next()))
            }
            Latency::Erlang { stages, mean_ns } => {
                let sum: f64 = (0..*stages).map(|_| -libm::log(draws.next())).sum();
                *mean_ns as f64 / f64::from(*stages) * sum
            }
            Latency::Pareto { minimum_ns, shape } => {
                *minimum_ns as f64 * libm::exp(-libm::log(draws.next()) / shape)
            }
            Latency::Mixture(parts) => {
                let mut percentile = draws.next() * 100.0;
                let mut chosen = parts.iter().filter(|(percent, _)| {
                    percentile -= percent;
                    percentile < 0.0
                });
                // Rounding may leave the sum of the shares slightly below 100 %.
                chosen.next().or(parts.last()).map_or(0.0, |(_, latency)| latency.sample(draws))
            }
            Latency::Empirical(empirical) => empirical.quantile_ns(draws.next()),
        }
    }
}

/// The random numbers of one URL.
struct Draws {
    seed: u64,
    id: u64,
    count: u64,
}

impl Draws {
    fn next(&mut self) -> f64 {
        let seed = match self.count {
            0 => self.seed,
            further => random::bits(self.seed, Purpose::FurtherDelay, further),
        };
        self.count += 1;
        random::unit(random::bits(seed, Purpose::Delay, self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn any_latency() -> impl Strategy<Value = Latency> {
        let ns = 0..=units::LONGEST_NS;
        let simple = prop_oneof![
            ns.clone().prop_map(|delay_ns| Latency::Fixed { delay_ns }),
            (ns.clone(), ns.clone())
                .prop_map(|(a, b)| Latency::Uniform { low_ns: a.min(b), high_ns: a.max(b) }),
            (ns.clone(), ns.clone())
                .prop_map(|(mean_ns, deviation_ns)| Latency::Normal { mean_ns, deviation_ns }),
            (ns.clone(), 0.0..=5.0).prop_map(|(median_ns, sigma)| Latency::Lognormal { median_ns, sigma }),
            (1..=100_u32, ns.clone()).prop_map(|(stages, mean_ns)| Latency::Erlang { stages, mean_ns }),
            (ns, 0.1..=100.0).prop_map(|(minimum_ns, shape)| Latency::Pareto { minimum_ns, shape }),
        ];
        prop_oneof![
            simple.clone(),
            (simple.clone(), simple).prop_map(|(a, b)| Latency::Mixture(vec![(99.5, a), (0.5, b)])),
        ]
    }

    proptest! {
        #[test]
        fn delays_are_at_most_the_longest(latency in any_latency(), seed: u64, id: u64) {
            prop_assert!(latency.delay_ns(seed, id) <= units::LONGEST_NS);
        }

        #[test]
        fn delays_depend_only_on_distribution_seed_and_id(
            latency in any_latency(), seed: u64, ids: [u64; 8],
        ) {
            let forwards = ids.map(|id| latency.delay_ns(seed, id));
            let mut backwards: Vec<u64> = ids.iter().rev().map(|id| latency.clone().delay_ns(seed, *id)).collect();
            backwards.reverse();
            prop_assert_eq!(&forwards[..], backwards);
        }
    }

    #[test]
    fn delays_are_the_same_for_ever() {
        // Golden: a change of any of these numbers makes old records incomparable. All
        // were computed a second time with Python's integers, `math` and `NormalDist.inv_cdf`.
        for (text, delays) in [
            ("fixed:20ms", [20_000_000; 5]),
            ("uniform:10ms,50ms", [24_727_581, 47_742_569, 11_810_280, 27_691_302, 44_514_246]),
            ("lognormal:250ms,0.318", [224_618_968, 413_899_686, 145_938_408, 238_720_211, 353_934_466]),
            ("normal:50ms,10ms", [46_633_477, 65_854_174, 33_073_074, 48_548_154, 60_932_417]),
            ("erlang:3,250ms", [264_695_758, 196_849_562, 351_325_808, 183_112_035, 168_871_273]),
            ("pareto:10ms,1.5", [19_466_404, 10_394_869, 78_742_556, 17_226_622, 11_033_359]),
            (
                "mix:50%*fixed:1ms+50%*uniform:2ms,3ms",
                [1_000_000, 2_312_706, 1_000_000, 1_000_000, 2_464_696],
            ),
            ("quantiles:0%=1ms,50%=3ms,100%=20ms", [2_472_758, 18_081_184, 1_181_028, 2_769_130, 15_337_109]),
        ] {
            let latency: Latency = text.parse().expect(text);
            assert_eq!([0, 1, 2, 999, u64::MAX].map(|id| latency.delay_ns(1, id)), delays, "{text}");
        }
    }

    /// The largest distance between the delays of 100,000 ids and the distribution they should follow.
    fn kolmogorov_smirnov(text: &str, cdf: impl Fn(f64) -> f64) -> f64 {
        let latency: Latency = text.parse().expect(text);
        let count = 100_000u64;
        let mut delays: Vec<u64> = (0..count).map(|id| latency.delay_ns(7, id)).collect();
        delays.sort_unstable();
        let distance = |(rank, delay): (usize, &u64)| {
            let expected = cdf(*delay as f64);
            let (below, above) = (rank as f64 / count as f64, (rank + 1) as f64 / count as f64);
            (expected - below).abs().max((expected - above).abs())
        };
        delays.iter().enumerate().map(distance).fold(0.0, f64::max)
    }

    #[test]
    fn delays_follow_their_distribution() {
        // The 0.1 % point of the Kolmogorov-Smirnov statistic at 100,000: 1.95 / √n.
        let limit = 1.95 / 100_000_f64.sqrt();
        let normal_cdf = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        let erlang_cdf = |x: f64| 1.0 - libm::exp(-x) * (1.0 + x + x * x / 2.0);
        let pareto_cdf = |ns: f64| 1.0 - libm::pow(10e6 / ns, 1.5);
        for (text, distance) in [
            ("uniform", kolmogorov_smirnov("uniform:10ms,50ms", |ns| (ns - 10e6) / 40e6)),
            ("normal", kolmogorov_smirnov("normal:50ms,10ms", |ns| normal_cdf((ns - 50e6) / 10e6))),
            (
                "lognormal",
                kolmogorov_smirnov("lognormal:250ms,0.4", |ns| normal_cdf(libm::log(ns / 250e6) / 0.4)),
            ),
            ("erlang", kolmogorov_smirnov("erlang:3,250ms", |ns| erlang_cdf(3.0 * ns / 250e6))),
            ("pareto", kolmogorov_smirnov("pareto:10ms,1.5", pareto_cdf)),
            (
                "mixture",
                kolmogorov_smirnov("mix:75%*uniform:0ms,10ms+25%*pareto:10ms,1.5", |ns| {
                    if ns < 10e6 { 0.75 * ns / 10e6 } else { 0.75 + 0.25 * pareto_cdf(ns) }
                }),
            ),
            (
                "empirical",
                kolmogorov_smirnov("quantiles:0%=1ms,50%=3ms,100%=20ms", |ns| {
                    if ns < 3e6 { 0.5 * (ns - 1e6) / 2e6 } else { 0.5 + 0.5 * (ns - 3e6) / 17e6 }
                }),
            ),
        ] {
            assert!(distance < limit, "{text}: {distance}");
        }
    }
}
