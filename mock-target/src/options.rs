//! Where and how a server runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where and how a server runs; the scenario says what it does.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address that serves the scenario. Port 0, the default, is any free port of loopback.
    pub listen: SocketAddr,
    /// The address of the admin port. Port 0, the default, is any free port of loopback.
    pub admin: SocketAddr,
    /// Number of shards. Each is an event loop on a thread of its own. The default is 1, which is enough
    /// for tens of thousands of responses a second. Connections are assigned to shards round-robin.
    pub shards: usize,
    /// Whether to request real-time priority (`SCHED_FIFO`). It reduces lateness where clients and target
    /// share processors, and needs permission. [`Handle::realtime`](crate::Handle::realtime) says whether
    /// it was granted.
    pub realtime: bool,
    /// Whether, with real-time priority, to busy-wait for the last 200 µs before a deadline while no
    /// more than 1,200 are pending. It reduces lateness further, and takes up to a whole processor from the
    /// clients and from the kernel's network thread: use it only where they have another.
    pub spin: bool,
    /// Whether to omit the field `server-timing`, which states the planned and the actual delay.
    pub plain: bool,
    /// How many entries each shard's request log keeps; `None` is twice the scenario's URLs, at least
    /// 65,536 and at most 1,048,576. An entry takes about 150 bytes once it is used.
    pub ledger_entries: Option<usize>,
    /// Additional CPU time that the event loop spends on every response, in nanoseconds. Experiments use it
    /// to slow the target down. The default is 0.
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

/// How long clients may take, in nanoseconds, on the admin port too. Checked about once a second.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// From the first byte of a request until its head is complete, and again for its body; beyond it
    /// the response is 408. Also for a TLS handshake, from the start of the connection; beyond it
    /// the connection is closed.
    pub request_ns: u64,
    /// Before the first request and between requests; beyond it the connection is closed.
    pub idle_ns: u64,
    /// Without reading any byte of a response; beyond it the response is aborted.
    pub write_ns: u64,
    /// To close its end after the target has closed its own; beyond it the connection is closed.
    pub linger_ns: u64,
    /// To give up on a response that a fault stalls; beyond it the connection is closed.
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

/// How TLS is served.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Where to write the certificate, as PEM, for the clients to trust. The key is never written.
    pub certificate_file: Option<PathBuf>,
    /// Whether clients may resume their sessions, which saves most of a handshake.
    pub resumption: bool,
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions { certificate_file: None, resumption: true }
    }
}
