//! `/proc/PID/oom_score_adj` and its old form `oom_adj`: how a process counts when memory runs out (`mm::oom`).
use super::process::Subject;
use crate::errno::{Errno, Result};
use crate::mm::oom::{FIRST, NEVER};
use crate::task::{Capability, Task};
use machine::thread::CurrentThread;

/// The old form's range: -17 means never.
const OLD_NEVER: i32 = -17;
const OLD_MOST: i32 = 15;

/// Takes a new value. EACCES for one below the present, unless from the superuser.
pub(super) fn write(cx: &CurrentThread, subject: &Subject, bytes: &[u8]) -> Result<()> {
    let value = number(bytes)?;
    if !(NEVER..=FIRST).contains(&value) {
        return Err(Errno::EINVAL);
    }
    set(cx, subject, value)
}

/// The same in the old form. LINUX: the scales meet at their ends.
pub(super) fn write_old_form(cx: &CurrentThread, subject: &Subject, bytes: &[u8]) -> Result<()> {
    let value = number(bytes)?;
    match value {
        OLD_MOST => set(cx, subject, FIRST),
        OLD_NEVER..OLD_MOST => set(cx, subject, value * FIRST / -OLD_NEVER),
        _ => Err(Errno::EINVAL),
    }
}

/// A value in the old form.
pub(super) fn old_form(value: i32) -> i32 {
    if value == FIRST { OLD_MOST } else { value * -OLD_NEVER / FIRST }
}

fn set(cx: &CurrentThread, subject: &Subject, value: i32) -> Result<()> {
    let may_lower = Task::current(cx).is_none_or(|task| task.credentials(cx).may(Capability::Resource));
    if value < subject.process.oom_adjustment() && !may_lower {
        return Err(Errno::EACCES);
    }
    subject.process.set_oom_adjustment(value);
    Ok(())
}

fn number(bytes: &[u8]) -> Result<i32> {
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    text.trim().parse().map_err(|_| Errno::EINVAL)
}
