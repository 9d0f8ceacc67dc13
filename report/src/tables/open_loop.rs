//! What an open loop adds to the tables: which rate was asked for, and whether the contenders can reach it.

use crate::comparison::Comparison;
use crate::figures::Unit;

/// What stands beside the table.
pub(crate) fn heading(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let asked = comparison.rate.iter().map(|rate| {
        let random = if rate.poisson { ", at random times (Poisson)" } else { "" };
        let asked = Unit::PerSecond.text(rate.per_second);
        ("open loop", format!("{asked} asked for{random}; latency counts from when each request was due"))
    });
    asked.collect()
}

/// That the rate is more than shapes can reach, where it is.
pub(crate) fn rate_too_high(comparison: &Comparison) -> Option<String> {
    let reach =
        comparison.contenders.iter().filter_map(|row| Some((row.name.as_str(), row.max_rate_per_second?)));
    comparison.rate.as_ref()?.rate_too_high(reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{self, rendered};
    use crate::tables::markdown;

    const SHOWN: [&str; 8] = ["p50", "p90", "p99", "p99.9", "max", "achieved", "late", "most in"];

    #[test]
    fn latency_since_due_and_the_schedule_are_in_every_renderer() {
        for text in rendered(&example::open_loop_record()) {
            for title in SHOWN {
                assert!(text.contains(title), "{title}: {text}");
            }
            // Of 1,000 requests of each of five runs of threads:32, 20 and four times 25 started late.
            assert!(text.contains("2.40 %") && text.contains("399/s"), "{text}");
            assert!(!text.contains("speed-up") || text.contains("<html"), "{text}");
        }
        let closed = markdown::render(&Comparison::of(&example::record()));
        assert!(!closed.contains("p99.9"), "{closed}");
    }

    #[test]
    fn a_rate_beyond_reach_is_reported() {
        let mut record = example::open_loop_record();
        record.header.rate.as_mut().unwrap().per_second = 1.0;
        assert!(rendered(&record).iter().all(|text| !text.contains("can reach")));
        record.header.rate.as_mut().unwrap().per_second = 400.0;
        for text in rendered(&record) {
            let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(plain.contains("400/s is more than the concurrency of sync:1"), "{plain}");
        }
    }
}
