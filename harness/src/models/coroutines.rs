//! Stackful coroutines: code that looks blocking, on stacks that a scheduler in the program switches.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use may::net::TcpStream;
use may::sync::SyncFlag;
use may::{coroutine, go};

use super::{Model, Pairing};
use crate::clients::BlockingFetch;
use crate::clients::common::blocking::{Blocking, Socket};
use crate::clients::common::is_quiet;
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

/// A stack in machine words: what a fetch needs several times over.
const STACK_WORDS: usize = 8 << 10;

pub(super) const MODEL: Model = Model {
    name: "coroutines",
    about: "stackful coroutines (may), the nearest Rust has to goroutines",
    details: "A coroutine a slot: as many as may be in flight, all started before `go`, each taking the next id of \
        the list when it has fetched one. A worker thread a core, and may's thread for timers; 64 KiB of stack \
        each, of which only what is touched takes memory, and started anew for each URL that would be the larger \
        cost. The client and its connections are shared. Only with the common client: ureq would block the worker thread and with it every \
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

    fn is_quiet(&self) -> bool {
        is_quiet(self.inner())
    }
}

fn run<C: BlockingFetch>(plan: &Plan, gate: Gate) -> Result<Finished> {
    may::config().set_workers(plan.cores).set_stack_size(STACK_WORDS);
    let client = C::new(plan)?;
    let recorder = gate.recorder();
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
        let go = gate.ready(runtime, C::VERSION)?;
        begin.fire();
        all.into_iter().for_each(|coroutine| coroutine.join());
        go.done()
    })
}
