//! One current-thread runtime a core: nothing is stolen and nothing is shared but the queue of ids.

use std::thread;

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Model, Pairing};
use crate::clients::{
    AsyncFetch, common::futures::Futures, hyper::Hyper, net::OnTokio, reqwest::Reqwest,
};
use crate::protocol::{Plan, Sample};
use crate::worker::{Clock, Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "tokio-per-core",
    about: "one current-thread runtime a core, nothing shared but the queue of ids",
    details: "A thread a core, no more of them than may be in flight, with a runtime and a client of \
        its own and an even share of the requests in flight. The queue is shared, so that no core is \
        idle while ids are left. In each runtime a task fetches one URL after another.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Reqwest>(run::<Reqwest>),
        Pairing::common::<Futures<OnTokio>>(run::<Futures<OnTokio>>),
        Pairing::named::<Hyper<OnTokio>>("hyper", run::<Hyper<OnTokio>>),
    ],
};

fn run<C: AsyncFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let cores = plan.cores.min(plan.in_flight);
    let clock = gate.clock();
    let (ids, queue) = crossbeam_channel::unbounded();
    let (begin, begun) = crossbeam_channel::bounded::<()>(0);

    thread::scope(|scope| {
        let (ids, begin) = (ids, begin); // dropped with this closure, so that no thread waits for ever
        let mut threads = Vec::new();
        for core in 0..cores {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let share = plan.in_flight / cores + usize::from(core < plan.in_flight % cores);
            let (client, clock, queue, begun) = (C::new(plan)?, clock.clone(), queue.clone(), begun.clone());
            threads.push(scope.spawn(move || {
                let _ = begun.recv(); // closed at `go`
                runtime.block_on(fetch_all(share, client, clock, queue))
            }));
        }

        let version = format!("tokio {}, {cores} threads with a runtime each", env!("VERSION_tokio"));
        let go = gate.ready(version, C::VERSION)?;
        plan.ids.iter().try_for_each(|&id| ids.send(id))?;
        drop((ids, begin));
        let samples = threads.into_iter().flat_map(|thread| thread.join().expect("a fetch does not panic"));
        go.done(samples.collect())
    })
}

async fn fetch_all<C: AsyncFetch>(
    share: usize,
    client: C,
    clock: Clock,
    queue: crossbeam_channel::Receiver<u64>,
) -> Vec<Sample> {
    let mut tasks = JoinSet::new();
    for _ in 0..share {
        let (client, clock, queue) = (client.clone(), clock.clone(), queue.clone());
        tasks.spawn(async move {
            let mut samples = Vec::new();
            while let Ok(id) = queue.try_recv() {
                samples.push(clock.time_async(id, sleep, client.fetch(id)).await);
            }
            samples
        });
    }
    tasks.join_all().await.concat()
}
