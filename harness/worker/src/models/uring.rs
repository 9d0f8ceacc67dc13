//! One completion loop: the program submits whole reads and writes to io_uring, which reports when they are
//! complete.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result};
use compio::runtime::{Runtime, spawn, time::sleep};

use super::{COMMON, Model, Pairing};
use crate::clients::Client;
use crate::clients::common::completion::Completion;
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "uring",
    about: "one completion loop over io_uring, which needs Linux 5.19 or later",
    details: "The main thread, and no other, with compio's runtime and no fallback to epoll. A task a slot: as many as \
        may be in flight, taking ids from one queue, each with a connection and a buffer of its own, since the \
        system writes into the buffer while the task waits. Only with the common client: HTTP clients for compio \
        use hyper internally.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::new::<Completion>(COMMON, run)],
};

fn run(plan: &Plan, setup: Setup) -> Result<Done> {
    let runtime = Runtime::new().context("io_uring is not available (needs Linux 5.19 or later, not disabled)")?;
    let client = Completion::new(plan)?;
    let recorder = setup.recorder();
    let queue = Rc::new(RefCell::new(plan.ids.clone().into_iter()));

    let running = setup.ready(concat!("compio ", env!("VERSION_compio"), ", 1 thread"), Completion::VERSION)?;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..plan.in_flight)
            .map(|_| {
                let (mut client, recorder, queue) = (client.another(), recorder.clone(), queue.clone());
                spawn(async move {
                    let next = || queue.borrow_mut().next();
                    while let Some(id) = next() {
                        recorder.time_async(id, sleep, || client.fetch(id)).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a fetch does not panic");
        }
    });
    running.done()
}
