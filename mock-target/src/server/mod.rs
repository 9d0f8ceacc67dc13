//! The server that plays a scenario: starting it, and the handle of a running one.

mod acceptor;
mod authority;
mod connection;
mod drain;
mod exchange;
mod fault_responses;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod grammar;
mod gzip_bodies;
mod loop_thread;
mod request;
mod request_target;
mod response;
mod response_encoder;
mod rx_timestamp;
mod shard;
mod sock_diag;
mod socket;
mod teardown;
mod timers;
mod tls;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crate::admin::Admin;
use crate::control::{Command, ShardHandle, ShardHandles};
use crate::ledger::{Ledger, LoopStats, Stats};
use crate::limits;
use crate::options::ServerOptions;
use crate::request_log::RequestLog;
use crate::scenario::Scenario;
use response_encoder::ResponseEncoder;
use shard::Shard;
use tls::Identity;

#[cfg(any(test, fuzzing))]
pub use fuzzing::check_request_parsing;

/// The most connections that memory is reserved for at the start. There can be more.
const MAX_RESERVED_CONNECTIONS: u64 = 1 << 16;

/// Starts servers.
#[derive(Clone, Copy, Debug)]
pub struct Server;

impl Server {
    /// Plays a scenario on free ports of loopback until the handle is dropped.
    ///
    /// # Errors
    /// As [`Server::start_with`].
    pub fn start(scenario: Scenario) -> io::Result<Handle> {
        Server::start_with(scenario, ServerOptions::default())
    }

    /// Plays a scenario where and how the options say, until the handle is dropped.
    ///
    /// The process's soft limit on open files is raised to its hard limit, as every connection is one.
    ///
    /// # Errors
    /// When the scenario cannot be played, or an address cannot be listened on. The error is one line that
    /// names the cause and the remedy.
    pub fn start_with(scenario: Scenario, options: ServerOptions) -> io::Result<Handle> {
        scenario.validate().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        // Where it cannot be raised the server holds fewer connections, and backs off at the limit.
        let descriptors = limits::raise_descriptor_limit().unwrap_or(1_024);
        let capacity = descriptors.min(MAX_RESERVED_CONNECTIONS) as usize;
        let listener = socket::listen(options.listen, "--listen")?;
        let admin_listener = socket::listen(options.admin, "--admin")?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

        let entries = options.ledger_entries.unwrap_or_else(|| {
            usize::try_from(scenario.urls.saturating_mul(2)).unwrap_or(usize::MAX).clamp(1 << 16, 1 << 20)
        });
        let identity = options.tls.as_ref().map(|tls| Identity::new(tls, address.ip())).transpose()?;
        let counters = Arc::default();
        let mut handle = Handle {
            address,
            admin_address,
            handles: ShardHandles::default(),
            threads: Vec::new(),
            admin: None,
            certificate_pem: identity.as_ref().map(|identity| identity.certificate_pem.clone()),
        };
        let mut shards = Vec::new();
        for number in 0..options.shards.max(1) {
            let (commands, inbox) = mpsc::channel();
            let encoder = ResponseEncoder::new(scenario.clone(), options.plain);
            let request_log = RequestLog::new(Arc::clone(&counters), entries);
            let tls = identity.as_ref().map(|identity| Arc::clone(&identity.config));
            let mut shard = Shard::new(number, inbox, encoder, request_log, options.limits, tls, capacity)?;
            shard.burn_ns = options.burn_ns;
            handle.handles.shards.push(ShardHandle { commands, waker: shard.waker() });
            shards.push(shard);
        }
        shards[0].listen(listener, handle.handles.shards[1..].to_vec())?;
        let mut realtime = options.realtime;
        for shard in shards {
            let (granted, reply) = mpsc::channel();
            let thread = thread::Builder::new().name("target".to_owned());
            handle.threads.push(thread.spawn(move || shard.run(options.realtime, options.spin, &granted))?);
            realtime &= reply.recv().unwrap_or(false);
        }
        handle.handles.realtime = realtime;
        handle.admin = Some(Admin::start(admin_listener, handle.handles.clone(), scenario, options.limits)?);
        Ok(handle)
    }
}

/// A running server. Dropping it stops the server and closes every connection. Reading or resetting its ledger fails when
/// an event loop has ended.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    admin_address: SocketAddr,
    handles: ShardHandles,
    threads: Vec<JoinHandle<io::Result<()>>>,
    admin: Option<Admin>,
    certificate_pem: Option<String>,
}

impl Handle {
    /// Where the scenario is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/stats`, `/loops`, `/ledger`, `/plan` and `/reset` are served.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The certificate to trust, as PEM, where TLS is served.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Whether real-time priority was requested and granted.
    pub fn realtime(&self) -> bool {
        self.handles.realtime
    }

    /// All requests since the server started or was last reset.
    pub fn ledger(&self) -> io::Result<Ledger> {
        self.handles.ledger(true)
    }

    /// The counters and the lateness alone: much cheaper than the whole ledger.
    pub fn stats(&self) -> io::Result<Stats> {
        Ok(self.handles.ledger(false)?.stats)
    }

    /// What each event loop used, in the order of the shards.
    pub fn loops(&self) -> io::Result<Vec<LoopStats>> {
        self.handles.loops()
    }

    /// Clears the ledger, the counters and the lateness. Requests in flight are then the first counted.
    pub fn reset(&self) -> io::Result<()> {
        self.handles.reset()
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// When an event loop fails, and only then does this return.
    pub fn join(mut self) -> io::Result<()> {
        let panicked = || io::Error::other("the target's event loop panicked");
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| panicked())??;
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        for shard in &self.handles.shards {
            // Fails only for a shard that has ended already.
            let _ = shard.send(Command::Stop);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
