//! The target as seen on the wire, byte by byte, by clients that are nothing but sockets.

mod admin;
mod client;
mod client_close;
mod faults;
mod http;
mod ledger;
mod scale;
mod serving;
mod slow_heads;
mod tls;
mod conformance;
