//! How Inflight tells its results: the saved record and everything that is drawn from it.
#![forbid(unsafe_code)]

pub mod comparison;
pub mod numbers;
pub mod record;
pub mod splice;
pub mod stats;

#[cfg(test)]
mod example;
