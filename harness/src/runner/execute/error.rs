//! Why a run did not reach its end.

use std::io;

use inflight_report::record::{Reason, ReasonKind};
use thiserror::Error;

/// Why a run did not reach its end.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// A worker did not do its part: what it did instead, with the last line of its stderr.
    #[error("{0}")]
    Worker(String),
    /// The target is gone.
    #[error("the target died during the run")]
    TargetDied,
    /// The target runs, but its ledger or the use of its event loops cannot be read.
    #[error("the target's ledger cannot be read: {0}")]
    NoLedger(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The system refused something.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl RunError {
    pub(crate) fn reason(&self) -> Reason {
        let kind = match self {
            RunError::Worker(_) => ReasonKind::Worker,
            RunError::TargetDied => ReasonKind::TargetDied,
            RunError::NoLedger(_) => ReasonKind::NoLedger,
            RunError::Interrupted | RunError::System(_) => ReasonKind::System,
        };
        Reason::new(kind, self.to_string())
    }
}

/// Names the workers that were late besides the first.
pub(super) fn also_late(others: &[usize]) -> String {
    const NAMED: usize = 5;
    let named: Vec<String> = others.iter().take(NAMED).map(usize::to_string).collect();
    match others.len() {
        0 => String::new(),
        1..=NAMED => format!(" (also late: {})", named.join(", ")),
        all => format!(" (also late: {} and {} more)", named.join(", "), all - NAMED),
    }
}

pub(super) fn worker_error(what: String, stderr_tail: Option<String>) -> RunError {
    RunError::Worker(match stderr_tail {
        Some(line) => format!("{what}; last line of stderr: {line}"),
        None => what,
    })
}
