//! How other load on the machine disturbed the runs of a record.

use serde::Serialize;

use crate::record::{Disturbance, Run};

/// A way in which runs were disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Disturbed {
    /// The disturbance.
    pub by: Disturbance,
    /// How many runs.
    pub runs: usize,
    /// Of how many that were measured.
    pub of: usize,
    /// The largest share of the machine's CPU that it took during a run.
    pub most: f64,
}

impl Disturbed {
    /// All that disturbed `runs`, each once.
    pub(super) fn of(runs: &[Run]) -> Vec<Disturbed> {
        let figures = || runs.iter().filter_map(|run| run.figures.as_ref());
        let of = figures().count();
        [Disturbance::Busy, Disturbance::Stolen]
            .into_iter()
            .filter_map(|by| {
                let disturbed = figures().filter(|f| f.noise.disturbances(f.wall_ns).contains(&by));
                let shares: Vec<f64> = disturbed.map(|f| by.share(&f.noise, f.wall_ns)).collect();
                let most = shares.iter().copied().reduce(f64::max)?;
                Some(Disturbed { by, runs: shares.len(), of, most })
            })
            .collect()
    }
}
