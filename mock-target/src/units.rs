//! Durations and sizes with units: `250ms`, `1.5s`, `10KiB`.
//!
//! Both are parsed with integer arithmetic, so that `0.318ms` is exactly 318,000 ns everywhere.

use thiserror::Error;

/// The longest duration that can be parsed, in nanoseconds: one day.
pub const LONGEST_NS: u64 = 24 * 3_600 * 1_000_000_000;

/// Both the micro sign and the Greek letter are accepted.
const DURATION_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const BYTE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// Why a duration or a size could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnitError {
    /// Not a number followed by a unit of time.
    #[error(
        "\"{0}\" is not a duration: write a number and one of ns, us, ms, s, m, h, such as 250ms or 1m30s"
    )]
    NotADuration(String),
    /// A duration beyond [`LONGEST_NS`].
    #[error("the duration \"{0}\" is too long: the most is 24 hours, 86400s")]
    TooLong(String),
    /// Not a number of bytes.
    #[error("\"{0}\" is not a size: write a number of bytes, or one with KiB, MiB, kB, MB, such as 10KiB")]
    NotASize(String),
}

/// Parses a duration such as `250ms`, `1.5s`, `40us`, `2m`, `1m30s` or a bare `0`, and returns nanoseconds. The parts
/// of a compound duration go from the larger unit to the smaller.
///
/// # Errors
/// When the text is not a non-negative decimal number with a unit, or several of them, or exceeds a day.
pub fn parse_duration(text: &str) -> Result<u64, UnitError> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    let not_a_duration = || UnitError::NotADuration(text.to_owned());
    let (mut total_ns, mut least) = (0_u64, u64::MAX);
    loop {
        let (number, after) = split_unit(rest);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').unwrap_or(after.len());
        let scale = duration_unit(&after[..end]).ok_or_else(not_a_duration)?;
        let ns = scaled(number, scale).filter(|_| scale < least).ok_or_else(not_a_duration)?;
        (total_ns, least) = (total_ns.saturating_add(ns), scale);
        rest = after[end..].trim_start();
        if rest.is_empty() {
            break;
        }
    }
    if total_ns > LONGEST_NS { Err(UnitError::TooLong(text.to_owned())) } else { Ok(total_ns) }
}

/// Nanoseconds in the unit of time of that name.
fn duration_unit(name: &str) -> Option<u64> {
    DURATION_UNITS.iter().find(|(known, _)| *known == name).map(|(_, scale)| *scale)
}

/// Formats nanoseconds so that [`parse_duration`] returns the same number: `250ms`, `1.5s`.
///
/// Uses the largest unit that needs at most three decimals.
pub fn format_duration(ns: u64) -> String {
    let (unit, scale) = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)]
        .into_iter()
        .find(|(_, scale)| ns >= *scale && (ns * 1_000).is_multiple_of(*scale))
        .unwrap_or(("ms", 1_000_000));
    let (whole, thousandths) = (ns / scale, (ns % scale) * 1_000 / scale);
    if thousandths == 0 {
        format!("{whole}{unit}")
    } else {
        format!("{whole}.{}{unit}", format!("{thousandths:03}").trim_end_matches('0'))
    }
}

/// Parses a size such as `512`, `10KiB`, `100 kB` or `1.5MiB`, and returns bytes.
///
/// # Errors
/// When the text is not a non-negative decimal number with a unit of bytes.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let not_a_size = || UnitError::NotASize(text.to_owned());
    let (number, unit) = split_unit(text.trim());
    let unit = unit.to_ascii_lowercase();
    let (_, scale) = BYTE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(not_a_size)?;
    scaled(number, *scale).ok_or_else(not_a_size)
}

/// `"1.5 ms"` as `("1.5", "ms")`.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// A decimal number times `scale`, rounded down; `None` where it is no number or too large.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()?.into() };
    let ten_to = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let total = whole * u128::from(scale) + part * u128::from(scale) / ten_to;
    u64::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_parsed() {
        for (text, ns) in [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("0.318 ms", 318_000),
            ("40us", 40_000),
            ("40µs", 40_000),
            ("7ns", 7),
            (".5ms", 500_000),
            ("0", 0),
            ("0ms", 0),
            ("2m", 120_000_000_000),
            ("2 min", 120_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1s 500ms", 1_500_000_000),
            ("40μs", 40_000),
        ] {
            assert_eq!(parse_duration(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn invalid_durations_are_rejected_with_a_reason() {
        let invalid =
            "|ms|5|-5ms|5 parsecs|1.2.3s|1e3s|..s|99999999999999999999s|30s1m|1s1s|1m30|1m,30s|2 m in";
        for text in invalid.split('|') {
            let error = parse_duration(text).expect_err(text);
            assert_eq!(error, UnitError::NotADuration(text.to_owned()));
        }
        assert_eq!(parse_duration("90000s"), Err(UnitError::TooLong("90000s".to_owned())));
    }

    #[test]
    fn sizes_are_parsed() {
        for (text, bytes) in [
            ("512", 512),
            ("10KiB", 10_240),
            ("100 kB", 100_000),
            ("1MiB", 1 << 20),
            ("1.5kib", 1_536),
            ("0", 0),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "ten", "-1", "1 KiBs", "99999999999GiB"] {
            assert_eq!(parse_bytes(text), Err(UnitError::NotASize(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn formatted_durations_parse_back(ns in 0..=LONGEST_NS) {
            prop_assert_eq!(parse_duration(&format_duration(ns)), Ok(ns));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse_duration(&text);
            let _ = parse_bytes(&text);
        }
    }
}
