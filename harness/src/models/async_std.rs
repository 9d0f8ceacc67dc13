//! async-std's global executor, a task for every URL: a library that is no longer developed.

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_std::task;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Model, Pairing};
use crate::clients::{AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnAsyncStd};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "async-std",
    about: "async-std's global executor, one task a URL; discontinued in favour of smol",
    details: "A thread a core, set before the executor starts: its default would be the same, and more \
        under an environment variable; besides them the main thread, and the reactor's helper thread, which \
        waits for sockets only while all others are busy. It stands on the reactor that smol stands on, so differences \
        between the two are those of their executors. A task a URL, spawned when another has ended, so no more \
        are alive than may be in flight, by a task on the executor: left to `block_on` it would be on the main \
        thread, and every end of a task would have to cross over to it. It is discontinued (RUSTSEC-2025-0052) \
        and stays for comparison.",
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
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, gate.recorder());

    let (version, threads) = (env!("VERSION_async-std"), plan.cores);
    let runtime = format!("async-std {version}, {} threads (main waits for {threads})", 2 + threads);
    let go = gate.ready(runtime, C::VERSION)?;
    task::block_on(task::spawn(fetch_all));
    go.done()
}

async fn fetch_all<C: AsyncFetch>(ids: Vec<u64>, in_flight: usize, client: C, recorder: Recorder) {
    let mut tasks = FuturesUnordered::new();
    for id in ids {
        if tasks.len() == in_flight {
            tasks.next().await;
        }
        let (client, recorder) = (client.clone(), recorder.clone());
        tasks.push(task::spawn(async move { recorder.time_async(id, task::sleep, || client.fetch(id)).await }));
    }
    tasks.collect::<()>().await;
}
