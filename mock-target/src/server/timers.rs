//! The deadlines of delayed responses, and the one timer that wakes the loop for the earliest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use mio::{Registry, Token};

/// Deadlines in order. A connection that went away leaves its deadline behind, to be skipped when due.
pub(super) struct Timers {
    deadlines: BinaryHeap<Reverse<(u64, Token)>>,
    alarm: Alarm,
    spin: bool,
}

/// How long before a deadline the loop stops sleeping, when it may spin: longer than waking takes.
const SPIN_NS: u64 = 200_000;

/// With more deadlines than this, the loop is busy enough without spinning, and spinning would take
/// the processor from the clients: real-time throttling then does more harm than a late wake-up.
const MOST_SPUN_FOR: usize = 1_200;

impl Timers {
    /// No deadlines yet, with room for `room`; `token` marks the alarm's events.
    pub(super) fn new(registry: &Registry, token: Token, room: usize) -> io::Result<Timers> {
        let alarm = Alarm::new(registry, token)?;
        Ok(Timers { deadlines: BinaryHeap::with_capacity(room), alarm, spin: false })
    }

    /// Whether the loop is to wait awake for a deadline that is near.
    pub(super) fn spin(&mut self, spin: bool) {
        self.spin = spin;
    }

    /// Remembers that `token` is due at `deadline_ns`.
    pub(super) fn add(&mut self, deadline_ns: u64, token: Token) {
        self.deadlines.push(Reverse((deadline_ns, token)));
    }

    /// Takes the earliest deadline out if it is due. The clock is only read if there is one.
    pub(super) fn pop_due(&mut self, now_ns: impl Fn() -> u64) -> Option<(u64, Token)> {
        let Reverse((deadline_ns, _)) = self.deadlines.peek()?;
        if *deadline_ns <= now_ns() { self.deadlines.pop().map(|Reverse(due)| due) } else { None }
    }

    /// How many deadlines are remembered, those of connections that are gone included.
    pub(super) fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// Keeps only the deadlines that still mean something.
    pub(super) fn retain(&mut self, mut meant: impl FnMut(u64, Token) -> bool) {
        self.deadlines.retain(|Reverse((deadline_ns, token))| meant(*deadline_ns, *token));
    }

    /// Sees to it that the loop wakes for the earliest deadline, and returns how long the poll itself
    /// may last because of it: `None` where the alarm does the waking.
    pub(super) fn arm(&mut self, now_ns: u64) -> io::Result<Option<Duration>> {
        let Some(Reverse((deadline_ns, _))) = self.deadlines.peek() else { return Ok(None) };
        let lead_ns = if self.spin && self.deadlines.len() <= MOST_SPUN_FOR { SPIN_NS } else { 0 };
        let wake_ns = deadline_ns.saturating_sub(lead_ns);
        if wake_ns <= now_ns {
            return Ok(Some(Duration::ZERO));
        }
        self.alarm.set(wake_ns, now_ns)
    }
}

/// A timer of the kernel, absolute and to the nanosecond: `epoll_wait` itself knows only milliseconds.
#[cfg(target_os = "linux")]
struct Alarm {
    timer: std::os::fd::OwnedFd,
    set_for: Option<u64>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    fn new(registry: &Registry, token: Token) -> io::Result<Alarm> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;

        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Edge-triggered, so every expiry is one event and the timer need not be read.
        registry.register(&mut mio::unix::SourceFd(&timer.as_raw_fd()), token, mio::Interest::READABLE)?;
        Ok(Alarm { timer, set_for: None })
    }

    /// A system call only when the deadline is another than before. An alarm that is no longer needed
    /// stays set: one vain wake-up is cheaper than a call.
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

/// Elsewhere the poll's own timeout does the waking, as finely as the system can.
#[cfg(not(target_os = "linux"))]
struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    fn new(_: &Registry, _: Token) -> io::Result<Alarm> {
        Ok(Alarm)
    }

    fn set(&mut self, deadline_ns: u64, now_ns: u64) -> io::Result<Option<Duration>> {
        Ok(Some(Duration::from_nanos(deadline_ns.saturating_sub(now_ns))))
    }
}
