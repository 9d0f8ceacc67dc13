//! The statistics of a comparison: pure functions, each with its source.

#[cfg(test)]
pub(crate) mod distribution;
mod e_divisive;
mod hodges_lehmann;
mod holm;
mod little;
mod order_statistic;
mod power;
pub mod signed_rank;
mod sorted;
mod stopping;
mod usl;

pub use e_divisive::change_points;
pub use hodges_lehmann::{Location, hodges_lehmann};
pub use holm::holm;
pub use little::mean_in_flight;
pub use order_statistic::MedianInterval;
pub use power::smallest_detectable_shift;
pub use sorted::{Number, Sorted};
pub use stopping::{FIRST_LOOK, interval_after_stopping, is_precise};
pub use usl::Usl;
