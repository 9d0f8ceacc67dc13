//! Types that are serialized as the text that they are parsed from, with serde's `try_from` and `into`.

use std::str::FromStr;

use crate::{Fault, FaultShare, InjectedBug, Latency, Pace};

macro_rules! convert_as_text {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = <$type as FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    )+};
}

convert_as_text!(Fault, FaultShare, InjectedBug, Latency, Pace);
