//! The figures of the head over many gates, each relative to the same reference on machines of the same class.
//!
//! Ratios can be compared only where they have the same reference. So a history has the gates with one base program and
//! one class of machines; gates with another base or class belong to another history.

mod changes;
pub mod chart;
mod reference;
mod series;
pub mod table;

use crate::gate::{Build, Gate};
use crate::record::Machine;
use reference::Base;
use series::Series;

pub use reference::ReferenceError;

/// The gates of one class of machines with one reference, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    class: MachineClass,
    /// The base of all these gates.
    reference: Build,
    /// When each gate began: RFC 3339, UTC.
    started_at: Vec<String>,
    /// The bases of other gates of this class, which are left out.
    left_out: Vec<Base>,
    /// One for each figure of each cell, in the order of the cells.
    series: Vec<Series>,
}

/// A class of machines whose ratios can be compared: the properties that affect a ratio and do not change from one boot
/// to the next. The CPU frequency may change, so it is not one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MachineClass {
    cpu_model: String,
    /// Logical CPUs.
    cores: u32,
    /// The vendor of the virtual machine; `none` where none was detected, `unknown` where it is not known.
    virtualisation: String,
    /// The kernel's major and minor version.
    kernel: String,
}

impl MachineClass {
    fn of(machine: &Machine) -> MachineClass {
        MachineClass {
            cpu_model: machine.cpu_model.clone(),
            cores: machine.cores,
            virtualisation: machine.settings.virtualisation.clone().unwrap_or_else(|| "unknown".to_owned()),
            kernel: major_minor(&machine.kernel),
        }
    }

    /// Its name: `AMD EPYC, 2 cores, guest of QEMU, kernel 6.18`.
    fn name(&self) -> String {
        let MachineClass { cpu_model, cores, virtualisation, kernel } = self;
        let cores = if *cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
        let guest = match virtualisation.as_str() {
            "none" => "no virtual machine".to_owned(),
            "unknown" => "perhaps a virtual machine".to_owned(),
            vendor => format!("guest of {vendor}"),
        };
        format!("{cpu_model}, {cores}, {guest}, kernel {kernel}")
    }
}

/// `6.18` of `6.18.5-arch1-1`; the whole version where it does not begin so.
fn major_minor(kernel: &str) -> String {
    let mut parts = kernel.splitn(3, '.');
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    match (parts.next().map(digits), parts.next().map(digits)) {
        (Some(major), Some(minor)) if !major.is_empty() && !minor.is_empty() => format!("{major}.{minor}"),
        _ => kernel.to_owned(),
    }
}

impl History {
    /// The histories of `gates`, which are sorted, oldest first: one for each class of machines. The reference is the one
    /// that is `asked` for by its name or the beginning of its digest, else the one with the most gates of the class. A
    /// class without the reference that is asked for has no history.
    ///
    /// # Errors
    /// Where no class has the reference that is asked for, or several references match.
    pub fn all(gates: &[Gate], asked: Option<&str>) -> Result<Vec<History>, ReferenceError> {
        let mut histories = Vec::new();
        for (class, of_class) in by_class(gates) {
            let bases = Base::all(&of_class);
            let Some(reference) = reference::choose(&bases, asked)? else { continue };
            histories.push(History::of(class, reference, &bases, &of_class));
        }
        match asked {
            Some(asked) if histories.is_empty() => {
                Err(ReferenceError::unknown(asked, &Base::all(&gates.iter().collect::<Vec<_>>())))
            }
            _ => Ok(histories),
        }
    }

    fn of(class: MachineClass, reference: &Base, bases: &[Base], gates: &[&Gate]) -> History {
        let included: Vec<&Gate> =
            gates.iter().copied().filter(|gate| gate.base.digest == reference.build.digest).collect();
        History {
            class,
            reference: reference.build.clone(),
            started_at: included.iter().map(|gate| gate.started_at.clone()).collect(),
            left_out: bases.iter().filter(|base| *base != reference).cloned().collect(),
            series: Series::all(&included),
        }
    }
}

/// The gates of each class, in the order in which the classes appear.
fn by_class(gates: &[Gate]) -> Vec<(MachineClass, Vec<&Gate>)> {
    let mut classes: Vec<(MachineClass, Vec<&Gate>)> = Vec::new();
    for gate in gates {
        let class = MachineClass::of(&gate.machine);
        match classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, of_class)) => of_class.push(gate),
            None => classes.push((class, vec![gate])),
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::example;

    #[test]
    fn a_class_ignores_what_changes_between_boots() {
        let mut machine = example::gates(1).remove(0).machine;
        let class = MachineClass::of(&machine);
        assert_eq!(class.name(), "AMD EPYC, 2 cores, guest of QEMU, kernel 6.18");
        machine.kernel = "6.18.44-generic".to_owned();
        machine.memory_bytes = 1;
        machine.settings.governor = Some("powersave".to_owned());
        assert_eq!(MachineClass::of(&machine), class);
        machine.kernel = "6.19.0".to_owned();
        assert_ne!(MachineClass::of(&machine), class);
        machine.settings.virtualisation = None;
        machine.cores = 1;
        let name = MachineClass::of(&machine).name();
        assert_eq!(name, "AMD EPYC, 1 core, perhaps a virtual machine, kernel 6.19");
    }

    #[test]
    fn kernel_versions_are_cut_to_major_and_minor() {
        for (kernel, expected) in
            [("6.18.5-arch1-1", "6.18"), ("6.8-rc3", "6.8"), ("24.1", "24.1"), ("unknown", "unknown")]
        {
            assert_eq!(major_minor(kernel), expected);
        }
    }

    #[test]
    fn every_class_has_its_own_history() {
        let mut gates = example::gates(6);
        gates[1].machine.cores = 4;
        gates[4].machine.cores = 4;
        let histories = History::all(&gates, None).unwrap();
        let lengths: Vec<_> = histories.iter().map(|of| (of.class.cores, of.started_at.len())).collect();
        assert_eq!(lengths, [(2, 4), (4, 2)]);
        assert_eq!(History::all(&[], None).unwrap(), []);
    }

    #[test]
    fn the_default_reference_is_the_base_with_the_most_gates() {
        let mut gates = example::gates(6);
        for gate in &mut gates[..2] {
            gate.base = Build { name: "v0.9".to_owned(), digest: "f00dfeed".repeat(8) };
        }
        for (asked, name, length) in [(None, "v1.0", 4), (Some("v0.9"), "v0.9", 2), (Some("f00d"), "v0.9", 2)]
        {
            let [ref history] = History::all(&gates, asked).unwrap()[..] else { panic!("one class") };
            assert_eq!((history.reference.name.as_str(), history.started_at.len()), (name, length));
            assert_eq!(history.left_out.iter().map(|base| base.gates).collect::<Vec<_>>(), [6 - length]);
        }
        gates[5].machine.cores = 4;
        assert_eq!(History::all(&gates, Some("v0.9")).unwrap().len(), 1, "the other class has no such gate");
    }
}
