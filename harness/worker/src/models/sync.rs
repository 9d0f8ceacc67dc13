//! One thread, one request at a time: every delay is waited out in full before the next begins.

use std::thread;

use anyhow::Result;

use super::Model;
use crate::clients::{BlockingFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "sync",
    about: "one thread, one request at a time",
    details: "The main thread, and no other.",
    max_in_flight: Some(1),
    no_rate: None,
    clients: pairings!(blocking, run),
};

fn run<C: BlockingFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let client = C::new(plan)?;
    let recorder = setup.recorder();

    let running = setup.ready("std, 1 thread", C::VERSION)?;
    plan.ids.iter().for_each(|&id| recorder.time(id, thread::sleep, || client.fetch(id)));
    running.done()
}
