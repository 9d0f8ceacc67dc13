//! The messages between harness and worker: one JSON value a line, over the worker's stdin and stdout.
//!
//! ```text
//! harness → worker   a Plan
//! worker  → harness  a Ready, once everything is set up
//! harness → worker   go
//! worker  → harness  done, the moment the last response is in
//! harness            reads the meters, then closes the worker's stdin
//! worker  → harness  one Sample a line, then exits with 0
//! ```
//!
//! Samples are written after the meters were read, so that no model pays for writing them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of this protocol, in every plan.
pub const PROTOCOL: u32 = 1;

/// The message that starts a run.
pub const GO: &str = "go";

/// The message of a worker whose last response is in.
pub const DONE: &str = "done";

/// The work of one worker process. Unknown keys are ignored, so that plans can grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the protocol, [`PROTOCOL`].
    pub protocol: u32,
    /// The contender that this worker is part of, as written on the command line.
    pub contender: String,
    /// The model to use, and the client to drive.
    pub model: String,
    /// The client's name.
    pub client: String,
    /// A URL is this followed by an id.
    pub url_prefix: String,
    /// The URLs to fetch, each exactly once, in this order.
    pub ids: Vec<u64>,
    /// When each of `ids` is due, in nanoseconds since `go`, where the load does not wait for the client: a
    /// request starts no sooner, and if it starts later its latency counts from here all the same. Without
    /// it every request is due at once. They never decrease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ns: Option<Vec<u64>>,
    /// The most requests to have in flight at once.
    pub in_flight: usize,
    /// Processes that the worker starts itself, each with so many in flight; process k fetches every
    /// `processes`-th id, from the k-th. Written only for a worker that does so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Threads for a runtime that spreads work over cores.
    pub cores: usize,
    /// Give up connecting after this long.
    pub connect_timeout_ms: u64,
    /// Give up on a request after this long, connecting and body included.
    pub request_timeout_ms: u64,
}

/// The message of a worker that is set up, with the versions of its runtime and client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Always true.
    pub ready: bool,
    /// Runtime, version, and threads.
    pub runtime: String,
    /// HTTP client and version.
    pub client: String,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The URL.
    pub id: u64,
    /// When it was due, where the plan said so: a worker that leaves it out did not keep to the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ns: Option<u64>,
    /// Nanoseconds from this worker's `go` to the start of the request.
    pub start_ns: u64,
    /// Nanoseconds from this worker's `go` to the last byte of the body.
    pub end_ns: u64,
    /// Its outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Whether it went out on a fresh connection because its idle one turned out to be closed, or to hold bytes that
    /// nobody asked for. Written only where it is so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resent: bool,
    /// Which of the processes that the worker started itself made the request, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// A complete response, whatever its status.
    Response {
        /// HTTP status.
        status: u16,
        /// Length of the body, in bytes.
        bytes: u64,
        /// CRC-32 (ISO-HDLC, as in zlib) of the body.
        crc32: u32,
    },
    /// No complete response.
    Failure {
        /// The kind of error.
        error: ErrorKind,
    },
}

impl Outcome {
    /// A complete response.
    pub fn response(status: u16, body: &[u8]) -> Outcome {
        Outcome::Response { status, bytes: body.len() as u64, crc32: crc32fast::hash(body) }
    }
}

/// What a client gives for a request: its part of a [`Sample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether it went out on a fresh connection because its idle one turned out to be closed, or to hold bytes that
    /// nobody asked for.
    pub resent: bool,
}

impl From<Outcome> for Fetched {
    fn from(outcome: Outcome) -> Fetched {
        Fetched { outcome, resent: false }
    }
}

impl From<ErrorKind> for Fetched {
    fn from(error: ErrorKind) -> Fetched {
        Outcome::Failure { error }.into()
    }
}

impl<T: Into<Fetched>> From<Result<T, ErrorKind>> for Fetched {
    fn from(result: Result<T, ErrorKind>) -> Fetched {
        result.map_or_else(Fetched::from, T::into)
    }
}

/// Why there was no complete response. Every client maps its own errors to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No connection could be made.
    Connect,
    /// Nothing came in time.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection ended before the response did.
    Truncated,
    /// What came was not HTTP.
    Malformed,
    /// Anything else.
    Other,
}

/// As in a sample.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_has_the_format_of_the_protocol() {
        let line = r#"{"id":7,"start_ns":1,"end_ns":2,"status":200,"bytes":3,"crc32":891568578}"#;
        let outcome = Outcome::response(200, b"abc");
        let sample =
            Sample { id: 7, due_ns: None, start_ns: 1, end_ns: 2, outcome, resent: false, process: None };
        assert_eq!(serde_json::to_string(&sample).unwrap(), line);
        assert_eq!(serde_json::from_str::<Sample>(line).unwrap(), sample);
        let line = line.replace("\"start_ns\"", "\"due_ns\":0,\"start_ns\"");
        assert_eq!(serde_json::from_str::<Sample>(&line).unwrap(), Sample { due_ns: Some(0), ..sample });
    }

    #[test]
    fn failure_has_its_kind_and_a_resent_request_its_mark() {
        let line = r#"{"id":7,"start_ns":1,"end_ns":2,"error":"timeout","resent":true}"#;
        let sample = serde_json::from_str::<Sample>(line).unwrap();
        assert!(sample.resent);
        assert_eq!(sample.outcome, Outcome::Failure { error: ErrorKind::Timeout });
        assert_eq!(serde_json::to_string(&sample).unwrap(), line);
    }

    #[test]
    fn sample_without_status_and_error_is_refused() {
        assert!(serde_json::from_str::<Sample>(r#"{"id":7,"start_ns":1,"end_ns":2}"#).is_err());
    }

    #[test]
    fn unknown_keys_of_a_plan_are_ignored() {
        let plan = r#"{"protocol":1,"contender":"x:1","model":"x","client":"y","url_prefix":"http://h/u/",
            "ids":[0],"in_flight":1,"cores":1,"connect_timeout_ms":1,"request_timeout_ms":1,"later":true}"#;
        let plan: Plan = serde_json::from_str(plan).unwrap();
        assert_eq!((plan.ids, plan.due_ns), (vec![0], None));
    }
}
