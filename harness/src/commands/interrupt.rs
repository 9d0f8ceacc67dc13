//! Signals that end a command early, after it has cleaned up.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Ctrl-C, a lost terminal, and what `kill`, `timeout` and service managers send.
const SIGNALS: [i32; 3] = [SIGINT, SIGHUP, SIGTERM];

/// The signal that asked to stop; 0 before one has.
static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on the first of [`SIGNALS`] sets a flag that ends what is under way after cleaning up; a second one
/// ends the process at once. A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays
/// ignored.
pub(super) fn catch() -> Result<&'static AtomicBool> {
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(asked) = ASKED.get() {
        return Ok(asked);
    }
    let (asked, received) = (ASKED.get_or_init(Arc::default), RECEIVED.get_or_init(Arc::default));
    let ignored = ignored_signals();
    for signal in SIGNALS.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0) {
        // Actions run in the order of their registration: the first signal finds the flag not set yet.
        let registered = flag::register_conditional_shutdown(signal, status(signal), asked.clone())
            .and_then(|_| flag::register_usize(signal, received.clone(), signal as usize))
            .and_then(|_| flag::register(signal, asked.clone()));
        registered.context("cannot catch Ctrl-C")?;
    }
    Ok(asked)
}

/// The exit code of a command that was asked to stop: 128 and the number of the signal, as shells have it.
pub(super) fn exit_code() -> ExitCode {
    let received = RECEIVED.get().map_or(0, |received| received.load(Ordering::SeqCst));
    let signal = SIGNALS.into_iter().find(|signal| *signal as usize == received).unwrap_or(SIGINT);
    ExitCode::from(status(signal) as u8)
}

fn status(signal: i32) -> i32 {
    128 + signal
}

/// A bit for each signal that this process ignores, from SIGHUP = 1 at the lowest; none where the system does not
/// report it.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
