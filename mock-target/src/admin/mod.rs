//! The admin port: `/stats`, `/loops`, `/ledger`, `/plan` and `/reset`, all JSON, on a thread of its own.
//!
//! The shards only copy their request logs. The thread merges and serializes them, so that polling hardly disturbs
//! the target.

mod handler;
mod port;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mio::Waker;

use crate::control::ShardHandles;
use crate::options::TimeLimits;
use crate::scenario::Scenario;
use handler::Handler;
use port::Port;

/// The admin thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Admin {
    waker: Arc<Waker>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Admin {
    /// Serves on `listener` what `shards` report.
    pub(crate) fn start(
        listener: TcpListener,
        shards: ShardHandles,
        scenario: Scenario,
        limits: TimeLimits,
    ) -> io::Result<Admin> {
        let port = Port::new(listener, limits, Handler { shards, scenario })?;
        let waker = port.waker();
        let thread = thread::Builder::new().name("target-admin".to_owned()).spawn(move || port.run())?;
        Ok(Admin { waker, thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // A thread that cannot be woken cannot be joined.
        let woken = self.waker.wake();
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
    }
}
