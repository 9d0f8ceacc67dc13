//! A new OS thread for every URL, a bounded number of them alive: what a thread costs to start.

use std::net::TcpStream;
use std::thread;

use anyhow::Result;

use super::{Model, Pairing};
use crate::clients::{BlockingFetch, common::blocking::Blocking, ureq::Ureq};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "thread-per-request",
    about: "a new OS thread for every URL, a bounded number of them alive",
    details: "A thread a URL, started by the main thread when another has ended its fetch, so no more fetch than \
        may be in flight; with the standard library's stacks. The client and its connections are shared: only \
        the threads are new.",
    max_in_flight: None,
    no_rate: None,
    clients: &[
        Pairing::native::<Ureq>(run::<Ureq>),
        Pairing::common::<Blocking<TcpStream>>(run::<Blocking<TcpStream>>),
    ],
};

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = C::new(plan)?;
    let recorder = gate.recorder();
    let (end, ended) = crossbeam_channel::bounded(plan.in_flight);

    let runtime = format!("std, at most {} threads (main starts the others)", 1 + plan.in_flight);
    let go = gate.ready(runtime, C::VERSION)?;
    thread::scope(|scope| {
        for (begun, &id) in plan.ids.iter().enumerate() {
            if begun >= plan.in_flight {
                ended.recv()?;
            }
            let (end, client, recorder) = (&end, &client, &recorder);
            thread::Builder::new().spawn_scoped(scope, move || {
                recorder.time(id, thread::sleep, || client.fetch(id));
                end.send(()).expect("somebody listens");
            })?;
        }
        anyhow::Ok(())
    })?;
    go.done()
}
