//! Which CPUs the target and the clients run on.

use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use inflight_report::record::PlacementFacts;

use super::cores::{CORES_TO_SHARE_OUT, cores, grouped_by_core, has_cores_to_share_out};
use crate::process::{Cpus, allowed, siblings};

/// What `--pin` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    /// Cores of its own for the target, [as many as it takes](target_cores), on a machine with four cores or
    /// more; nothing is pinned elsewhere.
    #[default]
    Auto,
    /// Nothing is pinned: the system decides.
    Off,
    /// As it was written.
    To(Placement),
}

/// Which CPUs target and clients are confined to. They may overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Those of the target.
    pub target: Cpus,
    /// Those of every worker process and its children.
    pub clients: Cpus,
}

impl Pin {
    /// The placement to use here for a workload of that mean delay; `None` where nothing is pinned.
    ///
    /// # Errors
    /// Where one was asked for that this system cannot give.
    pub fn placement(&self, mean_delay_ns: u64) -> Result<Option<Placement>> {
        let allowed = allowed();
        match self {
            Pin::Off => Ok(None),
            Pin::Auto if !has_cores_to_share_out() => Ok(None),
            Pin::Auto => {
                Ok(allowed.and_then(|allowed| Placement::automatic(&allowed, mean_delay_ns, siblings)))
            }
            Pin::To(placement) => {
                let allowed =
                    allowed.context("this system does not let a process choose its CPUs: leave --pin out")?;
                let mut asked = placement.target.iter().chain(placement.clients.iter());
                if let Some(cpu) = asked.find(|cpu| !allowed.contains(*cpu)) {
                    bail!("there is no CPU {cpu} to pin to: this process may use {allowed}");
                }
                Ok(Some(placement.clone()))
            }
        }
    }
}

impl Placement {
    /// The last cores for the target and the others for the clients. `siblings` gives all CPUs of the core
    /// that a CPU is part of. The target uses the first CPU of each of its cores; the rest stay idle, since they
    /// would share the core with it.
    fn automatic(
        allowed: &Cpus,
        mean_delay_ns: u64,
        siblings: impl Fn(usize) -> Vec<usize>,
    ) -> Option<Placement> {
        let cores = grouped_by_core(allowed, siblings);
        let (of_clients, of_target) = cores.split_at(cores.len() - target_cores(cores.len(), mean_delay_ns)?);
        let among = |cores: &[Vec<usize>], cpu| cores.iter().any(|core| core.contains(&cpu));
        let first = |core: &Vec<usize>| allowed.iter().find(|cpu| core.contains(cpu));
        let target = of_target.iter().filter_map(first).collect();
        let clients = allowed.iter().filter(|cpu| among(of_clients, *cpu)).collect();
        Some(Placement { target: Cpus::of(target), clients: Cpus::of(clients) })
    }

    /// As it is saved and shown.
    pub fn facts(&self) -> PlacementFacts {
        PlacementFacts { target: self.target.to_string(), clients: self.clients.to_string() }
    }
}

/// How many CPUs target and clients share; `None` where each has its own.
pub fn shared_cpus(placement: Option<&Placement>) -> Option<usize> {
    let Some(Placement { target, clients }) = placement else { return Some(cores()) };
    let own = target.iter().filter(|cpu| !clients.contains(*cpu)).count();
    let apart = own == target.count();
    (!apart).then(|| own + clients.count())
}

/// With a mean delay of this one event loop is enough: 1,000 requests in flight are then 50,000 a second, and
/// half of what a loop can do.
const ONE_LOOP_SERVES_NS: u64 = 20_000_000;

/// How many of `cores` the target takes for itself; `None` where there are too few to share out.
/// Where nothing, or next to nothing, is delayed it is half of them: the cheapest clients take about as much CPU
/// a request as the target does, and with less it could be the limit.
pub fn target_cores(cores: usize, mean_delay_ns: u64) -> Option<usize> {
    match (cores, mean_delay_ns) {
        (..CORES_TO_SHARE_OUT, _) => None,
        (_, ONE_LOOP_SERVES_NS..) => Some(1),
        _ => Some(cores / 2),
    }
}

impl FromStr for Pin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Pin> {
        match text {
            "auto" => Ok(Pin::Auto),
            "off" => Ok(Pin::Off),
            _ => {
                let lists = text.strip_prefix("target=").and_then(|rest| rest.split_once(",clients="));
                let parsed = lists.and_then(|(target, clients)| {
                    Some(Placement { target: target.parse().ok()?, clients: clients.parse().ok()? })
                });
                parsed.map(Pin::To).with_context(|| {
                    format!(
                        "`{text}` is not a placement: write auto, off, or CPUs as in target=1,clients=0 or \
                         target=3,clients=0-2"
                    )
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpus(text: &str) -> Cpus {
        text.parse().unwrap()
    }

    #[test]
    fn placements_are_parsed() {
        let pin: Pin = "target=3,clients=0,1-2".parse().unwrap();
        assert_eq!(pin, Pin::To(Placement { target: cpus("3"), clients: cpus("0-2") }));
        assert_eq!(["auto", "off"].map(|text| text.parse::<Pin>().unwrap()), [Pin::Auto, Pin::Off]);
        for text in ["", "on", "target=0", "clients=0,target=1", "target=,clients=0"] {
            let refused = text.parse::<Pin>().unwrap_err().to_string();
            assert!(refused.contains("target=1,clients=0"), "{refused}");
        }
    }

    #[test]
    fn target_has_its_own_core_on_four_cores_or_more() {
        let alone = |cpu| vec![cpu];
        const DELAYED_NS: u64 = 250_000_000;
        assert_eq!(Placement::automatic(&cpus("0-2"), DELAYED_NS, alone), None);
        let four = Placement::automatic(&cpus("0-3"), DELAYED_NS, alone).unwrap();
        assert_eq!(four, Placement { target: cpus("3"), clients: cpus("0-2") });

        // Two threads a core: 0 and 4, 1 and 5, and so on.
        let pairs = |cpu| vec![cpu % 4, cpu % 4 + 4];
        let eight = Placement::automatic(&cpus("0-7"), DELAYED_NS, pairs).unwrap();
        assert_eq!(eight, Placement { target: cpus("3"), clients: cpus("0-2,4-6") });
        assert_eq!(
            Placement::automatic(&cpus("0-2,4-6"), DELAYED_NS, pairs),
            None,
            "six CPUs of three cores"
        );
    }

    #[test]
    fn target_has_half_of_the_cores_where_nothing_is_delayed() {
        let of = |cores| [0, 1_000_000, 250_000_000].map(|delay_ns| target_cores(cores, delay_ns));
        assert_eq!([1, 2, 3].map(of), [[None; 3]; 3]);
        assert_eq!(of(4), [Some(2), Some(2), Some(1)]);
        assert_eq!(of(5), [Some(2), Some(2), Some(1)]);
        assert_eq!(of(64), [Some(32), Some(32), Some(1)]);
        let pairs = |cpu| vec![cpu % 4, cpu % 4 + 4];
        let eight = Placement::automatic(&cpus("0-7"), 0, pairs).unwrap();
        assert_eq!(eight, Placement { target: cpus("2-3"), clients: cpus("0-1,4-5") });
    }

    #[test]
    fn shared_cpus_are_counted() {
        let placed = |target, clients| Placement { target: cpus(target), clients: cpus(clients) };
        assert_eq!(shared_cpus(Some(&placed("3", "0-2"))), None);
        assert_eq!(shared_cpus(Some(&placed("2-3", "0-2"))), Some(4));
        assert_eq!(shared_cpus(None), Some(cores()));
    }

    #[test]
    fn unknown_cpu_is_refused() {
        let Some(allowed) = allowed() else { return };
        let placement = Placement { target: cpus("60000"), clients: allowed };
        let refused = Pin::To(placement).placement(0).unwrap_err().to_string();
        assert!(refused.starts_with("there is no CPU 60000"), "{refused}");
        assert_eq!(Pin::Off.placement(0).unwrap(), None);
    }
}
