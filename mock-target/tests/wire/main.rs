//! The target as seen on the wire, byte by byte, by clients that are plain sockets.

mod admin;
mod client;
mod client_close;
mod conformance;
mod faults;
mod http;
mod ledger;
mod scale;
mod serving;
mod slow_heads;
mod tls;
