//! One thread, one request at a time: every delay is waited out in full before the next begins.

use anyhow::Result;

use super::Model;
use crate::clients::{BlockingFetch, ureq::Ureq};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "sync",
    about: "one thread, one request at a time",
    native_client: "ureq",
    max_in_flight: Some(1),
    native,
};

fn native(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = Ureq::new(plan);
    let clock = gate.clock();

    let go = gate.ready("std, 1 thread", Ureq::VERSION)?;
    let samples = plan.ids.iter().map(|&id| clock.time(id, || client.fetch(id))).collect();
    go.done(samples)
}
