//! The deadlines of delayed responses, and the timer that wakes the loop for the earliest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use mio::{Registry, Token};

/// Deadlines in order. The deadline of a closed connection stays, and is skipped when due.
pub(super) struct Timers {
    deadlines: BinaryHeap<Reverse<(u64, Token)>>,
    timer: TimerFd,
    /// Whether the loop busy-waits for a deadline that is near.
    pub(super) spin: bool,
}

/// How long before a deadline the loop stops sleeping, when it may spin: longer than a wake-up takes.
const SPIN_NS: u64 = 200_000;

/// With more deadlines than this the loop is busy without spinning, and spinning would take
/// the processor from the clients: real-time throttling then does more harm than a late wake-up.
const MAX_SPIN_DEADLINES: usize = 1_200;

impl Timers {
    /// No deadlines, with memory reserved for `capacity`. `token` marks the timer's events.
    pub(super) fn new(registry: &Registry, token: Token, capacity: usize) -> io::Result<Timers> {
        let timer = TimerFd::new(registry, token)?;
        Ok(Timers { deadlines: BinaryHeap::with_capacity(capacity), timer, spin: false })
    }

    /// Adds a deadline for `token`.
    pub(super) fn add(&mut self, deadline_ns: u64, token: Token) {
        self.deadlines.push(Reverse((deadline_ns, token)));
    }

    /// Removes and returns the earliest deadline if it is due. The clock is only read if there is one.
    pub(super) fn pop_due(&mut self, now_ns: impl Fn() -> u64) -> Option<(u64, Token)> {
        let Reverse((deadline_ns, _)) = self.deadlines.peek()?;
        if *deadline_ns <= now_ns() { self.deadlines.pop().map(|Reverse(due)| due) } else { None }
    }

    /// How many deadlines there are, those of closed connections included.
    pub(super) fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// Keeps only the deadlines for which `is_current` holds.
    pub(super) fn retain(&mut self, mut is_current: impl FnMut(u64, Token) -> bool) {
        self.deadlines.retain(|Reverse((deadline_ns, token))| is_current(*deadline_ns, *token));
    }

    /// Sets the timer for the earliest deadline, and returns the timeout that the poll needs because
    /// of it: `None` where the timer wakes the loop.
    pub(super) fn arm(&mut self, now_ns: u64) -> io::Result<Option<Duration>> {
        let Some(Reverse((deadline_ns, _))) = self.deadlines.peek() else { return Ok(None) };
        let lead_ns = if self.spin && self.deadlines.len() <= MAX_SPIN_DEADLINES { SPIN_NS } else { 0 };
        let wake_ns = deadline_ns.saturating_sub(lead_ns);
        if wake_ns <= now_ns {
            return Ok(Some(Duration::ZERO));
        }
        self.timer.set(wake_ns, now_ns)
    }
}

/// A timer of the kernel, absolute and with nanosecond resolution; that of `epoll_wait` is a millisecond.
#[cfg(target_os = "linux")]
struct TimerFd {
    timer: std::os::fd::OwnedFd,
    set_for: Option<u64>,
}

#[cfg(target_os = "linux")]
impl TimerFd {
    fn new(registry: &Registry, token: Token) -> io::Result<TimerFd> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;

        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Edge-triggered, so every expiry is one event and the timer need not be read.
        registry.register(&mut mio::unix::SourceFd(&timer.as_raw_fd()), token, mio::Interest::READABLE)?;
        Ok(TimerFd { timer, set_for: None })
    }

    /// Makes a system call only when the deadline differs from the last. A timer that is no longer needed
    /// stays set: one superfluous wake-up is cheaper than a call.
    fn set(&mut self, deadline_ns: u64, _now_ns: u64) -> io::Result<Option<Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        if self.set_for != Some(deadline_ns) {
            let at = Timespec {
                tv_sec: (deadline_ns / 1_000_000_000).cast_signed(),
                tv_nsec: (deadline_ns % 1_000_000_000).cast_signed(),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
            self.set_for = Some(deadline_ns);
        }
        Ok(None)
    }
}

/// On other systems the timeout of the poll wakes the loop, with the resolution of the system.
#[cfg(not(target_os = "linux"))]
struct TimerFd;

#[cfg(not(target_os = "linux"))]
impl TimerFd {
    fn new(_: &Registry, _: Token) -> io::Result<TimerFd> {
        Ok(TimerFd)
    }

    fn set(&mut self, deadline_ns: u64, now_ns: u64) -> io::Result<Option<Duration>> {
        Ok(Some(Duration::from_nanos(deadline_ns.saturating_sub(now_ns))))
    }
}
