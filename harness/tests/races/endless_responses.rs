//! Endless responses and bytes on idle connections affect at most one request.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use inflight::models::COMMON;
use inflight::worker::protocol::{ErrorKind, Outcome, Sample};

use crate::common;
use crate::workers::{Job, assert_none, contenders, failures_of_each};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// Every sample of `job` in the common client must be as `expected` says.
#[track_caller]
fn assert_common_clients(job: &Job, expected: impl Fn(&Sample) -> bool + Sync) {
    let contenders = contenders().filter(|(_, client)| client.name == COMMON);
    assert_none(failures_of_each(contenders, job, |_, sample| {
        (!expected(sample)).then(|| format!("{sample:?}"))
    }));
}

/// Calls `answer` with the id of each request on every connection.
fn serve(answer: fn(&TcpStream, u64) -> io::Result<()>) -> SocketAddr {
    common::serve(move |connection| {
        let lines = BufReader::new(connection).lines().map_while(Result::ok);
        let mut ids = lines.filter_map(|line| line.strip_prefix("GET /u/")?.split(' ').next()?.parse().ok());
        // A client may close at any time.
        let _ = ids.try_for_each(|id| answer(connection, id));
    })
}

/// Two different endless responses at once, then complete ones.
fn send_endlessly(mut connection: &TcpStream, id: u64) -> io::Result<()> {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (head, rest) = match id {
        0 => ("HTTP/1.1 200 OK\r\n\r\n", "hello".repeat(10_000)),
        1 => (chunked, "5\r\nhello\r\n".repeat(5_000)),
        _ => return connection.write_all(OK),
    };
    connection.write_all(head.as_bytes())?;
    loop {
        connection.write_all(rest.as_bytes())?;
    }
}

#[test]
fn endless_response_times_out() {
    let job = Job { request_timeout_ms: 1_500, ..Job::at(serve(send_endlessly), 0..6, 2) };
    assert_common_clients(&job, |sample| {
        let timeout = Outcome::Failure { error: ErrorKind::Timeout };
        sample.outcome == if sample.id < 2 { timeout } else { Outcome::response(200, b"hello") }
    });
}

/// Sends an unrequested second response.
fn answer_twice(mut connection: &TcpStream, id: u64) -> io::Result<()> {
    connection.write_all(OK)?;
    if id == 0 {
        thread::sleep(Duration::from_millis(20));
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad")?;
    }
    Ok(())
}

/// RFC 9112, section 9.2: bytes that arrive while no request is outstanding are no response.
#[test]
fn bytes_on_an_idle_connection_are_no_response() {
    let job = Job {
        // The second is requested long after the surplus has arrived.
        due_ns: Some(vec![0, 500_000_000, 500_000_000]),
        ..Job::at(serve(answer_twice), 0..3, 1)
    };
    assert_common_clients(&job, |sample| {
        sample.outcome == Outcome::response(200, b"hello") && sample.resent == (sample.id == 1)
    });
}
