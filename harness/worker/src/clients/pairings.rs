//! The table of pairings: which clients each family of models drives.
//!
//! A new client is one file in this folder and one line here, in the family of the models that can drive it. Every model
//! of the family then has it. A client that only one model can drive is named in the file of that model.

use super::Client;
use crate::protocol::Plan;
use crate::{Done, Setup};

/// The name of the client that is the same for all models.
pub const COMMON: &str = "common";

/// The name of the client that people use with a model.
pub const NATIVE: &str = "native";

/// The pairings of a model with the clients of its family, by their names on the command line. The first is the
/// default. `$run` is the model's function, which is generic over the client.
macro_rules! pairings {
    // Models whose threads block drive any `BlockingFetch`.
    (blocking, $run:ident) => {
        $crate::clients::pairings::pair!($run,
            $crate::clients::pairings::NATIVE => $crate::clients::Ureq,
            $crate::clients::pairings::COMMON => $crate::clients::Blocking<std::net::TcpStream>,
        )
    };
    // The others drive any `AsyncFetch` that works on their runtime.
    (tokio, $run:ident) => {
        $crate::clients::pairings::pair!($run,
            $crate::clients::pairings::NATIVE => $crate::clients::Reqwest,
            $crate::clients::pairings::COMMON => $crate::clients::Futures<$crate::clients::runtime::Tokio>,
            "hyper" => $crate::clients::Hyper<$crate::clients::runtime::Tokio>,
        )
    };
    (smol, $run:ident) => {
        $crate::clients::pairings::pair!($run,
            $crate::clients::pairings::NATIVE => $crate::clients::Hyper<$crate::clients::runtime::Smol>,
            $crate::clients::pairings::COMMON => $crate::clients::Futures<$crate::clients::runtime::Smol>,
        )
    };
    (async_std, $run:ident) => {
        $crate::clients::pairings::pair!($run,
            $crate::clients::pairings::NATIVE => $crate::clients::Hyper<$crate::clients::runtime::AsyncStd>,
            $crate::clients::pairings::COMMON => $crate::clients::Futures<$crate::clients::runtime::AsyncStd>,
        )
    };
}

/// A list of pairings, each from the client's name and type.
macro_rules! pair {
    ($run:ident, $($name:expr => $client:ty),+ $(,)?) => {
        &[$($crate::clients::pairings::Pairing::new::<$client>($name, $run::<$client>)),+]
    };
}

pub(crate) use {pair, pairings};

/// A model with one of its clients.
pub struct Pairing {
    /// The client's name on the command line.
    pub name: &'static str,
    /// The client and its version.
    pub version: &'static str,
    /// The client's settings and the reasons for them.
    pub details: &'static str,
    /// The model, with this client.
    pub run: Run,
}

/// Sets up, waits for `go`, fetches every id of the plan exactly once, and reports the samples.
pub type Run = fn(&Plan, Setup) -> anyhow::Result<Done>;

impl Pairing {
    pub(crate) const fn new<C: Client>(name: &'static str, run: Run) -> Pairing {
        Pairing { name, version: C::VERSION, details: C::DETAILS, run }
    }
}
