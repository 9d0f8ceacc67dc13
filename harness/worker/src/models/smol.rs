//! smol's executor on a thread a core, one task a URL: a runtime composed of small parts.

use std::thread;

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol::{Timer, future};

use super::Model;
use crate::clients::{AsyncFetch, pairings, runtime::SMOL};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "smol",
    about: "smol's executor on a thread a core, one task a URL",
    details: "A thread a core, the main thread among them, and the reactor's helper thread, which polls sockets \
        only while all others are busy. `smol::spawn` uses one thread, unless an environment variable says otherwise \
        before its first call, so an executor like its own is created and run here. A task a URL, spawned when \
        another has ended, so that no more tasks are alive than may be in flight. A task on the executor spawns \
        them: in `block_on` the loop would be on the main thread, and the end of every task would have to wake that \
        thread.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(smol, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, setup.recorder());
    for _ in 1..plan.cores {
        thread::Builder::new().spawn(|| smol::block_on(SMOL.run(future::pending::<()>())))?;
    }

    let version = env!("VERSION_smol");
    let running = setup.ready(format!("smol {version}, {} threads", 1 + plan.cores), C::VERSION)?;
    smol::block_on(SMOL.run(SMOL.spawn(fetch_all)));
    running.done()
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
