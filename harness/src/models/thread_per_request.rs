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
    details: "A thread is started when another has told its sample, so no more are alive than may be \
        in flight. The client and its connections are shared: only the threads are new.",
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
    let (told, telling) = crossbeam_channel::unbounded();

    let go = gate.ready(format!("std, at most {} threads", plan.in_flight), C::VERSION)?;
    let mut samples = Vec::with_capacity(plan.ids.len());
    thread::scope(|scope| {
        for (begun, &id) in plan.ids.iter().enumerate() {
            if begun - samples.len() == plan.in_flight {
                samples.push(telling.recv()?);
            }
            let (told, client, clock) = (told.clone(), &client, &clock);
            thread::Builder::new().spawn_scoped(scope, move || {
                told.send(clock.time(id, thread::sleep, || client.fetch(id))).expect("somebody listens");
            })?;
        }
        drop(told);
        samples.extend(telling);
        anyhow::Ok(())
    })?;
    go.done(samples)
}
