//! Handles the requests of the admin port.

use std::io;

use serde::Serialize;

use crate::control::ShardHandles;
use crate::scenario::Scenario;
use crate::scenario_plan::ScenarioPlan;

/// The longest request head that is read, in bytes.
const MAX_HEAD_BYTES: usize = 8 << 10;

const MAX_HEADERS: usize = 64;

/// Handles requests.
pub(super) struct Handler {
    pub(super) shards: ShardHandles,
    pub(super) scenario: Scenario,
}

impl Handler {
    /// The response to the request in `bytes`; `None` if the request is not complete.
    ///
    /// # Errors
    /// When an event loop has ended.
    pub(super) fn respond(&self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
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
            ("GET", "/stats") => json(&self.shards.ledger(false)?.stats)?,
            ("GET", "/loops") => json(&self.shards.loops()?)?,
            ("GET", "/ledger") => json(&self.shards.ledger(true)?)?,
            ("GET", "/plan") => json(&ScenarioPlan::of(&self.scenario))?,
            ("POST", "/reset") => {
                self.shards.reset()?;
                json(&serde_json::json!({ "reset": true }))?
            }
            (_, "/stats" | "/loops" | "/ledger" | "/plan") => refusal("405 Method Not Allowed\r\nallow: GET"),
            (_, "/reset") => refusal("405 Method Not Allowed\r\nallow: POST"),
            _ => refusal("404 Not Found"),
        };
        Ok(Some(response))
    }
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
