//! What was served, and how late.
//!
//! The counters in [`Stats`] are always exact. The [`Entry`] of each response is kept until the
//! ledger is full; then the oldest are dropped, and [`Stats::detail_lost`] counts them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Everything a target saw since it started or was last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Counters and lateness.
    pub stats: Stats,
    /// One entry for each finished response that is still remembered, in order of arrival.
    pub entries: Vec<Entry>,
}

/// One request for a URL of the scenario, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the request in order of arrival, from 0.
    pub sequence: u64,
    /// The URL's id.
    pub id: u64,
    /// Which attempt the client said it was, from 1.
    pub attempt: u32,
    /// Number of the connection it came over, from 0 since the start.
    pub connection: u64,
    /// The client's end of that connection.
    pub source: SocketAddr,
    /// Delay that the scenario planned, in nanoseconds.
    pub planned_delay_ns: u64,
    /// From the complete request head until the response's first bytes were handed to the system, or
    /// until the request was aborted, in nanoseconds.
    pub actual_delay_ns: u64,
    /// The part of the lateness for which the response was due and the event loop was busy with others,
    /// in nanoseconds: many responses due in the same instant cannot all leave at once.
    pub queued_ns: u64,
    /// How long the request lay in the socket before it was read, in nanoseconds; absent where the system
    /// does not say when bytes came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_ns: Option<u64>,
    /// The fault that was planned for it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Bytes of the response, head included, that were handed to the system.
    pub bytes: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it was handed to the system.
    Served,
    /// The client went away first.
    Aborted,
    /// It ended as its fault demands: cut short, reset, or never complete.
    Faulted,
}

/// The counters of a target.
///
/// At every moment `received` = `served` + `aborted` + `faulted` + `in_flight`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Complete requests for a URL of the scenario.
    pub received: u64,
    /// Responses handed to the system in full.
    pub served: u64,
    /// Requests whose client went away before the response's last byte.
    pub aborted: u64,
    /// Responses that ended as their fault demands: cut short, reset, or never complete.
    pub faulted: u64,
    /// Requests answered outside the plan: with 400, 404 and the like.
    pub refused: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections that were reset at once, as the fault `refuse` demands.
    pub connections_refused: u64,
    /// Bytes that clients sent, before encryption: heads and bodies.
    #[serde(default)]
    pub received_bytes: u64,
    /// Bytes of responses handed to the system, before encryption: heads and bodies.
    #[serde(default)]
    pub sent_bytes: u64,
    /// TLS handshakes completed, resumed ones included.
    pub handshakes: u64,
    /// TLS handshakes that resumed a session.
    pub resumptions: u64,
    /// Requests that are being delayed or answered now.
    pub in_flight: u64,
    /// The most there ever were at once.
    pub most_in_flight: u64,
    /// When there first were so many: a reading of the system's monotonic clock, in nanoseconds.
    pub most_in_flight_at_ns: u64,
    /// Actual minus planned delay of the responses served.
    pub lateness_ns: Lateness,
    /// The part of it for which the event loop was busy with other responses.
    pub queueing_ns: Lateness,
    /// How long the requests lay in their sockets before they were read; its count is 0 where the system
    /// does not say when bytes came.
    #[serde(default)]
    pub unread_ns: Lateness,
    /// Entries dropped because the ledger was full.
    pub detail_lost: u64,
    /// Whether the event loops run with real-time priority.
    pub realtime: bool,
}

/// What one event loop used since its thread began. A reset leaves these clocks alone: a reader takes
/// differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopStats {
    /// User and system time of its thread, in nanoseconds; 0 where the system does not tell.
    pub cpu_ns: u64,
    /// How long its thread was ready to run and another had the processor, in nanoseconds (the second number
    /// of `/proc/PID/task/TID/schedstat`, proc(5)); absent where the system does not tell.
    pub run_queue_ns: Option<u64>,
    /// Complete requests for a URL of the scenario that came over its connections, since the last reset.
    pub received: u64,
}

/// Quantiles of lateness, in nanoseconds, to within 1 %; the maximum is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names say it all.
pub struct Lateness {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
    /// Number of responses.
    pub count: u64,
}

impl Stats {
    /// Adds what another event loop counted. The most in flight is counted by all together.
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
