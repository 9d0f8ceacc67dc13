//! How many cores and CPUs this process may use.

use std::thread::available_parallelism;

use crate::meter::Quotas;
use crate::process::{Cpus, allowed, siblings};

/// With fewer cores than this a core for the target takes too much of the machine from the clients.
pub(crate) const CORES_TO_SHARE_OUT: usize = 4;

/// Threads for a runtime that spreads work over cores: the CPUs that this process may use, and no more than its
/// quota is worth.
pub(crate) fn cores() -> usize {
    within_quota(allowed_cpus())
}

/// How many of `cpus` this process can use within its CPU quota.
pub(crate) fn within_quota(cpus: usize) -> usize {
    Quotas::of_this_process().limit_cpus(cpus)
}

/// Whether this process may use so many cores that one is nearly always free for the target.
pub(crate) fn has_cores_to_share_out() -> bool {
    physical_cores() >= CORES_TO_SHARE_OUT
}

/// The physical cores that this process may use, each counted once however many CPUs it shows, and no more than
/// its CPU quota is worth.
pub(crate) fn physical_cores() -> usize {
    let cores = allowed().map(|allowed| grouped_by_core(&allowed, siblings).len());
    within_quota(cores.unwrap_or_else(allowed_cpus))
}

/// How many CPUs this process may use, whatever its CPU quota.
pub(crate) fn allowed_cpus() -> usize {
    // The standard library takes a quota into account, and rounds it down.
    allowed().map_or_else(|| available_parallelism().map_or(1, usize::from), |allowed| allowed.count())
}

/// The cores of the CPUs `allowed`, each as all the CPUs it shows, which `siblings` gives.
pub(super) fn grouped_by_core(allowed: &Cpus, siblings: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut cores: Vec<Vec<usize>> = allowed.iter().map(siblings).collect();
    cores.sort_unstable();
    cores.dedup();
    cores
}
