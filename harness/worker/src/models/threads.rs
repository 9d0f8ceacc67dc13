//! A fixed pool of OS threads taking ids from one queue: the kernel does the scheduling.

use std::thread;

use anyhow::Result;

use super::Model;
use crate::clients::{BlockingFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "threads",
    about: "a fixed pool of OS threads taking ids from one queue",
    details: "As many threads as may be in flight, all started before `go`, with the standard library's stacks: 2 MiB \
        of address space each, of which only touched pages take memory. A thread fetches one URL after another with \
        a client of its own and so over one connection: threads that share a client contend for its pool. The queue \
        has the capacity for all ids.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(blocking, run),
};

fn run<C: BlockingFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let recorder = setup.recorder();
    let (ids, queue) = crossbeam_channel::bounded(plan.ids.len());

    thread::scope(|scope| {
        let ids = ids; // dropped with this closure, so that the pool ends even on an error
        let mut pool = Vec::new();
        for _ in 0..plan.in_flight {
            let (client, recorder, queue) = (C::new(plan)?, &recorder, &queue);
            let fetch_all = move || queue.iter().for_each(|id| recorder.time(id, thread::sleep, || client.fetch(id)));
            pool.push(thread::Builder::new().spawn_scoped(scope, fetch_all)?);
        }

        let runtime = format!("std, {} threads (main waits for {})", 1 + pool.len(), pool.len());
        let running = setup.ready(runtime, C::VERSION)?;
        plan.ids.iter().try_for_each(|&id| ids.send(id))?;
        drop(ids);
        pool.into_iter().for_each(|thread| thread.join().expect("a fetch does not panic"));
        running.done()
    })
}
