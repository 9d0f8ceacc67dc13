//! Stackful coroutines: code that looks blocking, on stacks that a scheduler in the program switches.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use may::net::TcpStream;
use may::sync::mpmc;
use may::{coroutine, go};

use super::{Model, Pairing};
use crate::clients::BlockingFetch;
use crate::clients::common::blocking::{Blocking, Socket};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

/// A stack in machine words: what a fetch needs several times over.
const STACK_WORDS: usize = 8 << 10;

pub(super) const MODEL: Model = Model {
    name: "coroutines",
    about: "stackful coroutines (may), the nearest Rust has to goroutines",
    details: "As many coroutines as may be in flight, all started before `go`, drawing ids from one \
        queue, on a worker thread a core; 64 KiB of stack each, of which only what is touched takes \
        memory. Only with the common client: ureq would block the worker thread and with it every \
        coroutine there, and no client for may is in use.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::common::<Blocking<TcpStream>>(run::<Blocking<TcpStream>>)],
};

impl Socket for TcpStream {
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn give_up_reading_after(&self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }
}

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    may::config().set_workers(plan.cores).set_stack_size(STACK_WORDS);
    let client = C::new(plan)?;
    let clock = gate.clock();
    let (ids, queue) = mpmc::channel();

    coroutine::scope(|scope| {
        let ids = ids; // dropped with this closure, so that the coroutines end whatever happens in it
        let fetch_all = || queue.iter().map(|id| clock.time(id, coroutine::sleep, || client.fetch(id))).collect::<Vec<_>>();
        let all: Vec<_> = (0..plan.in_flight).map(|_| go!(scope, fetch_all)).collect();

        let go = gate.ready(format!("may {}, {} threads", env!("VERSION_may"), plan.cores), C::VERSION)?;
        plan.ids.iter().try_for_each(|&id| ids.send(id))?;
        drop(ids);
        go.done(all.into_iter().flat_map(|coroutine| coroutine.join()).collect())
    })
}
