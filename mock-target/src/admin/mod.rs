//! The admin port: `/stats`, `/loops`, `/ledger`, `/plan` and `/reset`, all JSON, on a thread of its own.
//!
//! It asks the event loops for a snapshot and does the rest itself, so that whoever watches a target hardly disturbs
//! it.

mod port;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mio::Waker;
use serde::Serialize;

use crate::scenario_plan::Plan;
use crate::scenario::Scenario;
use crate::server::{Remotes, TimeLimits};
use port::Port;

/// The longest request head that is read, in bytes.
const LONGEST_HEAD_BYTES: usize = 8 << 10;

const MOST_HEADERS: usize = 64;

/// The admin thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Admin {
    waker: Arc<Waker>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Admin {
    /// Answers on `listener` about the event loops behind `remotes`.
    pub(crate) fn start(
        listener: TcpListener,
        remotes: Remotes,
        scenario: Scenario,
        limits: TimeLimits,
    ) -> io::Result<Admin> {
        let port = Port::new(listener, limits, Answers { remotes, scenario })?;
        let waker = port.waker();
        let thread = thread::Builder::new().name("target-admin".to_owned()).spawn(move || port.run())?;
        Ok(Admin { waker, thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // Whoever cannot be woken cannot be waited for.
        let woken = self.waker.wake();
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
    }
}

/// What requests are answered with.
struct Answers {
    remotes: Remotes,
    scenario: Scenario,
}

impl Answers {
    /// The response to the request that these bytes are; `None` if they are only the beginning of one.
    ///
    /// # Errors
    /// When an event loop has ended.
    fn to(&self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let complete = match request.parse(bytes) {
            Ok(status) => status.is_complete(),
            Err(_) => return Ok(Some(refusal("400 Bad Request"))),
        };
        if bytes.len() > LONGEST_HEAD_BYTES {
            return Ok(Some(refusal("431 Request Header Fields Too Large")));
        }
        let (true, Some(method), Some(path)) = (complete, request.method, request.path) else {
            return Ok(None);
        };
        let response = match (method, path) {
            ("GET", "/stats") => json(&self.remotes.stats()?)?,
            ("GET", "/loops") => json(&self.remotes.loops()?)?,
            ("GET", "/ledger") => json(&self.remotes.ledger()?)?,
            ("GET", "/plan") => json(&Plan::of(&self.scenario))?,
            ("POST", "/reset") => json(&self.remotes.reset().map(|()| Done { reset: true })?)?,
            (_, "/stats" | "/loops" | "/ledger" | "/plan") => refusal("405 Method Not Allowed\r\nallow: GET"),
            (_, "/reset") => refusal("405 Method Not Allowed\r\nallow: POST"),
            _ => refusal("404 Not Found"),
        };
        Ok(Some(response))
    }
}

#[derive(Serialize)]
struct Done {
    reset: bool,
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut body = serde_json::to_vec(value)?;
    body.push(b'\n');
    let mut response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    response.append(&mut body);
    Ok(response)
}

fn refusal(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}
