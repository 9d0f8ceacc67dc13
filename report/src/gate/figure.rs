//! The figures that a gate judges.

use serde::{Deserialize, Serialize};

use crate::figures::{Figure, GateRule, TIMED};

/// A figure of a cell that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateFigure {
    /// Requests per second, computed from the wall time of the same requests.
    Throughput,
    /// CPU time.
    Cpu,
    /// Peak memory.
    Memory,
    /// Instructions in user space between `go` and `done`.
    Instructions,
    /// Calls that allocate memory, between `go` and `done`.
    Allocations,
    /// System calls between `go` and `done`.
    SystemCalls,
    /// Connections opened.
    Connections,
    /// CPU time of the target for each response.
    TargetCpu,
    /// The 99th percentile of added latency, as a client of the target sees it.
    TargetLateness,
    /// Peak memory of the target for each connection.
    TargetMemory,
}

impl GateFigure {
    /// All figures.
    pub const ALL: [GateFigure; 10] = [
        GateFigure::Throughput,
        GateFigure::Cpu,
        GateFigure::Memory,
        GateFigure::Instructions,
        GateFigure::Allocations,
        GateFigure::SystemCalls,
        GateFigure::Connections,
        GateFigure::TargetCpu,
        GateFigure::TargetLateness,
        GateFigure::TargetMemory,
    ];

    /// Its rule in the [table of figures](crate::figures::FIGURES), or of a figure of the target, which no run of a
    /// contender has.
    pub(super) fn rule(self) -> GateRule {
        let key = match self {
            GateFigure::Throughput => "throughput_per_second",
            GateFigure::Cpu => "cpu_ns",
            GateFigure::Memory => "peak_memory_bytes",
            GateFigure::Instructions => "instructions",
            GateFigure::Allocations => "allocations",
            GateFigure::SystemCalls => "system_calls",
            GateFigure::Connections => "connections",
            GateFigure::TargetCpu => return GateRule { name: "CPU a response", ..TIMED },
            GateFigure::TargetLateness => return GateRule { name: "lateness p99", ..TIMED },
            GateFigure::TargetMemory => return GateRule { name: "memory a connection", ..TIMED },
        };
        let figure = Figure::by_key(key);
        figure.and_then(|figure| figure.gate).expect("each figure of the gate has a rule in the table")
    }

    /// Whether it is a figure of the target, and not of a contender.
    pub fn is_of_target(self) -> bool {
        matches!(self, GateFigure::TargetCpu | GateFigure::TargetLateness | GateFigure::TargetMemory)
    }

    /// Whether a gate is inconclusive without it, unless its cell says otherwise. Wall times, memory and lateness vary
    /// too much on a busy machine: these are reported.
    pub fn is_required_by_default(self) -> bool {
        !matches!(
            self,
            GateFigure::Throughput
                | GateFigure::Memory
                | GateFigure::TargetLateness
                | GateFigure::TargetMemory
        )
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// Whether it varies from run to run as time does, so that it needs many pairs. Otherwise it is a count, which
    /// hardly varies.
    pub fn is_measured(self) -> bool {
        self.rule().is_timed
    }
}
