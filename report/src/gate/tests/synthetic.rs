//! Synthetic gates with known differences between base and head.

use crate::example::record;
use crate::gate::{Build, Cell, Cost, Count, GATE_FORMAT, Gate, GateFigure, LOOKS, Pair, Side, Stage};
use crate::record::Noise;

/// The true differences of a cell.
#[derive(Clone, Copy)]
pub(super) struct Truth {
    /// Head ÷ base of wall times.
    pub(super) wall: f64,
    /// Head ÷ base of CPU times.
    pub(super) cpu: f64,
    /// By how much, up and down, a pair's ratio differs from the true one.
    pub(super) spread: f64,
    /// Head ÷ base of instructions.
    pub(super) instructions: f64,
    /// How many more connections the head opens.
    pub(super) connections: f64,
}

pub(super) const EVEN: Truth =
    Truth { wall: 1.0, cpu: 1.0, spread: 0.005, instructions: 1.0, connections: 0.0 };

/// A gate with a cell for each of `truths` and the A/A control, with as many pairs as a cell can have and the counts.
pub(super) fn gate(truths: &[Truth]) -> Gate {
    let build = |name: &str, digit: &str| Build { name: name.to_owned(), digest: digit.repeat(64) };
    let figures =
        vec![GateFigure::Throughput, GateFigure::Cpu, GateFigure::Instructions, GateFigure::Connections];
    let cell = |(at, control)| Cell {
        contender: format!("{}:128", ["ours", "theirs"][at % 2]),
        preset: "sprint".to_owned(),
        urls: 1_000,
        runs: 10,
        figures: if control { vec![GateFigure::Throughput, GateFigure::Cpu] } else { figures.clone() },
        required: Vec::new(),
        control,
        target: false,
    };
    let cells = (0..truths.len()).map(|at| (at, false)).chain([(0, true)]).map(cell).collect();
    let mut gate = Gate {
        gate_format: GATE_FORMAT,
        inflight_version: "0.1.0".to_owned(),
        command: "inflight gate --base base --head head".to_owned(),
        started_at: "2026-11-02T03:04:05Z".to_owned(),
        took_ns: 61_000_000_000,
        machine: record().header.machine,
        noise: Noise { cpus: 2, others_cpu_ns: Some(0), stolen_ns: Some(0), ..Noise::default() },
        base: build("base", "a"),
        head: build("head", "b"),
        seed: 1,
        cells,
        pairs: Vec::new(),
        counts: Vec::new(),
        budget_ns: Some(240_000_000_000),
        keep_going: false,
        unmatched: Vec::new(),
        not_offered: vec![(GateFigure::Allocations, "there is no valgrind: install valgrind".to_owned())],
    };
    let [.., most] = LOOKS;
    for number in 0..most {
        let cells = truths.iter().chain([&EVEN]).enumerate();
        gate.pairs.extend(cells.map(|(cell, truth)| pair(cell, number, truth)));
    }
    for (cell, truth) in truths.iter().enumerate() {
        for stage in [Stage::Measure, Stage::Confirm] {
            for (side, ratio) in [(Side::Base, 1.0), (Side::Head, truth.instructions)] {
                gate.counts.extend((0..3).map(|number| Count {
                    cell,
                    stage,
                    side,
                    instructions: Some((8_000.0 + f64::from(number)) * ratio),
                    allocations: None,
                    system_calls: None,
                }));
            }
        }
    }
    gate
}

/// A pair with symmetric noise around the true ratio: of eight pairs in turn, half on either side.
fn pair(cell: usize, number: u32, truth: &Truth) -> Pair {
    let sign = if number.is_multiple_of(2) { 1.0 } else { -1.0 };
    let noise = (truth.spread * sign * (1.0 + f64::from(number % 8 / 2)) / 4.0).exp();
    let base = Cost {
        wall_ns: 8e6,
        cpu_ns: 7e6,
        peak_memory_bytes: 7e6,
        connections: 128.0,
        target_limited: 0.0,
        target: None,
    };
    let head = Cost {
        wall_ns: (base.wall_ns * truth.wall * noise).round(),
        cpu_ns: (base.cpu_ns * truth.cpu * noise).round(),
        connections: base.connections + truth.connections,
        ..base
    };
    let first = if sign > 0.0 { Side::Base } else { Side::Head };
    Pair { cell, stage: Stage::Measure, first, base, head, repeated: 0 }
}
