//! smol's LocalExecutor, one task a URL: one thread does everything.

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol::{LocalExecutor, Timer};

use super::Model;
use crate::clients::{AsyncFetch, pairings, runtime::SMOL};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "smol-local",
    about: "smol's LocalExecutor on one thread, one task a URL",
    details: "The main thread runs every task and polls sockets; the reactor's helper thread does so only while the \
        main thread is busy. A task a URL, spawned when another has ended, so that no more tasks are alive than may \
        be in flight. hyper's connections must be `Send`, so they are tasks on an Executor that the same thread runs.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(smol, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let client = C::new(plan)?;
    let recorder = setup.recorder();
    let executor = LocalExecutor::new();

    let running = setup.ready(concat!("smol ", env!("VERSION_smol"), ", 2 threads"), C::VERSION)?;
    let fetch_all = async {
        let mut tasks = FuturesUnordered::new();
        for &id in &plan.ids {
            if tasks.len() == plan.in_flight {
                tasks.next().await;
            }
            let (client, recorder) = (client.clone(), recorder.clone());
            tasks.push(executor.spawn(async move { recorder.time_async(id, Timer::after, || client.fetch(id)).await }));
        }
        tasks.collect::<()>().await;
    };
    smol::block_on(SMOL.run(executor.run(fetch_all)));
    running.done()
}
