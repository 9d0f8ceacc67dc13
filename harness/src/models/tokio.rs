//! Tokio's multi-thread runtime, a task for every URL, a bounded number of them alive.

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Model, Pairing};
use crate::clients::{
    AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnTokio, reqwest::Reqwest,
};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "tokio",
    about: "tokio's multi-thread runtime, one task a URL",
    details: "A worker thread a core. A task a URL, as servers and crawlers on tokio have it, spawned when \
        another has ended, so no more are alive than may be in flight. The task that spawns them runs on a \
        worker too: left to `block_on` it would be on the main thread, and every end of a task would have to \
        cross over to it.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Reqwest>(run::<Reqwest>),
        Pairing::common::<Futures<OnTokio>>(run::<Futures<OnTokio>>),
        Pairing::named::<Hyper<OnTokio>>("hyper", run::<Hyper<OnTokio>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let runtime = Builder::new_multi_thread().worker_threads(plan.cores).enable_all().build()?;
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, gate.recorder());

    let (version, workers) = (env!("VERSION_tokio"), plan.cores);
    let threads = format!("tokio {version}, {} threads (main waits for {workers})", 1 + workers);
    let go = gate.ready(threads, C::VERSION)?;
    runtime.block_on(runtime.spawn(fetch_all))??;
    go.done()
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
