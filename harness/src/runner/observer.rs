//! Observation and interruption of runs.

use std::sync::atomic::{AtomicBool, Ordering};

/// Called while a run goes on, about ten times a second.
pub trait Observer {
    /// Called with the number of requests served so far in this run, and of those in flight now. The target is asked
    /// for them in every run alike, whoever observes it, since asking costs it a little.
    fn progressed(&mut self, _served: u64, _in_flight: u64) {}

    /// Whether the user asked to stop.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Observes nothing, and never stops a run.
pub struct NoObserver;

impl Observer for NoObserver {}

/// A flag that a signal handler sets: observes nothing, and stops the run.
impl Observer for &AtomicBool {
    fn interrupted(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}
