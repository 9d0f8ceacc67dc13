//! A URL id in, a planned response out: pure and seeded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::body::Bodies;
use crate::fault::{Fault, FaultShare};
use crate::latency::Latency;
use crate::pace::Pace;
use crate::presets::{self, Preset, UnknownPreset};
use crate::random::{self, Purpose};

/// The largest body that can be asked for, in bytes: 256 MiB.
pub const LARGEST_BODY_BYTES: u64 = 256 << 20;

/// What a target does: everything about a response follows from this and the URL's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Chooses the delays and bodies; two scenarios that differ in it alone are equally distributed.
    pub seed: u64,
    /// Number of URLs: their ids are 0 to `urls` − 1, their paths `/u/<id>`.
    pub urls: u64,
    /// Distribution of the time between a complete request and its response.
    pub latency: Latency,
    /// Size of each response body, in bytes.
    pub body_bytes: u64,
    /// How fast a body is sent once it has begun; without one, as fast as it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// What goes wrong, and how often. The shares of all together are at most 100 %.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultShare>,
    /// A lie to tell, so that whoever verifies responses can be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lie: Option<Lie>,
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
    /// Faults that befall more than all URLs.
    #[error("the faults befall {0} % of the URLs, which is more than all; state less with --fault")]
    TooManyFaults(String),
    /// A lie about a URL that the scenario does not have.
    #[error("the lie is about URL {id}, and the ids end at {last}; choose one of them")]
    LieOutOfRange {
        /// The id that was asked for.
        id: u64,
        /// The last id there is.
        last: u64,
    },
}

impl Scenario {
    /// The scenario of a name in [`Scenario::presets`].
    ///
    /// # Errors
    /// When there is no such preset; the error lists the names and suggests the nearest.
    pub fn preset(name: &str) -> Result<Scenario, UnknownPreset> {
        presets::find(name).map(Preset::scenario)
    }

    /// Every preset, with where its figures come from.
    pub fn presets() -> &'static [Preset] {
        presets::ALL
    }

    /// Checks that the scenario can be played.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
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
        match self.lie {
            Some(Lie::ServeTwice(id) | Lie::WrongByte(id)) if id >= self.urls => {
                Err(ScenarioError::LieOutOfRange { id, last: self.urls - 1 })
            }
            _ => Ok(()),
        }
    }

    /// The planned delay of a URL: from the complete request head to the response, in nanoseconds.
    pub fn delay_ns(&self, id: u64) -> u64 {
        self.latency.delay_ns(self.seed, id)
    }

    /// From a URL's complete request head until the last byte of its planned response is due, in
    /// nanoseconds: the delay, and the body's pace.
    pub fn duration_ns(&self, id: u64) -> u64 {
        self.delay_ns(id) + self.pace.map_or(0, |pace| pace.duration_ns(self.body_bytes))
    }

    /// What goes wrong with an attempt at a URL, if anything. Attempts count from 1.
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

/// A lie that a target tells when it is told to: `twice:ID` or `wrong-byte:ID`.
///
/// An honest target leaves whoever verifies its responses with nothing to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lie {
    /// The request for the URL after this one (the first after the last) is answered, and entered in
    /// the ledger, as though it had asked for this one.
    ServeTwice(u64),
    /// One byte of this URL's body is wrong on the wire.
    WrongByte(u64),
}

/// Why a lie could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a lie: write twice:ID or wrong-byte:ID, such as twice:7")]
pub struct LieError(String);

impl FromStr for Lie {
    type Err = LieError;

    fn from_str(text: &str) -> Result<Self, LieError> {
        let wrong = || LieError(text.to_owned());
        let (kind, id) = text.trim().split_once(':').ok_or_else(wrong)?;
        let id = id.parse().map_err(|_| wrong())?;
        match kind {
            "twice" => Ok(Lie::ServeTwice(id)),
            "wrong-byte" => Ok(Lie::WrongByte(id)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lie::ServeTwice(id) => write!(f, "twice:{id}"),
            Lie::WrongByte(id) => write!(f, "wrong-byte:{id}"),
        }
    }
}

impl TryFrom<String> for Lie {
    type Error = LieError;

    fn try_from(text: String) -> Result<Self, LieError> {
        text.parse()
    }
}

impl From<Lie> for String {
    fn from(lie: Lie) -> String {
        lie.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_that_cannot_be_played_say_why() {
        let good = Scenario::preset("quick").expect("a preset");
        assert_eq!(good.validate(), Ok(()));
        let no_urls = Scenario { urls: 0, ..good.clone() };
        assert_eq!(no_urls.validate(), Err(ScenarioError::NoUrls));
        let huge = Scenario { body_bytes: 1 << 40, ..good.clone() };
        assert_eq!(huge.validate(), Err(ScenarioError::BodyTooLarge(1 << 40)));
        let lie = Scenario { lie: Some(Lie::WrongByte(1_000)), ..good };
        assert_eq!(lie.validate(), Err(ScenarioError::LieOutOfRange { id: 1_000, last: 999 }));
    }

    #[test]
    fn faults_befall_their_share_of_urls_and_no_others() {
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
    fn faults_that_befall_more_than_all_are_refused() {
        let faults = ["silence=60%", "503=50%"].map(|text| text.parse().expect("a fault")).to_vec();
        let scenario = Scenario { faults, ..Scenario::preset("quick").expect("a preset") };
        assert_eq!(scenario.validate(), Err(ScenarioError::TooManyFaults("110".to_owned())));
    }

    #[test]
    fn lies_are_read_and_written_as_text() {
        for lie in [Lie::ServeTwice(7), Lie::WrongByte(0)] {
            assert_eq!(lie.to_string().parse(), Ok(lie));
        }
        for text in ["", "twice", "twice:", "twice:-1", "thrice:7"] {
            assert!(text.parse::<Lie>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scenario_is_saved_as_plain_text() {
        let mut scenario = Scenario::preset("article").expect("a preset");
        scenario.lie = Some(Lie::ServeTwice(3));
        let json = serde_json::to_string(&scenario).expect("serializable");
        assert_eq!(
            json,
            r#"{"seed":1,"urls":1000,"latency":"lognormal:250ms,0.318","body_bytes":10240,"lie":"twice:3"}"#
        );
        assert_eq!(serde_json::from_str::<Scenario>(&json).expect("readable"), scenario);
    }
}
