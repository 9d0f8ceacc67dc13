//! A server that plays the corpus: the id of a request selects the response.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::corpus::{Response, Then};
use crate::common;

/// How the bytes of a response are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    AtOnce,
    /// In single bytes; a long response in at most [`PIECES`] pieces.
    InPieces,
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A response of the corpus, by its index.
    Response(usize, Delivery),
    /// A plain response after each of them, which closes the connection, so that the next has a new one. If the
    /// previous response ends its connection while it is idle, it has done so by then.
    Spacer,
}

/// Requests per response: it is sent in each of two ways, with a spacer after either.
const IDS_PER_RESPONSE: u64 = 4;

/// The ids of all requests, in the order in which they are to be made.
pub(super) fn ids(responses: usize) -> Vec<u64> {
    (0..responses as u64 * IDS_PER_RESPONSE).collect()
}

pub(super) fn purpose(id: u64) -> Purpose {
    let response = (id / IDS_PER_RESPONSE) as usize;
    match id % IDS_PER_RESPONSE {
        0 => Purpose::Response(response, Delivery::AtOnce),
        2 => Purpose::Response(response, Delivery::InPieces),
        _ => Purpose::Spacer,
    }
}

const SPACER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nspacer";
pub(super) const SPACER_BODY: &[u8] = b"spacer";

/// How long a connection is kept open for a client that neither sends a request nor closes it. A client
/// that waits for the end of a response gets it then.
const IDLE: Duration = Duration::from_millis(100);

/// Longer than any client takes to send or to read.
const IO_TIMEOUT: Duration = Duration::from_secs(20);

/// The pause before a reset, so that the client has read what was sent.
const BEFORE_RESET: Duration = Duration::from_millis(5);

const PIECES: usize = 2_000;

/// Pieces before a reset: few enough to be sent at once, since a reset discards unsent data.
const PIECES_BEFORE_RESET: usize = 8;

/// Serves until the process ends.
pub(super) fn start(responses: Vec<Response>) -> SocketAddr {
    // A client may close at any time.
    common::serve(move |connection| _ = serve(connection, &responses))
}

fn serve(connection: &TcpStream, responses: &[Response]) -> io::Result<()> {
    connection.set_read_timeout(Some(IO_TIMEOUT))?;
    connection.set_write_timeout(Some(IO_TIMEOUT))?;
    let mut input = BufReader::new(connection);
    while let Some(id) = next_request(&mut input)? {
        let Purpose::Response(response, delivery) = purpose(id) else {
            if let Purpose::Response(before, _) = purpose(id - 1)
                && responses[before].ends_when_idle()
            {
                thread::sleep(2 * BEFORE_RESET);
            }
            return (&mut &*connection).write_all(SPACER);
        };
        let response = &responses[response];
        let most = match delivery {
            Delivery::AtOnce => 1,
            Delivery::InPieces if response.then == Then::Reset => PIECES_BEFORE_RESET,
            Delivery::InPieces => PIECES,
        };
        let length = response.bytes.len().div_ceil(most).max(1);
        let mut pieces: Vec<Vec<u8>> = response.bytes.chunks(length).map(<[u8]>::to_vec).collect();
        pieces.last_mut().into_iter().for_each(|last| last.extend(&response.surplus));
        for piece in pieces {
            (&mut &*connection).write_all(&piece)?;
        }
        connection.set_read_timeout(Some(IDLE))?;
        match response.then {
            Then::Wait => {}
            Then::Close => return Ok(()),
            Then::Reset => {
                thread::sleep(BEFORE_RESET);
                return Ok(set_socket_linger(connection, Some(Duration::ZERO))?);
            }
            Then::HalfClose => {
                connection.shutdown(Shutdown::Write)?;
                return input.lines().try_for_each(|line| line.map(drop));
            }
        }
    }
    Ok(())
}

/// The id in the next request on a connection.
fn next_request(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut lines = input.lines();
    let Some(first) = lines.next().transpose()? else { return Ok(None) };
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    Ok(first.split(' ').nth(1).and_then(|path| path.strip_prefix("/u/")?.parse().ok()))
}
