//! How well the schedule of an open loop was kept, and the highest rate that a concurrency allows.

use serde::{Deserialize, Serialize};

use super::{ContenderFacts, Header, Quantiles, RateFacts, Samples};
use crate::numbers::three_digits;

/// A request that starts later than this after it was due is a *late start*, in nanoseconds. Timers of runtimes
/// tick in milliseconds, and a request that waits for one starts up to two of its ticks late.
pub const LATE_START_NS: u64 = 2_000_000;

/// How well the requests of a run kept the schedule of an open loop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Requests started per second, from the first start to the last: the rate that the client achieved. Responses do
    /// not count, since the last response comes one delay after the last start, however well the schedule was kept.
    /// Absent where there are fewer than two starts.
    pub achieved_per_second: Option<f64>,
    /// Requests that started more than [`LATE_START_NS`] after they were due.
    pub late_starts: u64,
    /// How long after they were due requests started.
    pub start_lateness_ns: Quantiles,
}

impl Schedule {
    /// The schedule of `samples`; `None` where they have no due times, as in a closed loop.
    pub fn of(samples: &Samples) -> Option<Schedule> {
        let late_ns = || {
            let starts = samples.start_ns.iter().zip(&samples.due_ns);
            starts.map(|(start_ns, due_ns)| start_ns.saturating_sub(*due_ns))
        };
        let first = samples.start_ns.iter().min()?;
        let last = samples.start_ns.iter().max()?;
        let between = samples.start_ns.len() as f64 - 1.0;
        Some(Schedule {
            achieved_per_second: (last > first).then(|| between * 1e9 / (last - first) as f64),
            late_starts: late_ns().filter(|late_ns| *late_ns > LATE_START_NS).count() as u64,
            start_lateness_ns: Quantiles::of(late_ns().map(u64::cast_signed))?,
        })
    }
}

impl Header {
    /// The highest rate that the concurrency of `contender` allows, in requests per second: its slots ÷ the mean
    /// planned delay, by Little's law. `None` where nothing is delayed: then only the client limits the rate.
    pub fn max_rate_per_second(&self, contender: &ContenderFacts) -> Option<f64> {
        let delay_ns = self.scenario.total_delay_ns;
        let slots = contender.slots().min(self.scenario.urls) as f64;
        (delay_ns > 0).then(|| slots * self.scenario.urls as f64 * 1e9 / delay_ns as f64)
    }

    /// A warning that the rate is too high for some contenders, without its full stop; `None` in a closed loop and
    /// where all can reach it.
    pub fn rate_too_high(&self) -> Option<String> {
        let contenders = self.contenders.iter().filter(|facts| facts.control_of.is_none());
        let reach =
            contenders.filter_map(|facts| Some((facts.name.as_str(), self.max_rate_per_second(facts)?)));
        self.rate.as_ref()?.rate_too_high(reach)
    }
}

impl RateFacts {
    /// A warning that the rate is too high for some of `contenders`, each with the highest rate it can reach.
    pub fn rate_too_high<'a>(&self, contenders: impl Iterator<Item = (&'a str, f64)>) -> Option<String> {
        let short: Vec<String> = contenders
            .filter(|(_, reach)| *reach < self.per_second)
            .map(|(name, reach)| format!("{name} ({}/s)", three_digits(reach)))
            .collect();
        (!short.is_empty()).then(|| {
            format!(
                "{}/s is more than the concurrency of {} can reach, slots ÷ mean delay: requests queue, latency grows \
                 with the length of the run, and the concurrency decides the wall time, not the rate",
                three_digits(self.per_second),
                short.join(", "),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn started(due_ns: &[u64], start_ns: &[u64]) -> Samples {
        Samples { due_ns: due_ns.to_vec(), start_ns: start_ns.to_vec(), ..Samples::default() }
    }

    #[test]
    fn late_starts_are_those_after_the_tolerance() {
        const MS: u64 = 1_000_000;
        let due = [0, 10 * MS, 20 * MS, 30 * MS, 40 * MS];
        let late = [0, 2 * MS, 2 * MS + 1, 0, 10 * MS];
        let start: Vec<u64> = due.iter().zip(late).map(|(due, late)| due + late).collect();
        let schedule = Schedule::of(&started(&due, &start)).unwrap();
        assert_eq!(schedule.late_starts, 2);
        assert_eq!(schedule.start_lateness_ns.max, 10_000_000);
        // Four starts in the 50 ms after the first.
        assert!((schedule.achieved_per_second.unwrap() - 80.0).abs() < 1e-9, "{schedule:?}");
    }

    #[test]
    fn a_closed_loop_has_no_schedule() {
        assert_eq!(Schedule::of(&started(&[], &[])), None);
        assert_eq!(Schedule::of(&started(&[], &[5, 6])), None, "a closed loop");
        assert_eq!(Schedule::of(&started(&[0], &[7])).unwrap().achieved_per_second, None);
    }

    #[test]
    fn the_highest_rate_is_slots_over_mean_delay() {
        let mut header = example::record().header;
        header.scenario.total_delay_ns = header.scenario.urls * 250_000_000;
        let reach = |header: &Header, place: usize| header.max_rate_per_second(&header.contenders[place]);
        assert_eq!(header.contenders[0].name, "sync:1");
        assert_eq!(reach(&header, 0), Some(4.0));
        assert_eq!(reach(&header, 3), Some(2_048.0), "8 processes of 64");
        assert_eq!(header.rate_too_high(), None, "a closed loop");
        header.rate = Some(RateFacts { per_second: 4.0, poisson: false });
        assert_eq!(header.rate_too_high(), None);
        header.rate = Some(RateFacts { per_second: 130.0, poisson: false });
        let warning = header.rate_too_high().unwrap();
        let names = "130/s is more than the concurrency of sync:1 (4.00/s), threads:32 (128/s) can reach";
        assert!(warning.starts_with(names), "{warning}");
        header.scenario.total_delay_ns = 0;
        assert_eq!(header.rate_too_high(), None, "without delays nothing is known");
    }
}
