//! Tokio's multi-thread runtime, a task for every URL, a semaphore to bound how many are alive.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Model;
use crate::clients::{AsyncFetch, reqwest::Reqwest};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "tokio",
    about: "tokio's multi-thread runtime, one task a URL, bounded by a semaphore",
    native_client: "reqwest",
    max_in_flight: None,
    native,
};

fn native(plan: &Plan, gate: Gate) -> Result<Finished> {
    let runtime = Builder::new_multi_thread().worker_threads(plan.cores).enable_all().build()?;
    let client = Reqwest::new(plan)?;
    let permits = Arc::new(Semaphore::new(plan.in_flight));
    let clock = gate.clock();

    let version = format!("tokio {}, {} worker threads", env!("VERSION_tokio"), plan.cores);
    let go = gate.ready(version, Reqwest::VERSION)?;
    let samples = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for &id in &plan.ids {
            let permit = permits.clone().acquire_owned().await?;
            let (client, clock) = (client.clone(), clock.clone());
            tasks.spawn(async move {
                let sample = clock.time_async(id, client.fetch(id)).await;
                drop(permit);
                sample
            });
        }
        anyhow::Ok(tasks.join_all().await)
    })?;
    go.done(samples)
}
