//! The comparison put to the test: thousands of made-up records whose truth is known go through
//! [`Comparison::of`] and [`conclusion`], as a real one does. METHOD.md tells what came out.

use std::fmt;
use std::sync::LazyLock;

use fastrand::Rng;

use super::{Comparison, Figure, Finding};
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
    /// The first is slower than the others by this part.
    slower: f64,
    noise: Noise,
}

#[derive(Clone, Copy)]
enum Noise {
    /// A normal distribution whose standard deviation is 2 %.
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
            Noise::Normal => [0, 1].map(|_| (0.02 * normal(random)).exp()),
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
                let slower = if at == 0 { 1.0 + self.slower } else { 1.0 };
                let mut run = Run { contender: facts.name.clone(), round, ..template.clone() };
                let figures = run.figures.as_mut().unwrap();
                figures.wall_ns = (1e9 * wall * slower) as u64;
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

/// Whether anything that is told of a record calls two of its contenders different.
fn names_a_difference(comparison: &Comparison) -> bool {
    let claims = ["Fastest", "Least CPU"];
    comparison.pairs.iter().any(|pair| pair.finding.is_difference())
        || comparison.noise.iter().any(|floor| floor.told_apart)
        || comparison.ranking.iter().any(|ranked| ranked.rank > 1)
        || conclusion(comparison).iter().any(|line| claims.iter().any(|claim| line.starts_with(claim)))
}

/// Whether the slow contender is told from every other.
fn finds_the_slow_one(comparison: &Comparison) -> bool {
    let others = comparison.contenders.iter().filter(|row| row.name != "contender 0");
    let mut pairs = others.filter_map(|row| comparison.pair(Figure::WallNs, &row.name, "contender 0"));
    pairs.all(|pair| pair.finding == Finding::Apart && pair.higher == "contender 0")
}

fn equals(contenders: usize, rounds: u32) -> Race {
    Race { contenders, rounds, twin: false, slower: 0.0, noise: Noise::HeavyTailed }
}

fn one_slower(contenders: usize, rounds: u32, noise: Noise) -> Race {
    Race { slower: 0.05, noise, ..equals(contenders, rounds) }
}

#[test]
#[ignore = "20,000 records; its results stand in METHOD.md"]
fn of_thousands_of_records() {
    for race in [
        equals(2, 10),
        equals(2, 16),
        Race { twin: true, ..equals(2, 16) },
        equals(4, 16),
        equals(8, 20),
        Race { noise: Noise::Normal, ..equals(2, 16) },
    ] {
        let share = race.count(2_000, names_a_difference);
        println!("all equal, {race}: a difference named in {share}");
        assert!(share.percent() <= 1.0);
    }
    for (race, least) in [
        (one_slower(2, 16, Noise::Normal), 95.0),
        (one_slower(4, 16, Noise::Normal), 0.0),
        (one_slower(2, 16, Noise::HeavyTailed), 0.0),
        (one_slower(4, 20, Noise::Normal), 0.0),
        (one_slower(8, 20, Noise::Normal), 0.0),
    ] {
        let share = race.count(2_000, finds_the_slow_one);
        println!("one slower by 5 %, {race}: told from all others in {share}");
        assert!(share.percent() >= least);
    }
}

#[test]
fn equals_are_hardly_ever_told_apart() {
    let share = Race { twin: true, ..equals(3, 12) }.count(60, names_a_difference);
    assert!(share.of <= 2, "{share}");
}

#[test]
fn a_true_difference_is_nearly_always_found() {
    let share = one_slower(2, 16, Noise::Normal).count(60, finds_the_slow_one);
    assert!(share.percent() >= 90.0, "{share}");
}
