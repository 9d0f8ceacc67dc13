//! Ranks that are shared where no difference was found.

/// The rank of each of `count` contenders that stand in the order of their medians, from 1.
///
/// The first is the best of its group. Each that follows shares its rank as long as it cannot be told
/// apart from that best: `apart(best, other)`. The first that can begins the next group, with its own place
/// as its rank: 1, 1, 3. The group's best is what counts since it is what a reader would choose instead; to
/// ask for the next above would let a chain of small steps share one rank from the fastest to the slowest.
/// "Cannot be told apart" does not carry over from pair to pair, so two of one group can differ from each
/// other; a shared rank says only that neither was seen to be behind the first.
pub fn shared_ranks(count: usize, apart: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut best = 0;
    (0..count)
        .map(|contender| {
            if contender > best && apart(best, contender) {
                best = contender;
            }
            best + 1
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_are_shared_with_the_best_of_the_group() {
        // Steps of 3, told apart from 5 on: 0 and 3 share; 6 is apart from 0; 9 shares with 6.
        let places = [0, 3, 6, 9, 30];
        assert_eq!(shared_ranks(5, |a, b| places[b] - places[a] >= 5), [1, 1, 3, 3, 5]);
        assert_eq!(shared_ranks(3, |_, _| true), [1, 2, 3]);
        assert_eq!(shared_ranks(3, |_, _| false), [1, 1, 1]);
        assert!(shared_ranks(0, |_, _| true).is_empty());
    }

    proptest! {
        #[test]
        fn a_rank_is_the_place_of_its_best(told in prop::collection::vec(any::<bool>(), 64)) {
            let apart = |a: usize, b: usize| told[a * 8 + b];
            let ranks = shared_ranks(8, apart);
            prop_assert!(ranks.is_sorted());
            for (place, &rank) in ranks.iter().enumerate() {
                prop_assert!(rank - 1 == place || !apart(rank - 1, place));
                let begins = place > 0 && rank - 1 == place;
                prop_assert!(!begins || apart(ranks[place - 1] - 1, place));
            }
        }
    }
}
