//! Which requests a target received, and how late its responses were.
//!
//! The counters in [`Stats`] are always exact. The [`Entry`] of each request is kept until the
//! ledger is full; then the oldest are dropped, and [`Stats::detail_lost`] counts them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// All requests since a target started or was last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Counters and lateness.
    pub stats: Stats,
    /// One entry for each finished request, in order of arrival. The oldest may have been dropped.
    pub entries: Vec<Entry>,
}

/// One request for a URL of the scenario, and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the request in order of arrival, from 0.
    pub sequence: u64,
    /// The URL's id.
    pub id: u64,
    /// The number of the attempt, from 1, as the client stated it.
    pub attempt: u32,
    /// Number of the connection it came over, from 0 since the start.
    pub connection: u64,
    /// The client's end of that connection.
    pub source: SocketAddr,
    /// The delay planned by the scenario, in nanoseconds.
    pub planned_delay_ns: u64,
    /// From the complete request head until the response's first bytes were written to the socket, or
    /// until the request was aborted, in nanoseconds.
    pub actual_delay_ns: u64,
    /// The part of the lateness for which the response was due and the event loop was busy with others,
    /// in nanoseconds: many responses due at the same time are sent one after the other.
    pub queued_ns: u64,
    /// How long the request waited in the socket before it was read, in nanoseconds; absent where the system
    /// does not timestamp what arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_ns: Option<u64>,
    /// The fault that was planned for it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Bytes of the response, head included, that were written to the socket.
    pub bytes: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it was written to the socket.
    Served,
    /// The client left first.
    Aborted,
    /// It ended as its fault defines: truncated, reset, or never complete.
    Faulted,
}

/// The counters of a target.
///
/// At any time `received` = `served` + `aborted` + `faulted` + `in_flight`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Complete requests for a URL of the scenario.
    pub received: u64,
    /// Responses written to the socket in full.
    pub served: u64,
    /// Requests whose client left before the response's last byte.
    pub aborted: u64,
    /// Responses that ended as their fault defines: truncated, reset, or never complete.
    pub faulted: u64,
    /// Requests answered with an error status outside the plan, such as 400 or 404.
    pub refused: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections that were reset at once by the fault `refuse`.
    pub connections_refused: u64,
    /// Bytes that clients sent, before encryption: heads and bodies.
    #[serde(default)]
    pub received_bytes: u64,
    /// Bytes of responses written to sockets, before encryption: heads and bodies.
    #[serde(default)]
    pub sent_bytes: u64,
    /// TLS handshakes completed, resumed ones included.
    pub handshakes: u64,
    /// TLS handshakes that resumed a session.
    pub resumptions: u64,
    /// Requests whose responses are being delayed or sent now.
    pub in_flight: u64,
    /// The most there were at once.
    pub most_in_flight: u64,
    /// When there first were that many: a reading of the system's monotonic clock, in nanoseconds.
    pub most_in_flight_at_ns: u64,
    /// Actual minus planned delay of the responses served.
    pub lateness_ns: Lateness,
    /// The part of it for which the event loop was busy with other responses.
    pub queueing_ns: Lateness,
    /// How long the requests waited in their sockets before they were read. The count is 0 where the system
    /// does not timestamp what arrives.
    #[serde(default)]
    pub unread_ns: Lateness,
    /// Entries dropped because the ledger was full.
    pub detail_lost: u64,
    /// Whether the event loops run with real-time priority.
    pub realtime: bool,
}

/// What one event loop has used since its thread started. A reset does not clear the CPU time and the run-queue
/// delay: compute differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopStats {
    /// User and system time of its thread, in nanoseconds; 0 where the system does not report it.
    pub cpu_ns: u64,
    /// How long its thread was ready to run and another had the processor, in nanoseconds (the second number
    /// of `/proc/PID/task/TID/schedstat`, proc(5)); absent where the system does not report it.
    pub run_queue_ns: Option<u64>,
    /// Complete requests for a URL of the scenario on its connections, since the last reset.
    pub received: u64,
}

/// Quantiles of lateness, in nanoseconds, to within 1 %; the maximum is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are self-explanatory.
pub struct Lateness {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
    /// Number of responses.
    pub count: u64,
}

impl Stats {
    /// Adds the counters of another shard. The most in flight is counted by all shards together.
    pub(crate) fn add(&mut self, other: &Stats) {
        self.received += other.received;
        self.served += other.served;
        self.aborted += other.aborted;
        self.faulted += other.faulted;
        self.refused += other.refused;
        self.connections += other.connections;
        self.connections_refused += other.connections_refused;
        self.received_bytes += other.received_bytes;
        self.sent_bytes += other.sent_bytes;
        self.handshakes += other.handshakes;
        self.resumptions += other.resumptions;
        self.in_flight += other.in_flight;
        self.most_in_flight = self.most_in_flight.max(other.most_in_flight);
        self.most_in_flight_at_ns = self.most_in_flight_at_ns.max(other.most_in_flight_at_ns);
        self.detail_lost += other.detail_lost;
    }
}
