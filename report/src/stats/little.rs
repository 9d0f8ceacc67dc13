//! Little's law: the mean number in flight from throughput and mean duration.
//!
//! J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9 (3), 1961, pages 383 to
//! 387. Over a window that no request crosses it holds exactly, whatever the distribution.

/// The mean number of requests in flight in a run of `wall_ns` whose requests lasted `durations_ns`: throughput ×
/// mean duration, which is their sum ÷ the wall time. Where it is more than was allowed, some duration or the wall time
/// is wrong. Infinite where durations are positive and the wall time is zero.
pub fn mean_in_flight(durations_ns: impl IntoIterator<Item = u64>, wall_ns: u64) -> f64 {
    let sum_ns: f64 = durations_ns.into_iter().map(|duration| duration as f64).sum();
    if sum_ns == 0.0 { 0.0 } else { sum_ns / wall_ns as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// By brute force: count the requests in flight at every nanosecond.
        #[test]
        fn it_agrees_with_counting(requests in prop::collection::vec((0_u64..50, 0_u64..50), 0..20)) {
            let spans: Vec<_> = requests.iter().map(|&(start, lasted)| start..start + lasted).collect();
            let wall = 100;
            let counted: usize =
                (0..wall).map(|now| spans.iter().filter(|span| span.contains(&now)).count()).sum();
            let mean = mean_in_flight(requests.iter().map(|&(_, lasted)| lasted), wall);
            prop_assert!((mean - counted as f64 / wall as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn two_slots_that_are_never_idle_have_two_in_flight() {
        assert_eq!(mean_in_flight([30, 70, 60, 40], 100), 2.0);
        assert_eq!(mean_in_flight([], 0), 0.0);
        assert_eq!(mean_in_flight([1], 0), f64::INFINITY);
    }
}
