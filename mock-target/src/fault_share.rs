//! A fault together with the share of URLs that it affects, and its text form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultError};

/// A fault and the share of URLs (or, for `refuse`, of connections) that it affects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultShare {
    /// The fault.
    pub fault: Fault,
    /// The share, in percent: 0 to 100.
    pub percent: f64,
    /// From this attempt on (counted from 1, as the client states it in the field `x-attempt` or the
    /// query `?attempt=`) the response is as planned.
    pub until_attempt: Option<u32>,
}

impl FromStr for FaultShare {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError::Share(text.to_owned());
        let (fault, share) = text.trim().split_once('=').unwrap_or((text.trim(), ""));
        let fault = fault.parse()?;
        let (share, until) =
            share.split_once(',').map_or((share, None), |(share, until)| (share, Some(until)));
        let percent = share.strip_suffix('%').and_then(|percent| percent.parse().ok());
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(wrong)?;
        let attempt = |until: &str| until.strip_prefix("until=").and_then(|attempt| attempt.parse().ok());
        let until_attempt = until.map(|until| attempt(until).ok_or_else(wrong)).transpose()?;
        Ok(FaultShare { fault, percent, until_attempt })
    }
}

impl fmt::Display for FaultShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}%", self.fault, self.percent)?;
        self.until_attempt.map_or(Ok(()), |attempt| write!(f, ",until={attempt}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formatted_shares_parse_back() {
        for text in [
            "reset-mid-body@512=2%",
            "503@date=10%,until=3",
            "429@garbage=0.5%",
            "dribble@20ms=100%",
            "redirect-chain@9=1%",
        ] {
            assert_eq!(text.parse::<FaultShare>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn invalid_faults_are_rejected_with_a_reason() {
        for (text, part) in [
            ("xyzzy=2%", "there is no fault \"xyzzy\"; there are: refuse, silence"),
            ("reset=2%", "did you mean \"reset-mid-body\"? there are"),
            ("silense=2%", "did you mean \"silence\"?"),
            ("silense", "did you mean \"silence\"?"),
            ("stall-midbody@7=2%", "did you mean \"stall-mid-body\"?"),
            ("silence", "is not a fault with its share"),
            ("silence=2", "is not a fault with its share"),
            ("silence=101%", "is not a fault with its share"),
            ("silence=NaN%", "is not a fault with its share"),
            ("silence=1%,from=2", "is not a fault with its share"),
            ("silence@3=1%", "parameter"),
            ("503@soon=1%", "parameter"),
            ("gzip-bomb@2GiB=1%", "parameter"),
        ] {
            let message = text.parse::<FaultShare>().expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<FaultShare>();
        }
    }
}
