//! The arrival rate of an open loop, and the CPUs that target and clients ran on.

use serde::{Deserialize, Serialize};

/// The arrival rate of an open loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFacts {
    /// Requests per second, over all processes together.
    pub per_second: f64,
    /// Whether arrivals were a Poisson process or evenly spaced.
    pub poisson: bool,
}

/// The CPUs that target and clients were confined to, as lists such as `0,2-3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementFacts {
    /// Those of the target.
    pub target: String,
    /// Those of every worker process.
    pub clients: String,
}
