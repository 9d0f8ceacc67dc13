//! One completion loop: the program hands whole reads and writes to io_uring, and is told when they
//! are done.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result};
use compio::runtime::{Runtime, spawn, time::sleep};

use super::{Model, Pairing};
use crate::clients::Client;
use crate::clients::common::completion::Completion;
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "uring",
    about: "one completion loop over io_uring, which needs Linux 5.19 or later",
    details: "The main thread, and no other, with compio's runtime and no fallback to epoll. As many \
        tasks as may be in flight, each with a connection of its own, drawing ids from one queue. Only \
        with the common client: what HTTP there is for compio is hyper underneath.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::common::<Completion>(run)],
};

fn run(plan: &Plan, gate: Gate) -> Result<Finished> {
    let runtime = Runtime::new().context("this system gives no io_uring (Linux 5.19 or later, not disabled)")?;
    let client = Completion::new(plan)?;
    let clock = gate.clock();
    let queue = Rc::new(RefCell::new(plan.ids.clone().into_iter()));

    let go = gate.ready(concat!("compio ", env!("VERSION_compio"), ", 1 thread"), Completion::VERSION)?;
    let samples = runtime.block_on(async {
        let tasks: Vec<_> = (0..plan.in_flight)
            .map(|_| {
                let (mut lane, clock, queue) = (client.lane(), clock.clone(), queue.clone());
                spawn(async move {
                    let mut samples = Vec::new();
                    let next = || queue.borrow_mut().next();
                    while let Some(id) = next() {
                        samples.push(clock.time_async(id, sleep, lane.fetch(id)).await);
                    }
                    samples
                })
            })
            .collect();
        let mut samples = Vec::with_capacity(plan.ids.len());
        for task in tasks {
            samples.extend(task.await.expect("a fetch does not panic"));
        }
        samples
    });
    go.done(samples)
}
