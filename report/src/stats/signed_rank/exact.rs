//! The distribution of a sum of ranks, each of which counts or not by the throw of a coin, exactly: rank after rank, a
//! sum is reached without it or with it.
//!
//! What is kept is not how likely each sum is but how likely it is not exceeded. That obeys the same recurrence and
//! adds up nothing but positive numbers, so that the smallest tail is as exact as any: 2⁻¹⁰⁰⁰ is a normal `f64`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::Group;

/// The most differences of which a [`Null`] is computed. Of 1,022 the least tail would no longer be a normal `f64`.
pub(super) const MOST: usize = 1_000;

/// Every so many differences a [`Null`] is kept for others to begin with.
const STEP: usize = 50;

/// The distribution of the sum of the ranks 1 to n.
pub(super) struct Null {
    n: usize,
    /// How likely it is that the sum is not above 0, 1, 2, … up to half of all. The rest is its mirror image.
    tails: Vec<f64>,
}

impl Null {
    /// That of `n` ranks, up to [`MOST`]: computed once for each `n`, beginning with the last that is a multiple of
    /// [`STEP`].
    pub(super) fn of(n: usize) -> Arc<Null> {
        static KNOWN: LazyLock<Mutex<BTreeMap<usize, Arc<Null>>>> =
            LazyLock::new(|| Mutex::new(BTreeMap::from([(0, Arc::new(Null { n: 0, tails: vec![1.0] }))])));
        assert!(n <= MOST, "{n} ranks");
        // Nothing is left half done: what panicked while it held the lock has added nothing.
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

    /// The chance that the sum is at most `sum`.
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

/// The chance that the sum over `groups` of doubled ranks is at most `most`.
pub(super) fn at_most(groups: &[Group], most: usize) -> f64 {
    tails(groups, most)[most]
}

/// The chances that it is at most 0, 1, 2, … up to `most`.
pub(super) fn tails(groups: &[Group], most: usize) -> Vec<f64> {
    let (largest, others) = largest_and_others(groups);
    // That of the largest group is a binomial's.
    let binomial = binomial_tails(largest.count);
    let mut tails: Vec<f64> =
        (0..=most).map(|sum| binomial[(sum / largest.doubled).min(largest.count)]).collect();
    for group in others {
        (0..group.count).for_each(|_| add(group.doubled, &mut tails));
    }
    tails
}

/// The group of most differences, and those that are left.
fn largest_and_others(groups: &[Group]) -> (Group, Vec<Group>) {
    let mut others = groups.to_vec();
    let at =
        (0..others.len()).max_by_key(|at| others[*at].count).expect("there is a difference that is not zero");
    (others.swap_remove(at), others)
}

/// How likely 0, 1, 2, … of so many coins are not exceeded.
fn binomial_tails(count: usize) -> Vec<f64> {
    let mut tails = vec![1.0];
    for _ in 0..count {
        tails.push(1.0);
        add(1, &mut tails);
        *tails.last_mut().expect("there is one") = 1.0;
    }
    tails
}

/// Adds a rank to what it counts or not for.
fn add(rank: usize, tails: &mut [f64]) {
    let mut end = tails.len();
    // From the top, in blocks that do not overlap what they are computed from: that is done in few instructions.
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
