//! The harness of Inflight: runs the same URLs under every concurrency model, verifies every request
//! and measures what it cost.
//!
//! The binary `inflight` is [`commands::main`]. Other programs that link this library and start races
//! must let themselves be started again as worker and as target: see [`commands::main_if_child`].
#![forbid(unsafe_code)]

mod article;
pub mod catalogue;
pub mod clients;
pub mod commands;
pub mod contender;
mod crew;
mod doctor;
mod entry;
pub mod external;
pub mod floor;
mod gate;
mod limits;
mod machine;
pub mod meter;
pub mod models;
pub mod placement;
mod progress;
pub mod protocol;
pub mod race;
pub mod rate;
pub mod recorder;
pub mod schedule;
pub mod session;
pub mod target;
pub mod target_limit;
mod toml_error;
pub mod verify;
pub mod worker;
pub mod workload;

pub use crew::Launch;
