//! The concurrency models. A new one is one file here and one word in the list below.

pub use crate::clients::pairings::{COMMON, NATIVE, Pairing, Run};

/// A concurrency model is data: a name, a sentence, and its pairings with clients, which hold the functions that are
/// the model.
pub struct Model {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Its settings and the reasons for them.
    pub details: &'static str,
    /// The most requests in flight in one process, where the model itself limits them.
    pub max_in_flight: Option<u32>,
    /// Why it cannot start requests at their due times, where it cannot.
    pub no_rate: Option<&'static str>,
    /// The clients it can drive. The first is the default.
    pub clients: &'static [Pairing],
}

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

/// The contenders of a run without arguments: the approaches of the article.
pub const DEFAULT: [&str; 4] = ["sync:1", "threads:32", "tokio:128", "tokio:8x64"];

/// The model whose cost with the common client is the baseline of the others.
pub const COST_BASE: &str = "epoll";

/// A contender as an example in help and advice.
pub const EXAMPLE: &str = DEFAULT[3];

/// The function that runs `model` with `client`.
pub fn find(model: &str, client: &str) -> Option<Run> {
    let model = MODELS.iter().find(|known| known.name == model)?;
    model.clients.iter().find(|known| known.name == client).map(|known| known.run)
}
