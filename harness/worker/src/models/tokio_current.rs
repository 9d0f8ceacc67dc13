//! Tokio's current-thread runtime, one task a URL: one thread does everything.

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Model;
use crate::clients::{AsyncFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "tokio-current",
    about: "tokio's current-thread runtime, one task a URL",
    details: "The main thread, and no other. A task a URL, spawned when another has ended, so that no more tasks are \
        alive than may be in flight. `block_on` runs the loop that spawns them, on the same thread as all tasks.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(tokio, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = C::new(plan)?;
    let recorder = setup.recorder();

    let running = setup.ready(concat!("tokio ", env!("VERSION_tokio"), ", 1 thread"), C::VERSION)?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for &id in &plan.ids {
            if tasks.len() == plan.in_flight
                && let Some(ended) = tasks.join_next().await
            {
                ended?;
            }
            let (client, recorder) = (client.clone(), recorder.clone());
            tasks.spawn(async move { recorder.time_async(id, sleep, || client.fetch(id)).await });
        }
        tasks.join_all().await;
        anyhow::Ok(())
    })?;
    running.done()
}
