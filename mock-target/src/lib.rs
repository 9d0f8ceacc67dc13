//! An HTTP/1.1 server for tests and benchmarks, whose every response is planned in advance.
//!
//! A [`Scenario`] defines what the target does: how many URLs there are, after which delay each is
//! answered, and with which body. All of it is a pure function of the scenario and the URL's id, so
//! a test can compute what a client must receive. The [`Ledger`] records what the target itself
//! saw, and how late each response was.
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
//!
//! # Testing a client against faults
//!
//! Faults are part of a scenario, exact to the byte, and chosen by the seed: see [`Fault`]. A test of a
//! client, here a plain function, against a connection that is reset in the middle of a body:
//!
//! ```
//! use std::io::{self, Read, Write};
//! use std::net::{SocketAddr, TcpStream};
//! use mock_target::{Outcome, Scenario, Server};
//!
//! /// The client under test: it must return the whole body, or an error.
//! fn fetch(address: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
//!     let mut socket = TcpStream::connect(address)?;
//!     write!(socket, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
//!     let mut response = Vec::new();
//!     socket.read_to_end(&mut response)?;
//!     let body = response.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
//!     Ok(response.split_off(body.ok_or(io::ErrorKind::UnexpectedEof)?))
//! }
//!
//! // Half of the URLs are reset after 512 bytes of their body.
//! let scenario = Scenario {
//!     latency: "fixed:1ms".parse()?,
//!     faults: vec!["reset-mid-body@512=50%".parse()?],
//!     ..Scenario::preset("quick")?
//! };
//! let target = Server::start(scenario.clone())?;
//! for id in 0..20 {
//!     match fetch(target.address(), &format!("/u/{id}")) {
//!         // The scenario says which URLs have a fault, so that success is checked as strictly as failure.
//!         Ok(body) => {
//!             assert_eq!(scenario.fault(id, 1), None);
//!             assert_eq!(body.len() as u64, scenario.body_bytes);
//!         }
//!         Err(error) => {
//!             assert!(scenario.fault(id, 1).is_some());
//!             assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
//!         }
//!     }
//! }
//! let ledger = target.ledger()?;
//! let faulted = ledger.entries.iter().filter(|entry| entry.outcome == Outcome::Faulted);
//! assert_eq!(faulted.count() as u64, ledger.stats.faulted);
//! assert_eq!(ledger.stats.faulted + ledger.stats.served, 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod body;
pub mod fault;
pub mod injected_bug;
pub mod latency;
pub mod ledger;
pub mod limits;
pub mod pace;
pub mod presets;
pub mod random;
pub mod scenario;
pub mod scenario_plan;
pub mod server;
pub mod suggest;
pub mod units;

mod admin;
mod as_text;
mod clock;
mod control;
mod fault_share;
mod normal;
mod options;
mod request_log;

pub use body::Bodies;
pub use clock::now_ns as monotonic_ns;
pub use fault::Fault;
pub use fault_share::FaultShare;
pub use injected_bug::InjectedBug;
pub use latency::Latency;
pub use ledger::{Entry, Lateness, Ledger, LoopStats, Outcome, Stats};
pub use limits::raise_descriptor_limit;
pub use options::{ServerOptions, TimeLimits, TlsOptions};
pub use pace::Pace;
pub use presets::{Preset, UnknownPreset};
pub use scenario::{Scenario, ScenarioError};
pub use scenario_plan::{PlannedUrl, ScenarioPlan};
pub use server::{Handle, Server};
