//! The planned response of every URL of a scenario, for programs that cannot compute it.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::scenario::Scenario;

/// A scenario and the planned responses of all its URLs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioPlan {
    /// The scenario itself.
    pub scenario: Scenario,
    /// The planned responses, in order of id.
    pub urls: Vec<PlannedUrl>,
}

/// The planned response of one URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedUrl {
    /// The URL's id.
    pub id: u64,
    /// The path of a request for it.
    pub path: String,
    /// Delay of its response, in nanoseconds.
    pub delay_ns: u64,
    /// The fault of the first attempt at it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// CRC-32 of its body.
    pub body_crc32: u32,
}

impl ScenarioPlan {
    /// Computes the planned response of every URL.
    pub fn of(scenario: &Scenario) -> ScenarioPlan {
        let bodies = scenario.bodies();
        let planned = |id| PlannedUrl {
            id,
            path: format!("/u/{id}"),
            delay_ns: scenario.delay_ns(id),
            fault: scenario.fault(id, 1),
            body_bytes: bodies.body_bytes as u64,
            body_crc32: bodies.crc32(id),
        };
        ScenarioPlan { scenario: scenario.clone(), urls: (0..scenario.urls).map(planned).collect() }
    }
}
