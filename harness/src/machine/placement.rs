//! Who runs on which CPUs: the target on its own, the clients on others, or everybody anywhere.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::thread::available_parallelism;

use inflight_report::record::PlacementFacts;
use thiserror::Error;

use crate::meter::Quotas;

/// What was asked for with `--pin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    /// Cores of its own for the target, [as many as it takes](target_cores), where there are
    /// [`CORES_TO_SHARE_OUT`], and nothing elsewhere.
    #[default]
    Auto,
    /// Everybody runs wherever the system puts them.
    Off,
    /// As it was written.
    To(Placement),
}

/// With fewer cores than this a core for the target is too much of the machine to take from the clients.
pub const CORES_TO_SHARE_OUT: usize = 4;

/// Which CPUs target and clients are confined to. They may overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Those of the target.
    pub target: Cpus,
    /// Those of every worker process, and so of what it starts.
    pub clients: Cpus,
}

/// CPUs by their numbers, ascending, at least one; written `0,2-3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus(Vec<usize>);

/// Why a placement cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PinError {
    /// It is not written as one.
    #[error(
        "`{0}` is not a placement: write auto, off, or CPUs as in target=1,clients=0 or target=3,clients=0-2"
    )]
    Unreadable(String),
    /// It names a CPU that there is not, or that this process may not use.
    #[error("there is no CPU {cpu} to pin to: this process may use {allowed}")]
    NoSuchCpu {
        /// As asked for.
        cpu: usize,
        /// What there is.
        allowed: Cpus,
    },
    /// The system has no such call.
    #[error("this system does not let a process choose its CPUs: leave --pin out")]
    Impossible,
}

impl Pin {
    /// The placement to use here for a workload of that mean delay; `None` where nothing is pinned.
    ///
    /// # Errors
    /// Where one was asked for that this system cannot give.
    pub fn placement(&self, mean_delay_ns: u64) -> Result<Option<Placement>, PinError> {
        let allowed = allowed();
        match self {
            Pin::Off => Ok(None),
            Pin::Auto if !has_cores_to_share_out() => Ok(None),
            Pin::Auto => {
                Ok(allowed.and_then(|allowed| Placement::automatic(&allowed, mean_delay_ns, siblings)))
            }
            Pin::To(placement) => {
                let allowed = allowed.ok_or(PinError::Impossible)?;
                let mut asked = placement.target.0.iter().chain(&placement.clients.0);
                match asked.find(|cpu| !allowed.0.contains(cpu)) {
                    Some(&cpu) => Err(PinError::NoSuchCpu { cpu, allowed }),
                    None => Ok(Some(placement.clone())),
                }
            }
        }
    }
}

impl Placement {
    /// The last cores for the target and the others for the clients. `siblings` gives all CPUs of the core
    /// that a CPU is part of: of the target's the first of each is used, and the rest lie idle, since they
    /// would share everything with it.
    fn automatic(
        allowed: &Cpus,
        mean_delay_ns: u64,
        siblings: impl Fn(usize) -> Vec<usize>,
    ) -> Option<Placement> {
        let cores = cores(allowed, siblings);
        let (of_clients, of_target) = cores.split_at(cores.len() - target_cores(cores.len(), mean_delay_ns)?);
        let among = |cores: &[Vec<usize>], cpu| cores.iter().any(|core| core.contains(&cpu));
        let first = |core: &Vec<usize>| allowed.0.iter().copied().find(|cpu| core.contains(cpu));
        let target = of_target.iter().filter_map(first).collect();
        let clients = allowed.0.iter().copied().filter(|cpu| among(of_clients, *cpu)).collect();
        Some(Placement { target: Cpus(target), clients: Cpus(clients) })
    }

    /// As it is saved and shown.
    pub fn facts(&self) -> PlacementFacts {
        PlacementFacts { target: self.target.to_string(), clients: self.clients.to_string() }
    }
}

impl Cpus {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }
}

/// The CPUs that target and clients share, by number; `None` where each has its own.
pub fn shared_cpus(placement: Option<&Placement>) -> Option<usize> {
    let Some(Placement { target, clients }) = placement else { return Some(crate::machine::cores()) };
    let apart = target.iter().all(|cpu| !clients.0.contains(&cpu));
    let own = target.iter().filter(|cpu| !clients.0.contains(cpu)).count();
    (!apart).then(|| own + clients.count())
}

/// With a mean delay of this one event loop is enough: 1,000 requests in flight are then 50,000 a second, and
/// half of what a loop can do.
const ONE_LOOP_SERVES_NS: u64 = 20_000_000;

/// The cores of its own that the target takes of so many `cores`; `None` where there are too few to share out.
/// Where nothing, or next to nothing, is delayed it is half of them: the cheapest clients take about as much CPU
/// a request as the target does, and with less it could be the limit.
pub fn target_cores(cores: usize, mean_delay_ns: u64) -> Option<usize> {
    match (cores, mean_delay_ns) {
        (..CORES_TO_SHARE_OUT, _) => None,
        (_, ONE_LOOP_SERVES_NS..) => Some(1),
        _ => Some(cores / 2),
    }
}

/// Whether this process may use so many cores that one is nearly always free for the target.
pub fn has_cores_to_share_out() -> bool {
    physical_cores() >= CORES_TO_SHARE_OUT
}

/// The cores that this process may use, each counted once however many CPUs it shows, and no more than its CPU
/// quota is worth.
pub fn physical_cores() -> usize {
    let cores = allowed().map(|allowed| cores(&allowed, siblings).len());
    Quotas::of_this_process().worth(cores.unwrap_or_else(allowed_cpus))
}

/// How many CPUs this process may use, whatever its CPU quota.
pub(crate) fn allowed_cpus() -> usize {
    // The standard library takes a quota into account, and rounds it down.
    allowed().map_or_else(|| available_parallelism().map_or(1, usize::from), |allowed| allowed.count())
}

/// The cores of the CPUs `allowed`, each as all the CPUs it shows.
fn cores(allowed: &Cpus, siblings: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut cores: Vec<Vec<usize>> = allowed.0.iter().map(|&cpu| siblings(cpu)).collect();
    cores.sort_unstable();
    cores.dedup();
    cores
}

/// Does `start` while this thread may only use `cpus`, and whatever it starts inherits that: so a program in
/// any language finds itself confined before its first instruction. Without `cpus` it just does it.
///
/// # Errors
/// When the system refuses.
pub(crate) fn confined<T>(cpus: Option<&Cpus>, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(cpus) = cpus else { return start() };
    let before = system::affinity()?;
    system::confine(&cpus.0)?;
    let started = start();
    system::confine(&before)?;
    started
}

/// The CPUs that this process may use, where the system tells.
fn allowed() -> Option<Cpus> {
    system::affinity().ok().filter(|cpus| !cpus.is_empty()).map(Cpus)
}

/// All CPUs of the core that `cpu` is part of; itself where the system does not tell.
fn siblings(cpu: usize) -> Vec<usize> {
    let list = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    let told = std::fs::read_to_string(list).ok().and_then(|list| list.trim().parse::<Cpus>().ok());
    told.map_or_else(|| vec![cpu], |cpus| cpus.0)
}

#[cfg(target_os = "linux")]
mod system {
    //! The affinity of the calling thread, as the kernel keeps it.

    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn affinity() -> io::Result<Vec<usize>> {
        let set = sched_getaffinity(None)?;
        Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
    }

    pub(super) fn confine(cpus: &[usize]) -> io::Result<()> {
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu));
        Ok(sched_setaffinity(None, &set)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Elsewhere nobody is confined.

    use std::io;

    pub(super) fn affinity() -> io::Result<Vec<usize>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn confine(_: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Pin, PinError> {
        match text {
            "auto" => Ok(Pin::Auto),
            "off" => Ok(Pin::Off),
            _ => {
                let lists = text.strip_prefix("target=").and_then(|rest| rest.split_once(",clients="));
                let parsed = lists.and_then(|(target, clients)| {
                    Some(Placement { target: target.parse().ok()?, clients: clients.parse().ok()? })
                });
                parsed.map(Pin::To).ok_or_else(|| PinError::Unreadable(text.to_owned()))
            }
        }
    }
}

impl FromStr for Cpus {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Cpus, PinError> {
        /// More than any system here can name.
        const BEYOND: usize = 1 << 16;
        let unreadable = || PinError::Unreadable(text.to_owned());
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: usize = first.parse().map_err(|_| unreadable())?;
            let last: usize = last.parse().map_err(|_| unreadable())?;
            if first > last || last >= BEYOND {
                return Err(unreadable());
            }
            cpus.extend(first..=last);
        }
        cpus.sort_unstable();
        cpus.dedup();
        Ok(Cpus(cpus))
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|cpu, next| *next == cpu + 1).map(|run| match run {
            [cpu] => cpu.to_string(),
            _ => format!("{}-{}", run[0], run[run.len() - 1]),
        });
        f.write_str(&runs.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpus(text: &str) -> Cpus {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_of_cpus_is_read_and_written_as_the_kernel_does() {
        assert_eq!(cpus("3,0-1,1").0, [0, 1, 3]);
        for text in ["0", "0-1", "0,2-4,7"] {
            assert_eq!(cpus(text).to_string(), text);
        }
        for text in ["", "a", "1-", "2-1", "0,", "-1", "0-99999999"] {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_placement_is_read_as_it_is_meant() {
        let pin: Pin = "target=3,clients=0,1-2".parse().unwrap();
        assert_eq!(pin, Pin::To(Placement { target: cpus("3"), clients: cpus("0-2") }));
        assert_eq!(("auto".parse(), "off".parse()), (Ok(Pin::Auto), Ok(Pin::Off)));
        for text in ["", "on", "target=0", "clients=0,target=1", "target=,clients=0"] {
            let refused = text.parse::<Pin>().unwrap_err().to_string();
            assert!(refused.contains("target=1,clients=0"), "{refused}");
        }
    }

    #[test]
    fn the_target_has_a_core_of_its_own_where_there_are_four() {
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
    fn the_target_has_half_of_the_cores_where_nothing_is_delayed() {
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
    fn what_target_and_clients_share_is_counted() {
        let placed = |target, clients| Placement { target: cpus(target), clients: cpus(clients) };
        assert_eq!(shared_cpus(Some(&placed("3", "0-2"))), None);
        assert_eq!(shared_cpus(Some(&placed("2-3", "0-2"))), Some(4));
        assert_eq!(shared_cpus(None), Some(crate::machine::cores()));
    }

    #[test]
    fn a_cpu_that_is_not_there_is_refused() {
        let Some(allowed) = allowed() else { return };
        let placement = Placement { target: cpus("60000"), clients: allowed };
        let refused = Pin::To(placement).placement(0).unwrap_err().to_string();
        assert!(refused.starts_with("there is no CPU 60000"), "{refused}");
        assert_eq!(Pin::Off.placement(0), Ok(None));
    }

    #[test]
    fn what_is_started_confined_stays_so_and_who_started_it_does_not() {
        let Some(all) = allowed() else { return };
        let last = Cpus(all.0[all.count() - 1..].to_vec());
        let child =
            confined(Some(&last), || std::process::Command::new("cat").arg("/proc/self/status").output());
        let status = String::from_utf8(child.unwrap().stdout).unwrap();
        let line = format!("Cpus_allowed_list:\t{last}");
        assert!(status.lines().any(|told| told == line), "{status}");
        assert_eq!(allowed(), Some(all));
    }
}
