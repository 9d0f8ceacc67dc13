//! Tokio's multi-thread runtime, a task for every URL, a bounded number of them alive.

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Model, Pairing};
use crate::clients::{
    AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnTokio, reqwest::Reqwest,
};
use crate::protocol::{Plan, Sample};
use crate::worker::{Clock, Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "tokio",
    about: "tokio's multi-thread runtime, one task a URL",
    details: "A worker thread a core. A task is spawned when another has ended, so no more are alive \
        than may be in flight.",
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
    let client = C::new(plan)?;
    let clock = gate.clock();

    let version = format!("tokio {}, {} worker threads", env!("VERSION_tokio"), plan.cores);
    let go = gate.ready(version, C::VERSION)?;
    let samples = runtime.block_on(fetch_all(plan, client, clock))?;
    go.done(samples)
}

async fn fetch_all<C: AsyncFetch>(plan: &Plan, client: C, clock: Clock) -> Result<Vec<Sample>> {
    let mut samples = Vec::with_capacity(plan.ids.len());
    let mut tasks = JoinSet::new();
    for &id in &plan.ids {
        if tasks.len() == plan.in_flight
            && let Some(ended) = tasks.join_next().await
        {
            samples.push(ended?);
        }
        let (client, clock) = (client.clone(), clock.clone());
        tasks.spawn(async move { clock.time_async(id, sleep, client.fetch(id)).await });
    }
    samples.extend(tasks.join_all().await);
    Ok(samples)
}
