//! What a scenario plans for each of its URLs, for those who cannot compute it themselves.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::scenario::Scenario;

/// A scenario and all that follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario itself.
    pub scenario: Scenario,
    /// One for each URL, in order of id.
    pub urls: Vec<PlannedUrl>,
}

/// What is planned for one URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedUrl {
    /// The URL's id.
    pub id: u64,
    /// The path that asks for it.
    pub path: String,
    /// Delay of its response, in nanoseconds.
    pub delay_ns: u64,
    /// What goes wrong with the first attempt at it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// CRC-32 of its body.
    pub body_crc32: u32,
}

impl Plan {
    /// Works out what is planned for every URL.
    pub fn of(scenario: &Scenario) -> Plan {
        let bodies = scenario.bodies();
        let planned = |id| PlannedUrl {
            id,
            path: format!("/u/{id}"),
            delay_ns: scenario.delay_ns(id),
            fault: scenario.fault(id, 1),
            body_bytes: bodies.len() as u64,
            body_crc32: bodies.crc32(id),
        };
        Plan { scenario: scenario.clone(), urls: (0..scenario.urls).map(planned).collect() }
    }
}
