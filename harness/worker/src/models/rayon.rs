//! A rayon pool: designed for CPU-bound work, here with threads that mostly wait.

use std::thread;

use anyhow::Result;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Model;
use crate::clients::{BlockingFetch, pairings};
use crate::protocol::Plan;
use crate::{Done, Setup};

pub(super) const MODEL: Model = Model {
    name: "rayon",
    about: "a rayon pool, par_iter over the ids",
    details: "As many threads as may be in flight: rayon's default of one a core would limit the requests in flight to \
        that number. They share one client, which the closure of `par_iter` borrows. The ids are split down to \
        single ones, since rayon would batch some for threads that compute. Its work-stealing order is not first in, \
        first out: it starts with ids from all over the list. The ideal takes URLs in order, and another order can \
        end sooner, so its efficiency can exceed 100 %.",
    max_in_flight: None,
    no_rate: Some("its pool takes ids from all over the list, not in the order in which they are due"),
    clients: pairings!(blocking, run),
};

fn run<C: BlockingFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    let client = C::new(plan)?;
    let recorder = setup.recorder();
    let pool = ThreadPoolBuilder::new().num_threads(plan.in_flight).build()?;

    let (version, threads) = (env!("VERSION_rayon"), pool.current_num_threads());
    let runtime = format!("rayon {version}, {} threads (main waits for {threads})", 1 + threads);
    let running = setup.ready(runtime, C::VERSION)?;
    pool.install(|| {
        let each = plan.ids.par_iter().with_max_len(1);
        each.for_each(|&id| recorder.time(id, thread::sleep, || client.fetch(id)));
    });
    running.done()
}
