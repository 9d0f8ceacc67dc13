//! The floor: the wall time that a perfect client would need, from the planned delays alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::contender::Shape;

/// The floor of `shape` over `delays_ns` (one a URL, by id), in nanoseconds: every process takes its
/// share in order, each request in the slot that is free first, with no overhead at all.
///
/// This is list scheduling, first in first out (R. L. Graham, "Bounds for certain multiprocessing
/// anomalies", 1966). Another order of the same requests may end sooner, but never below
/// [`hard_bound_ns`].
pub fn floor_ns(delays_ns: &[u64], shape: Shape) -> u64 {
    slowest_process(delays_ns, shape, |share| {
        let mut free_at = BinaryHeap::from(vec![Reverse(0); share.len().min(shape.in_flight as usize)]);
        let mut wall = 0;
        for delay in share {
            let Reverse(start) = free_at.pop().expect("a share with a delay has a slot");
            free_at.push(Reverse(start + delay));
            wall = wall.max(start + delay);
        }
        wall
    })
}

/// The wall below which no order of requests can end, in nanoseconds: in the slowest process, the
/// larger of the longest delay and the sum of delays over slots.
pub fn hard_bound_ns(delays_ns: &[u64], shape: Shape) -> u64 {
    slowest_process(delays_ns, shape, |share| {
        let longest = share.iter().copied().max().unwrap_or(0);
        longest.max(share.iter().sum::<u64>().div_ceil(u64::from(shape.in_flight)))
    })
}

fn slowest_process(delays_ns: &[u64], shape: Shape, wall: impl Fn(&[u64]) -> u64) -> u64 {
    (0..shape.processes)
        .map(|process| shape.share(process, delays_ns.len() as u64))
        .map(|ids| wall(&ids.iter().map(|&id| delays_ns[id as usize]).collect::<Vec<_>>()))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: [u64; 6] = [5, 1, 4, 2, 3, 6];

    fn shape(processes: u32, in_flight: u32) -> Shape {
        Shape { processes, in_flight }
    }

    #[test]
    fn one_at_a_time_waits_out_the_sum() {
        assert_eq!(floor_ns(&DELAYS, shape(1, 1)), 21);
        assert_eq!(hard_bound_ns(&DELAYS, shape(1, 1)), 21);
    }

    #[test]
    fn enough_slots_wait_for_the_longest() {
        assert_eq!(floor_ns(&DELAYS, shape(1, 6)), 6);
        assert_eq!(floor_ns(&DELAYS, shape(1, 1000)), 6);
        assert_eq!(hard_bound_ns(&DELAYS, shape(2, 3)), 6);
    }

    #[test]
    fn two_slots_by_hand() {
        // slot a: 0–5, 5–7 (2), 7–13 (6); slot b: 0–1, 1–5 (4), 5–8 (3)
        assert_eq!(floor_ns(&DELAYS, shape(1, 2)), 13);
        assert_eq!(hard_bound_ns(&DELAYS, shape(1, 2)), 11);
    }

    #[test]
    fn processes_keep_to_their_shares() {
        // even ids 5, 4, 3 and odd ids 1, 2, 6, one at a time each
        assert_eq!(floor_ns(&DELAYS, shape(2, 1)), 12);
    }

    #[test]
    fn more_processes_than_urls_and_no_urls_at_all() {
        assert_eq!(floor_ns(&DELAYS, shape(100, 1)), 6);
        assert_eq!(floor_ns(&[], shape(2, 2)), 0);
    }

    #[test]
    fn the_floor_is_never_below_the_bound() {
        let delays: Vec<u64> = (0..500u64).map(|i| (i * 7919) % 1009).collect();
        for processes in [1, 2, 7] {
            for in_flight in [1, 2, 13, 600] {
                let shape = shape(processes, in_flight);
                assert!(floor_ns(&delays, shape) >= hard_bound_ns(&delays, shape), "{shape}");
            }
        }
    }
}
