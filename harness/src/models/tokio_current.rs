//! Tokio's current-thread runtime, a task for every URL: one thread does everything.

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Model, Pairing};
use crate::clients::{
    AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnTokio, reqwest::Reqwest,
};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "tokio-current",
    about: "tokio's current-thread runtime, one task a URL",
    details: "The main thread, and no other. A task a URL, spawned when another has ended, so no more are \
        alive than may be in flight. The task that spawns them is the one that `block_on` runs: here it is on \
        the thread of all others.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Reqwest>(run::<Reqwest>),
        Pairing::common::<Futures<OnTokio>>(run::<Futures<OnTokio>>),
        Pairing::named::<Hyper<OnTokio>>("hyper", run::<Hyper<OnTokio>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = C::new(plan)?;
    let recorder = gate.recorder();

    let go = gate.ready(concat!("tokio ", env!("VERSION_tokio"), ", 1 thread"), C::VERSION)?;
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
    go.done()
}
