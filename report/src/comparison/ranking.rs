//! The contenders in the order of their walls, with ranks that are shared where no difference was found.

use serde::Serialize;

use super::pairs::{Figure, Pair};
use super::{Comparison, Row};
use crate::stats::shared_ranks;

/// A contender's place among all that have valid runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// Its rank, from 1. [`shared_ranks`] says who shares one.
    pub rank: usize,
    /// Its name.
    pub name: String,
    /// Its median wall, in nanoseconds.
    pub wall_ns: u64,
    /// How it stands to the first of all; absent for the first itself.
    pub to_first: Option<Pair>,
}

impl Comparison {
    /// The two contenders in one figure, where both have valid runs.
    pub fn pair(&self, figure: Figure, one: &str, other: &str) -> Option<&Pair> {
        find(&self.pairs, figure, one, other)
    }
}

/// Ranks `rows` by what `pairs`, judged, say of their walls.
pub(super) fn rank(rows: &[Row], pairs: &[Pair]) -> Vec<Ranked> {
    let mut order: Vec<(u64, &str)> =
        rows.iter().filter_map(|row| Some((Figure::WallNs.median(row)?, row.name.as_str()))).collect();
    order.sort_by_key(|(wall_ns, _)| *wall_ns);
    let pair = |best: usize, other: usize| find(pairs, Figure::WallNs, order[best].1, order[other].1);
    let apart = |best, other| pair(best, other).is_some_and(|pair| pair.finding.is_difference());
    let ranks = shared_ranks(order.len(), apart);
    let ranked = order.iter().zip(ranks).enumerate().map(|(place, ((wall_ns, name), rank))| Ranked {
        rank,
        name: (*name).to_owned(),
        wall_ns: *wall_ns,
        to_first: pair(0, place).cloned(),
    });
    ranked.collect()
}

fn find<'a>(pairs: &'a [Pair], figure: Figure, one: &str, other: &str) -> Option<&'a Pair> {
    pairs.iter().find(|pair| {
        pair.figure == figure
            && ((pair.lower == one && pair.higher == other) || (pair.lower == other && pair.higher == one))
    })
}
