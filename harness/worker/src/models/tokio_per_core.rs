//! One current-thread runtime a core: no work stealing, and nothing shared but the queue of ids.

use std::thread;

use anyhow::Result;
use crossbeam_channel::Receiver;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Model;
use crate::clients::{AsyncFetch, pairings};
use crate::protocol::Plan;
use crate::recorder::Recorder;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "tokio-per-core",
    about: "one current-thread runtime a core, nothing shared but the queue of ids",
    details: "A thread a core, but no more threads than may be in flight, each with a runtime, a client and an even \
        share of the requests in flight. The queue is shared, so that no core is idle while ids are left. A task a \
        URL, spawned when another on its thread has ended.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(tokio, run),
};

fn run<C: AsyncFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let cores = plan.cores.min(plan.in_flight);
    let recorder = setup.recorder();
    let (ids, queue) = crossbeam_channel::bounded(plan.ids.len());
    let (begin, begun) = crossbeam_channel::bounded::<()>(0);

    thread::scope(|scope| {
        let (ids, begin) = (ids, begin); // dropped with this closure, so that no thread waits forever
        let mut threads = Vec::new();
        for core in 0..cores {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let share = plan.in_flight / cores + usize::from(core < plan.in_flight % cores);
            let (client, recorder, queue, begun) = (C::new(plan)?, &recorder, &queue, &begun);
            threads.push(scope.spawn(move || {
                let _ = begun.recv(); // closed at `go`
                runtime.block_on(fetch_all(queue, share, client, recorder))
            }));
        }

        let version = env!("VERSION_tokio");
        let runtime = format!("tokio {version}, {} threads (main waits for {cores})", 1 + cores);
        let running = setup.ready(runtime, C::VERSION)?;
        plan.ids.iter().try_for_each(|&id| ids.send(id))?;
        drop((ids, begin));
        threads.into_iter().try_for_each(|thread| thread.join().expect("a fetch does not panic"))?;
        running.done()
    })
}

async fn fetch_all<C: AsyncFetch>(
    queue: &Receiver<u64>,
    in_flight: usize,
    client: C,
    recorder: &Recorder,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    while let Ok(id) = queue.try_recv() {
        let (client, recorder) = (client.clone(), recorder.clone());
        tasks.spawn(async move { recorder.time_async(id, sleep, || client.fetch(id)).await });
        if tasks.len() == in_flight
            && let Some(ended) = tasks.join_next().await
        {
            ended?;
        }
    }
    tasks.join_all().await;
    Ok(())
}
