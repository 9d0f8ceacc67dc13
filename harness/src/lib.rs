//! The harness of Inflight: runs the same URLs under every concurrency model, verifies every request
//! and measures what it cost.
//!
//! The binary `inflight` is [`commands::main`]. Other programs that link this library and start races
//! must let themselves be started again as worker and as target: see [`commands::main_if_child`].
#![forbid(unsafe_code)]

pub mod commands;
pub mod contender;
mod gate;
pub mod machine;
pub mod meter;
pub mod process;
pub mod runner;
mod toml_error;
mod verdict;
pub mod workload;

pub use inflight_worker as worker;
pub use inflight_worker::models;
pub use process::Launch;
