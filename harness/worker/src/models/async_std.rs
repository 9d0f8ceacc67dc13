//! async-std's global executor, one task a URL. The library is no longer developed.

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_std::task;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Model;
use crate::clients::{AsyncFetch, pairings};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "async-std",
    about: "async-std's global executor, one task a URL; discontinued in favour of smol",
    details: "A thread a core, set before the executor starts: the default is the same, unless an environment \
        variable sets more. Besides them the main thread, and the reactor's helper thread, which polls sockets only \
        while all others are busy. The reactor is that of smol, so differences between the two are those of their \
        executors. A task a URL, spawned when another has ended, so that no more tasks are alive than may be in \
        flight. A task on the executor spawns them: in `block_on` the loop would be on the main thread, and the end \
        of every task would have to wake that thread. async-std is discontinued (RUSTSEC-2025-0052) and included for \
        comparison.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(async_std, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let threads = GlobalExecutorConfig::default().with_min_threads(plan.cores).with_max_threads(plan.cores);
    async_global_executor::init_with_config(threads);
    let fetch_all = fetch_all(plan.ids.clone(), plan.in_flight, C::new(plan)?, setup.recorder());

    let (version, threads) = (env!("VERSION_async-std"), plan.cores);
    let runtime = format!("async-std {version}, {} threads (main waits for {threads})", 2 + threads);
    let running = setup.ready(runtime, C::VERSION)?;
    task::block_on(task::spawn(fetch_all));
    running.done()
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
