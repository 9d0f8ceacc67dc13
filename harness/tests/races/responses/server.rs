//! A server that plays the corpus: the id of a request says which reply it is for.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::corpus::{Reply, Then};

/// How the bytes of a reply come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    AtOnce,
    /// In single bytes; what is long in as many pieces as a few pages have bytes.
    InPieces,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A reply of the corpus, by its place.
    Reply(usize, Delivery),
    /// A plain reply after each of them, on which the client closes: the next has a connection of its own. Where
    /// the one before ends while its connection is idle it has done so by then.
    Spacer,
}

/// Requests for a reply: it comes in each of two ways, with a spacer after either.
const IDS_A_REPLY: u64 = 4;

/// The ids of all requests, in the order in which they are to be made.
pub(super) fn ids(replies: usize) -> Vec<u64> {
    (0..replies as u64 * IDS_A_REPLY).collect()
}

pub(super) fn purpose(id: u64) -> Purpose {
    let reply = (id / IDS_A_REPLY) as usize;
    match id % IDS_A_REPLY {
        0 => Purpose::Reply(reply, Delivery::AtOnce),
        2 => Purpose::Reply(reply, Delivery::InPieces),
        _ => Purpose::Spacer,
    }
}

const SPACER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nspacer";
pub(super) const SPACER_BODY: &[u8] = b"spacer";

/// How long a connection is kept open for a client that neither asks for more nor closes: a client
/// that waits for the end of a reply gets it then.
const IDLE: Duration = Duration::from_millis(100);

/// What no client takes to ask, or to read.
const LONGEST: Duration = Duration::from_secs(20);

/// Before a connection is reset, so that a client has read what came.
const BEFORE_A_RESET: Duration = Duration::from_millis(5);

const PIECES: usize = 2_000;

/// Of what a reset ends: as many as are sent at once, since a reset discards what waits to be sent.
const PIECES_BEFORE_A_RESET: usize = 8;

/// Serves until the process ends.
pub(super) fn start(replies: Vec<Reply>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let replies = Arc::new(replies);
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let replies = replies.clone();
            // A client may leave at any time.
            thread::spawn(move || _ = serve(&connection, &replies));
        }
    });
    address
}

fn serve(connection: &TcpStream, replies: &[Reply]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(LONGEST))?;
    connection.set_write_timeout(Some(LONGEST))?;
    let mut input = BufReader::new(connection);
    while let Some(id) = next_request(&mut input)? {
        let Purpose::Reply(reply, delivery) = purpose(id) else {
            if let Purpose::Reply(before, _) = purpose(id - 1)
                && replies[before].ends_when_idle()
            {
                thread::sleep(2 * BEFORE_A_RESET);
            }
            return (&mut &*connection).write_all(SPACER);
        };
        let reply = &replies[reply];
        let piece = match delivery {
            Delivery::AtOnce => reply.bytes.len(),
            Delivery::InPieces if reply.then == Then::Reset => reply.bytes.len() / PIECES_BEFORE_A_RESET + 1,
            Delivery::InPieces => reply.bytes.len() / PIECES + 1,
        };
        let mut pieces: Vec<Vec<u8>> = reply.bytes.chunks(piece.max(1)).map(<[u8]>::to_vec).collect();
        pieces.last_mut().into_iter().for_each(|last| last.extend(&reply.surplus));
        for piece in pieces {
            (&mut &*connection).write_all(&piece)?;
        }
        connection.set_read_timeout(Some(IDLE))?;
        match reply.then {
            Then::Wait => {}
            Then::Close => return Ok(()),
            Then::Reset => {
                thread::sleep(BEFORE_A_RESET);
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

/// The id that the next request on a connection asks for.
fn next_request(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut lines = input.lines();
    let Some(first) = lines.next().transpose()? else { return Ok(None) };
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    Ok(first.split(' ').nth(1).and_then(|path| path.strip_prefix("/u/")).and_then(|id| id.parse().ok()))
}
