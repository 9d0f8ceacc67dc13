//! The HTTP clients that models drive, one a file.
//!
//! Every client is set up alike: keep-alive, a pool as large as the shape, `TCP_NODELAY`; no proxy
//! from the environment, no redirects, no decompression, no retries.

pub(crate) mod reqwest;
pub(crate) mod ureq;

use std::error::Error;
use std::io;

use crate::protocol::{ErrorKind, Outcome};

/// A client that holds its thread until the body is in.
pub(crate) trait BlockingFetch {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> Outcome;
}

/// A client that gives its thread back while it waits.
pub(crate) trait AsyncFetch {
    /// Fetches the URL of `id`, body included.
    fn fetch(&self, id: u64) -> impl Future<Output = Outcome> + Send;
}

/// The kind of the first I/O error in a chain of causes that says more than "something failed".
fn kind_of_cause(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find_map(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(ErrorKind::Connect),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(ErrorKind::Timeout),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Some(ErrorKind::Reset),
            io::ErrorKind::UnexpectedEof => Some(ErrorKind::Truncated),
            _ => None,
        })
}
