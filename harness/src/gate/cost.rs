//! The cost of a build in a pair, from several runs.

use inflight_report::gate::{Cost, TargetCost};
use inflight_report::record::Figures;

/// The total cost of the runs of one side of a pair.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    wall_ns: f64,
    cpu_ns: f64,
    peak_memory_bytes: f64,
    connections: f64,
    target_limited: u32,
    target_cpu_ns: f64,
    /// The 99th percentiles of what was added to the planned delays.
    lateness_p99_ns: f64,
    most_connections: u64,
}

impl Sum {
    pub(super) fn add(&mut self, figures: &Figures) {
        let target = &figures.target;
        self.wall_ns += figures.wall_ns as f64;
        self.cpu_ns += figures.cpu_ns as f64;
        self.peak_memory_bytes += figures.peak_memory_bytes as f64;
        self.connections += target.connections as f64;
        self.target_limited += u32::from(target.limit.is_some());
        self.target_cpu_ns += target.cpu_ns as f64;
        self.lateness_p99_ns += figures.added_latency_ns.map_or(0.0, |added| added.p99 as f64);
        self.most_connections = self.most_connections.max(target.connections);
    }

    pub(super) fn mean(self, runs: u32) -> Cost {
        let runs = f64::from(runs);
        Cost {
            wall_ns: self.wall_ns / runs,
            cpu_ns: self.cpu_ns / runs,
            peak_memory_bytes: self.peak_memory_bytes / runs,
            connections: self.connections / runs,
            target_limited: f64::from(self.target_limited) / runs,
            target: None,
        }
    }

    /// The cost of the target itself, whose memory has grown by `growth_bytes` in these runs. Connections are kept alive,
    /// so all of a run are open at once.
    pub(super) fn target_cost(self, runs: u32, urls: u64, growth_bytes: u64) -> TargetCost {
        let runs = f64::from(runs);
        TargetCost {
            cpu_ns_per_response: self.target_cpu_ns / (runs * urls as f64),
            lateness_p99_ns: self.lateness_p99_ns / runs,
            memory_per_connection_bytes: growth_bytes as f64 / self.most_connections.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use inflight_report::record::{Record, TargetLimit};

    use super::*;

    #[test]
    fn costs_are_means_over_runs() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../report/src/record/format_1.jsonl");
        let mut figures: Vec<Figures> =
            Record::read(&kept).unwrap().runs.into_iter().filter_map(|run| run.figures).take(4).collect();
        for (number, figures) in (1..).zip(&mut figures) {
            (figures.target.limit, figures.target.connections) = (None, 10 * number);
        }
        figures[2].target.limit = Some(TargetLimit::Residence);
        let mut sum = Sum::default();
        figures.iter().for_each(|figures| sum.add(figures));
        let cost = sum.mean(4);
        assert_eq!((cost.target_limited, cost.target), (0.25, None));
        let walls: u64 = figures.iter().map(|figures| figures.wall_ns).sum();
        assert_eq!(cost.wall_ns, walls as f64 / 4.0);

        let target = sum.target_cost(4, 10, 4_000);
        let cpu_ns: u64 = figures.iter().map(|figures| figures.target.cpu_ns).sum();
        assert_eq!(target.cpu_ns_per_response, cpu_ns as f64 / 40.0);
        assert_eq!(target.memory_per_connection_bytes, 100.0);
    }
}
