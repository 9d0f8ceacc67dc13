//! A URL id in, a planned response out: pure and seeded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::body::Bodies;
use crate::latency::Latency;
use crate::presets::{self, Preset, UnknownPreset};

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
