//! smol's LocalExecutor, a task for every URL: one thread does everything.

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol::{LocalExecutor, Timer};

use super::{Model, Pairing};
use crate::clients::{AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnSmol};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "smol-local",
    about: "smol's LocalExecutor on one thread, one task a URL",
    details: "The main thread runs every task and waits for sockets. (smol's reactor has a helper \
        thread that wakes only when nobody else waits.) A task is spawned when another has ended, so \
        no more are alive than may be in flight.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Hyper<OnSmol>>(run::<Hyper<OnSmol>>),
        Pairing::common::<Futures<OnSmol>>(run::<Futures<OnSmol>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = C::new(plan)?;
    let clock = gate.clock();
    let executor = LocalExecutor::new();

    let go = gate.ready(concat!("smol ", env!("VERSION_smol"), ", 1 thread"), C::VERSION)?;
    let samples = smol::block_on(executor.run(async {
        let mut samples = Vec::with_capacity(plan.ids.len());
        let mut tasks = FuturesUnordered::new();
        for &id in &plan.ids {
            if tasks.len() == plan.in_flight {
                samples.extend(tasks.next().await);
            }
            let (client, clock) = (client.clone(), clock.clone());
            tasks.push(executor.spawn(async move { clock.time_async(id, Timer::after, client.fetch(id)).await }));
        }
        while let Some(sample) = tasks.next().await {
            samples.push(sample);
        }
        samples
    }));
    go.done(samples)
}
