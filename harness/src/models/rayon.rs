//! A rayon pool: made for work that keeps a core busy, here with threads that mostly wait.

use std::net::TcpStream;
use std::thread;

use anyhow::Result;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::{Model, Pairing};
use crate::clients::{BlockingFetch, common::blocking::Blocking, ureq::Ureq};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

pub(super) const MODEL: Model = Model {
    name: "rayon",
    about: "a rayon pool, par_iter over the ids",
    details: "As many threads as may be in flight: rayon's default, one a core, would have that many \
        requests waiting and no more. They share one client, which the closure of `par_iter` borrows. The ids are split down to single ones, since rayon would keep \
        some together for threads that compute. Its work-stealing order is not first in, first out: \
        it begins with ids from all over the list. The ideal takes URLs in order, and another order can \
        end sooner, so its efficiency can pass 100 %.",
    max_in_flight: None,
    no_rate: Some("its pool takes ids from all over the list, not in the order in which they are due"),
    clients: &[
        Pairing::native::<Ureq>(run::<Ureq>),
        Pairing::common::<Blocking<TcpStream>>(run::<Blocking<TcpStream>>),
    ],
};

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    let client = C::new(plan)?;
    let recorder = gate.recorder();
    let pool = ThreadPoolBuilder::new().num_threads(plan.in_flight).build()?;

    let (version, threads) = (env!("VERSION_rayon"), pool.current_num_threads());
    let runtime = format!("rayon {version}, {} threads (main waits for {threads})", 1 + threads);
    let go = gate.ready(runtime, C::VERSION)?;
    pool.install(|| {
        let each = plan.ids.par_iter().with_max_len(1);
        each.for_each(|&id| recorder.time(id, thread::sleep, || client.fetch(id)));
    });
    go.done()
}
