//! smol's executor on a thread a core, a task for every URL: a runtime put together from small parts.

use std::thread;

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol::{Timer, future};

use super::{Model, Pairing};
use crate::clients::{AsyncFetch, common::futures::Futures, hyper::Hyper, net::{OnSmol, SMOL}};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "smol",
    about: "smol's executor on a thread a core, one task a URL",
    details: "A thread a core, the main thread among them, and the reactor's helper thread, which waits for \
        sockets only while all others are busy. `smol::spawn` would use one thread, unless an environment variable says \
        otherwise before it is first called, so the same executor is made and run here. A task a URL, spawned \
        when another has ended, so no more are alive than may be in flight, by a task on the executor: left to \
        `block_on` it would be on the main thread, and every end of a task would have to cross over to it.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Hyper<OnSmol>>(run::<Hyper<OnSmol>>),
        Pairing::common::<Futures<OnSmol>>(run::<Futures<OnSmol>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, gate.recorder());
    for _ in 1..plan.cores {
        thread::Builder::new().spawn(|| smol::block_on(SMOL.run(future::pending::<()>())))?;
    }

    let version = env!("VERSION_smol");
    let go = gate.ready(format!("smol {version}, {} threads", 1 + plan.cores), C::VERSION)?;
    smol::block_on(SMOL.run(SMOL.spawn(fetch_all)));
    go.done()
}

async fn fetch_all<C: AsyncFetch>(ids: Vec<u64>, in_flight: usize, client: C, recorder: Recorder) {
    let mut tasks = FuturesUnordered::new();
    for id in ids {
        if tasks.len() == in_flight {
            tasks.next().await;
        }
        let (client, recorder) = (client.clone(), recorder.clone());
        tasks.push(SMOL.spawn(async move { recorder.time_async(id, Timer::after, || client.fetch(id)).await }));
    }
    tasks.collect::<()>().await;
}
