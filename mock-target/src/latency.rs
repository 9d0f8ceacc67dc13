//! How long responses are delayed: the distributions, as text and as numbers.
//!
//! A distribution is written `fixed:20ms`, `uniform:10ms,50ms` or `lognormal:250ms,0.318`, and is
//! saved as that same text. A delay is a pure function of the distribution, a seed and a URL id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::normal;
use crate::random::{self, Purpose};
use crate::units::{self, UnitError};

/// A distribution of delays, in whole nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Latency {
    /// Every response after the same delay: `fixed:20ms`.
    Fixed {
        /// The delay.
        delay_ns: u64,
    },
    /// Every delay between two bounds equally likely: `uniform:10ms,50ms`.
    Uniform {
        /// The shortest delay.
        low_ns: u64,
        /// The longest delay.
        high_ns: u64,
    },
    /// The logarithm of the delay is normal: `lognormal:250ms,0.318`.
    Lognormal {
        /// The median delay, e to the power of the logarithm's mean.
        median_ns: u64,
        /// Standard deviation of the natural logarithm, without unit.
        sigma: f64,
    },
}

/// Why a distribution could not be read.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LatencyError {
    /// The word before the colon names no distribution.
    #[error(
        "\"{0}\" is not a latency: write fixed:20ms, uniform:10ms,50ms or lognormal:250ms,0.318 (median, sigma)"
    )]
    Unknown(String),
    /// A distribution got too few or too many parameters.
    #[error("\"{text}\" needs {wanted}, such as {example}")]
    Parameters {
        /// What was written.
        text: String,
        /// What the distribution takes.
        wanted: &'static str,
        /// One that is right.
        example: &'static str,
    },
    /// A parameter is no duration.
    #[error("in the latency \"{text}\": {source}")]
    Duration {
        /// What was written.
        text: String,
        /// What is wrong with the duration.
        source: UnitError,
    },
    /// The bounds of a uniform distribution are in the wrong order.
    #[error("in the latency \"{0}\": the first bound is above the second; write the lower one first")]
    Reversed(String),
    /// Sigma is not a usable number.
    #[error("in the latency \"{0}\": sigma must be a number from 0 to 5, such as 0.318")]
    Sigma(String),
}

impl Latency {
    /// The planned delay of URL `id` under `seed`, in nanoseconds, at most [`units::LONGEST_NS`].
    ///
    /// The same on every platform: only IEEE 754 operations and `libm` take part.
    pub fn delay_ns(&self, seed: u64, id: u64) -> u64 {
        self.quantile_ns(random::unit(random::bits(seed, Purpose::Delay, id)))
    }

    /// The delay that a share `p` of responses stays below, `0 < p < 1`, in nanoseconds.
    pub fn quantile_ns(&self, p: f64) -> u64 {
        match *self {
            Latency::Fixed { delay_ns } => delay_ns,
            Latency::Uniform { low_ns, high_ns } => low_ns + whole_ns((high_ns - low_ns) as f64 * p),
            Latency::Lognormal { median_ns, sigma } => {
                whole_ns(median_ns as f64 * libm::exp(sigma * normal::quantile(p)))
            }
        }
    }
}

/// To the nearest nanosecond, and never beyond the longest delay.
fn whole_ns(ns: f64) -> u64 {
    libm::round(ns.clamp(0.0, units::LONGEST_NS as f64)) as u64
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, LatencyError> {
        let (family, parameters) =
            text.trim().split_once(':').ok_or_else(|| LatencyError::Unknown(text.to_owned()))?;
        let parameters: Vec<&str> = parameters.split(',').map(str::trim).collect();
        let duration = |part: &str| {
            units::parse_duration(part)
                .map_err(|source| LatencyError::Duration { text: text.to_owned(), source })
        };
        let wrong_number =
            |wanted, example| LatencyError::Parameters { text: text.to_owned(), wanted, example };
        match (family, parameters.as_slice()) {
            ("fixed", [delay]) => Ok(Latency::Fixed { delay_ns: duration(delay)? }),
            ("fixed", _) => Err(wrong_number("one delay", "fixed:20ms")),
            ("uniform", [low, high]) => {
                let (low_ns, high_ns) = (duration(low)?, duration(high)?);
                if low_ns > high_ns {
                    return Err(LatencyError::Reversed(text.to_owned()));
                }
                Ok(Latency::Uniform { low_ns, high_ns })
            }
            ("uniform", _) => Err(wrong_number("the shortest and the longest delay", "uniform:10ms,50ms")),
            ("lognormal", [median, sigma]) => {
                let median_ns = duration(median)?;
                let sigma = sigma.parse().ok().filter(|sigma| (0.0..=5.0).contains(sigma));
                let sigma = sigma.ok_or_else(|| LatencyError::Sigma(text.to_owned()))?;
                Ok(Latency::Lognormal { median_ns, sigma })
            }
            ("lognormal", _) => Err(wrong_number("the median delay and sigma", "lognormal:250ms,0.318")),
            _ => Err(LatencyError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = units::format_duration;
        match *self {
            Latency::Fixed { delay_ns } => write!(f, "fixed:{}", duration(delay_ns)),
            Latency::Uniform { low_ns, high_ns } => {
                write!(f, "uniform:{},{}", duration(low_ns), duration(high_ns))
            }
            Latency::Lognormal { median_ns, sigma } => {
                write!(f, "lognormal:{},{sigma}", duration(median_ns))
            }
        }
    }
}

impl TryFrom<String> for Latency {
    type Error = LatencyError;

    fn try_from(text: String) -> Result<Self, LatencyError> {
        text.parse()
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> String {
        latency.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_latency() -> impl Strategy<Value = Latency> {
        let ns = 0..=units::LONGEST_NS;
        prop_oneof![
            ns.clone().prop_map(|delay_ns| Latency::Fixed { delay_ns }),
            (ns.clone(), ns.clone())
                .prop_map(|(a, b)| Latency::Uniform { low_ns: a.min(b), high_ns: a.max(b) }),
            (ns, 0.0..=5.0).prop_map(|(median_ns, sigma)| Latency::Lognormal { median_ns, sigma }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(latency in any_latency()) {
            prop_assert_eq!(latency.to_string().parse::<Latency>(), Ok(latency));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Latency>();
        }

        #[test]
        fn delays_stay_within_the_longest(latency in any_latency(), seed: u64, id: u64) {
            prop_assert!(latency.delay_ns(seed, id) <= units::LONGEST_NS);
        }
    }

    #[test]
    fn delays_are_the_same_for_ever() {
        // Golden, and computed a second time with Python's integers and `NormalDist.inv_cdf`: a change
        // of any of these numbers makes old records incomparable.
        let golden = |text: &str| {
            let latency: Latency = text.parse().expect(text);
            [0, 1, 2, 999, u64::MAX].map(|id| latency.delay_ns(1, id))
        };
        assert_eq!(golden("fixed:20ms"), [20_000_000; 5]);
        assert_eq!(golden("uniform:10ms,50ms"), [24_727_581, 47_742_569, 11_810_280, 27_691_302, 44_514_246]);
        assert_eq!(
            golden("lognormal:250ms,0.318"),
            [224_618_968, 413_899_686, 145_938_408, 238_720_211, 353_934_466]
        );
    }

    #[test]
    fn wrong_latencies_say_what_is_wrong() {
        for (text, part) in [
            ("20ms", "is not a latency"),
            ("gauss:20ms", "is not a latency"),
            ("fixed:", "\"\" is not a duration"),
            ("fixed:1ms,2ms", "needs one delay, such as fixed:20ms"),
            ("uniform:50ms,10ms", "write the lower one first"),
            ("lognormal:250ms", "needs the median delay and sigma"),
            ("lognormal:250ms,-1", "sigma must be a number from 0 to 5"),
            ("lognormal:250ms,NaN", "sigma must be"),
            ("lognormal:fast,0.3", "\"fast\" is not a duration"),
        ] {
            let message = text.parse::<Latency>().expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    /// The largest distance between the delays of 100,000 ids and the distribution they should follow.
    fn kolmogorov_smirnov(latency: &Latency, cdf: impl Fn(f64) -> f64) -> f64 {
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

    /// The 0.1 % point of the Kolmogorov-Smirnov statistic at 100,000: 1.95 / √n.
    const KS_LIMIT: f64 = 1.95 / 316.23;

    #[test]
    fn delays_follow_the_asked_distribution() {
        let uniform: Latency = "uniform:10ms,50ms".parse().expect("a latency");
        assert!(kolmogorov_smirnov(&uniform, |ns| (ns - 10e6) / 40e6) < KS_LIMIT);

        let lognormal: Latency = "lognormal:250ms,0.4".parse().expect("a latency");
        let normal_cdf = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        let distance = kolmogorov_smirnov(&lognormal, |ns| normal_cdf(libm::log(ns / 250e6) / 0.4));
        assert!(distance < KS_LIMIT, "{distance}");
    }
}
