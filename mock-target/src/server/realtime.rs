//! Real-time priority, where the system grants it.

/// Above every ordinary thread, and below the kernel's own real-time threads, which stand at 50.
#[cfg(target_os = "linux")]
const PRIORITY: u8 = 10;

/// Asks for `SCHED_FIFO` for this thread, and says whether it was granted.
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

/// Other systems mean other things by real time: not granted.
#[cfg(not(target_os = "linux"))]
pub(super) fn request() -> bool {
    false
}
