//! The concurrency models. A new one is one file here and one word in the list below.

/// The client that is the same for all models.
pub use inflight_report::record::COMMON;

use crate::clients::Client;
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

/// A concurrency model is data: a name, a sentence, and the functions that are the model.
pub struct Model {
    /// The word on the command line.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// What is set in it and why.
    pub details: &'static str,
    /// The most requests it can have in flight in one process, where the model itself says so.
    pub max_in_flight: Option<u32>,
    /// Why it cannot start requests when they are due, where it cannot.
    pub no_rate: Option<&'static str>,
    /// The clients it can drive. The first is the one that is meant when none is named.
    pub clients: &'static [Pairing],
}

/// A model with one of its clients.
pub struct Pairing {
    /// The client's word on the command line, [`NATIVE`] for the one people use with the model.
    pub name: &'static str,
    /// The client and its version.
    pub version: &'static str,
    /// What is set in the client and why.
    pub details: &'static str,
    /// The model, with this client.
    pub run: Run,
}

/// Sets up, waits for `go`, fetches every id of the plan exactly once, and hands over the samples.
pub type Run = fn(&Plan, Gate) -> anyhow::Result<Finished>;

macro_rules! models {
    ($($model:ident),* $(,)?) => {
        $(mod $model;)*
        /// Every model, in the order in which they are shown.
        pub const MODELS: &[Model] = &[$($model::MODEL),*];
    };
}

models![
    sync,
    threads,
    thread_per_request,
    rayon,
    tokio,
    tokio_current,
    tokio_buffered,
    tokio_per_core,
    async_std,
    smol,
    smol_local,
    coroutines,
    epoll,
    uring,
];

/// What is raced when nothing else is asked for: the approaches of the article.
pub const DEFAULT: [&str; 4] = ["sync:1", "threads:32", "tokio:128", "tokio:8x64"];

/// The model whose cost with the common client that of the others is held against.
pub const COST_BASE: &str = "epoll";

/// A contender as an example in help and advice.
pub const EXAMPLE: &str = DEFAULT[3];

/// The client that people use with a model.
pub const NATIVE: &str = "native";

impl Pairing {
    const fn native<C: Client>(run: Run) -> Pairing {
        Pairing::named::<C>(NATIVE, run)
    }

    const fn common<C: Client>(run: Run) -> Pairing {
        Pairing::named::<C>(COMMON, run)
    }

    const fn named<C: Client>(name: &'static str, run: Run) -> Pairing {
        Pairing { name, version: C::VERSION, details: C::DETAILS, run }
    }
}

/// The function that runs `model` with `client`.
pub fn find(model: &str, client: &str) -> Option<Run> {
    let model = MODELS.iter().find(|known| known.name == model)?;
    model.clients.iter().find(|known| known.name == client).map(|known| known.run)
}
