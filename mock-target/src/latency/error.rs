//! Why a distribution of delays could not be parsed.

use thiserror::Error;

use crate::suggest::did_you_mean;
use crate::units::UnitError;

/// The names of the distributions.
const FAMILIES: [&str; 9] =
    ["fixed", "uniform", "normal", "lognormal", "erlang", "pareto", "mix", "quantiles", "file"];

/// Why a distribution could not be parsed.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs)] // The names of the fields are self-explanatory.
pub enum LatencyError {
    /// The word before the colon names no distribution.
    #[error(
        "\"{text}\" is not a latency; {near}write 20ms, uniform:10ms,50ms, normal:50ms,10ms, \
         lognormal:250ms,0.318 (median, sigma), erlang:3,250ms, pareto:10ms,1.5, \
         mix:95%*20ms+5%*pareto:1s,1.5 or file:PATH",
        text = .0,
        near = suggestion(.0)
    )]
    Unknown(String),
    /// A distribution has too few or too many parameters.
    #[error("\"{text}\" needs {wanted}, such as {example}")]
    Parameters { text: String, wanted: &'static str, example: &'static str },
    /// A parameter is no duration.
    #[error("in the latency \"{text}\": {source}")]
    Duration { text: String, source: UnitError },
    /// The bounds of a uniform distribution are in the wrong order.
    #[error("in the latency \"{0}\": the first bound is above the second; write the lower one first")]
    Reversed(String),
    /// A parameter is no number, or is out of range.
    #[error("in the latency \"{text}\": {name} must be a number from {low} to {high}, such as {example}")]
    Number { text: String, name: &'static str, low: f64, high: f64, example: f64 },
    /// The shares of a mixture do not add up to 100 %.
    #[error("in the latency \"{0}\": the shares must be percentages that make 100 together")]
    Shares(String),
    /// Quantiles that do not rise, or do not range from 0 % to 100 %.
    #[error("quantiles and their delays must rise, from 0% to 100%: such as 0%=1ms,50%=3ms,100%=20ms")]
    Quantiles,
    /// A file of measured delays cannot be used.
    #[error("cannot use the latencies in {path}: {reason}")]
    File { path: String, reason: String },
}

fn suggestion(text: &str) -> String {
    did_you_mean(text.split(':').next().unwrap_or_default(), FAMILIES)
}
