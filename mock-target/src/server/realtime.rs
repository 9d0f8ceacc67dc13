//! Real-time priority, where the system grants it.

/// Above every ordinary thread, and below the kernel's own real-time threads, which have 50.
#[cfg(target_os = "linux")]
const PRIORITY: u8 = 10;

/// Requests `SCHED_FIFO` for this thread. Returns whether it was granted.
#[cfg(target_os = "linux")]
pub(super) fn request() -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };

    let Ok(priority) = PRIORITY.try_into() else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
        .is_ok()
}

/// Not supported on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn request() -> bool {
    false
}
