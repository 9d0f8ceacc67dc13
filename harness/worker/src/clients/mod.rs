//! The HTTP clients that models drive, one a file. The table in `pairings` says which model drives which.
//!
//! Every client is configured alike: keep-alive, a pool as large as the number of requests in flight, `TCP_NODELAY`; no
//! proxy from the environment, no redirects, no decompression, no retries. Its `DETAILS` state its settings and what
//! cannot be set.

pub mod common;
mod hyper;
pub(crate) mod pairings;
mod reqwest;
pub mod runtime;
mod ureq;

use std::error::Error;
use std::io;

pub(crate) use self::common::{blocking::Blocking, futures::Futures};
pub(crate) use self::hyper::Hyper;
pub(crate) use self::pairings::pairings;
pub(crate) use self::reqwest::Reqwest;
pub(crate) use self::ureq::Ureq;

use crate::protocol::{ErrorKind, Fetched, Plan};

const UNPOISONED: &str = "no thread panics while it holds the lock";

/// An HTTP client that can be configured.
pub trait Client: Sized {
    /// Its name and version.
    const VERSION: &str;
    /// Its settings and the reasons for them.
    const DETAILS: &str;

    /// Configures it for `plan`.
    fn new(plan: &Plan) -> anyhow::Result<Self>;
}

/// A client that blocks its thread until the body is received.
pub trait BlockingFetch: Client + Send + Sync {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> Fetched;
}

/// A client that yields its thread while it waits. A clone is a new handle to the same client.
pub trait AsyncFetch: Client + Clone + Send + Sync + 'static {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> impl Future<Output = Fetched> + Send;
}

impl From<io::Error> for ErrorKind {
    fn from(error: io::Error) -> ErrorKind {
        kind_of_io(&error).unwrap_or(ErrorKind::Other)
    }
}

/// The kind of an error in connecting.
fn kind_of_connecting(error: io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
        // A refusal is reported otherwise: there was a connection, and it was closed.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ErrorKind::Reset,
        _ => ErrorKind::Connect,
    }
}

fn kind_of_io(error: &io::Error) -> Option<ErrorKind> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(ErrorKind::Connect),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(ErrorKind::Timeout),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::BrokenPipe => Some(ErrorKind::Reset),
        io::ErrorKind::UnexpectedEof => Some(ErrorKind::Truncated),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(ErrorKind::Malformed),
        _ => None,
    }
}

/// The kind of an error that wraps one of hyper: that of the first I/O error with a known kind in the chain of
/// causes, or else that of hyper's own error.
fn kind_of_cause(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let causes = || std::iter::successors(Some(error), |&error| error.source());
    let of_io = causes().filter_map(|error| error.downcast_ref::<io::Error>()).find_map(kind_of_io);
    let mut of_hyper = causes().filter_map(|error| error.downcast_ref::<::hyper::Error>());
    of_io.or_else(|| {
        of_hyper.find_map(|error| match error {
            error if error.is_parse() => Some(ErrorKind::Malformed),
            error if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
                Some(ErrorKind::Truncated)
            }
            _ => None,
        })
    })
}
