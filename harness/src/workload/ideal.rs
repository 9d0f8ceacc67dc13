//! The ideal: the wall time of a client without any cost of its own, from the planned delays alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Shape;

/// The request for one URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    /// It cannot start sooner, in nanoseconds since `go`.
    due_ns: u64,
    /// It takes no less, in nanoseconds.
    delay_ns: u64,
}

/// The ideal wall time of `shape` over `delays_ns` (one a URL, by id), in nanoseconds: every process takes its
/// share in order, each request in the slot that is free first, with no overhead at all. Where the load is
/// an open loop, no request starts before it is due, as `due_ns` says by id.
///
/// This is list scheduling, first in first out (R. L. Graham, "Bounds for certain multiprocessing
/// anomalies", 1966). Another order of the same requests may end sooner, but never below
/// [`hard_bound_ns`].
pub fn ideal_ns(delays_ns: &[u64], due_ns: Option<&[u64]>, shape: Shape) -> u64 {
    slowest_process(delays_ns, due_ns, shape, |share| {
        let mut free_at = BinaryHeap::from(vec![Reverse(0); share.len().min(shape.in_flight as usize)]);
        let mut wall = 0;
        for job in share {
            let Reverse(free) = free_at.pop().expect("a share with a job has a slot");
            let end = job.due_ns.max(free) + job.delay_ns;
            free_at.push(Reverse(end));
            wall = wall.max(end);
        }
        wall
    })
}

/// The wall time below which no order of requests can end, in nanoseconds: in the slowest process, the
/// larger of the longest delay and the sum of delays over slots. In an open loop the same holds from any
/// moment on, for the requests that are not due before it.
pub fn hard_bound_ns(delays_ns: &[u64], due_ns: Option<&[u64]>, shape: Shape) -> u64 {
    slowest_process(delays_ns, due_ns, shape, |share| {
        let mut by_due = share.to_vec();
        by_due.sort_unstable_by_key(|job| Reverse(job.due_ns));
        let mut to_come_ns = 0;
        let bounds = by_due.iter().map(|job| {
            to_come_ns += job.delay_ns;
            job.due_ns + job.delay_ns.max(to_come_ns.div_ceil(u64::from(shape.in_flight)))
        });
        bounds.max().unwrap_or(0)
    })
}

fn slowest_process(
    delays_ns: &[u64],
    due_ns: Option<&[u64]>,
    shape: Shape,
    wall: impl Fn(&[Job]) -> u64,
) -> u64 {
    let job = |id: u64| {
        let id = id as usize;
        Job { due_ns: due_ns.map_or(0, |due_ns| due_ns[id]), delay_ns: delays_ns[id] }
    };
    (0..shape.processes)
        .map(|process| shape.share(process, delays_ns.len() as u64))
        .map(|ids| wall(&ids.into_iter().map(job).collect::<Vec<_>>()))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DELAYS: [u64; 6] = [5, 1, 4, 2, 3, 6];

    fn shape(processes: u32, in_flight: u32) -> Shape {
        Shape { processes, in_flight }
    }

    #[test]
    fn ideal_and_bound_match_schedules_by_hand() {
        for (processes, in_flight, due, ideal, bound) in [
            (1, 1, [0; 6], 21, 21),
            (1, 6, [0; 6], 6, 6),
            (1, 1000, [0; 6], 6, 6),
            (2, 3, [0; 6], 6, 6),
            // slot a: 0–5, 5–7 (2), 7–13 (6); slot b: 0–1, 1–5 (4), 5–8 (3)
            (1, 2, [0; 6], 13, 11),
            // even ids 5, 4, 3 and odd ids 1, 2, 6, one at a time each
            (2, 1, [0; 6], 12, 12),
            // more processes than URLs
            (100, 1, [0; 6], 6, 6),
            // slots enough: each ends its delay after it is due
            (1, 6, [0, 10, 20, 30, 40, 50], 56, 56),
            // one slot: 0-5, 5-6, 6-10, 10-12 as without a schedule; then 30-33, 33-39
            (1, 1, [0, 0, 0, 0, 30, 30], 39, 39),
            // two processes: 5, 4 and 3 are due at 0, 0 and 30; 1, 2 and 6 at 0, 0 and 30
            (2, 1, [0, 0, 0, 0, 30, 30], 36, 36),
        ] {
            let shape = shape(processes, in_flight);
            let of = |due| (ideal_ns(&DELAYS, due, shape), hard_bound_ns(&DELAYS, due, shape));
            assert_eq!(of(Some(&due[..])), (ideal, bound), "{shape} {due:?}");
            if due == [0; 6] {
                assert_eq!(of(None), (ideal, bound), "{shape} in a closed loop");
            }
        }
        assert_eq!(ideal_ns(&[], None, shape(2, 2)), 0);
    }

    #[test]
    fn ideal_is_never_below_the_bound() {
        let delays: Vec<u64> = (0..500u64).map(|i| (i * 7919) % 1009).collect();
        for processes in [1, 2, 7] {
            for in_flight in [1, 2, 13, 600] {
                let shape = shape(processes, in_flight);
                assert!(ideal_ns(&delays, None, shape) >= hard_bound_ns(&delays, None, shape), "{shape}");
            }
        }
    }

    proptest! {
        /// Whatever is due when, no order of the requests ends below the bound, and so neither does the
        /// ideal, which is one of them.
        #[test]
        fn no_order_in_an_open_loop_is_below_the_bound(
            jobs in prop::collection::vec((0_u64..100, 0_u64..50), 1..7),
            in_flight in 1_u32..4,
            order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let (due, delays): (Vec<u64>, Vec<u64>) = jobs.iter().copied().unzip();
            let bound = hard_bound_ns(&delays, Some(&due), shape(1, in_flight));
            prop_assert!(ideal_ns(&delays, Some(&due), shape(1, in_flight)) >= bound);

            let order = order.into_iter().filter(|&job| job < jobs.len());
            let (delays, due): (Vec<u64>, Vec<u64>) = order.map(|job| (delays[job], due[job])).unzip();
            prop_assert!(ideal_ns(&delays, Some(&due), shape(1, in_flight)) >= bound);
        }
    }
}
