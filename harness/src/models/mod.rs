//! The concurrency models. A new one is one file here and one line in the list below.

use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

/// A concurrency model is data: a name, a sentence, and the function that is the model.
pub struct Model {
    /// The word on the command line.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// The client people use with it.
    pub native_client: &'static str,
    /// The most requests it can have in flight in one process, where the model itself says so.
    pub max_in_flight: Option<u32>,
    /// The model, with its native client.
    pub native: Run,
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

models![sync, threads, tokio];

/// The client that a plan asks for when it asks for the one people use.
pub const NATIVE: &str = "native";

/// The function that runs `model` with `client`.
pub fn find(model: &str, client: &str) -> Option<Run> {
    let model = MODELS.iter().find(|known| known.name == model)?;
    (client == NATIVE).then_some(model.native)
}
