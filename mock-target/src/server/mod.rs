//! The server that plays a scenario: what is started, and what is held while it runs.

mod rx_timestamp;
mod authority;
mod connection;
mod response;
mod drain;
mod teardown;
mod exchange;
mod fault_responses;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod grammar;
mod socket;
mod thread_meter;
mod sock_diag;
mod realtime;
mod request;
mod response_encoder;
mod shard;
mod request_target;
mod timers;
mod tls;
mod transport;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use mio::Waker;

use crate::admin::Admin;
use crate::request_log::{Book, Snapshot};
use crate::ledger::{Ledger, LoopStats, Stats};
use crate::limits;
use crate::scenario::Scenario;
use response_encoder::Press;
use shard::{Command, Shard};
use tls::Identity;
pub use tls::TlsOptions;

#[cfg(any(test, fuzzing))]
pub use fuzzing::check_reading;

/// Where and how a server runs; the scenario says what it does.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address that serves the scenario. Port 0, the default, is any free port of loopback.
    pub listen: SocketAddr,
    /// The address of the admin port. Port 0, the default, is any free port of loopback.
    pub admin: SocketAddr,
    /// Event loops, each a thread; 1 unless stated, which is enough for tens of thousands of
    /// responses a second. Connections are dealt out to them in turn.
    pub shards: usize,
    /// Whether to ask the system for real-time priority (`SCHED_FIFO`). It makes responses more punctual
    /// where clients and target share processors, and needs permission. [`Handle::realtime`] says
    /// whether it was granted.
    pub realtime: bool,
    /// Whether, with real-time priority, to wait awake for the last 200 µs before a deadline while no
    /// more than 1,200 are pending. More punctual still, and it takes up to a whole processor from the
    /// clients and from the kernel's network thread: only where they have another.
    pub spin: bool,
    /// Whether to leave out the field `server-timing`, which tells planned and actual delay.
    pub plain: bool,
    /// How many entries each loop's ledger remembers; `None` is twice the scenario's URLs, at least
    /// 65,536 and at most 1,048,576. An entry takes about 150 bytes once it is used.
    pub ledger_entries: Option<usize>,
    /// CPU that the event loop spends on every response besides, in nanoseconds: an experiment's way to see
    /// what clients make of a target that has more to do. 0 but there.
    pub burn_ns: u64,
    /// How long clients may take.
    pub limits: TimeLimits,
    /// Whether and how to serve TLS instead of plain HTTP.
    pub tls: Option<TlsOptions>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        ServerOptions {
            listen: any_port,
            admin: any_port,
            shards: 1,
            realtime: false,
            spin: false,
            plain: false,
            ledger_entries: None,
            burn_ns: 0,
            limits: TimeLimits::default(),
            tls: None,
        }
    }
}

/// How long clients may take, in nanoseconds, on the admin port too. Looked after about once a second.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// From the first byte of a request until its head is complete, and again for its body; beyond it
    /// the answer is 408. Also for a TLS handshake, from the beginning of the connection; beyond it
    /// the connection is closed.
    pub request_ns: u64,
    /// Before the first request and between requests; beyond it the connection is closed.
    pub idle_ns: u64,
    /// Without taking any byte of a response; beyond it the response is aborted.
    pub write_ns: u64,
    /// To close its end after a connection was ended.
    pub linger_ns: u64,
    /// To give up a response that, as a fault demands, is never complete; beyond it the connection is closed.
    pub stall_ns: u64,
}

impl Default for TimeLimits {
    fn default() -> Self {
        const SECOND_NS: u64 = 1_000_000_000;
        TimeLimits {
            request_ns: 10 * SECOND_NS,
            idle_ns: 120 * SECOND_NS,
            write_ns: 60 * SECOND_NS,
            linger_ns: 2 * SECOND_NS,
            stall_ns: 3_600 * SECOND_NS,
        }
    }
}

/// Room made for connections at the start. There can be more.
const MOST_ROOM: u64 = 1 << 16;

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
    /// When the scenario cannot be played, or an address cannot be listened on: one line that says
    /// which, and what to do.
    pub fn start_with(scenario: Scenario, options: ServerOptions) -> io::Result<Handle> {
        scenario.validate().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        // Where it cannot be raised the server holds fewer connections, and backs off at the limit.
        let room = limits::raise_descriptor_limit().unwrap_or(1_024).min(MOST_ROOM) as usize;
        let listener = socket::listen(options.listen, "--listen")?;
        let admin_listener = socket::listen(options.admin, "--admin")?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

        let entries = options.ledger_entries.unwrap_or_else(|| {
            usize::try_from(scenario.urls.saturating_mul(2)).unwrap_or(usize::MAX).clamp(1 << 16, 1 << 20)
        });
        let identity = options.tls.as_ref().map(|tls| Identity::new(tls, address.ip())).transpose()?;
        let tally = Arc::default();
        let mut handle = Handle {
            address,
            admin_address,
            remotes: Remotes::default(),
            threads: Vec::new(),
            admin: None,
            certificate_pem: identity.as_ref().map(|identity| identity.certificate_pem.clone()),
        };
        let mut shards = Vec::new();
        for number in 0..options.shards.max(1) {
            let (commands, inbox) = mpsc::channel();
            let press = Press::new(scenario.clone(), options.plain);
            let book = Book::new(Arc::clone(&tally), entries);
            let tls = identity.as_ref().map(|identity| Arc::clone(&identity.config));
            let mut shard = Shard::new(number, inbox, press, book, options.limits, tls, room)?;
            shard.burn_ns = options.burn_ns;
            handle.remotes.loops.push(Remote { commands, waker: shard.waker() });
            shards.push(shard);
        }
        shards[0].open(listener, handle.remotes.loops[1..].to_vec())?;
        let mut realtime = options.realtime;
        for shard in shards {
            let (granted, answer) = mpsc::channel();
            let thread = thread::Builder::new().name("target".to_owned());
            handle.threads.push(thread.spawn(move || shard.run(options.realtime, options.spin, &granted))?);
            realtime &= answer.recv().unwrap_or(false);
        }
        handle.remotes.realtime = realtime;
        handle.admin = Some(Admin::start(admin_listener, handle.remotes.clone(), scenario, options.limits)?);
        Ok(handle)
    }
}

/// A running server. Dropping it stops the server and closes every connection.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    admin_address: SocketAddr,
    remotes: Remotes,
    threads: Vec<JoinHandle<io::Result<()>>>,
    admin: Option<Admin>,
    certificate_pem: Option<String>,
}

impl Handle {
    /// Where the scenario is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/stats`, `/loops`, `/ledger`, `/plan` and `/reset` are answered.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The certificate to trust, as PEM, where TLS is served.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Whether real-time priority was asked for and granted.
    pub fn realtime(&self) -> bool {
        self.remotes.realtime
    }

    /// Everything the server saw since it started or was last reset.
    ///
    /// # Errors
    /// When an event loop has ended.
    pub fn ledger(&self) -> io::Result<Ledger> {
        self.remotes.ledger()
    }

    /// The counters and the lateness alone: much cheaper than the whole ledger.
    ///
    /// # Errors
    /// When an event loop has ended.
    pub fn stats(&self) -> io::Result<Stats> {
        self.remotes.stats()
    }

    /// What each event loop used, in the order of their numbers.
    ///
    /// # Errors
    /// When an event loop has ended.
    pub fn loops(&self) -> io::Result<Vec<LoopStats>> {
        self.remotes.loops()
    }

    /// Clears the ledger, the counters and the lateness. Requests in flight are then the first counted.
    ///
    /// # Errors
    /// When an event loop has ended.
    pub fn reset(&self) -> io::Result<()> {
        self.remotes.reset()
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
        for remote in &self.remotes.loops {
            // Fails only for a loop that has ended already.
            let _ = remote.tell(Command::Stop);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A line to one event loop, for any thread.
#[derive(Clone, Debug)]
struct Remote {
    commands: Sender<Command>,
    waker: Arc<Waker>,
}

impl Remote {
    fn tell(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| stopped())?;
        self.waker.wake()
    }
}

/// Lines to all event loops of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remotes {
    loops: Vec<Remote>,
    realtime: bool,
}

impl Remotes {
    pub(crate) fn ledger(&self) -> io::Result<Ledger> {
        self.read(true)
    }

    pub(crate) fn stats(&self) -> io::Result<Stats> {
        Ok(self.read(false)?.stats)
    }

    pub(crate) fn loops(&self) -> io::Result<Vec<LoopStats>> {
        let mut loops = self.ask(Command::Used)?;
        loops.sort_unstable_by_key(|(number, _)| *number);
        Ok(loops.into_iter().map(|(_, used)| used).collect())
    }

    pub(crate) fn reset(&self) -> io::Result<()> {
        self.ask(Command::Reset).map(drop)
    }

    fn read(&self, with_entries: bool) -> io::Result<Ledger> {
        let books = self.ask(|reply| Command::Snapshot { with_entries, reply })?;
        let mut ledger = Snapshot::into_ledger(books);
        ledger.stats.realtime = self.realtime;
        Ok(ledger)
    }

    /// Asks every loop, and returns the answer of each.
    fn ask<T>(&self, command: impl Fn(Sender<T>) -> Command) -> io::Result<Vec<T>> {
        let (reply, answers) = mpsc::channel();
        for remote in &self.loops {
            remote.tell(command(reply.clone()))?;
        }
        drop(reply);
        self.loops.iter().map(|_| answers.recv().map_err(|_| stopped())).collect()
    }
}

fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the target has stopped")
}
