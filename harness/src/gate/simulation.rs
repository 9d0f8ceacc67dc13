//! Simulates the gate: thousands of gates with known truth go through the same stages as real
//! ones, with a bench that draws its figures at random. METHOD.md has the results.

use anyhow::Result;
use fastrand::Rng;
use inflight_report::gate::{Build, Cell, Cost, FigureResult, GATE_FORMAT, Gate, GateFigure, Side, State};
use inflight_report::record::{Machine, MachineSettings, Noise};

use super::stages::{Bench, Counted, Measured, run_stages};

/// Most that a gate can have.
const CELLS: usize = 20;

/// The truth of a simulated gate.
#[derive(Clone, Copy)]
struct Truth {
    /// Standard deviation of a measurement, as a part of it.
    spread: f64,
    noise: Distribution,
    /// The extra cost of the build that goes second, as a part.
    going_second: f64,
    /// The extra cost of the head in every cell.
    everywhere: f64,
    /// The drop of its throughput in the first cell.
    drop: f64,
}

const NULL: Truth =
    Truth { spread: 0.02, noise: Distribution::Normal, going_second: 0.0, everywhere: 0.0, drop: 0.0 };

#[derive(Clone, Copy, Debug)]
enum Distribution {
    Normal,
    /// Student's t with three degrees of freedom, scaled to the same quartiles; besides, one measurement in
    /// fifty stalls and takes up to twice its time, and the machine's speed wanders by up to 10 % from pair to
    /// pair.
    HeavyTailed,
}

impl Distribution {
    /// The logarithm of a measurement beside its true value, for a spread of 1.
    fn draw(self, random: &mut Rng) -> f64 {
        match self {
            Distribution::Normal => normal(random),
            Distribution::HeavyTailed => {
                let chi_squared: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
                // The quartiles of t with three degrees of freedom are at 0.765, the normal's at 0.674.
                normal(random) / (chi_squared / 3.0).sqrt() * 0.674 / 0.765
            }
        }
    }

    /// A stall of a measurement.
    fn stall(self, random: &mut Rng) -> f64 {
        match self {
            Distribution::HeavyTailed if random.u32(..50) == 0 => (1.0 + random.f64()).ln(),
            _ => 0.0,
        }
    }

    fn of_pair(self, random: &mut Rng) -> f64 {
        match self {
            Distribution::Normal => 0.0,
            Distribution::HeavyTailed => (0.9 + 0.2 * random.f64()).ln(),
        }
    }
}

/// A standard normal variate, by the method of Box and Muller.
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// A bench that draws its figures at random.
struct SimulatedBench {
    truth: Truth,
    control: usize,
    random: Rng,
}

impl Bench for SimulatedBench {
    fn pair(&mut self, cell: usize, first: Side) -> Result<Option<Measured>> {
        let SimulatedBench { truth, control, random } = self;
        let of_pair = truth.noise.of_pair(random);
        let mut one = |side: Side, figure: GateFigure| {
            let mut cost = truth.spread * truth.noise.draw(random) + truth.noise.stall(random) + of_pair;
            if side != first {
                cost += (1.0 + truth.going_second).ln();
            }
            if side == Side::Head && cell != *control {
                cost += (1.0 + truth.everywhere).ln();
                if cell == 0 && figure == GateFigure::Throughput {
                    cost -= (1.0 - truth.drop).ln();
                }
            }
            cost.exp()
        };
        let mut both = |side| Cost {
            wall_ns: 8e6 * one(side, GateFigure::Throughput),
            cpu_ns: 7e6 * one(side, GateFigure::Cpu),
            peak_memory_bytes: 7e6 * one(side, GateFigure::Memory),
            connections: 128.0,
            target_limited: 0.0,
        };
        Ok(Some(Measured { base: both(Side::Base), head: both(Side::Head), repeated: 0 }))
    }

    /// Counts vary as much as those of the noisiest models, and have the same tails as everything
    /// else.
    fn count(&mut self, _: usize, _: Side) -> Result<Counted> {
        let SimulatedBench { truth, random, .. } = self;
        let mut about = |count: f64, spread: f64| {
            Some(count * (spread * truth.noise.draw(random)).exp() * (1.0 + truth.everywhere))
        };
        Ok(Counted {
            instructions: about(65_000.0, 0.02),
            allocations: about(30.0, 0.08),
            system_calls: about(4.0, 0.08),
        })
    }

    fn begin_measurement(&mut self, _: &str, _: u32) {}

    fn end_round(&mut self, _: &str, _: u32, _: u32, _: u32) {}
}

fn blank(seed: u64) -> Gate {
    let build = |name: &str| Build { name: name.to_owned(), digest: name.to_owned() };
    let cell = |at: usize| Cell {
        contender: format!("contender{at}:128"),
        preset: "sprint".to_owned(),
        urls: 1_000,
        runs: 1,
        figures: if at == CELLS { GateFigure::ALL[..3].to_vec() } else { GateFigure::ALL.to_vec() },
        control: at == CELLS,
    };
    let unknown = || "unknown".to_owned();
    Gate {
        gate_format: GATE_FORMAT,
        inflight_version: unknown(),
        command: unknown(),
        started_at: "2026-11-01T00:00:00Z".to_owned(),
        took_ns: 0,
        machine: Machine {
            cpu_model: unknown(),
            cores: 2,
            memory_bytes: 0,
            os: unknown(),
            kernel: unknown(),
            settings: MachineSettings::default(),
        },
        noise: Noise::default(),
        base: build("base"),
        head: build("head"),
        seed,
        cells: (0..=CELLS).map(cell).collect(),
        pairs: Vec::new(),
        counts: Vec::new(),
        unmatched: Vec::new(),
        not_offered: Vec::new(),
    }
}

impl Truth {
    fn gate(self, seed: u64) -> Vec<FigureResult> {
        let mut gate = blank(seed);
        let mut drawn = SimulatedBench { truth: self, control: CELLS, random: Rng::with_seed(!seed) };
        run_stages(&mut gate, &mut drawn).unwrap();
        FigureResult::tested(&gate)
    }

    /// The per cent of `gates` that do what `does` asks of their figures.
    fn percent(self, gates: u64, does: fn(&[FigureResult]) -> bool) -> f64 {
        (0..gates).filter(|seed| does(&self.gate(*seed))).count() as f64 / gates as f64 * 100.0
    }
}

/// Any figure is called worse, the A/A control included.
fn alarm(rows: &[FigureResult]) -> bool {
    rows.iter().any(FigureResult::is_worse)
}

/// The dropped throughput is called worse.
fn caught(rows: &[FigureResult]) -> bool {
    rows.iter().any(|row| (row.cell, row.figure) == (0, GateFigure::Throughput) && row.state == State::Worse)
}

#[test]
#[ignore = "28,000 gates; its results stand in METHOD.md"]
fn error_rates_over_thousands_of_gates() {
    let gates = 2_000;
    println!("{CELLS} cells of {} figures and an A/A control, {gates} gates each", GateFigure::ALL.len());
    let heavy = Truth { noise: Distribution::HeavyTailed, ..NULL };
    for (what, truth) in [
        ("spread 1 %", Truth { spread: 0.01, ..NULL }),
        ("spread 2 %", NULL),
        ("spread 3 %", Truth { spread: 0.03, ..NULL }),
        ("spread 2 %, heavy tails", heavy),
        ("spread 2 %, going second costs 2 %", Truth { going_second: 0.02, ..NULL }),
        ("spread 1 %, all 0.9 % slower", Truth { spread: 0.01, everywhere: 0.009, ..NULL }),
        ("spread 2 %, all 0.9 % slower", Truth { everywhere: 0.009, ..NULL }),
        ("spread 3 %, all 0.9 % slower", Truth { spread: 0.03, everywhere: 0.009, ..NULL }),
        (
            "spread 2 %, heavy tails, all 0.9 % slower, going second 2 %",
            Truth { everywhere: 0.009, going_second: 0.02, ..heavy },
        ),
    ] {
        let percent = truth.percent(gates, alarm);
        println!("nothing worse than 1 %, {what}: an alarm in {percent:.2} %");
        assert!(percent <= 1.0);
    }
    for (what, truth, least) in [
        ("spread 2 %", Truth { drop: 0.05, ..NULL }, 95.0),
        ("spread 3 %", Truth { drop: 0.05, spread: 0.03, ..NULL }, 85.0),
        ("spread 2 %, heavy tails", Truth { drop: 0.05, ..heavy }, 0.0),
        ("spread 2 %, going second costs 2 %", Truth { drop: 0.05, going_second: 0.02, ..NULL }, 0.0),
        ("spread 5 %", Truth { drop: 0.05, spread: 0.05, ..NULL }, 0.0),
    ] {
        let percent = truth.percent(gates, caught);
        println!("throughput of one cell dropped by 5 %, {what}: confirmed in {percent:.2} %");
        assert!(percent >= least);
    }
}

#[test]
fn equal_builds_rarely_raise_an_alarm() {
    let all_a_little_slower =
        Truth { everywhere: 0.009, going_second: 0.02, noise: Distribution::HeavyTailed, ..NULL };
    for truth in [NULL, all_a_little_slower] {
        assert!(truth.percent(40, alarm) <= 2.5);
    }
}

#[test]
fn true_drop_is_nearly_always_confirmed() {
    assert!(Truth { drop: 0.05, ..NULL }.percent(40, caught) >= 90.0);
}
