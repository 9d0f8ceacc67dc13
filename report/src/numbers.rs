//! Figures for people: three significant digits, a unit that fits, and nothing that was not measured.
//!
//! Units are decimal: a MB is 10⁶ bytes.

use std::cmp::Ordering;

/// Stands where there is no figure.
pub const NONE: &str = "–";

/// A duration given in nanoseconds: `17 ns`, `26.3 ms`, `1.03 s`, `4 min 23 s`, `2 h 5 min`.
pub fn duration(ns: u64) -> String {
    let (digits, unit) = scaled_duration(ns);
    format!("{digits} {unit}")
}

/// As [`duration`], of a difference that may lie below zero: `-12.3 µs`.
pub fn signed_duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    format!("{sign}{}", duration(ns.unsigned_abs()))
}

/// From one duration to another, in nanoseconds: `1.02–1.05 s`, `997 ms – 1.01 s`.
pub fn duration_range(low_ns: u64, high_ns: u64) -> String {
    match (scaled_duration(low_ns), scaled_duration(high_ns)) {
        ((low, unit), (high, same)) if unit == same && !low.contains(' ') && !high.contains(' ') => {
            format!("{low}–{high} {unit}")
        }
        ((low, unit), (high, other)) => format!("{low} {unit} – {high} {other}"),
    }
}

/// An amount of memory: `812 B`, `10.2 kB`, `34.0 MB`, `8.33 GB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (digits, unit) = scaled(bytes as f64, &UNITS);
    format!("{digits} {unit}")
}

/// As [`bytes`], of a figure that may lie below zero: `-12 B`.
pub fn signed_bytes(amount: f64) -> String {
    let sign = if amount <= -0.5 { "-" } else { "" };
    format!("{sign}{}", bytes(amount.abs().round() as u64))
}

/// A part of a whole: `98.5 %`, `7.31 %`, `100 %`.
pub fn percent(fraction: f64) -> String {
    format!("{} %", three_digits(fraction * 100.0))
}

/// A ratio as a change: `+4.8 %` of 1.048, `−50.0 %` of 0.5.
pub fn change(ratio: f64) -> String {
    let tenths = tenths_of_a_percent(ratio);
    let sign = if tenths < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1} %", tenths.abs() / 10.0)
}

/// Whether the change that [`change`] shows is negative, positive or zero.
pub fn direction(ratio: f64) -> Ordering {
    tenths_of_a_percent(ratio).partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

fn tenths_of_a_percent(ratio: f64) -> f64 {
    ((ratio - 1.0) * 1_000.0).round()
}

/// An efficiency, where 1 is ideal: as [`percent`], but what is below 1 never reads as 100 %.
pub fn efficiency(fraction: f64) -> String {
    let shown = percent(fraction);
    if fraction < 1.0 && shown == "100 %" { "> 99.9 %".to_owned() } else { shown }
}

/// A ratio: `25.4×`.
pub fn times(ratio: f64) -> String {
    format!("{}×", three_digits(ratio))
}

/// A whole number with separators between its thousands: `1,000`.
pub fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", count(number / 1_000), number % 1_000),
    }
}

/// A figure someone else published, without the zeros that three digits would add to it: what reads
/// `9.10 s` here was published as `9.1 s`.
pub fn as_published(figure: &str) -> String {
    match figure.split_once(' ') {
        Some((digits, unit)) => format!("{} {unit}", without_zeros(digits)),
        None => figure.to_owned(),
    }
}

/// A round duration, in nanoseconds, as it stands at an axis: `0`, `20 µs`, `1.5 s`, `300 s`.
pub fn round_duration(ns: u64) -> String {
    match ns {
        0 => "0".to_owned(),
        1_000_000_000.. => format!("{} s", without_zeros(&three_digits(ns as f64 / 1e9))),
        _ => as_published(&duration(ns)),
    }
}

/// A round amount of memory as it stands at an axis: `0`, `20 MB`.
pub fn round_bytes(amount: u64) -> String {
    if amount == 0 { "0".to_owned() } else { as_published(&bytes(amount)) }
}

/// Digits without the zeros behind their point.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The digits and the unit of a duration.
fn scaled_duration(ns: u64) -> (String, &'static str) {
    const UNITS: [(f64, &str); 3] = [(1e3, "µs"), (1e6, "ms"), (1e9, "s")];
    let seconds = (ns as f64 / 1e9).round() as u64;
    if ns < 1_000 {
        (ns.to_string(), "ns")
    } else if ns < 99_950_000_000 {
        scaled(ns as f64, &UNITS)
    } else if seconds < 3_600 {
        (format!("{} min {}", seconds / 60, seconds % 60), "s")
    } else {
        let minutes = (seconds + 30) / 60;
        (format!("{} h {}", minutes / 60, minutes % 60), "min")
    }
}

/// The digits of `value` in the first of `units` that needs no more than three before the point.
fn scaled(value: f64, units: &[(f64, &'static str)]) -> (String, &'static str) {
    let (last, smaller) = units.split_last().expect("at least one unit");
    let (size, unit) = smaller.iter().find(|(size, _)| value / size < 999.5).unwrap_or(last);
    (three_digits(value / size), unit)
}

/// Three significant digits, or all of those before the point where they are more.
pub(crate) fn three_digits(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // The exponent after rounding: 9.996 becomes 1.00e1, and is to be written 10.0.
    let scientific = format!("{value:.2e}");
    let exponent: i32 = scientific.split('e').nth(1).and_then(|e| e.parse().ok()).unwrap_or(0);
    let decimals = usize::try_from(2 - exponent).unwrap_or(0);
    let digits = format!("{value:.decimals$}");
    match digits.parse() {
        Ok(whole) if decimals == 0 => count(whole),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        let cases = [
            (0, "0 ns"),
            (17, "17 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_996, "10.0 µs"),
            (140_400, "140 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (26_300_000, "26.3 ms"),
            (999_600_000, "1.00 s"),
            (1_034_900_000, "1.03 s"),
            (62_400_000_000, "62.4 s"),
            (99_949_999_999, "99.9 s"),
            (99_950_000_000, "1 min 40 s"),
            (263_400_000_000, "4 min 23 s"),
            (3_599_400_000_000, "59 min 59 s"),
            (3_599_600_000_000, "1 h 0 min"),
            (7_500_000_000_000, "2 h 5 min"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text, "{ns}");
        }
        assert_eq!(signed_duration(-12_340), "-12.3 µs");
        assert_eq!(signed_duration(12_340), "12.3 µs");
        assert_eq!(signed_duration(i64::MIN), format!("-{}", duration(1 << 63)));
    }

    #[test]
    fn ranges_name_a_shared_unit_once() {
        let range = |low_ms: u64, high_ms: u64| duration_range(low_ms * 1_000_000, high_ms * 1_000_000);
        assert_eq!(range(1_020, 1_054), "1.02–1.05 s");
        assert_eq!(range(997, 1_010), "997 ms – 1.01 s");
        assert_eq!(range(263_000, 264_000), "4 min 23 s – 4 min 24 s");
        assert_eq!(range(99_000, 101_000), "99.0 s – 1 min 41 s");
    }

    #[test]
    fn amounts_of_memory_are_decimal() {
        let cases = [
            (0, "0 B"),
            (812, "812 B"),
            (10_240, "10.2 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (34_000_000, "34.0 MB"),
            (8_327_000_000, "8.33 GB"),
            (u64::MAX, "18,446,744 TB"),
        ];
        for (amount, text) in cases {
            assert_eq!(bytes(amount), text);
        }
    }

    #[test]
    fn ratios() {
        let percents = ["98.5 %", "7.31 %", "100 %", "1,250 %", "0 %"];
        assert_eq!([0.9852, 0.0731, 0.9997, 12.5, 0.0].map(percent), percents);
        assert_eq!([0.99949, 0.9997, 1.0004].map(efficiency), ["99.9 %", "> 99.9 %", "100 %"]);
        assert_eq!([25.44, 1.0, 0.953, f64::NAN].map(times), ["25.4×", "1.00×", "0.953×", "–×"]);
    }

    #[test]
    fn changes_have_a_sign_and_one_decimal() {
        let cases =
            [(1.048, "+4.8 %"), (0.5, "−50.0 %"), (1.0, "+0.0 %"), (0.9998, "+0.0 %"), (12.0, "+1100.0 %")];
        for (ratio, text) in cases {
            assert_eq!(change(ratio), text);
            let sign = match direction(ratio) {
                Ordering::Less => "−",
                Ordering::Equal => "+0.0 %",
                Ordering::Greater => "+",
            };
            assert!(text.starts_with(sign), "{text}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn published_figures_gain_no_digits() {
        for (shown, published) in [
            ("9.10 s", "9.1 s"),
            ("14.2 s", "14.2 s"),
            ("4 min 23 s", "4 min 23 s"),
            ("34.0 MB", "34 MB"),
            ("410 MB", "410 MB"),
        ] {
            assert_eq!(as_published(shown), published);
        }
    }

    #[test]
    fn figures_at_an_axis_are_round() {
        let durations =
            [0, 500, 20_000, 1_500_000, 100_000_000, 1_000_000_000, 2_500_000_000, 300_000_000_000];
        let texts = ["0", "500 ns", "20 µs", "1.5 ms", "100 ms", "1 s", "2.5 s", "300 s"];
        assert_eq!(durations.map(round_duration), texts);
        assert_eq!([0, 50, 2_000_000].map(round_bytes), ["0", "50 B", "2 MB"]);
    }

    proptest! {
        #[test]
        fn three_digits_are_within_half_a_unit_of_the_third(value in 1e-9_f64..1e12) {
            let read: f64 = three_digits(value).replace(',', "").parse().unwrap();
            prop_assert!((read - value).abs() <= value * 0.005_000_1);
        }

        #[test]
        fn a_longer_duration_never_shows_an_earlier_unit(shorter in 0_u64..1 << 40, more in 0_u64..1 << 40) {
            let units = ["ns", "µs", "ms", "s", "min"];
            let rank = |ns| units.iter().position(|u| *u == scaled_duration(ns).1);
            prop_assert!(rank(shorter) <= rank(shorter + more));
        }
    }
}
