//! The admin port: `/stats`, `/loops`, `/ledger`, `/plan` and `/reset`, all JSON, on a thread of its own.
//!
//! The shards only copy their request logs. The thread merges and serializes them, so that polling hardly disturbs
//! the target.

mod port;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use mio::Waker;
use serde::Serialize;

use crate::control::ShardHandles;
use crate::scenario_plan::ScenarioPlan;
use crate::scenario::Scenario;
use crate::options::TimeLimits;
use port::Port;

/// The longest request head that is read, in bytes.
const MAX_HEAD_BYTES: usize = 8 << 10;

const MAX_HEADERS: usize = 64;

/// The admin thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Admin {
    waker: Arc<Waker>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Admin {
    /// Serves on `listener` what `shards` report.
    pub(crate) fn start(
        listener: TcpListener,
        shards: ShardHandles,
        scenario: Scenario,
        limits: TimeLimits,
    ) -> io::Result<Admin> {
        let port = Port::new(listener, limits, Handler { shards, scenario })?;
        let waker = port.waker();
        let thread = thread::Builder::new().name("target-admin".to_owned()).spawn(move || port.run())?;
        Ok(Admin { waker, thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // A thread that cannot be woken cannot be joined.
        let woken = self.waker.wake();
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
    }
}

/// Handles requests.
struct Handler {
    shards: ShardHandles,
    scenario: Scenario,
}

impl Handler {
    /// The response to the request in `bytes`; `None` if the request is not complete.
    ///
    /// # Errors
    /// When an event loop has ended.
    fn respond(&self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let complete = match request.parse(bytes) {
            Ok(status) => status.is_complete(),
            Err(_) => return Ok(Some(refusal("400 Bad Request"))),
        };
        if bytes.len() > MAX_HEAD_BYTES {
            return Ok(Some(refusal("431 Request Header Fields Too Large")));
        }
        let (true, Some(method), Some(path)) = (complete, request.method, request.path) else {
            return Ok(None);
        };
        let response = match (method, path) {
            ("GET", "/stats") => json(&self.shards.stats()?)?,
            ("GET", "/loops") => json(&self.shards.loops()?)?,
            ("GET", "/ledger") => json(&self.shards.ledger()?)?,
            ("GET", "/plan") => json(&ScenarioPlan::of(&self.scenario))?,
            ("POST", "/reset") => json(&self.shards.reset().map(|()| ResetDone { reset: true })?)?,
            (_, "/stats" | "/loops" | "/ledger" | "/plan") => refusal("405 Method Not Allowed\r\nallow: GET"),
            (_, "/reset") => refusal("405 Method Not Allowed\r\nallow: POST"),
            _ => refusal("404 Not Found"),
        };
        Ok(Some(response))
    }
}

#[derive(Serialize)]
struct ResetDone {
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
