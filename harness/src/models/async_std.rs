//! async-std's global executor, a task for every URL: a library that is no longer developed.

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_std::task;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Model, Pairing};
use crate::clients::{AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnAsyncStd};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "async-std",
    about: "async-std's global executor, one task a URL; discontinued in favour of smol",
    details: "A thread a core, set before the executor starts: its default would be the same, and more \
        under an environment variable. It stands on the reactor that smol stands on, so differences \
        between the two are those of their executors. It is discontinued (RUSTSEC-2025-0052) and \
        stays for comparison. A task is spawned when another has ended, so no more are alive than may \
        be in flight.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Hyper<OnAsyncStd>>(run::<Hyper<OnAsyncStd>>),
        Pairing::common::<Futures<OnAsyncStd>>(run::<Futures<OnAsyncStd>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let threads = GlobalExecutorConfig::default().with_min_threads(plan.cores).with_max_threads(plan.cores);
    async_global_executor::init_with_config(threads);
    let client = C::new(plan)?;
    let clock = gate.clock();

    let version = format!("async-std {}, {} threads", env!("VERSION_async-std"), plan.cores);
    let go = gate.ready(version, C::VERSION)?;
    let samples = task::block_on(async {
        let mut samples = Vec::with_capacity(plan.ids.len());
        let mut tasks = FuturesUnordered::new();
        for &id in &plan.ids {
            if tasks.len() == plan.in_flight {
                samples.extend(tasks.next().await);
            }
            let (client, clock) = (client.clone(), clock.clone());
            tasks.push(task::spawn(async move { clock.time_async(id, task::sleep, client.fetch(id)).await }));
        }
        while let Some(sample) = tasks.next().await {
            samples.push(sample);
        }
        samples
    });
    go.done(samples)
}
