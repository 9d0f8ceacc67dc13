//! The HTTP clients that models drive, one a file.
//!
//! Every client is set up alike: keep-alive, a pool as large as the shape, `TCP_NODELAY`; no proxy
//! from the environment, no redirects, no decompression, no retries. Each says what it sets, and what
//! it cannot, in its `DETAILS`.

pub mod common;
pub(crate) mod hyper;
pub mod net;
pub(crate) mod reqwest;
pub(crate) mod ureq;

use std::error::Error;
use std::io;

use crate::protocol::{ErrorKind, Fetched, Plan};

/// An HTTP client, as far as setting it up goes.
pub trait Client: Sized {
    /// Its name and version.
    const VERSION: &str;
    /// What is set in it and why.
    const DETAILS: &str;

    /// Sets it up for `plan`.
    fn new(plan: &Plan) -> anyhow::Result<Self>;
}

/// A client that holds its thread until the body is in.
pub trait BlockingFetch: Client + Send + Sync {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> Fetched;
}

/// A client that gives its thread back while it waits. A clone is a new handle to the same client.
pub trait AsyncFetch: Client + Clone + Send + Sync + 'static {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> impl Future<Output = Fetched> + Send;
}

impl From<io::Error> for ErrorKind {
    fn from(error: io::Error) -> ErrorKind {
        kind_of_io(&error).unwrap_or(ErrorKind::Other)
    }
}

/// The kind of an error that kept a connection from being made.
fn kind_of_connecting(error: io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
        // Nothing refuses in this way: there was a connection, and it is gone.
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

/// The kind of an error that stands on hyper's: that of the first I/O error in the chain of causes that
/// says more than "something failed", or else hyper's own.
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
