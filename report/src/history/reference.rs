//! The reference of a history: the base that heads are compared with, chosen from those of the gates.

use std::cmp::Reverse;

use thiserror::Error;

use crate::gate::{Build, Gate};
use crate::numbers::count;
use crate::printable::printable;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Its digest and its latest name.
    pub build: Build,
    pub gates: usize,
    names: Vec<String>,
}

/// Why no reference was found: no gate has the base that was asked for, or several bases match.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ReferenceError(String);

impl ReferenceError {
    pub(super) fn unknown(asked: &str, bases: &[Base]) -> ReferenceError {
        let (asked, known) = (printable(asked), list(bases));
        ReferenceError(format!("no gate has the base `{asked}`; there are: {known}"))
    }

    fn several(asked: &str, matching: Vec<&Base>) -> ReferenceError {
        let (asked, matching) = (printable(asked), list(matching));
        ReferenceError(format!("`{asked}` matches several bases: {matching}; give a digest to choose one"))
    }
}

impl Base {
    /// The bases of `gates`, which are sorted, oldest first.
    pub(super) fn all(gates: &[&Gate]) -> Vec<Base> {
        let mut bases: Vec<Base> = Vec::new();
        for Gate { base, .. } in gates {
            match bases.iter_mut().find(|known| known.build.digest == base.digest) {
                Some(known) => {
                    known.gates += 1;
                    known.build.name.clone_from(&base.name);
                    if !known.names.contains(&base.name) {
                        known.names.push(base.name.clone());
                    }
                }
                None => bases.push(Base { build: base.clone(), gates: 1, names: vec![base.name.clone()] }),
            }
        }
        bases
    }

    /// Its name, digest and number of gates: `v1.0 (0123456789ab), 24 gates`.
    fn label(&self) -> String {
        let gates = if self.gates == 1 { "gate" } else { "gates" };
        format!("{}, {} {gates}", self.build.label(), self.gates)
    }
}

/// The base that is `asked` for by a name or the beginning of a digest; else the one with the most gates, and of several
/// the newest. `None` where there is none.
pub(super) fn choose<'a>(bases: &'a [Base], asked: Option<&str>) -> Result<Option<&'a Base>, ReferenceError> {
    let Some(asked) = asked else { return Ok(bases.iter().max_by_key(|base| base.gates)) };
    let all = |matches: &dyn Fn(&Base) -> bool| -> Vec<&Base> {
        bases.iter().filter(|base| matches(base)).collect()
    };
    let mut matching = all(&|base| base.names.iter().any(|name| has_name(name, asked)));
    if matching.is_empty() {
        matching = all(&|base| base.build.digest.starts_with(asked));
    }
    match matching[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(ReferenceError::several(asked, matching)),
    }
}

/// Whether `asked` is the name, or the revision that it begins with: `v1.0` of `v1.0 (0a1b2c3d4e5f)`.
fn has_name(name: &str, asked: &str) -> bool {
    name.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
}

/// The three with the most gates, and how many more there are, since there may be hundreds of bases.
pub(super) fn list<'a>(bases: impl IntoIterator<Item = &'a Base>) -> String {
    const MOST: usize = 3;
    let mut bases: Vec<&Base> = bases.into_iter().collect();
    bases.sort_by_key(|base| Reverse(base.gates));
    let more = bases.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("{} more", count(more as u64)));
    bases.into_iter().take(MOST).map(Base::label).chain(more).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::example;
    use crate::history::History;

    fn with_bases(bases: &[(&str, &str)]) -> Vec<Gate> {
        let mut gates = example::gates(bases.len() as u32);
        for (gate, (name, digest)) in gates.iter_mut().zip(bases) {
            gate.base = Build { name: (*name).to_owned(), digest: (*digest).to_owned() };
        }
        gates
    }

    fn refused(gates: &[Gate], asked: &str) -> String {
        History::all(gates, Some(asked)).unwrap_err().to_string()
    }

    fn digests<const N: usize>(gates: &[Gate], asked: [&str; N]) -> [String; N] {
        asked.map(|asked| History::all(gates, Some(asked)).unwrap()[0].reference.digest.clone())
    }

    #[test]
    fn unknown_reference_lists_the_known_ones() {
        let gates = with_bases(&[("v1", "0a11"), ("v1", "0a11"), ("v2", "0b22")]);
        let known = "v1 (0a11), 2 gates; v2 (0b22), 1 gate";
        assert_eq!(refused(&gates, "v3"), format!("no gate has the base `v3`; there are: {known}"));
    }

    #[test]
    fn of_many_bases_those_with_the_most_gates_are_listed() {
        let digests: Vec<String> = (0..30).map(|base| format!("d{base}")).collect();
        let bases = digests.iter().chain([&digests[29]]).map(|digest| ("main", digest.as_str()));
        let gates = with_bases(&bases.collect::<Vec<_>>());
        let listed = "main (d29), 2 gates; main (d0), 1 gate; main (d1), 1 gate; 27 more";
        for asked in ["v3", "main"] {
            assert!(refused(&gates, asked).contains(&format!(": {listed}")), "{asked}");
        }
    }

    #[test]
    fn a_revision_matches_without_its_commit() {
        let gates = with_bases(&[("v1 (5e21d6d)", "0a11"), ("v1.1 (8a3890a)", "0b22")]);
        assert_eq!(digests(&gates, ["v1", "v1.1", "v1 (5e21d6d)"]), ["0a11", "0b22", "0a11"]);
    }

    #[test]
    fn a_name_of_several_builds_is_ambiguous_and_a_digest_is_not() {
        let gates = with_bases(&[("main", "0a11"), ("main", "0b22"), ("v2", "0b22")]);
        let refused = refused(&gates, "main");
        let matching = "v2 (0b22), 2 gates; main (0a11), 1 gate";
        assert!(refused.starts_with(&format!("`main` matches several bases: {matching}")), "{refused}");
        assert!(History::all(&gates, Some("0")).is_err());
        assert_eq!(digests(&gates, ["0a", "v2"]), ["0a11", "0b22"]);
    }
}
