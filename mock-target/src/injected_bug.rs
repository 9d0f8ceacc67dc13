//! Bugs that a target can inject, to test programs that verify its responses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A deviation from the plan that the ledger does not report as a fault: `twice:ID` or `wrong-byte:ID`.
///
/// A correct target gives a program that verifies its responses nothing to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum InjectedBug {
    /// The request for the URL after this one (the first after the last) is answered, and entered in
    /// the ledger, as if it were for this one.
    ServeTwice(u64),
    /// One byte of this URL's body is wrong on the wire.
    WrongByte(u64),
}

/// Why an injected bug could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a bug that can be injected: write twice:ID or wrong-byte:ID, such as twice:7")]
pub struct InjectedBugError(String);

impl InjectedBug {
    /// The URL that it affects.
    pub(crate) fn id(self) -> u64 {
        match self {
            InjectedBug::ServeTwice(id) | InjectedBug::WrongByte(id) => id,
        }
    }
}

impl FromStr for InjectedBug {
    type Err = InjectedBugError;

    fn from_str(text: &str) -> Result<Self, InjectedBugError> {
        let wrong = || InjectedBugError(text.to_owned());
        let (kind, id) = text.trim().split_once(':').ok_or_else(wrong)?;
        let id = id.parse().map_err(|_| wrong())?;
        match kind {
            "twice" => Ok(InjectedBug::ServeTwice(id)),
            "wrong-byte" => Ok(InjectedBug::WrongByte(id)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for InjectedBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InjectedBug::ServeTwice(id) => write!(f, "twice:{id}"),
            InjectedBug::WrongByte(id) => write!(f, "wrong-byte:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injected_bug_is_parsed_and_formatted() {
        for bug in [InjectedBug::ServeTwice(7), InjectedBug::WrongByte(0)] {
            assert_eq!(bug.to_string().parse(), Ok(bug));
        }
        for text in ["", "twice", "twice:", "twice:-1", "thrice:7"] {
            assert!(text.parse::<InjectedBug>().is_err(), "{text}");
        }
    }
}
