//! The workload of a race: its requests, their planned delays, and when they are due.

pub mod ideal;
pub mod rate;
mod shape;

use mock_target::Scenario;

pub use shape::Shape;

use rate::Rate;

/// The scenario worked out once: for every URL the planned delay and the digest of its body.
pub struct Workload {
    /// What the target does.
    pub scenario: Scenario,
    /// Planned delay of each URL, by id, in nanoseconds: from the complete request until the last byte
    /// of the response is due.
    pub delays_ns: Vec<u64>,
    /// CRC-32 of each URL's body, by id.
    pub crc32: Vec<u32>,
    /// How fast requests come where that does not depend on the client: an open loop.
    pub rate: Option<Rate>,
    /// When each URL is due in an open loop, by id, in nanoseconds since `go`.
    pub due_ns: Option<Vec<u64>>,
}

impl Workload {
    /// Works out `scenario`.
    pub fn of(scenario: Scenario) -> Workload {
        let bodies = scenario.bodies();
        let of_body_ns = scenario.pace.map_or(0, |pace| pace.duration_ns(scenario.body_bytes));
        Workload {
            delays_ns: (0..scenario.urls).map(|id| scenario.delay_ns(id) + of_body_ns).collect(),
            crc32: (0..scenario.urls).map(|id| bodies.crc32(id)).collect(),
            scenario,
            rate: None,
            due_ns: None,
        }
    }

    /// The same with requests due at `rate`, the same ones at the same times in every run.
    pub fn at_rate(self, rate: Rate) -> Workload {
        let due_ns = rate.due_ns(self.scenario.urls, self.scenario.seed);
        Workload { rate: Some(rate), due_ns: Some(due_ns), ..self }
    }

    /// The ideal wall time of `shape`, in nanoseconds.
    pub fn ideal_ns(&self, shape: Shape) -> u64 {
        ideal::ideal_ns(&self.delays_ns, self.due_ns.as_deref(), shape)
    }

    /// The wall time below which no client of `shape` can be, in nanoseconds.
    pub fn hard_bound_ns(&self, shape: Shape) -> u64 {
        ideal::hard_bound_ns(&self.delays_ns, self.due_ns.as_deref(), shape)
    }

    /// The planned delay of a URL, in nanoseconds; none for an id that the scenario does not have.
    pub fn planned_ns(&self, id: u64) -> u64 {
        self.delays_ns.get(id as usize).copied().unwrap_or(0)
    }

    /// The median of the planned delays, in nanoseconds.
    pub fn median_delay_ns(&self) -> u64 {
        let mut sorted = self.delays_ns.clone();
        let middle = sorted.len() / 2;
        *sorted.select_nth_unstable(middle).1
    }

    /// The sum of the planned delays, in nanoseconds.
    pub fn total_delay_ns(&self) -> u64 {
        self.delays_ns.iter().sum()
    }

    /// The mean of the planned delays, in nanoseconds.
    pub fn mean_delay_ns(&self) -> u64 {
        self.total_delay_ns() / (self.delays_ns.len() as u64).max(1)
    }
}
