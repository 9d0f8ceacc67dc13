//! Who runs when: rounds, and a seeded order within each.

/// One run to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Index of the contender.
    pub contender: usize,
    /// The round, from 1.
    pub round: u32,
    /// Its place within the round, from 1.
    pub position: u32,
}

/// The order of all runs: contender `i` takes part in the first `rounds[i]` rounds, and every round
/// is shuffled anew from `seed`, so that no contender always runs first, or always after the same one.
pub fn schedule(rounds: &[u32], seed: u64) -> Vec<Turn> {
    let mut random = fastrand::Rng::with_seed(seed);
    let last = rounds.iter().copied().max().unwrap_or(0);
    (1..=last)
        .flat_map(|round| {
            let mut order: Vec<usize> = (0..rounds.len()).filter(|&i| rounds[i] >= round).collect();
            random.shuffle(&mut order);
            (1..).zip(order).map(move |(position, contender)| Turn { contender, round, position })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contender_runs_once_in_each_of_its_rounds() {
        let rounds = [1, 5, 0, 3];
        let turns = schedule(&rounds, 7);
        for (contender, &asked) in rounds.iter().enumerate() {
            let got: Vec<u32> = turns.iter().filter(|t| t.contender == contender).map(|t| t.round).collect();
            assert_eq!(got, (1..=asked).collect::<Vec<_>>(), "contender {contender}");
        }
        assert!(turns.is_sorted_by_key(|turn| (turn.round, turn.position)));
    }

    #[test]
    fn the_order_comes_from_the_seed_and_changes_between_rounds() {
        let rounds = [20; 4];
        assert_eq!(schedule(&rounds, 1), schedule(&rounds, 1));
        assert_ne!(schedule(&rounds, 1), schedule(&rounds, 2));
        let firsts: Vec<usize> =
            schedule(&rounds, 1).iter().filter(|t| t.position == 1).map(|t| t.contender).collect();
        assert!((0..4).all(|contender| firsts.contains(&contender)), "{firsts:?}");
    }

    #[test]
    fn the_order_of_a_seed_is_pinned() {
        let order: Vec<usize> = schedule(&[3, 3, 3], 42).iter().map(|turn| turn.contender).collect();
        assert_eq!(order, [0, 2, 1, 2, 1, 0, 0, 2, 1]);
    }
}
