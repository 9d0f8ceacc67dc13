//! Whether a run's figures count, and why not where they do not.

use serde::{Deserialize, Serialize};

/// Whether a run's figures count. An invalid run is kept and shown, and never averaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Every request was verified, and nothing but the contender decided the figures.
    Valid,
    /// Something was wrong.
    #[serde(alias = "void")]
    Invalid {
        /// Why, at least once.
        reasons: Vec<Reason>,
    },
}

/// Why a run is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SavedReason")]
pub struct Reason {
    /// What kind of reason it is.
    pub kind: ReasonKind,
    /// The reason in one line.
    pub text: String,
}

/// A kind of reason why a run is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// A URL was received more than once, or never.
    NotReceivedOnce,
    /// A URL was served more than once, or never.
    NotServedOnce,
    /// A response was not the one that was planned: another status, length or checksum, or an error.
    WrongResponse,
    /// In an open loop: a request started before it was due, or has no due time.
    OffSchedule,
    /// A sample's times contradict its planned delay or the wall time.
    ImpossibleTime,
    /// The wall time is below what the planned delays alone take.
    ImpossibleWall,
    /// More requests were in flight than the concurrency allows.
    TooManyInFlight,
    /// Requests that were not planned: retried, abandoned or refused.
    UnplannedRequests,
    /// A sample names a process that the contender does not have.
    UnknownProcess,
    /// Requests before `go` or after `done`.
    OutsideTheRun,
    /// The target answered later than it planned.
    TargetLate,
    /// The target used nearly all the CPU that it can use: of records before format 3.
    TargetOutOfCpu,
    /// The harness did not run in time, so the wall time is too long.
    HarnessHeldUp,
    /// A CPU quota throttled the processes of the run.
    Throttled,
    /// A worker died, hung, or broke the protocol.
    Worker,
    /// The target's process ended during the run.
    TargetDied,
    /// The target is alive and did not report its ledger.
    NoLedger,
    /// The target's ledger does not hold every request.
    LedgerIncomplete,
    /// The system refused what the harness asked of it.
    System,
    /// Of a record whose format had no kinds, or of a kind that this version does not know.
    #[serde(other)]
    Unclassified,
}

impl Verdict {
    /// True for [`Verdict::Valid`].
    pub fn is_valid(&self) -> bool {
        *self == Verdict::Valid
    }

    /// Whether the run is invalid only because of disturbances: repeated, it may be valid.
    pub fn is_disturbed(&self) -> bool {
        let reasons = self.reasons();
        !reasons.is_empty() && reasons.iter().all(|reason| reason.kind.is_disturbance())
    }

    /// Why it is invalid; empty where it is valid.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Verdict::Valid => &[],
            Verdict::Invalid { reasons } => reasons,
        }
    }

    /// All reasons in one line.
    pub fn text(&self) -> String {
        self.reasons().iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ")
    }
}

impl From<Vec<Reason>> for Verdict {
    fn from(reasons: Vec<Reason>) -> Verdict {
        if reasons.is_empty() { Verdict::Valid } else { Verdict::Invalid { reasons } }
    }
}

impl Reason {
    /// A reason of that kind.
    pub fn new(kind: ReasonKind, text: impl Into<String>) -> Reason {
        Reason { kind, text: text.into() }
    }
}

impl ReasonKind {
    /// Whether something other than the contender decided the figures.
    pub fn is_disturbance(self) -> bool {
        use ReasonKind::{HarnessHeldUp, TargetLate, TargetOutOfCpu, Throttled};
        matches!(self, TargetLate | TargetOutOfCpu | HarnessHeldUp | Throttled)
    }

    /// As it is saved: `target-late`.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).expect("a kind has no keys");
        name.as_str().expect("a kind is saved as a string").to_owned()
    }
}

/// Formats 1 and 2 had reasons without a kind.
#[derive(Deserialize)]
#[serde(untagged)]
enum SavedReason {
    Text(String),
    Typed { kind: ReasonKind, text: String },
}

impl From<SavedReason> for Reason {
    fn from(saved: SavedReason) -> Reason {
        match saved {
            SavedReason::Text(text) => Reason { kind: ReasonKind::Unclassified, text },
            SavedReason::Typed { kind, text } => Reason { kind, text },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Verdict {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn reasons_are_saved_with_their_kind() {
        let reasons = [ReasonKind::TargetLate, ReasonKind::ImpossibleWall]
            .map(|kind| Reason::new(kind, "why"))
            .to_vec();
        let verdict = Verdict::from(reasons);
        let json = r#"{"verdict":"invalid","reasons":[{"kind":"target-late","text":"why"},{"kind":"impossible-wall","text":"why"}]}"#;
        assert_eq!(serde_json::to_string(&verdict).unwrap(), json);
        assert_eq!(read(json), verdict);
        assert_eq!(read(&json.replace("invalid", "void")), verdict, "up to format 3");
        assert_eq!(read(r#"{"verdict":"valid"}"#), Verdict::from(Vec::new()));
        assert_eq!(ReasonKind::TooManyInFlight.name(), "too-many-in-flight");
    }

    #[test]
    fn reasons_of_earlier_and_later_versions_are_unclassified() {
        let verdict = read(
            r#"{"verdict":"void","reasons":["the target was late",{"kind":"of-the-future","text":"new"}]}"#,
        );
        let unclassified = |text| Reason::new(ReasonKind::Unclassified, text);
        assert_eq!(verdict.reasons(), [unclassified("the target was late"), unclassified("new")]);
        assert!(!verdict.is_disturbed(), "an unknown reason is no disturbance");
    }

    #[test]
    fn a_run_is_disturbed_where_all_reasons_are_disturbances() {
        let of = |kinds: &[ReasonKind]| {
            Verdict::from(kinds.iter().map(|kind| Reason::new(*kind, "")).collect::<Vec<_>>()).is_disturbed()
        };
        assert!(of(&[ReasonKind::TargetLate, ReasonKind::Throttled]));
        assert!(of(&[ReasonKind::HarnessHeldUp]) && of(&[ReasonKind::TargetOutOfCpu]));
        assert!(!of(&[ReasonKind::TargetLate, ReasonKind::WrongResponse]));
        assert!(!of(&[ReasonKind::Worker]) && !of(&[]));
    }
}
