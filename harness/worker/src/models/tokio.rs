//! Tokio's multi-thread runtime, one task a URL, a bounded number of them alive.

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Model;
use crate::clients::{AsyncFetch, pairings};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "tokio",
    about: "tokio's multi-thread runtime, one task a URL",
    details: "A worker thread a core. A task a URL, as in servers and crawlers on tokio, spawned when another has \
        ended, so that no more tasks are alive than may be in flight. A task on a worker spawns them: in `block_on` \
        the loop would be on the main thread, and the end of every task would have to wake that thread.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(tokio, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let runtime = Builder::new_multi_thread().worker_threads(plan.cores).enable_all().build()?;
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, setup.recorder());

    let (version, workers) = (env!("VERSION_tokio"), plan.cores);
    let threads = format!("tokio {version}, {} threads (main waits for {workers})", 1 + workers);
    let running = setup.ready(threads, C::VERSION)?;
    runtime.block_on(runtime.spawn(fetch_all))??;
    running.done()
}

async fn fetch_all<C: AsyncFetch>(
    ids: Vec<u64>,
    in_flight: usize,
    client: C,
    recorder: Recorder,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    for id in ids {
        if tasks.len() == in_flight
            && let Some(ended) = tasks.join_next().await
        {
            ended?;
        }
        let (client, recorder) = (client.clone(), recorder.clone());
        tasks.spawn(async move { recorder.time_async(id, sleep, || client.fetch(id)).await });
    }
    tasks.join_all().await;
    Ok(())
}
