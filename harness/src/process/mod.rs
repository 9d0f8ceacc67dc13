//! How processes are started, and which CPUs they may use.

mod cpus;
mod launch;

pub use cpus::Cpus;
pub(crate) use cpus::{allowed, confined, siblings};
pub use launch::Launch;
pub(crate) use launch::remove_proxies;
