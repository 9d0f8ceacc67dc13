//! The common client: one HTTP/1.1 exchange for all models, so that only the model differs.
//!
//! [`exchange`] knows HTTP and no socket. Around it stand thin drivers, one for each way to wait:
//! `blocking`, `futures`, `readiness` and `completion`.

pub mod blocking;
mod chunked;
#[cfg(target_os = "linux")]
pub mod completion;
pub mod exchange;
pub mod futures;
pub(crate) mod readiness;
pub mod site;

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::protocol::ErrorKind;
use exchange::Exchange;

/// Bytes read at once: a head and a body of 10 KiB come in one piece.
const READ_BYTES: usize = 16 << 10;

const VERSION: &str = concat!("common ", env!("CARGO_PKG_VERSION"));

/// What is set in the client, and where it keeps what it has read.
macro_rules! details {
    ($buffers:literal) => {
        concat!(
            "The same HTTP/1.1 exchange under every model, written for this comparison: httparse reads the head, the \
            body is digested as it comes and never kept. Keep-alive, a connection for every request in flight, \
            TCP_NODELAY. ",
            $buffers,
            " A request whose idle connection turns out to be closed, or to hold what nobody asked for, goes out on a \
            fresh one, and its sample says so; nothing else is retried. No proxy, no redirects, no decompression, no name lookup after setup."
        )
    };
}
use details;

/// Reads in a row, of which each may fill a buffer, before others on the thread have their turn: 1 MiB.
const READS_IN_A_ROW: usize = 64;

/// Whether an idle connection is as its last response left it: open, and without bytes that nobody asked for. They must
/// not be taken for the next response: RFC 9112, section 9.2. To ask costs a call, unless events say so.
pub(crate) fn is_quiet(socket: impl AsFd) -> bool {
    recv(socket, &mut [0_u8], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_err_and(|error| error == Errno::AGAIN)
}

/// Whether a request failed only because the server had closed the connection while it was idle:
/// not a byte of a response came, and then an end.
fn was_closed_while_idle(exchange: &Exchange, kind: ErrorKind) -> bool {
    exchange.is_untouched() && matches!(kind, ErrorKind::Reset | ErrorKind::Truncated)
}
