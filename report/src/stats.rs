//! The statistics of a comparison: pure functions, each with its source.

mod sorted;

pub use sorted::{Number, Sorted};
