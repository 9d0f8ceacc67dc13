//! Error rates and power by simulation: thousands of synthetic records with known differences go through
//! [`Comparison::of`] and [`conclusion`]. The results are in METHOD.md.

use std::fmt;
use std::sync::LazyLock;

use fastrand::Rng;

use super::conclusion;
use crate::comparison::{Comparison, Ranked, RankingFigure, enough_rounds};
use crate::example;
use crate::record::{Latencies, Record, Run};
use crate::stats::distribution::normal;

static EXAMPLE: LazyLock<Record> = LazyLock::new(example::short_record);

/// A benchmark of contenders with one concurrency over a number of rounds.
#[derive(Clone, Copy)]
struct Race {
    contenders: usize,
    rounds: u32,
    /// Whether the first has an A/A control.
    control: bool,
    /// How many times as long as the others the first takes.
    times: f64,
    noise: NoiseModel,
}

#[derive(Clone, Copy)]
enum NoiseModel {
    /// A normal distribution whose standard deviation is 3 %.
    Normal,
    /// Student's t with two degrees of freedom, whose variance is infinite, times 2 %; every round is up to
    /// 10 % slower or faster for all; one run in fifty stalls, which takes up to twice its time. CPU is read
    /// in ticks of 4 ms, so that there are ties.
    HeavyTailed,
}

impl NoiseModel {
    /// The factors of a run's wall time and CPU.
    fn factors(self, random: &mut Rng) -> [f64; 2] {
        match self {
            NoiseModel::Normal => [0, 1].map(|_| (0.03 * normal(random)).exp()),
            NoiseModel::HeavyTailed => {
                let stall = if random.u32(..50) == 0 { 1.0 + random.f64() } else { 1.0 };
                [0, 1].map(|_| (0.02 * example::heavy_tailed(random)).exp() * stall)
            }
        }
    }

    /// The factor of all runs of a round.
    fn of_round(self, random: &mut Rng) -> f64 {
        match self {
            NoiseModel::Normal => 1.0,
            NoiseModel::HeavyTailed => 0.9 + 0.2 * random.f64(),
        }
    }

    fn cpu_ns(self, cpu_ns: f64) -> u64 {
        match self {
            NoiseModel::Normal => cpu_ns as u64,
            NoiseModel::HeavyTailed => (cpu_ns / 4e6).round() as u64 * 4_000_000,
        }
    }
}

impl Race {
    fn record(&self, random: &mut Rng) -> Record {
        let mut record = Record { runs: Vec::new(), ..EXAMPLE.clone() };
        let template = Run { latencies: Latencies::default(), ..EXAMPLE.runs[1].clone() };
        let facts = record.header.contenders[1].clone();
        record.header.contenders.clear();
        for contender in 0..self.contenders + usize::from(self.control) {
            let mut facts = facts.clone();
            facts.name = format!("contender {contender}");
            facts.rounds = self.rounds;
            facts.control_of = (contender == self.contenders).then(|| "contender 0".to_owned());
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

    /// How many of `records` such records satisfy `is`.
    fn count(&self, records: usize, is: fn(&Comparison) -> bool) -> usize {
        let mut random = Rng::with_seed(42);
        (0..records).filter(|_| is(&Comparison::of(&self.record(&mut random)))).count()
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noise = match self.noise {
            NoiseModel::Normal => "normal noise",
            NoiseModel::HeavyTailed => "heavy-tailed noise",
        };
        let control = if self.control { " and a control" } else { "" };
        write!(f, "{} contenders{control}, {} rounds, {noise}", self.contenders, self.rounds)
    }
}

/// Whether any result of a record calls two of its contenders different.
fn names_a_difference(comparison: &Comparison) -> bool {
    let claims = ["Fastest", "Least CPU"];
    let rankings = [&comparison.ranking, &comparison.cpu_ranking];
    comparison.noise.iter().any(|floor| floor.distinguished)
        || rankings.into_iter().flatten().any(|ranked| ranked.rank != Some(1))
        || conclusion(comparison).iter().any(|line| claims.iter().any(|claim| line.starts_with(claim)))
}

/// Whether the first contender is called the fastest.
fn names_the_first(comparison: &Comparison) -> bool {
    conclusion(comparison)[0].starts_with("Fastest: contender 0, ")
}

/// Whether the first contender ranks behind another, and none of the others does.
fn ranks_the_first_behind(comparison: &Comparison) -> bool {
    let ranking = comparison.ranking_by(RankingFigure::WallNs);
    let behind: Vec<&Ranked> = ranking.iter().filter(|ranked| ranked.rank > Some(1)).collect();
    matches!(behind[..], [first] if first.name == "contender 0")
}

/// Whether one of the others, which are equal, ranks behind another of them.
fn distinguishes_the_others(comparison: &Comparison) -> bool {
    comparison.ranking.iter().any(|ranked| ranked.behind.iter().any(|name| name != "contender 0"))
}

/// Equal contenders, in as many rounds as they have by default.
fn equals(contenders: usize, noise: NoiseModel) -> Race {
    Race { contenders, rounds: enough_rounds(contenders as u32), control: false, times: 1.0, noise }
}

fn first_takes(times: f64, contenders: usize, noise: NoiseModel) -> Race {
    Race { times, ..equals(contenders, noise) }
}

const RECORDS: usize = 2_000;

#[test]
#[ignore = "46,000 records; its results are in METHOD.md"]
fn error_rates_and_power() {
    let mut misses = Vec::new();
    let mut check = |what: &str, race: Race, is: fn(&Comparison) -> bool, holds: fn(f64) -> bool| {
        let found = race.count(RECORDS, is);
        let percent = found as f64 / RECORDS as f64 * 100.0;
        let line = format!("{race}: {what} in {found} of {RECORDS} records, {percent:.2} %");
        println!("{line}");
        if !holds(percent) {
            misses.push(line);
        }
    };
    for noise in [NoiseModel::Normal, NoiseModel::HeavyTailed] {
        for contenders in [2, 4, 8, 27] {
            let equal = equals(contenders, noise);
            check("equals, a difference named", equal, names_a_difference, |share| share <= 1.0);
        }
    }
    let with_control = Race { control: true, ..equals(2, NoiseModel::HeavyTailed) };
    check("equals and a control, a difference named", with_control, names_a_difference, |share| share <= 1.0);
    for contenders in [4, 27] {
        let race = first_takes(1.0 / 1.1, contenders, NoiseModel::HeavyTailed);
        check("one faster by 10 %, others distinguished", race, distinguishes_the_others, |share| {
            share <= 1.0
        });
    }
    for contenders in [2, 4, 8, 27] {
        let faster = first_takes(1.0 / 1.1, contenders, NoiseModel::Normal);
        check("one faster by 10 %, named the fastest", faster, names_the_first, |share| share >= 95.0);
        let slower = first_takes(1.1, contenders, NoiseModel::Normal);
        check("one slower by 10 %, ranked behind", slower, ranks_the_first_behind, |share| share >= 95.0);
        let by_5 = first_takes(1.0 / 1.05, contenders, NoiseModel::Normal);
        check("one faster by 5 %, named the fastest", by_5, names_the_first, |_| true);
    }
    assert!(misses.is_empty(), "{misses:#?}");
}

#[test]
fn equal_contenders_are_rarely_distinguished() {
    let found = Race { control: true, ..equals(3, NoiseModel::HeavyTailed) }.count(60, names_a_difference);
    assert!(found <= 2, "{found} of 60");
}

#[test]
fn a_difference_of_ten_per_cent_is_nearly_always_found() {
    for contenders in [2, 4] {
        let found = first_takes(1.0 / 1.1, contenders, NoiseModel::Normal).count(60, names_the_first);
        assert!(found >= 54, "{found} of 60");
    }
}
