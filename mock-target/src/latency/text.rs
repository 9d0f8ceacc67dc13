//! Parses and formats distributions of delays.

use std::fmt;
use std::str::FromStr;

use super::Latency;
use super::empirical::Empirical;
use super::error::LatencyError;
use crate::units;

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, LatencyError> {
        let unknown = || LatencyError::Unknown(text.to_owned());
        let Some((family, rest)) = text.trim().split_once(':') else {
            // A bare delay is the same for every URL.
            return match units::parse_duration(text) {
                Ok(delay_ns) => Ok(Latency::Fixed { delay_ns }),
                Err(source) if text.trim().starts_with(|c: char| c.is_ascii_digit()) => {
                    Err(LatencyError::Duration { text: text.to_owned(), source })
                }
                Err(_) => Err(unknown()),
            };
        };
        let parts: Vec<&str> = rest.split(',').map(str::trim).collect();
        let parameters = Parameters { text, parts: &parts };
        match family {
            "fixed" => {
                let [delay] = parameters.exactly("one delay", "fixed:20ms")?;
                Ok(Latency::Fixed { delay_ns: parameters.duration(delay)? })
            }
            "uniform" => {
                let [low, high] =
                    parameters.exactly("the shortest and the longest delay", "uniform:10ms,50ms")?;
                let (low_ns, high_ns) = (parameters.duration(low)?, parameters.duration(high)?);
                if low_ns > high_ns {
                    return Err(LatencyError::Reversed(text.to_owned()));
                }
                Ok(Latency::Uniform { low_ns, high_ns })
            }
            "normal" => {
                let [mean, deviation] =
                    parameters.exactly("the mean and the standard deviation", "normal:50ms,10ms")?;
                let (mean_ns, deviation_ns) = (parameters.duration(mean)?, parameters.duration(deviation)?);
                Ok(Latency::Normal { mean_ns, deviation_ns })
            }
            "lognormal" => {
                let [median, sigma] =
                    parameters.exactly("the median delay and sigma", "lognormal:250ms,0.318")?;
                let sigma = parameters.number("sigma", sigma, (0.0, 5.0), 0.3)?;
                Ok(Latency::Lognormal { median_ns: parameters.duration(median)?, sigma })
            }
            "erlang" => {
                let [stages, mean] =
                    parameters.exactly("the number of stages and the mean delay", "erlang:3,250ms")?;
                let whole = stages.parse::<u32>().map_or(f64::NAN, f64::from).to_string();
                let stages = parameters.number("the number of stages", &whole, (1.0, 100.0), 3.0)? as u32;
                Ok(Latency::Erlang { stages, mean_ns: parameters.duration(mean)? })
            }
            "pareto" => {
                let [minimum, shape] =
                    parameters.exactly("the shortest delay and the shape", "pareto:10ms,1.5")?;
                let shape = parameters.number("the shape", shape, (0.1, 100.0), 1.5)?;
                Ok(Latency::Pareto { minimum_ns: parameters.duration(minimum)?, shape })
            }
            "mix" => mixture(text, rest),
            "quantiles" => quantiles(&parameters),
            "file" => Empirical::from_file(rest).map(Latency::Empirical),
            _ => Err(unknown()),
        }
    }
}

/// The parameters after the colon, and the whole text for error messages.
struct Parameters<'a> {
    text: &'a str,
    parts: &'a [&'a str],
}

impl<'a> Parameters<'a> {
    fn exactly<const N: usize>(
        &self,
        wanted: &'static str,
        example: &'static str,
    ) -> Result<[&'a str; N], LatencyError> {
        self.parts.try_into().map_err(|_| LatencyError::Parameters {
            text: self.text.to_owned(),
            wanted,
            example,
        })
    }

    fn duration(&self, part: &str) -> Result<u64, LatencyError> {
        units::parse_duration(part)
            .map_err(|source| LatencyError::Duration { text: self.text.to_owned(), source })
    }

    fn number(
        &self,
        name: &'static str,
        part: &str,
        (low, high): (f64, f64),
        example: f64,
    ) -> Result<f64, LatencyError> {
        let number = part.parse().ok().filter(|number| (low..=high).contains(number));
        number.ok_or_else(|| LatencyError::Number { text: self.text.to_owned(), name, low, high, example })
    }
}

/// `95%*fixed:20ms+5%*pareto:1s,1.5`.
fn mixture(text: &str, parts: &str) -> Result<Latency, LatencyError> {
    let wrong = || LatencyError::Shares(text.to_owned());
    let part = |part: &str| {
        let (share, latency) = part.trim().split_once('*').ok_or_else(wrong)?;
        let percent: f64 =
            share.trim().strip_suffix('%').and_then(|share| share.parse().ok()).ok_or_else(wrong)?;
        // The text of a nested mixture would be ambiguous.
        if !(0.0..=100.0).contains(&percent) || latency.trim_start().starts_with("mix:") {
            return Err(wrong());
        }
        Ok((percent, latency.parse()?))
    };
    let parts = parts.split('+').map(part).collect::<Result<Vec<_>, _>>()?;
    let whole: f64 = parts.iter().map(|(percent, _)| percent).sum();
    if (whole - 100.0).abs() > 1e-6 { Err(wrong()) } else { Ok(Latency::Mixture(parts)) }
}

/// `0%=1ms,50%=3ms,100%=20ms`.
fn quantiles(parameters: &Parameters<'_>) -> Result<Latency, LatencyError> {
    let point = |part: &&str| {
        let (percent, delay) = part.split_once('=').ok_or(LatencyError::Quantiles)?;
        let percent = percent.trim().strip_suffix('%').and_then(|percent| percent.parse().ok());
        Ok((percent.ok_or(LatencyError::Quantiles)?, parameters.duration(delay.trim())?))
    };
    let points = parameters.parts.iter().map(point).collect::<Result<Vec<_>, LatencyError>>()?;
    Empirical::new(points).map(Latency::Empirical)
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |ns: &u64| units::format_duration(*ns);
        match self {
            Latency::Fixed { delay_ns } => write!(f, "fixed:{}", time(delay_ns)),
            Latency::Uniform { low_ns, high_ns } => write!(f, "uniform:{},{}", time(low_ns), time(high_ns)),
            Latency::Normal { mean_ns, deviation_ns } => {
                write!(f, "normal:{},{}", time(mean_ns), time(deviation_ns))
            }
            Latency::Lognormal { median_ns, sigma } => write!(f, "lognormal:{},{sigma}", time(median_ns)),
            Latency::Erlang { stages, mean_ns } => write!(f, "erlang:{stages},{}", time(mean_ns)),
            Latency::Pareto { minimum_ns, shape } => write!(f, "pareto:{},{shape}", time(minimum_ns)),
            Latency::Mixture(parts) => {
                let part = |(percent, latency): &(f64, Latency)| format!("{percent}%*{latency}");
                write!(f, "mix:{}", parts.iter().map(part).collect::<Vec<_>>().join("+"))
            }
            Latency::Empirical(empirical) => {
                let point = |(percent, ns): &(f64, u64)| format!("{percent}%={}", time(ns));
                let points: Vec<_> = empirical.points().iter().map(point).collect();
                write!(f, "quantiles:{}", points.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::any_latency;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn formatted_latencies_parse_back(latency in any_latency()) {
            prop_assert_eq!(latency.to_string().parse::<Latency>(), Ok(latency));
        }

        #[test]
        fn no_text_panics(text in "(fixed|uniform|normal|erlang|mix|quantiles|):?.*") {
            let _ = text.parse::<Latency>();
        }
    }

    #[test]
    fn quantiles_are_formatted_in_full() {
        let text = "quantiles:0%=1ms,99.9%=3.5ms,100%=20ms";
        assert_eq!(text.parse::<Latency>().expect("a latency").to_string(), text);
    }

    #[test]
    fn a_bare_duration_is_a_fixed_delay() {
        for (text, fixed) in [("80ms", "fixed:80ms"), (" 2m ", "fixed:120s"), ("0", "fixed:0ms")] {
            assert_eq!(text.parse::<Latency>().expect(text), fixed.parse().expect(fixed), "{text}");
        }
        let mixed = "mix:95%*20ms+5%*pareto:1s,1.5".parse::<Latency>().expect("a mixture");
        assert_eq!(mixed.to_string(), "mix:95%*fixed:20ms+5%*pareto:1s,1.5");
    }

    #[test]
    fn invalid_latencies_are_rejected_with_a_reason() {
        for (text, part) in [
            ("20", "\"20\" is not a duration"),
            ("fast", "\"fast\" is not a latency; write 20ms"),
            ("gauss:20ms", "is not a latency"),
            ("lognormol:20ms,0.3", "did you mean \"lognormal\"? write 20ms"),
            ("fixed:", "\"\" is not a duration"),
            ("fixed:1ms,2ms", "needs one delay, such as fixed:20ms"),
            ("uniform:50ms,10ms", "write the lower one first"),
            ("normal:50ms", "needs the mean and the standard deviation"),
            ("lognormal:250ms", "needs the median delay and sigma"),
            ("lognormal:250ms,-1", "sigma must be a number from 0 to 5"),
            ("lognormal:250ms,NaN", "sigma must be a number"),
            ("lognormal:fast,0.3", "\"fast\" is not a duration"),
            ("erlang:2.5,1ms", "the number of stages must be a number from 1 to 100"),
            ("erlang:0,1ms", "the number of stages must be"),
            ("pareto:1ms,0", "the shape must be a number from 0.1 to 100"),
            ("mix:50%*fixed:1ms", "make 100 together"),
            ("mix:100%*mix:100%*fixed:1ms", "make 100 together"),
            ("mix:100%*fixed:x", "\"x\" is not a duration"),
            ("quantiles:0%=1ms,50%=3ms", "must rise, from 0% to 100%"),
            ("file:/no/such/file.csv", "cannot use the latencies in /no/such/file.csv"),
        ] {
            let message = text.parse::<Latency>().expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
