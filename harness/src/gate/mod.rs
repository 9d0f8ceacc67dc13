//! The gate: two builds of the same contenders, measured pair by pair on one machine in one session.
//!
//! `inflight_report::gate` decides what is measured next and what the result is; it knows nothing of processes.
//! This module does the measuring.

mod artifact;
mod build_target;
mod config;
mod copies;
mod cost;
mod process_bench;
mod revision;
#[cfg(test)]
mod simulation;
mod stages;

pub(crate) use artifact::Artifact;
pub(crate) use config::GateConfig;
pub(crate) use copies::Copies;
pub(crate) use process_bench::{GateObserver, INTERRUPTED, ProcessBench};
pub(crate) use revision::{Repository, working_tree};
pub(crate) use stages::run_stages;
