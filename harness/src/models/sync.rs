//! One thread, one request at a time: every delay is waited out in full before the next begins.

use std::net::TcpStream;
use std::thread;

use anyhow::Result;

use super::{Model, Pairing};
use crate::clients::{BlockingFetch, common::blocking::Blocking, ureq::Ureq};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "sync",
    about: "one thread, one request at a time",
    details: "The main thread, and no other.",
    max_in_flight: Some(1),
    no_rate: None,
    clients: &[
        Pairing::native::<Ureq>(run::<Ureq>),
        Pairing::common::<Blocking<TcpStream>>(run::<Blocking<TcpStream>>),
    ],
};

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = C::new(plan)?;
    let recorder = gate.recorder();

    let go = gate.ready("std, 1 thread", C::VERSION)?;
    plan.ids.iter().for_each(|&id| recorder.time(id, thread::sleep, || client.fetch(id)));
    go.done()
}
