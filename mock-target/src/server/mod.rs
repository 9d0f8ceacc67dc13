//! The server that plays a scenario: what is started, and what is held while it runs.

mod connection;
mod listen;
mod request;
mod response;
mod shard;
mod timers;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use mio::Waker;

use crate::admin::Admin;
use crate::ledger::{Ledger, Snapshot, Stats};
use crate::limits;
use crate::scenario::Scenario;
use shard::{Command, Shard};

/// Where and how a server runs; the scenario says what it does.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address that serves the scenario. Port 0, the default, is any free port of loopback.
    pub listen: SocketAddr,
    /// The address of the admin port. Port 0, the default, is any free port of loopback.
    pub admin: SocketAddr,
    /// How many entries the ledger remembers; `None` is twice the scenario's URLs, at least 65,536
    /// and at most 1,048,576. An entry takes about 100 bytes once it is used.
    pub ledger_entries: Option<usize>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        ServerOptions { listen: any_port, admin: any_port, ledger_entries: None }
    }
}

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

    /// Plays a scenario where the options say, until the handle is dropped.
    ///
    /// The process's soft limit on open files is raised to its hard limit, as every connection is one.
    ///
    /// # Errors
    /// When the scenario cannot be played, or an address cannot be listened on: one line that says
    /// which, and what to do.
    pub fn start_with(scenario: Scenario, options: ServerOptions) -> io::Result<Handle> {
        scenario.validate().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        // Where it cannot be raised the server holds fewer connections, and backs off at the limit.
        let descriptors = limits::raise_descriptor_limit().unwrap_or(1_024);
        let listener = listen::listen(options.listen, "--listen")?;
        let admin_listener = listen::listen(options.admin, "--admin")?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

        let (commands, inbox) = mpsc::channel();
        let entries = options.ledger_entries.unwrap_or_else(|| {
            usize::try_from(scenario.urls.saturating_mul(2)).unwrap_or(usize::MAX).clamp(1 << 16, 1 << 20)
        });
        let shard = Shard::new(listener, inbox, scenario.clone(), entries, descriptors)?;
        let remote = Remote { commands, waker: shard.waker() };
        let thread = thread::Builder::new().name("target".to_owned()).spawn(move || shard.run())?;
        let mut handle = Handle { address, admin_address, remote, thread: Some(thread), admin: None };
        handle.admin = Some(Admin::start(admin_listener, handle.remote.clone(), scenario)?);
        Ok(handle)
    }
}

/// A running server. Dropping it stops the server and closes every connection.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    admin_address: SocketAddr,
    remote: Remote,
    thread: Option<JoinHandle<io::Result<()>>>,
    admin: Option<Admin>,
}

impl Handle {
    /// Where the scenario is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/stats`, `/ledger`, `/plan` and `/reset` are answered.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Everything the server saw since it started or was last reset.
    ///
    /// # Errors
    /// When the event loop has ended.
    pub fn ledger(&self) -> io::Result<Ledger> {
        self.remote.ledger()
    }

    /// The counters and the lateness alone: much cheaper than the whole ledger.
    ///
    /// # Errors
    /// When the event loop has ended.
    pub fn stats(&self) -> io::Result<Stats> {
        self.remote.stats()
    }

    /// Clears the ledger, the counters and the lateness. Requests in flight are then the first counted.
    ///
    /// # Errors
    /// When the event loop has ended.
    pub fn reset(&self) -> io::Result<()> {
        self.remote.reset()
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    /// When the event loop fails, and only then does this return.
    pub fn join(mut self) -> io::Result<()> {
        let ended = || io::Error::other("the target's event loop panicked");
        self.thread.take().map_or(Ok(()), |thread| thread.join().map_err(|_| ended())?)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Failures mean that the threads have ended already.
        let _ = self.remote.tell(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A line to the event loop, for any thread.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    commands: Sender<Command>,
    waker: Arc<Waker>,
}

impl Remote {
    pub(crate) fn ledger(&self) -> io::Result<Ledger> {
        Ok(self.snapshot(true)?.into_ledger())
    }

    pub(crate) fn stats(&self) -> io::Result<Stats> {
        Ok(self.snapshot(false)?.into_ledger().stats)
    }

    pub(crate) fn reset(&self) -> io::Result<()> {
        let (reply, answer) = mpsc::channel();
        self.tell(Command::Reset(reply))?;
        answer.recv().map_err(|_| stopped())
    }

    fn snapshot(&self, with_entries: bool) -> io::Result<Snapshot> {
        let (reply, answer) = mpsc::channel();
        self.tell(Command::Snapshot { with_entries, reply })?;
        answer.recv().map_err(|_| stopped())
    }

    fn tell(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| stopped())?;
        self.waker.wake()
    }
}

fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the target has stopped")
}
