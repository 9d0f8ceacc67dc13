//! The common client: one HTTP/1.1 exchange for all models, so that only the model differs.
//!
//! [`exchange`] implements HTTP without I/O. Thin drivers connect it to sockets, one for each way to wait:
//! `blocking`, `futures`, `readiness` and `completion`.

pub mod blocking;
mod chunked;
#[cfg(target_os = "linux")]
pub mod completion;
pub mod endpoint;
pub mod exchange;
pub mod futures;
pub(crate) mod readiness;

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::protocol::ErrorKind;
use exchange::{Exchange, Response};

/// The size of a read: a head and a body of 10 KiB come in one.
const READ_BYTES: usize = 16 << 10;

const VERSION: &str = concat!("common ", env!("CARGO_PKG_VERSION"));

/// The settings of the client, with `$buffers` saying which buffers it reads into.
macro_rules! details {
    ($buffers:literal) => {
        concat!(
            "The same HTTP/1.1 exchange under every model, written for this comparison: httparse parses the head, the \
            CRC-32 of the body is computed as it arrives, and the body is not kept. Keep-alive, a connection for every \
            request in flight, TCP_NODELAY. ",
            $buffers,
            " A request is sent again on a new connection, and its sample marked, when its idle connection turns out to \
            be closed or to hold unrequested bytes; nothing else is retried. No proxy, no redirects, no decompression, \
            no name lookup after setup."
        )
    };
}
use details;

/// The most full reads from one connection before other work on the thread has its turn: 1 MiB.
const MAX_READS_IN_A_ROW: usize = 64;

/// Whether an idle connection can carry another request: it is open and has no unread bytes. Unrequested bytes must
/// not be taken for the next response: RFC 9112, section 9.2. Costs a system call.
pub(crate) fn is_reusable(socket: impl AsFd) -> bool {
    recv(socket, &mut [0_u8], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_err_and(|error| error == Errno::AGAIN)
}

/// Whether a request failed only because the server had closed the idle connection: the connection ended before
/// any byte of a response.
fn was_closed_while_idle(exchange: &Exchange, result: Result<Response, ErrorKind>) -> bool {
    exchange.has_received_nothing() && matches!(result, Err(ErrorKind::Reset | ErrorKind::Truncated))
}
