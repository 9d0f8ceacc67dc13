//! A fixed pool of OS threads drawing ids from one queue: the kernel does the scheduling.

use std::net::TcpStream;
use std::thread;

use anyhow::Result;

use super::{Model, Pairing};
use crate::clients::{BlockingFetch, common::blocking::Blocking, ureq::Ureq};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "threads",
    about: "a fixed pool of OS threads drawing ids from one queue",
    details: "As many threads as may be in flight, all started before `go`, with the standard \
        library's stacks: 2 MiB of address space each, of which only what is touched takes memory.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Ureq>(run::<Ureq>),
        Pairing::common::<Blocking<TcpStream>>(run::<Blocking<TcpStream>>),
    ],
};

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = C::new(plan)?;
    let clock = gate.clock();
    let (ids, queue) = crossbeam_channel::unbounded();

    thread::scope(|scope| {
        let ids = ids; // dropped with this closure, so that the pool ends whatever happens in it
        let fetch_all = || queue.iter().map(|id| clock.time(id, thread::sleep, || client.fetch(id))).collect::<Vec<_>>();
        let pool: Vec<_> = (0..plan.in_flight)
            .map(|_| thread::Builder::new().spawn_scoped(scope, fetch_all))
            .collect::<Result<_, _>>()?;

        let go = gate.ready(format!("std, {} threads", pool.len()), C::VERSION)?;
        plan.ids.iter().try_for_each(|&id| ids.send(id))?;
        drop(ids);
        let samples = pool.into_iter().flat_map(|thread| thread.join().expect("a fetch does not panic"));
        go.done(samples.collect())
    })
}
