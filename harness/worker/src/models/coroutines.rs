//! Stackful coroutines: code that looks blocking, on stacks that a user-space scheduler switches.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use may::net::TcpStream;
use may::sync::SyncFlag;
use may::{coroutine, go};

use super::{COMMON, Model, Pairing};
use crate::clients::BlockingFetch;
use crate::clients::common::blocking::{Blocking, Socket};
use crate::clients::common::is_reusable;
use crate::protocol::Plan;
use crate::{Done, Setup};

/// The size of a stack, in machine words: several times what a fetch needs.
const STACK_WORDS: usize = 8 << 10;

pub(super) const MODEL: Model = Model {
    name: "coroutines",
    about: "stackful coroutines (may), the nearest Rust has to goroutines",
    details: "A coroutine a slot: as many as may be in flight, all started before `go`. Each takes the next id of the \
        list when it has fetched one: to allocate a stack for every URL would be the larger cost. A \
        worker thread a core, and may's thread for timers. 64 KiB of stack each, of which only touched pages take \
        memory. The client and its connections are shared. Only with the common client: ureq would block the worker \
        thread and every coroutine on it, and no client for may is in use.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::new::<Blocking<TcpStream>>(COMMON, run::<Blocking<TcpStream>>)],
};

impl Socket for TcpStream {
    fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }

    fn is_reusable(&self) -> bool {
        is_reusable(self.inner())
    }
}

fn run<C: BlockingFetch>(plan: &Plan, setup: Setup) -> Result<Done> {
    may::config().set_workers(plan.cores).set_stack_size(STACK_WORDS);
    let client = C::new(plan)?;
    let recorder = setup.recorder();
    let (begin, next) = (SyncFlag::new(), AtomicUsize::new(0));

    coroutine::scope(|scope| {
        let fetch_all = || {
            begin.wait();
            while let Some(&id) = plan.ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                recorder.time(id, coroutine::sleep, || client.fetch(id));
            }
        };
        let all: Vec<_> = (0..plan.in_flight).map(|_| go!(scope, fetch_all)).collect();

        let (version, workers) = (env!("VERSION_may"), plan.cores);
        let runtime = format!("may {version}, {} threads (main waits for {workers})", 2 + workers);
        let running = setup.ready(runtime, C::VERSION)?;
        begin.fire();
        all.into_iter().for_each(|coroutine| coroutine.join());
        running.done()
    })
}
