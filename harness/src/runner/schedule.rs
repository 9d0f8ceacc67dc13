//! Order of runs: rounds, and a seeded order within each.

use inflight_report::record::Order;

/// One run to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Index of the contender.
    pub contender: usize,
    /// The round, from 1; round 0 is the warm-up.
    pub round: u32,
    /// Its position within the round, from 1.
    pub position: u32,
}

/// Gives the order of one round after another. The same rounds asked for with the same seed have the
/// same orders.
///
/// A balanced order follows the squares of E. J. Williams, "Experimental Designs Balanced for the Estimation
/// of Residual Effects of Treatments", Australian Journal of Scientific Research A 2 (1949), pages 149 to
/// 168. Over n rounds of n contenders each stands once at each place, so that a machine that warms up or
/// slows down in the course of a round affects all alike. And each runs right after each other one equally
/// often, once in n rounds for an even n and twice in 2 n for an odd one, since a run leaves things behind
/// for the next: a hot core, sockets in TIME_WAIT. The contenders are assigned at random to the places
/// of a square, and its rounds are shuffled.
///
/// Contenders with equally many rounds form a team with squares of its own. In a round the
/// team that takes part in most comes first: those that leave earlier come after it, so that their absence
/// moves no other contender. Where the members of a team change half-way, as under a budget, a new square begins.
pub(crate) struct Schedule {
    order: Order,
    random: fastrand::Rng,
    /// Rounds of each contender.
    asked: Vec<u32>,
    /// The current square of each team, the team that takes part in most rounds first.
    squares: Vec<Square>,
}

/// What is left of a square: the rounds that it has still to give.
#[derive(Default)]
struct Square {
    team: Vec<usize>,
    rounds: Vec<Vec<usize>>,
}

impl Schedule {
    /// The orders of a race in which contender `i` has `asked[i]` rounds.
    pub(crate) fn new(order: Order, seed: u64, asked: Vec<u32>) -> Schedule {
        Schedule { order, random: fastrand::Rng::with_seed(seed), asked, squares: Vec::new() }
    }

    pub(crate) fn next(&mut self, round: u32, participants: &[usize]) -> Vec<Turn> {
        let mut order = participants.to_vec();
        match self.order {
            Order::AsGiven => {}
            // A warm-up round does not count: it takes no part in the balance.
            Order::Balanced if round > 0 => order = self.balanced(participants),
            Order::Balanced | Order::Shuffled => self.random.shuffle(&mut order),
        }
        (1..).zip(order).map(|(position, contender)| Turn { contender, round, position }).collect()
    }

    fn balanced(&mut self, participants: &[usize]) -> Vec<usize> {
        let mut by_rounds = participants.to_vec();
        by_rounds.sort_by_key(|&contender| std::cmp::Reverse(self.asked[contender]));
        let teams: Vec<&[usize]> = by_rounds.chunk_by(|&a, &b| self.asked[a] == self.asked[b]).collect();
        self.squares.resize_with(teams.len(), Square::default);
        let mut order = Vec::with_capacity(participants.len());
        for (square, team) in self.squares.iter_mut().zip(teams) {
            if square.team != team || square.rounds.is_empty() {
                *square = Square { rounds: williams(team, &mut self.random), team: team.to_vec() };
            }
            order.extend(square.rounds.pop().expect("a new square has rounds"));
        }
        order
    }
}

/// The rounds of one Williams square of `team`, and of its mirror image where the team is odd, each in a
/// random order.
fn williams(team: &[usize], random: &mut fastrand::Rng) -> Vec<Vec<usize>> {
    let n = team.len();
    let mut labels = team.to_vec();
    random.shuffle(&mut labels);
    // 0, 1, n-1, 2, n-2, …: the steps between neighbours are all different.
    let zigzag: Vec<usize> = (0..n).map(|k| if k % 2 == 1 { k.div_ceil(2) } else { n - k / 2 }).collect();
    let mut square: Vec<Vec<usize>> =
        (0..n).map(|shift| zigzag.iter().map(|k| labels[(k + shift) % n]).collect()).collect();
    random.shuffle(&mut square);
    if n % 2 == 1 {
        let mut mirror: Vec<Vec<usize>> =
            square.iter().map(|round| round.iter().rev().copied().collect()).collect();
        random.shuffle(&mut mirror);
        square.extend(mirror);
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rounds that contenders are asked for, round by round: the contenders in order.
    fn orders(order: Order, asked: &[u32], seed: u64) -> Vec<Vec<usize>> {
        let mut schedule = Schedule::new(order, seed, asked.to_vec());
        let last = asked.iter().copied().max().unwrap_or(0);
        let turns = (1..=last).map(|round| {
            let participants: Vec<usize> = (0..asked.len()).filter(|&i| asked[i] >= round).collect();
            let turns = schedule.next(round, &participants);
            assert!(turns.iter().all(|turn| turn.round == round));
            assert!(turns.iter().map(|turn| turn.position).eq(1..=turns.len() as u32));
            turns
        });
        turns.map(|turns| contenders(&turns)).collect()
    }

    fn contenders(turns: &[Turn]) -> Vec<usize> {
        turns.iter().map(|turn| turn.contender).collect()
    }

    fn balanced(asked: &[u32], seed: u64) -> Vec<Vec<usize>> {
        orders(Order::Balanced, asked, seed)
    }

    /// Every one of `team` stands once at each place of its team in `rounds`.
    #[track_caller]
    fn assert_latin(rounds: &[Vec<usize>], team: &[usize]) {
        assert_eq!(rounds.len(), team.len());
        for place in 0..team.len() {
            let mut there: Vec<usize> = rounds.iter().map(|round| round[place]).collect();
            there.sort_unstable();
            assert_eq!(there, team, "place {place} of {rounds:?}");
        }
    }

    #[test]
    fn each_of_n_contenders_has_each_position_once_in_n_rounds() {
        for n in 1..=13_usize {
            let all: Vec<usize> = (0..n).collect();
            for seed in 0..5 {
                let rounds = balanced(&vec![4 * n as u32; n], seed);
                rounds.chunks(n).for_each(|block| assert_latin(block, &all));
            }
        }
    }

    #[test]
    fn each_follows_each_other_equally_often() {
        for n in 2..=13_usize {
            let block = if n % 2 == 0 { n } else { 2 * n };
            for rounds in balanced(&vec![2 * block as u32; n], 3).chunks(block) {
                let mut followed = vec![vec![0; n]; n];
                for pair in rounds.iter().flat_map(|round| round.windows(2)) {
                    followed[pair[0]][pair[1]] += 1;
                }
                for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
                    let expected = if a == b { 0 } else { block / n };
                    assert_eq!(followed[a][b], expected, "{b} after {a} of {n}");
                }
            }
        }
    }

    #[test]
    fn each_contender_runs_once_in_each_of_its_rounds() {
        let asked = [1, 5, 0, 3];
        for order in [Order::Balanced, Order::AsGiven, Order::Shuffled] {
            let rounds = orders(order, &asked, 7);
            for (contender, &asked) in asked.iter().enumerate() {
                let seen = |round: &Vec<usize>| round.iter().filter(|&&c| c == contender).count();
                let counts: Vec<usize> = rounds.iter().map(seen).collect();
                assert_eq!(counts, (1..=5).map(|round| usize::from(round <= asked)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn contenders_with_fewer_rounds_keep_the_balance() {
        let rounds = balanced(&[1, 8, 8, 2, 8, 8, 2], 11);
        assert_latin(&rounds[..4].iter().map(|round| round[..4].to_vec()).collect::<Vec<_>>(), &[1, 2, 4, 5]);
        assert_latin(&rounds[4..], &[1, 2, 4, 5]);
        assert_latin(&rounds[..2].iter().map(|round| round[4..6].to_vec()).collect::<Vec<_>>(), &[3, 6]);
        assert_eq!(rounds[0][6], 0);
    }

    #[test]
    fn rest_is_balanced_after_a_contender_leaves() {
        let mut schedule = Schedule::new(Order::Balanced, 5, vec![1; 5]);
        for round in 1..=3 {
            assert_eq!(schedule.next(round, &[0, 1, 2, 3, 4]).len(), 5);
        }
        let rest = [0, 1, 3, 4];
        let rounds: Vec<Vec<usize>> = (4..=7).map(|round| contenders(&schedule.next(round, &rest))).collect();
        assert_latin(&rounds, &rest);
    }

    #[test]
    fn order_depends_on_the_seed() {
        for order in [Order::Balanced, Order::Shuffled] {
            assert_eq!(orders(order, &[20; 4], 1), orders(order, &[20; 4], 1));
            assert_ne!(orders(order, &[20; 4], 1), orders(order, &[20; 4], 2));
        }
        let as_given = orders(Order::AsGiven, &[2; 4], 1);
        assert_eq!(as_given, [[0, 1, 2, 3], [0, 1, 2, 3]]);
    }

    #[test]
    fn squares_differ() {
        let rounds = balanced(&[8; 4], 1);
        let distinct: std::collections::HashSet<_> = rounds.iter().collect();
        assert!(distinct.len() > 4, "{rounds:?}");
    }

    #[test]
    fn warm_up_round_is_not_part_of_a_square() {
        let mut schedule = Schedule::new(Order::Balanced, 1, vec![4; 4]);
        let all = [0, 1, 2, 3];
        let mut first = contenders(&schedule.next(0, &all));
        first.sort_unstable();
        assert_eq!(first, all);
        let rounds: Vec<Vec<usize>> = (1..=4).map(|round| contenders(&schedule.next(round, &all))).collect();
        assert_latin(&rounds, &all);
    }

    #[test]
    fn order_of_a_seed_is_pinned() {
        assert_eq!(balanced(&[3, 3, 3, 1], 42), [vec![0, 1, 2, 3], vec![1, 2, 0], vec![2, 0, 1]]);
    }
}
