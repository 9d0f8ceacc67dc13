//! smol's executor on a thread a core, a task for every URL: a runtime put together from small parts.

use std::thread;

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol::{Executor, Timer, channel};

use super::{Model, Pairing};
use crate::clients::{AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnSmol};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "smol",
    about: "smol's executor on a thread a core, one task a URL",
    details: "A thread a core. `smol::spawn` would use one thread, unless an environment variable says \
        otherwise before it is first called, so the same executor is made and run here. A task is \
        spawned when another has ended, so no more are alive than may be in flight.",
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
    let executor = Executor::new();
    let (running, over) = channel::bounded::<()>(1);

    thread::scope(|scope| {
        let running = running; // dropped with this closure, which ends the threads
        for _ in 0..plan.cores {
            scope.spawn(|| smol::block_on(executor.run(over.recv())));
        }

        let version = format!("smol {}, {} threads", env!("VERSION_smol"), plan.cores);
        let go = gate.ready(version, C::VERSION)?;
        let samples = smol::block_on(async {
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
        });
        drop(running);
        go.done(samples)
    })
}
