//! How Inflight tells its results: the saved record and everything that is drawn from it.
#![forbid(unsafe_code)]

pub mod record;

#[cfg(test)]
mod example;
