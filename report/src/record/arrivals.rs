//! How requests were put to the target: whether they waited for the client, and on which CPUs both ran.

use serde::{Deserialize, Serialize};

/// How fast requests came where that did not depend on the client: an open loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateFacts {
    /// Requests a second, over all processes together.
    pub per_second: f64,
    /// Whether they were as random as those of many users are, or evenly spaced.
    pub poisson: bool,
}

/// Which CPUs target and clients were confined to, as lists such as `0,2-3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementFacts {
    /// Those of the target.
    pub target: String,
    /// Those of every worker process.
    pub clients: String,
}
