//! The number of rounds of a race, and what is announced before it begins.
//!
//! The number depends on contenders, ideals and requests alone. It never depends on what was
//! measured, which would invalidate the tests.

use std::time::Duration;

use inflight_report::comparison::{enough_rounds, fewest_rounds};
use inflight_report::numbers::duration;
use inflight_report::record::{ContenderFacts, Header};

use super::participants;

/// Rounds where there is nothing to test, or no time for it: enough for a median, and to see the spread.
const FEW: u32 = 5;

/// With one request at a time nearly all of the wall time is waiting: a second round would show little for its time.
const ONE_AT_A_TIME: u32 = 1;

/// The most time for contenders with several rounds by default.
const LONGEST: Duration = Duration::from_secs(900);

/// A race that takes longer is announced.
const LONG_NS: u64 = 60_000_000_000;

/// About what a request costs client and target in CPU, and thus takes where nothing is delayed. It is used to
/// plan with and in no figure.
const REQUEST_NS: u64 = 50_000;

/// About what a run takes besides its wall time: starting the workers, the samples, the ledger. It is used to plan with and in
/// no figure.
const AROUND_A_RUN_NS: u64 = 150_000_000;

/// Sets the rounds of each of `facts` to those `asked` for, or to enough to distinguish the best from the others.
pub(crate) fn assign(facts: &mut [ContenderFacts], urls: u64, asked: Option<u32>) {
    let rounds = asked.unwrap_or_else(|| by_default(facts, urls));
    for facts in facts {
        facts.rounds = if asked.is_some() || is_repeated(facts) { rounds } else { ONE_AT_A_TIME };
    }
}

/// Whether a contender has several rounds by default. One that waits for one request after the other is known
/// to be slower by its bound as soon as another has run once.
fn is_repeated(facts: &ContenderFacts) -> bool {
    facts.slots() > 1 || participants::warms_up(facts.ideal_ns)
}

fn by_default(facts: &[ContenderFacts], urls: u64) -> u32 {
    let (repeated, once): (Vec<&ContenderFacts>, Vec<_>) = facts.iter().partition(|facts| is_repeated(facts));
    if repeated.len() < 2 {
        return FEW;
    }
    let enough = enough_rounds(contenders(&repeated));
    let whole = in_whole_squares(enough, repeated.len() as u32);
    // On a noisy machine runs are invalid and ratios spread: twice as many rounds, where they hardly take time.
    if time_ns(&once, urls, ONE_AT_A_TIME) + time_ns(&repeated, urls, 2 * whole) < LONG_NS {
        return 2 * whole;
    }
    let fits = |rounds: &u32| u128::from(time_ns(&repeated, urls, *rounds)) <= LONGEST.as_nanos();
    [whole, enough].into_iter().find(fits).unwrap_or(FEW)
}

/// The contenders that are compared: an A/A control is none of its own.
fn contenders(facts: &[&ContenderFacts]) -> u32 {
    facts.iter().filter(|facts| facts.control_of.is_none()).count() as u32
}

/// As many rounds as fill the squares of a balanced order, where these are a fifth more at most.
fn in_whole_squares(rounds: u32, team: u32) -> u32 {
    let whole = rounds.next_multiple_of(team);
    if (whole - rounds) * 5 <= rounds { whole } else { rounds }
}

/// About what so many rounds of each take, warm-ups included.
fn time_ns(facts: &[&ContenderFacts], urls: u64, rounds: u32) -> u64 {
    facts.iter().map(|facts| run_ns(facts, urls) * u64::from(rounds + warm_ups(facts))).sum()
}

fn run_ns(facts: &ContenderFacts, urls: u64) -> u64 {
    facts.ideal_ns.max(urls * REQUEST_NS) + AROUND_A_RUN_NS
}

fn warm_ups(facts: &ContenderFacts) -> u32 {
    u32::from(participants::warms_up(facts.ideal_ns))
}

/// How long the race of `header` takes, where that is long, and what its rounds cannot show, where they were not
/// asked for.
pub(crate) fn announcement(header: &Header, asked: Option<u32>) -> Option<String> {
    let (urls, contenders) = (header.scenario.urls, header.contenders.len());
    let of = |facts: &ContenderFacts| u64::from(facts.rounds + warm_ups(facts));
    let all_ns: u64 = header.contenders.iter().map(|facts| run_ns(facts, urls) * of(facts)).sum();
    if let Some(budget) = header.budget {
        return (all_ns >= budget.time_ns).then(|| {
            format!(
                "one run and one warm-up of each contender take about {}, more than the budget of {}: \
                 nothing else is run",
                duration(all_ns),
                duration(budget.time_ns)
            )
        });
    }
    let runs: u64 = header.contenders.iter().map(of).sum();
    let long = (all_ns >= LONG_NS)
        .then(|| format!("{runs} runs of {contenders} contenders take about {}", duration(all_ns)));
    let few = if asked.is_none() { too_few(&header.contenders, urls) } else { None };
    let parts: Vec<String> = long.into_iter().chain(few).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What rounds that are too few for any test can show, and how many would be enough.
fn too_few(facts: &[ContenderFacts], urls: u64) -> Option<String> {
    let rounds = facts.iter().map(|facts| facts.rounds).max()?;
    let (repeated, others): (Vec<&ContenderFacts>, Vec<_>) =
        facts.iter().partition(|facts| facts.rounds == rounds);
    let contenders = contenders(&repeated);
    if contenders < 2 || rounds >= fewest_rounds(contenders) {
        return None;
    }
    let enough = enough_rounds(contenders);
    let once: u64 = others.iter().map(|facts| run_ns(facts, urls) * u64::from(facts.rounds)).sum();
    let time_ns = once + time_ns(&repeated, urls, enough);
    Some(format!(
        "{rounds} rounds are too few to rank these {contenders} contenders by a test: only those are ranked that their \
         concurrency alone makes slower; --rounds {enough} would do, in about {}",
        duration(time_ns)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::DEFAULT;
    use crate::workload::{Shape, Workload};
    use mock_target::Scenario;

    /// Contenders of these shapes on a preset with their default rounds, and the number of URLs.
    fn assigned(preset: &str, shapes: &[Shape]) -> (Vec<ContenderFacts>, u64) {
        let workload = Workload::of(Scenario::preset(preset).unwrap());
        let urls = workload.scenario.urls;
        let facts = |(number, shape): (usize, &Shape)| ContenderFacts {
            name: format!("contender {number}"),
            model: "tokio".to_owned(),
            client: "native".to_owned(),
            processes: shape.processes,
            in_flight: shape.in_flight,
            rounds: 0,
            control_of: None,
            ideal_ns: workload.ideal_ns(*shape),
        };
        let mut facts: Vec<ContenderFacts> = shapes.iter().enumerate().map(facts).collect();
        assign(&mut facts, urls, None);
        (facts, urls)
    }

    fn shape(processes: u32, in_flight: u32) -> Shape {
        Shape { processes, in_flight }
    }

    fn rounds(facts: &[ContenderFacts]) -> Vec<u32> {
        facts.iter().map(|facts| facts.rounds).collect()
    }

    #[test]
    fn default_lineup_can_find_differences_within_a_minute() {
        assert_eq!(DEFAULT, ["sync:1", "threads:32", "tokio:128", "tokio:8x64"]);
        let (facts, urls) = assigned("quick", &[shape(1, 1), shape(1, 32), shape(1, 128), shape(8, 64)]);
        let [one_at_a_time, others @ ..] = &rounds(&facts)[..] else { panic!("four") };
        assert_eq!(*one_at_a_time, ONE_AT_A_TIME);
        assert!(others.iter().all(|&rounds| rounds >= enough_rounds(3) && rounds.is_multiple_of(3)));
        let (first, rest) = (run_ns(&facts[0], urls), facts[1..].iter().collect::<Vec<_>>());
        assert!(first + time_ns(&rest, urls, others[0]) < LONG_NS);
    }

    #[test]
    fn default_rounds_suffice_for_a_test_where_there_is_time() {
        for (preset, count) in [("sprint", 2), ("sprint", 8), ("sprint", 27), ("quick", 4), ("article", 2)] {
            let (facts, _) = assigned(preset, &vec![shape(1, 128); count]);
            let enough = enough_rounds(count as u32);
            assert!(enough > fewest_rounds(count as u32));
            assert!(rounds(&facts).iter().all(|&rounds| rounds >= enough), "{preset} {count}");
        }
    }

    #[test]
    fn short_race_has_twice_the_rounds() {
        for (preset, count) in [("sprint", 2), ("quick", 2), ("quick", 4)] {
            let (facts, urls) = assigned(preset, &vec![shape(1, 128); count]);
            let enough = enough_rounds(count as u32);
            assert!(rounds(&facts).iter().all(|&rounds| rounds >= 2 * enough), "{preset} {count}");
            assert!(time_ns(&facts.iter().collect::<Vec<_>>(), urls, facts[0].rounds) < LONG_NS);
        }
        let (facts, _) = assigned("sprint", &[shape(1, 128); 8]);
        assert!(rounds(&facts).iter().all(|&rounds| rounds < 2 * enough_rounds(8)));
    }

    #[test]
    fn long_race_has_few_rounds_and_a_warning() {
        let (facts, urls) = assigned("article", &[shape(1, 128); 25]);
        assert_eq!(rounds(&facts), [FEW; 25]);
        let line = too_few(&facts, urls).unwrap();
        let enough = enough_rounds(25);
        assert!(line.starts_with("5 rounds are too few to rank these 25 contenders by a test"), "{line}");
        assert!(line.contains(&format!("; --rounds {enough} would do, in about 2")), "{line}");
        assert!(line.contains(" min"), "{line}");
        let (facts, urls) = assigned("quick", &[shape(1, 128); 25]);
        assert_eq!(too_few(&facts, urls), None);
    }

    #[test]
    fn one_request_at_a_time_is_repeated_without_delays() {
        let (facts, _) = assigned("sprint", &[shape(1, 1), shape(1, 128)]);
        assert_eq!(facts[0].rounds, facts[1].rounds);
    }

    #[test]
    fn nothing_to_compare_needs_no_test() {
        assert_eq!(rounds(&assigned("quick", &[shape(1, 128)]).0), [FEW]);
        assert_eq!(rounds(&assigned("quick", &[shape(1, 1), shape(1, 128)]).0), [ONE_AT_A_TIME, FEW]);
        let (mut facts, urls) = assigned("quick", &[shape(1, 128); 2]);
        facts[1].control_of = Some(facts[0].name.clone());
        assign(&mut facts, urls, None);
        assert!(rounds(&facts).iter().all(|&rounds| rounds >= enough_rounds(2)), "an A/A control is a test");
    }

    #[test]
    fn given_rounds_apply_to_all() {
        let (mut facts, urls) = assigned("quick", &[shape(1, 1), shape(1, 128), shape(1, 32)]);
        assign(&mut facts, urls, Some(2));
        assert_eq!(rounds(&facts), [2, 2, 2]);
    }

    #[test]
    fn squares_are_filled_where_that_is_cheap() {
        let whole: Vec<u32> = [(11, 2), (13, 3), (14, 4), (16, 8), (17, 7), (20, 27)]
            .map(|(n, k)| in_whole_squares(n, k))
            .into();
        assert_eq!(whole, [12, 15, 16, 16, 17, 20]);
    }
}
