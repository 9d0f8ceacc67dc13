//! Synthetic gates without a regression, as large as saved ones.

use inflight_report::gate::{
    Build, COUNTS, Cell, Cost, Count, GATE_FORMAT, Gate, GateFigure, LOOKS, Pair, Side, Stage,
};
use inflight_report::record::{Machine, MachineSettings, Noise};

use crate::spread;

/// Cells besides the A/A control.
const CELLS: usize = 6;

/// This many gates, all against one base.
pub(crate) fn gates(count: usize) -> Vec<Gate> {
    (0..count).map(gate).collect()
}

fn gate(number: usize) -> Gate {
    let pairs_of = |cell| (0..LOOKS[1] as usize).map(move |pair| measured(number, cell, pair));
    let counts_of = |cell| [Side::Base, Side::Head].map(|side| vec![counted(cell, side); COUNTS as usize]);
    Gate {
        gate_format: GATE_FORMAT,
        inflight_version: "0.1.0".to_owned(),
        command: "inflight gate".to_owned(),
        started_at: format!("2026-{:02}-{:02}T02:30:00Z", 1 + number / 28, 1 + number % 28),
        took_ns: 600_000_000_000,
        machine: Machine {
            cpu_model: "AMD EPYC".to_owned(),
            cores: 2,
            memory_bytes: 8_000_000_000,
            os: "Linux".to_owned(),
            kernel: "6.18.5".to_owned(),
            settings: MachineSettings::default(),
        },
        noise: Noise { cpus: 2, ..Noise::default() },
        base: Build { name: "v1.0".to_owned(), digest: "0123456789abcdef".repeat(4) },
        head: Build { name: format!("head-{number}"), digest: format!("{number:064x}") },
        seed: 1,
        cells: (0..=CELLS).map(cell).collect(),
        pairs: (0..=CELLS).flat_map(pairs_of).collect(),
        counts: (0..CELLS).flat_map(counts_of).flatten().collect(),
        not_offered: Vec::new(),
        budget_ns: Some(240_000_000_000),
        keep_going: false,
        unmatched: Vec::new(),
    }
}

fn cell(number: usize) -> Cell {
    let figures = [GateFigure::Throughput, GateFigure::Cpu, GateFigure::Memory, GateFigure::Instructions];
    let is_control = number == CELLS;
    Cell {
        contender: format!("model-{number}:128"),
        preset: "sprint".to_owned(),
        urls: 1_000,
        runs: 3,
        figures: if is_control { figures[..3].to_vec() } else { figures.to_vec() },
        required: Vec::new(),
        control: is_control,
        target: false,
    }
}

fn measured(gate: usize, cell: usize, pair: usize) -> Pair {
    let at = (gate * (CELLS + 1) + cell) * LOOKS[1] as usize + pair;
    let noise = 0.99 + 0.02 * spread(at);
    let base = Cost {
        wall_ns: 150e6,
        cpu_ns: 90e6,
        peak_memory_bytes: 15e6,
        connections: 128.0,
        target_limited: 0.0,
        target: None,
    };
    let head = Cost {
        wall_ns: base.wall_ns * noise,
        cpu_ns: base.cpu_ns / noise,
        peak_memory_bytes: base.peak_memory_bytes * noise,
        ..base
    };
    let first = if pair.is_multiple_of(2) { Side::Base } else { Side::Head };
    Pair { cell, stage: Stage::Measure, first, base, head, repeated: 0 }
}

fn counted(cell: usize, side: Side) -> Count {
    let instructions = Some(8_000.0);
    Count { cell, stage: Stage::Measure, side, instructions, allocations: None, system_calls: None }
}
