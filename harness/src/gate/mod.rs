//! The gate: two builds of the same contenders, measured pair by pair on one machine in one sitting.
//!
//! What is measured next and what it all says is decided by `inflight_report::gate`, which knows nothing of
//! processes. Here is how it is measured.

mod builds;
mod copies;
mod course;
mod races;
mod revision;
mod settings;
#[cfg(test)]
mod simulation;

pub(crate) use builds::Candidate;
pub(crate) use copies::Copies;
pub(crate) use course::carry_out;
pub(crate) use races::{INTERRUPTED, Onlooker, Races};
pub(crate) use revision::{Source, working_tree};
pub(crate) use settings::Settings;
