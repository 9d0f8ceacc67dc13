//! One task that holds all its fetches itself: concurrency without parallelism.

use anyhow::Result;
use futures_util::stream::{self, StreamExt};
use tokio::runtime::Builder;
use tokio::time::sleep;

use super::Model;
use crate::clients::{AsyncFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "tokio-buffered",
    about: "one task on tokio's current-thread runtime, buffer_unordered over the ids",
    details: "The main thread, and no other, since one task runs on one thread at a time. One task for all \
        URLs: nothing is spawned, and `buffer_unordered` polls the fetches that were woken.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(tokio, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = &C::new(plan)?;
    let recorder = setup.recorder();

    let running = setup.ready(concat!("tokio ", env!("VERSION_tokio"), ", 1 thread"), C::VERSION)?;
    let fetches = stream::iter(&plan.ids).map(|&id| recorder.time_async(id, sleep, move || client.fetch(id)));
    runtime.block_on(fetches.buffer_unordered(plan.in_flight).collect::<()>());
    running.done()
}
