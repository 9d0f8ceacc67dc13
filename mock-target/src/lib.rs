//! An HTTP/1.1 server for tests and benchmarks, whose every response is planned in advance.
//!
//! A [`Scenario`] says what the target does: how many URLs there are, after which delay each is
//! answered, and with which body. All of it is a pure function of the scenario and the URL's id, so
//! anyone can compute what a client ought to have seen. The [`Ledger`] tells what the target itself
//! saw, and how late each response was against its plan.
//!
//! ```
//! use std::io::{Read, Write};
//! use mock_target::{Scenario, Server};
//!
//! let scenario = Scenario { latency: "fixed:5ms".parse()?, ..Scenario::preset("quick")? };
//! let target = Server::start(scenario)?;
//!
//! let mut socket = std::net::TcpStream::connect(target.address())?;
//! socket.write_all(b"GET /u/42 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
//! let mut response = Vec::new();
//! socket.read_to_end(&mut response)?;
//!
//! assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
//! let ledger = target.ledger()?;
//! assert_eq!(ledger.stats.served, 1);
//! assert_eq!(ledger.entries[0].id, 42);
//! assert!(ledger.entries[0].actual_delay_ns >= 5_000_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod body;
pub mod fault;
pub mod latency;
pub mod ledger;
pub mod limits;
pub mod pace;
pub mod plan;
pub mod presets;
pub mod scenario;
pub mod server;
pub mod units;

mod admin;
mod clock;
mod normal;
mod random;

pub use body::Bodies;
pub use clock::now_ns as monotonic_ns;
pub use fault::{Fault, FaultShare};
pub use latency::Latency;
pub use ledger::{Entry, Lateness, Ledger, Outcome, Stats};
pub use limits::raise_descriptor_limit;
pub use pace::Pace;
pub use plan::{Plan, PlannedUrl};
pub use presets::{Preset, UnknownPreset};
pub use scenario::{Lie, Scenario, ScenarioError};
pub use server::{Handle, Server, ServerOptions, TimeLimits, TlsOptions};
