//! Makes a relay's thread punctual: the truth of a test must not bend when its machine is busy.

use std::num::NonZeroU64;

use rustix::{process::setpriority_process, thread::set_current_timer_slack};

/// The lowest of the real-time priorities: before every ordinary thread, after all that really is urgent.
const REAL_TIME: libc::c_int = 1;
/// The highest ordinary priority.
const NICE: i32 = -20;

/// Puts the calling thread before all ordinary ones, and its timers on the nanosecond. Where the system refuses, the
/// relay still works, with less punctuality: on two busy cores it was 4 ms late by `nice` alone, and 0.3 ms so.
pub(super) fn be_urgent() {
    set_current_timer_slack(NonZeroU64::new(1)).ok();
    if !be_real_time() {
        setpriority_process(None, NICE).ok();
    }
}

#[expect(unsafe_code, reason = "no safe wrapper sets a thread's scheduler")]
fn be_real_time() -> bool {
    let priority = libc::sched_param { sched_priority: REAL_TIME };
    // What the thread starts is not urgent.
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the kernel reads a sched_param; 0 is the calling thread.
    unsafe { libc::sched_setscheduler(0, policy, &raw const priority) == 0 }
}
