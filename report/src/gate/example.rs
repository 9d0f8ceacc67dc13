//! Example gates for tests: a history in which the head becomes slower.

use fastrand::Rng;

use super::{Build, Cell, Cost, Count, GATE_FORMAT, Gate, GateFigure, Pair, Side, Stage};
use crate::record::{Machine, MachineSettings, Noise};

/// The cell whose head became slower.
pub(crate) const STEPPED: &str = "tokio:128, sprint";

/// The cell that did not change.
pub(crate) const STEADY: &str = "epoll+common:128, sprint";

/// Its cost from [`SLOWER_FROM`] on, relative to before.
pub(crate) const STEP: f64 = 1.06;

/// The first gate with the slower head, counted from 1.
const SLOWER_FROM: u32 = 14;

/// The spread of a pair around its gate.
const SPREAD: f64 = 0.01;

/// `count` gates, a day apart, all against one base. Instructions of the steady cell fall from time to time.
pub(crate) fn gates(count: u32) -> Vec<Gate> {
    (1..=count).map(gate).collect()
}

fn gate(number: u32) -> Gate {
    let mut random = Rng::with_seed(number.into());
    let cells = vec![cell(STEPPED, false), cell(STEADY, false), cell(STEPPED, true)];
    let slower = if number >= SLOWER_FROM { STEP } else { 1.0 };
    let mut gate = Gate {
        gate_format: GATE_FORMAT,
        inflight_version: "0.1.0".to_owned(),
        command: "inflight gate --base v1.0 --history history".to_owned(),
        started_at: format!("2026-{:02}-{:02}T02:30:00Z", 3 + (number - 1) / 28, 1 + (number - 1) % 28),
        took_ns: 600_000_000_000,
        machine: machine(),
        noise: Noise { cpus: 2, ..Noise::default() },
        base: Build { name: "v1.0".to_owned(), digest: "0123456789abcdef".repeat(4) },
        head: Build { name: format!("head-{number}"), digest: format!("{number:064x}") },
        seed: number.into(),
        cells,
        pairs: Vec::new(),
        counts: Vec::new(),
        budget_ns: Some(240_000_000_000),
        keep_going: false,
        unmatched: Vec::new(),
        not_offered: vec![(GateFigure::SystemCalls, "no tracepoint".to_owned())],
    };
    // Two builds of the same source differ a little.
    let of_this_head = 1.0 + 0.006 * (random.f64() - 0.5);
    loop {
        let open = gate.open_cells();
        if open.is_empty() {
            break;
        }
        for cell in open {
            let cost = if cell == 0 { slower * of_this_head } else { of_this_head };
            measure(&mut gate, cell, cost, &mut random);
        }
        measure(&mut gate, 2, 1.0, &mut random);
    }
    count(&mut gate, number);
    gate
}

fn cell(name: &str, control: bool) -> Cell {
    let (contender, preset) = name.split_once(", ").expect("a cell's name");
    let measured = vec![GateFigure::Throughput, GateFigure::Cpu, GateFigure::Memory];
    let counted = vec![GateFigure::Instructions, GateFigure::Allocations, GateFigure::SystemCalls];
    Cell {
        contender: contender.to_owned(),
        preset: preset.to_owned(),
        urls: 1_000,
        runs: 3,
        figures: if control { measured } else { [measured, counted].concat() },
        required: Vec::new(),
        control,
        target: false,
    }
}

fn machine() -> Machine {
    Machine {
        cpu_model: "AMD EPYC".to_owned(),
        cores: 2,
        memory_bytes: 8_000_000_000,
        os: "Linux".to_owned(),
        kernel: "6.18.5".to_owned(),
        settings: MachineSettings { virtualisation: Some("QEMU".to_owned()), ..MachineSettings::default() },
    }
}

/// Adds two pairs of a cell whose head costs `cost` times as much as the base, one beginning with either side.
fn measure(gate: &mut Gate, cell: usize, cost: f64, random: &mut Rng) {
    for first in [Side::Base, Side::Head] {
        let mut spread = |typical: f64| typical * (1.0 + SPREAD * (random.f64() + random.f64() - 1.0));
        let mut of = |times: f64| Cost {
            wall_ns: spread(150e6) * times,
            cpu_ns: spread(90e6) * times,
            peak_memory_bytes: spread(15e6),
            connections: 128.0,
            target_limited: 0.0,
            target: None,
        };
        let (base, head) = (of(1.0), of(cost));
        gate.pairs.push(Pair { cell, stage: Stage::Measure, first, base, head, repeated: 0 });
    }
}

/// Counts of both cells: instructions of the steady one fall from gate to gate, and it allocates nothing.
fn count(gate: &mut Gate, number: u32) {
    for cell in 0..2 {
        for side in [Side::Base, Side::Head] {
            let less = if side == Side::Head && cell == 1 { 10.0 * f64::from(number / 8) } else { 0.0 };
            for _ in 0..super::COUNTS {
                gate.counts.push(Count {
                    cell,
                    stage: Stage::Measure,
                    side,
                    instructions: Some(8_000.0 - 40.0 * less),
                    allocations: Some(if cell == 1 { 0.0 } else { 12.0 }),
                    system_calls: None,
                });
            }
        }
    }
}
