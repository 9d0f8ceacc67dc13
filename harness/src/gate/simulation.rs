//! Simulates the gate: thousands of gates with known truth go through the same stages as real
//! ones, with a bench that draws its figures at random and has a clock of its own. METHOD.md has the results.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use inflight_report::gate::{
    Build, Cell, Cost, FigureResult, GATE_FORMAT, Gate, GateFigure, Side, Stage, State, TargetCost,
};
use inflight_report::record::{Machine, MachineSettings, Noise};

use super::stages::{Bench, Counted, Measured, run_stages};

/// Most that a gate can have. The last compares targets.
const CELLS: usize = 20;

/// The default of `--budget`.
const BUDGET: Duration = Duration::from_secs(240);

/// The cells that are counted, as many as are shipped.
const COUNTED: usize = 4;

/// What a pair of the shipped cells took on the two cores of METHOD.md, and what a count took.
const PAIR: Duration = Duration::from_millis(600);
const COUNT: Duration = Duration::from_millis(1_650);

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
    /// The loss of the head's requests per CPU-second in the first cell.
    loss: f64,
    /// The share of time in which other programs compete for the CPU.
    load: f64,
}

const NULL: Truth = Truth {
    spread: 0.02,
    noise: Distribution::Normal,
    going_second: 0.0,
    everywhere: 0.0,
    loss: 0.0,
    load: 0.0,
};

const HEAVY: Truth = Truth { noise: Distribution::HeavyTailed, ..NULL };

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

/// A load that comes in bursts of several measurements.
struct Load {
    share: f64,
    is_on: bool,
}

impl Load {
    /// The mean number of measurements in a burst.
    const BURST: f64 = 6.0;

    /// How much the next measurement is slowed down, as a part: half of those in a burst are, by up to 30 %.
    fn next(&mut self, random: &mut Rng) -> f64 {
        // As many bursts end as begin, so that they fill their share of the time.
        let begins = self.share / (1.0 - self.share) / Load::BURST;
        let changes = if self.is_on { 1.0 / Load::BURST } else { begins };
        self.is_on ^= random.f64() < changes;
        if self.is_on && random.bool() { 0.3 * random.f64() } else { 0.0 }
    }
}

/// A bench that draws its figures at random.
struct SimulatedBench {
    truth: Truth,
    load: Load,
    random: Rng,
    elapsed: Duration,
}

impl SimulatedBench {
    /// The cost of a build in a cell, beside its true value for an unchanged one.
    fn cost(&mut self, cell: usize, side: Side, first: Side, of_pair: f64) -> Cost {
        let slowed = self.load.next(&mut self.random);
        let SimulatedBench { truth, random, .. } = self;
        let mut one = |figure: GateFigure| {
            let mut cost = truth.spread * truth.noise.draw(random) + truth.noise.stall(random) + of_pair;
            // Competition for caches and cores makes requests cost more CPU too, but less than time.
            cost += match figure {
                GateFigure::Throughput | GateFigure::TargetLateness => (1.0 + slowed).ln(),
                GateFigure::Cpu | GateFigure::TargetCpu => (1.0 + slowed / 3.0).ln(),
                _ => 0.0,
            };
            if side != first {
                cost += (1.0 + truth.going_second).ln();
            }
            if side == Side::Head && cell != CELLS {
                cost += (1.0 + truth.everywhere).ln();
                if cell == 0 && figure == GateFigure::Cpu {
                    cost -= (1.0 - truth.loss).ln();
                }
            }
            cost.exp()
        };
        Cost {
            wall_ns: 8e6 * one(GateFigure::Throughput),
            cpu_ns: 7e6 * one(GateFigure::Cpu),
            peak_memory_bytes: 7e6 * one(GateFigure::Memory),
            connections: 128.0,
            target_limited: 0.0,
            target: is_of_target(cell).then(|| TargetCost {
                cpu_ns_per_response: 9e3 * one(GateFigure::TargetCpu),
                lateness_p99_ns: 1e6 * one(GateFigure::TargetLateness),
                memory_per_connection_bytes: 9e3 * one(GateFigure::TargetMemory),
            }),
        }
    }
}

impl Bench for SimulatedBench {
    fn pair(&mut self, cell: usize, first: Side) -> Result<Option<Measured>> {
        self.elapsed += PAIR;
        let of_pair = self.truth.noise.of_pair(&mut self.random);
        let one = self.cost(cell, first, first, of_pair);
        let other = self.cost(cell, first.other(), first, of_pair);
        let (base, head) = if first == Side::Base { (one, other) } else { (other, one) };
        Ok(Some(Measured { base, head, repeated: 0 }))
    }

    /// Counts vary as much as those of the noisiest models, and have the same tails as everything
    /// else.
    fn count(&mut self, _: usize, side: Side) -> Result<Counted> {
        self.elapsed += COUNT;
        let SimulatedBench { truth, random, .. } = self;
        let everywhere = if side == Side::Head { 1.0 + truth.everywhere } else { 1.0 };
        let mut about =
            |count: f64, spread: f64| Some(count * (spread * truth.noise.draw(random)).exp() * everywhere);
        Ok(Counted {
            instructions: about(65_000.0, 0.02),
            allocations: about(30.0, 0.08),
            system_calls: about(4.0, 0.08),
        })
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn begin_measurement(&mut self, _: &str) {}

    fn end_round(&mut self, _: &Gate, _: &str, _: Duration) {}
}

fn is_of_target(cell: usize) -> bool {
    cell + 1 == CELLS
}

fn blank(seed: u64) -> Gate {
    let build = |name: &str| Build { name: name.to_owned(), digest: name.to_owned() };
    let cell = |at: usize| {
        let (control, target) = (at == CELLS, is_of_target(at));
        let is_judged =
            |figure: &GateFigure| figure.is_of_target() == target && (figure.is_measured() || at < COUNTED);
        let figures: Vec<GateFigure> = GateFigure::ALL.into_iter().filter(is_judged).collect();
        let required = figures.iter().copied().filter(|figure| figure.is_required_by_default()).collect();
        Cell {
            contender: format!("contender{at}:128"),
            preset: "sprint".to_owned(),
            urls: 1_000,
            runs: 1,
            figures,
            required,
            control,
            target,
        }
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
        budget_ns: Some(BUDGET.as_nanos() as u64),
        keep_going: false,
        cells: (0..=CELLS).map(cell).collect(),
        pairs: Vec::new(),
        counts: Vec::new(),
        unmatched: Vec::new(),
        not_offered: Vec::new(),
    }
}

/// What many gates came to, in per cent of them.
struct Outcomes {
    /// Any figure is called worse, the A/A control included.
    alarms: f64,
    /// The loss is called worse.
    found: f64,
    /// A required figure of time is undecided.
    undecided: f64,
    /// The median number of pairs of a cell, the A/A control included, and of seconds.
    pairs: f64,
    seconds: f64,
}

impl Truth {
    /// A gate, and how long it took. It must not take longer than its budget.
    fn gate(self, seed: u64) -> (Gate, Duration) {
        let mut gate = blank(seed);
        let load = Load { share: self.load, is_on: false };
        let mut bench =
            SimulatedBench { truth: self, load, random: Rng::with_seed(!seed), elapsed: Duration::ZERO };
        run_stages(&mut gate, &mut bench).unwrap();
        assert!(bench.elapsed <= BUDGET, "gate {seed} took {:?}", bench.elapsed);
        (gate, bench.elapsed)
    }

    fn outcomes(self, gates: u64) -> Outcomes {
        let (mut alarms, mut found, mut undecided) = (0, 0, 0);
        let (mut pairs, mut seconds) = (Vec::new(), Vec::new());
        for seed in 0..gates {
            let (gate, took) = self.gate(seed);
            let rows = FigureResult::tested(&gate);
            let is_loss = |row: &&FigureResult| (row.cell, row.figure) == (0, GateFigure::Cpu);
            let is_undecided = |row: &FigureResult| {
                row.required && row.figure.is_measured() && row.state == State::Undecided
            };
            alarms += u32::from(rows.iter().any(|row| row.state == State::Worse));
            found += u32::from(rows.iter().find(is_loss).is_some_and(|row| row.state == State::Worse));
            undecided += u32::from(rows.iter().any(is_undecided));
            let measured = gate.pairs.iter().filter(|pair| pair.stage == Stage::Measure).count();
            pairs.push(measured as f64 / (CELLS + 1) as f64);
            seconds.push(took.as_secs_f64());
        }
        let percent = |number: u32| f64::from(number) / gates as f64 * 100.0;
        Outcomes {
            alarms: percent(alarms),
            found: percent(found),
            undecided: percent(undecided),
            pairs: median(pairs),
            seconds: median(seconds),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What must hold of a truth: the most alarms where nothing is worse, and how often a loss is found at least, in per
/// cent.
enum Bound {
    Alarms(f64),
    Found(f64),
}

#[test]
#[ignore = "36,000 gates; its results stand in METHOD.md"]
fn error_rates_over_thousands_of_gates() {
    use Bound::{Alarms, Found};

    let gates = 2_000;
    let loss = |truth| Truth { loss: 0.05, ..truth };
    let slower = |truth| Truth { everywhere: 0.009, ..truth };
    let spread = |spread| Truth { spread, ..NULL };
    let second = Truth { going_second: 0.02, ..NULL };
    let load = |load| Truth { load, ..NULL };
    println!("{CELLS} cells and an A/A control, {gates} gates a row, {BUDGET:?} each");
    println!("| truth | worse | loss found | undecided | pairs a cell | time |\n|---|--:|--:|--:|--:|--:|");
    for (what, truth, bound) in [
        ("nothing is worse, spread 1 %", spread(0.01), Alarms(1.0)),
        ("spread 2 %", NULL, Alarms(1.0)),
        ("spread 3 %", spread(0.03), Alarms(1.0)),
        ("heavy tails", HEAVY, Alarms(1.0)),
        ("going second costs 2 %", second, Alarms(1.0)),
        ("load of 10 %", load(0.1), Alarms(1.0)),
        ("load of 30 %", load(0.3), Alarms(1.0)),
        ("all is 0.9 % worse, spread 1 %", slower(spread(0.01)), Alarms(1.0)),
        ("all is 0.9 % worse", slower(NULL), Alarms(1.0)),
        ("all is 0.9 % worse, spread 3 %", slower(spread(0.03)), Alarms(1.0)),
        ("the same, heavy tails, second 2 %", slower(Truth { going_second: 0.02, ..HEAVY }), Alarms(1.0)),
        ("all is 0.9 % worse, load of 30 %", slower(load(0.3)), Alarms(1.0)),
        ("5 % more CPU in a cell, spread 2 %", loss(NULL), Found(95.0)),
        ("the same, spread 3 %", loss(spread(0.03)), Found(0.0)),
        ("the same, heavy tails", loss(HEAVY), Found(0.0)),
        ("the same, going second costs 2 %", loss(second), Found(0.0)),
        ("the same, load of 10 %", loss(load(0.1)), Found(0.0)),
        ("the same, load of 30 %", loss(load(0.3)), Found(0.0)),
    ] {
        let Outcomes { alarms, found, undecided, pairs, seconds } = truth.outcomes(gates);
        println!(
            "| {what} | {alarms:.2} % | {found:.2} % | {undecided:.2} % | {pairs:.1} | {seconds:.0} s |"
        );
        match bound {
            Alarms(most) => assert!(alarms <= most, "{what}"),
            Found(least) => assert!(found >= least, "{what}"),
        }
    }
}

#[test]
fn equal_builds_rarely_raise_an_alarm() {
    let all_a_little_slower = Truth { everywhere: 0.009, going_second: 0.02, ..HEAVY };
    for truth in [NULL, all_a_little_slower, Truth { load: 0.3, ..NULL }] {
        assert!(truth.outcomes(40).alarms <= 2.5);
    }
}

#[test]
fn true_loss_is_nearly_always_found() {
    assert!(Truth { loss: 0.05, ..NULL }.outcomes(40).found >= 90.0);
}

#[test]
fn load_fills_its_share_of_the_time_in_bursts() {
    let mut load = Load { share: 0.3, is_on: false };
    let mut random = Rng::with_seed(1);
    let is_on: Vec<bool> = (0..100_000)
        .map(|_| {
            load.next(&mut random);
            load.is_on
        })
        .collect();
    let share = is_on.iter().filter(|on| **on).count() as f64 / is_on.len() as f64;
    let bursts = is_on.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
    assert!((share - 0.3).abs() < 0.02, "{share}");
    assert!((share * is_on.len() as f64 / bursts - Load::BURST).abs() < 0.3);
}
