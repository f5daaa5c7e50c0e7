//! Deliberate defects: faults that the kernel commits on purpose, so that it can be seen that the tests notice (`xtask inject`).
//!
//! A defect is one condition in the kernel's own code, [`is_on`]. It is constantly false, and gone, in every build but the checked one
//! (`xtask build --checked`), and there too unless `ochre.defect=NAME` on the command line switches it on.
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// What can be done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Defect {
    /// `cow`: a write to a private page that has three owners goes to the shared frame.
    SharedWrite = 1,
    /// `wakeup`: one wake-up in thirty-two of a thread that waits at a futex is lost.
    LostWake = 2,
    /// `leak`: one freed frame in four is never used again.
    LeakedFrame = 3,
}

/// The defect that is on, as a number; 0: none.
static ON: AtomicU8 = AtomicU8::new(0);
/// How often [`is_one_of`] was asked.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Whether this build can have `defect` and the command line asked for it.
#[inline(always)]
pub fn is_on(defect: Defect) -> bool {
    cfg!(ochre_defects) && ON.load(Ordering::Relaxed) == defect as u8
}

/// Whether `defect` is on, and this is the last of `count` times that it was asked for.
#[inline(always)]
pub fn is_one_of(count: u32, defect: Defect) -> bool {
    is_on(defect) && ASKED.fetch_add(1, Ordering::Relaxed) % count == count - 1
}

/// Takes `ochre.defect=` from the command line.
pub(crate) fn configure(command_line: &[u8]) {
    let words = command_line.split(u8::is_ascii_whitespace);
    for name in words.filter_map(|word| word.strip_prefix(b"ochre.defect=")) {
        let defect = match name {
            b"cow" => Defect::SharedWrite,
            b"wakeup" => Defect::LostWake,
            b"leak" => Defect::LeakedFrame,
            _ => continue,
        };
        ON.store(defect as u8, Ordering::Relaxed);
        if is_on(defect) {
            crate::log!(Warn, "a deliberate defect is on: {defect:?}");
        }
    }
}
