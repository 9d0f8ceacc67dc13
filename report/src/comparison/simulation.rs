//! The comparison put to the test: thousands of made-up records whose truth is known go through
//! [`Comparison::of`] and [`conclusion`], as a real one does. METHOD.md tells what came out.

use std::fmt;
use std::sync::LazyLock;

use fastrand::Rng;

use super::{Comparison, Figure, enough_rounds};
use crate::conclusion::conclusion;
use crate::example;
use crate::record::{Latencies, Record, Run};

static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

/// Contenders of one shape in a race of so many rounds.
#[derive(Clone, Copy)]
struct Race {
    contenders: usize,
    rounds: u32,
    /// Whether the first is raced a second time.
    twin: bool,
    /// The first takes so many times as long as the others.
    times: f64,
    noise: Noise,
}

#[derive(Clone, Copy)]
enum Noise {
    /// A normal distribution whose standard deviation is 3 %.
    Normal,
    /// Student's t with two degrees of freedom, whose variance is infinite, times 2 %; every round is up to
    /// 10 % slower or faster for all; one run in fifty stalls, which takes up to twice its time. CPU is read
    /// in ticks of 4 ms, so that there are ties.
    HeavyTailed,
}

impl Noise {
    /// What a run's wall and CPU are multiplied with.
    fn factors(self, random: &mut Rng) -> [f64; 2] {
        match self {
            Noise::Normal => [0, 1].map(|_| (0.03 * normal(random)).exp()),
            Noise::HeavyTailed => {
                let stall = if random.u32(..50) == 0 { 1.0 + random.f64() } else { 1.0 };
                [0, 1].map(|_| (0.02 * normal(random) / (-random.f64().max(1e-9).ln()).sqrt()).exp() * stall)
            }
        }
    }

    /// What all runs of a round are multiplied with.
    fn of_round(self, random: &mut Rng) -> f64 {
        match self {
            Noise::Normal => 1.0,
            Noise::HeavyTailed => 0.9 + 0.2 * random.f64(),
        }
    }

    fn cpu_ns(self, cpu_ns: f64) -> u64 {
        match self {
            Noise::Normal => cpu_ns as u64,
            Noise::HeavyTailed => (cpu_ns / 4e6).round() as u64 * 4_000_000,
        }
    }
}

/// Box and Muller's way to a standard normal distribution.
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

impl Race {
    fn record(&self, random: &mut Rng) -> Record {
        let mut record = Record { runs: Vec::new(), ..EXAMPLE.clone() };
        let template = Run { latencies: Latencies::default(), ..EXAMPLE.runs[1].clone() };
        let facts = record.header.contenders[1].clone();
        record.header.contenders.clear();
        for contender in 0..self.contenders + usize::from(self.twin) {
            let mut facts = facts.clone();
            facts.name = format!("contender {contender}");
            facts.rounds = self.rounds;
            facts.twin_of = (contender == self.contenders).then(|| "contender 0".to_owned());
            record.header.contenders.push(facts);
        }
        for round in 1..=self.rounds {
            let of_round = self.noise.of_round(random);
            for (at, facts) in record.header.contenders.iter().enumerate() {
                let [wall, cpu] = self.noise.factors(random).map(|factor| factor * of_round);
                let times = if at == 0 { self.times } else { 1.0 };
                let mut run = Run { contender: facts.name.clone(), round, ..template.clone() };
                let figures = run.figures.as_mut().unwrap();
                figures.wall_ns = (1e9 * wall * times) as u64;
                figures.cpu_ns = self.noise.cpu_ns(150e6 * cpu);
                record.runs.push(run);
            }
        }
        record
    }

    /// How many of `count` such records do what `does` asks.
    fn count(&self, count: u32, does: fn(&Comparison) -> bool) -> Share {
        let mut random = Rng::with_seed(42);
        let of = (0..count).filter(|_| does(&Comparison::of(&self.record(&mut random)))).count();
        Share { of: of as u32, count }
    }
}

#[derive(Clone, Copy)]
struct Share {
    of: u32,
    count: u32,
}

impl Share {
    fn percent(self) -> f64 {
        f64::from(self.of) / f64::from(self.count) * 100.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} records, {:.2} %", self.of, self.count, self.percent())
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noise = match self.noise {
            Noise::Normal => "normal noise",
            Noise::HeavyTailed => "heavy-tailed noise",
        };
        let twin = if self.twin { " and a twin" } else { "" };
        write!(f, "{} contenders{twin}, {} rounds, {noise}", self.contenders, self.rounds)
    }
}

/// Whether anything that is said of a record calls two of its contenders different.
fn names_a_difference(comparison: &Comparison) -> bool {
    let claims = ["Fastest", "Least CPU"];
    let rankings = [&comparison.ranking, &comparison.cpu_ranking];
    comparison.noise.iter().any(|floor| floor.told_apart)
        || rankings.into_iter().flatten().any(|ranked| ranked.rank != Some(1))
        || conclusion(comparison).iter().any(|line| claims.iter().any(|claim| line.starts_with(claim)))
}

/// Whether the first contender is called the fastest.
fn names_the_first(comparison: &Comparison) -> bool {
    conclusion(comparison)[0].starts_with("Fastest: contender 0, ")
}

/// Whether the first contender is put behind another, and none of the others is.
fn puts_the_first_behind(comparison: &Comparison) -> bool {
    let is_behind = |name: &str| {
        let ranked = comparison.ranking_by(Figure::WallNs).iter().find(|ranked| ranked.name == name);
        ranked.is_some_and(|ranked| ranked.rank > Some(1))
    };
    let others = comparison.contenders.iter().filter(|row| row.name != "contender 0");
    is_behind("contender 0") && !others.into_iter().any(|row| is_behind(&row.name))
}

/// Whether one of the others, which are equals, is put behind another of them.
fn parts_the_others(comparison: &Comparison) -> bool {
    comparison.ranking.iter().any(|ranked| ranked.behind.iter().any(|name| name != "contender 0"))
}

/// Equal contenders, in as many rounds as they have by default.
fn equals(contenders: usize, noise: Noise) -> Race {
    Race { contenders, rounds: enough_rounds(contenders as u32), twin: false, times: 1.0, noise }
}

fn first_takes(times: f64, contenders: usize, noise: Noise) -> Race {
    Race { times, ..equals(contenders, noise) }
}

const RECORDS: u32 = 2_000;

#[test]
#[ignore = "46,000 records; its results stand in METHOD.md"]
fn of_thousands_of_records() {
    let mut misses = Vec::new();
    let mut hold = |what: &str, race: Race, does: fn(&Comparison) -> bool, holds: fn(f64) -> bool| {
        let share = race.count(RECORDS, does);
        println!("{race}: {what} in {share}");
        if !holds(share.percent()) {
            misses.push(format!("{race}: {what} in {share}"));
        }
    };
    for noise in [Noise::Normal, Noise::HeavyTailed] {
        for contenders in [2, 4, 8, 27] {
            hold("equals, a difference named", equals(contenders, noise), names_a_difference, |share| {
                share <= 1.0
            });
        }
    }
    let with_twin = Race { twin: true, ..equals(2, Noise::HeavyTailed) };
    hold("equals and a twin, a difference named", with_twin, names_a_difference, |share| share <= 1.0);
    for contenders in [4, 27] {
        let race = first_takes(1.0 / 1.1, contenders, Noise::HeavyTailed);
        hold("one faster by 10 %, the others parted", race, parts_the_others, |share| share <= 1.0);
    }
    for contenders in [2, 4, 8, 27] {
        let faster = first_takes(1.0 / 1.1, contenders, Noise::Normal);
        hold("one faster by 10 %, named the fastest", faster, names_the_first, |share| share >= 95.0);
        let slower = first_takes(1.1, contenders, Noise::Normal);
        hold("one slower by 10 %, put behind", slower, puts_the_first_behind, |share| share >= 95.0);
        let by_5 = first_takes(1.0 / 1.05, contenders, Noise::Normal);
        hold("one faster by 5 %, named the fastest", by_5, names_the_first, |_| true);
    }
    assert!(misses.is_empty(), "{misses:#?}");
}

#[test]
fn equals_are_hardly_ever_told_apart() {
    let share = Race { twin: true, ..equals(3, Noise::HeavyTailed) }.count(60, names_a_difference);
    assert!(share.of <= 2, "{share}");
}

#[test]
fn a_true_difference_is_nearly_always_found() {
    for contenders in [2, 4] {
        let share = first_takes(1.0 / 1.1, contenders, Noise::Normal).count(60, names_the_first);
        assert!(share.percent() >= 90.0, "{share}");
    }
}
