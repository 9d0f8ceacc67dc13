//! The exact distribution of the sum of a random subset of ranks, by a recurrence over the ranks: a sum is reached
//! without a rank or with it.
//!
//! The tables hold cumulative probabilities. They follow the same recurrence and are sums of positive numbers, so that the
//! smallest tail is as exact as any other: 2⁻¹⁰⁰⁰ is a normal `f64`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::Group;

/// The most differences of which a [`Null`] is computed. At 1,022 the smallest tail would no longer be a normal `f64`.
pub(super) const MOST: usize = 1_000;

/// The interval at which [`Null`]s are cached as starting points for others.
const STEP: usize = 50;

/// The distribution of the sum of the ranks 1 to n.
pub(super) struct Null {
    n: usize,
    /// The probability that the sum is at most 0, 1, 2, … up to half of the largest sum. The rest is symmetric.
    tails: Vec<f64>,
}

impl Null {
    /// The distribution for `n` ranks, up to [`MOST`]: computed once for each `n`, from the last multiple of [`STEP`].
    pub(super) fn of(n: usize) -> Arc<Null> {
        static KNOWN: LazyLock<Mutex<BTreeMap<usize, Arc<Null>>>> =
            LazyLock::new(|| Mutex::new(BTreeMap::from([(0, Arc::new(Null { n: 0, tails: vec![1.0] }))])));
        assert!(n <= MOST, "{n} ranks");
        // A panic while the lock was held has inserted nothing.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = (0..=n).rev().find(|n| n % STEP == 0 && known.contains_key(n)).expect("0 is known");
        for step in (begun..n).step_by(STEP).skip(1).chain([n]) {
            if !known.contains_key(&step) {
                let below = &known[&(step.saturating_sub(1) / STEP * STEP)];
                let null = Arc::new(Null::beyond(below, step));
                known.insert(step, null);
            }
        }
        Arc::clone(&known[&n])
    }

    fn beyond(below: &Null, n: usize) -> Null {
        let mut tails: Vec<f64> = (0..=n * (n + 1) / 4).map(|sum| below.at_most(sum)).collect();
        (below.n + 1..=n).for_each(|rank| add(rank, &mut tails));
        Null { n, tails }
    }

    /// The probability that the sum is at most `sum`.
    pub(super) fn at_most(&self, sum: usize) -> f64 {
        let all = self.n * (self.n + 1) / 2;
        match self.tails.get(sum) {
            Some(tail) => *tail,
            None if sum >= all => 1.0,
            None => 1.0 - self.tails[all - 1 - sum],
        }
    }
}

/// How many sums [`at_most`] visits.
pub(super) fn work(groups: &[Group], most: usize) -> usize {
    let (_, others) = largest_and_others(groups);
    most.saturating_mul(others.iter().map(|group| group.count).sum::<usize>() + 1)
}

/// The probability that the sum over `groups` of doubled ranks is at most `most`.
pub(super) fn at_most(groups: &[Group], most: usize) -> f64 {
    tails(groups, most)[most]
}

/// The probabilities that the sum is at most 0, 1, 2, … up to `most`.
pub(super) fn tails(groups: &[Group], most: usize) -> Vec<f64> {
    let (largest, others) = largest_and_others(groups);
    // The distribution of the largest group is binomial.
    let binomial = binomial_tails(largest.count);
    let mut tails: Vec<f64> =
        (0..=most).map(|sum| binomial[(sum / largest.doubled).min(largest.count)]).collect();
    for group in others {
        (0..group.count).for_each(|_| add(group.doubled, &mut tails));
    }
    tails
}

/// The group with the most differences, and the others.
fn largest_and_others(groups: &[Group]) -> (Group, Vec<Group>) {
    let mut others = groups.to_vec();
    let at =
        (0..others.len()).max_by_key(|at| others[*at].count).expect("there is a difference that is not zero");
    (others.swap_remove(at), others)
}

/// The cumulative binomial distribution of `count` trials with probability ½.
fn binomial_tails(count: usize) -> Vec<f64> {
    let mut tails = vec![1.0];
    for _ in 0..count {
        tails.push(1.0);
        add(1, &mut tails);
        *tails.last_mut().expect("there is one") = 1.0;
    }
    tails
}

/// Adds a rank to the distribution.
fn add(rank: usize, tails: &mut [f64]) {
    let mut end = tails.len();
    // From the top, in blocks that do not overlap their inputs, so that the compiler can vectorise them.
    while end > rank {
        let start = rank.max(end - rank);
        let (without, block) = tails.split_at_mut(start);
        for (tail, with) in block[..end - start].iter_mut().zip(&without[start - rank..]) {
            *tail = (*tail + with) / 2.0;
        }
        end = start;
    }
    tails[..end].iter_mut().for_each(|tail| *tail /= 2.0);
}
