//! A new OS thread for every URL, a bounded number of them alive: the cost of starting threads.

use std::thread;

use anyhow::Result;

use super::Model;
use crate::clients::{BlockingFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "thread-per-request",
    about: "a new OS thread for every URL, a bounded number of them alive",
    details: "A thread a URL, started by the main thread when another has ended its fetch, so that no more fetch than \
        may be in flight; with the standard library's stacks. The client and its connections are shared: only the \
        threads are new.",
    max_in_flight: None,
    no_rate: None,
    clients: pairings!(blocking, run),
};

fn run<C: BlockingFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let client = C::new(plan)?;
    let recorder = setup.recorder();
    let (end, ended) = crossbeam_channel::bounded(plan.in_flight);

    let runtime = format!("std, at most {} threads (main starts the others)", 1 + plan.in_flight);
    let running = setup.ready(runtime, C::VERSION)?;
    thread::scope(|scope| {
        for (begun, &id) in plan.ids.iter().enumerate() {
            if begun >= plan.in_flight {
                ended.recv()?;
            }
            let (end, client, recorder) = (&end, &client, &recorder);
            thread::Builder::new().spawn_scoped(scope, move || {
                recorder.time(id, thread::sleep, || client.fetch(id));
                end.send(()).expect("the receiver outlives the threads");
            })?;
        }
        anyhow::Ok(())
    })?;
    running.done()
}
