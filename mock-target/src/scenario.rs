//! What a target does: a pure, seeded function from a URL's id to its planned response.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::body::Bodies;
use crate::fault::Fault;
use crate::fault_share::FaultShare;
use crate::injected_bug::InjectedBug;
use crate::latency::Latency;
use crate::pace::Pace;
use crate::random::{self, Purpose};

/// The largest body of a response, in bytes: 256 MiB.
pub const LARGEST_BODY_BYTES: u64 = 256 << 20;

/// What a target does: this and the URL's id determine everything about a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Chooses the delays and bodies. Scenarios that differ only in the seed have the same distributions.
    pub seed: u64,
    /// Number of URLs: their ids are 0 to `urls` − 1, their paths `/u/<id>`.
    pub urls: u64,
    /// Distribution of the time between a complete request and its response.
    pub latency: Latency,
    /// Size of each response body, in bytes.
    pub body_bytes: u64,
    /// How fast a body is sent once it has begun; `None` is as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Faults, each with its share of the URLs. The shares add up to at most 100 %.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultShare>,
    /// A bug to inject, to test programs that verify responses.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "lie")]
    pub injected_bug: Option<InjectedBug>,
}

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScenarioError {
    /// No URLs.
    #[error("a scenario needs at least one URL; ask for more with --urls")]
    NoUrls,
    /// A body beyond [`LARGEST_BODY_BYTES`].
    #[error("a body of {0} bytes is too large; the most is 256 MiB, choose less with --body")]
    BodyTooLarge(u64),
    /// Faults whose shares add up to more than all URLs.
    #[error("the faults affect {0} % of the URLs, which is more than all; lower the shares with --fault")]
    TooManyFaults(String),
    /// An injected bug of a URL that the scenario does not have.
    #[error("the injected bug is of URL {id}, and the ids end at {last}; choose one of them")]
    BugOutOfRange {
        /// The requested id.
        id: u64,
        /// The last id there is.
        last: u64,
    },
}

impl Scenario {
    /// Checks that the scenario can be played.
    ///
    /// # Errors
    /// One line that names the cause and the remedy.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        if self.urls == 0 {
            return Err(ScenarioError::NoUrls);
        }
        if self.body_bytes > LARGEST_BODY_BYTES {
            return Err(ScenarioError::BodyTooLarge(self.body_bytes));
        }
        let of_urls = self.faults.iter().filter(|share| share.fault != Fault::Refuse);
        let percent: f64 = of_urls.map(|share| share.percent).sum();
        if percent > 100.0 + 1e-9 {
            return Err(ScenarioError::TooManyFaults(percent.to_string()));
        }
        match self.injected_bug.map(InjectedBug::id) {
            Some(id) if id >= self.urls => Err(ScenarioError::BugOutOfRange { id, last: self.urls - 1 }),
            _ => Ok(()),
        }
    }

    /// The planned delay of a URL: from the complete request head to the response, in nanoseconds.
    pub fn delay_ns(&self, id: u64) -> u64 {
        self.latency.delay_ns(self.seed, id)
    }

    /// The fault of an attempt at a URL, if any. Attempts count from 1.
    pub fn fault(&self, id: u64, attempt: u32) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let mut percentile = random::unit(random::bits(self.seed, Purpose::Fault, id)) * 100.0;
        for share in self.faults.iter().filter(|share| share.fault != Fault::Refuse) {
            percentile -= share.percent;
            if percentile < 0.0 {
                let healed = share.until_attempt.is_some_and(|until| attempt >= until);
                return (!healed).then_some(share.fault);
            }
        }
        None
    }

    /// Whether a connection, counted from 0, is reset as soon as it is accepted.
    pub fn refuses(&self, connection: u64) -> bool {
        let percentile = || random::unit(random::bits(self.seed, Purpose::Refusal, connection)) * 100.0;
        let refusals = self.faults.iter().filter(|share| share.fault == Fault::Refuse);
        let percent: f64 = refusals.map(|share| share.percent).sum();
        percent > 0.0 && percentile() < percent
    }

    /// Prepares the bodies of all URLs.
    pub fn bodies(&self) -> Bodies {
        Bodies::new(self.seed, self.body_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_scenarios_are_rejected_with_a_reason() {
        let good = Scenario::preset("quick").expect("a preset");
        assert_eq!(good.validate(), Ok(()));
        let no_urls = Scenario { urls: 0, ..good.clone() };
        assert_eq!(no_urls.validate(), Err(ScenarioError::NoUrls));
        let huge = Scenario { body_bytes: 1 << 40, ..good.clone() };
        assert_eq!(huge.validate(), Err(ScenarioError::BodyTooLarge(1 << 40)));
        let faults = ["silence=60%", "503=50%"].map(|text| text.parse().expect("a fault")).to_vec();
        let faulty = Scenario { faults, ..good.clone() };
        assert_eq!(faulty.validate(), Err(ScenarioError::TooManyFaults("110".to_owned())));
        let bug = Scenario { injected_bug: Some(InjectedBug::WrongByte(1_000)), ..good };
        assert_eq!(bug.validate(), Err(ScenarioError::BugOutOfRange { id: 1_000, last: 999 }));
    }

    #[test]
    fn faults_affect_their_share_of_urls() {
        let faults = ["silence=10%", "503=20%,until=3"].map(|text| text.parse().expect("a fault"));
        let scenario = Scenario { faults: faults.to_vec(), ..Scenario::preset("quick").expect("a preset") };
        let count = |attempt, name| {
            let faults = (0..100_000).filter_map(|id| scenario.fault(id, attempt));
            faults.filter(|fault| fault.name() == name).count()
        };
        assert!(count(1, "silence").abs_diff(10_000) < 500);
        assert!(count(2, "503").abs_diff(20_000) < 500);
        assert_eq!(count(3, "503"), 0);
        assert_eq!(count(3, "silence"), count(1, "silence"));
        assert!(!(0..1_000).any(|connection| scenario.refuses(connection)));
    }

    #[test]
    fn a_scenario_is_serialized_as_text_values() {
        let mut scenario = Scenario::preset("article").expect("a preset");
        scenario.injected_bug = Some(InjectedBug::ServeTwice(3));
        let json = serde_json::to_string(&scenario).expect("serializable");
        assert_eq!(
            json,
            r#"{"seed":1,"urls":1000,"latency":"lognormal:250ms,0.318","body_bytes":10240,"injected_bug":"twice:3"}"#
        );
        let read = |json: &str| serde_json::from_str::<Scenario>(json).expect("readable");
        assert_eq!(read(&json), scenario);
        // Older files name the field `lie`.
        assert_eq!(read(&json.replace("injected_bug", "lie")), scenario);
    }
}
