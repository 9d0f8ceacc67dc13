//! The gate: two builds of the same contenders, measured pair by pair on one machine in one sitting.
//!
//! What is measured next and what it all says is decided by `inflight_report::gate`, which knows nothing of
//! processes. Here is how it is measured.

mod artifact;
mod copies;
mod stages;
mod process_bench;
mod revision;
mod config;
#[cfg(test)]
mod simulation;

pub(crate) use artifact::Candidate;
pub(crate) use copies::Copies;
pub(crate) use stages::carry_out;
pub(crate) use process_bench::{INTERRUPTED, Onlooker, Races};
pub(crate) use revision::{Source, working_tree};
pub(crate) use config::Settings;
