//! Inflight's results: the saved record, its statistics, and everything that is rendered from it.
#![forbid(unsafe_code)]

pub mod charts;
pub mod comparison;
pub mod conclusion;
pub mod exports;
pub mod figures;
pub mod gate;
pub mod history;
pub mod numbers;
pub mod page;
pub mod record;
pub mod splice;
pub mod stats;
pub mod tables;

mod junit_xml;
mod printable;

#[cfg(test)]
mod example;
#[cfg(test)]
mod hostile;
