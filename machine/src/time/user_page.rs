//! The page from which programs read the clock: what turns the counter into time, under a sequence counter.
//!
//! The code that reads it is the architecture's `vdso`. The page is made once, when the first program is; [`wall_clock_changed`]
//! follows the wall clock. The sequence is odd while the page is being written; readers read it before and after.
use crate::addr::PAGE_SIZE;
use crate::arch;
use crate::mm::{Frame, FrameKind, OutOfMemory};
use crate::sync::RawSpin;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use spin::Once;

/// Offsets in the page. 32 bits: odd while the rest is being written.
pub(crate) const SEQUENCE: usize = 0;
/// 32 bits: whether programs may ask the processor for its number.
pub(crate) const CPU_IS_KNOWN: usize = 4;
/// The counter at boot.
pub(crate) const BOOT_TICKS: usize = 8;
/// Nanoseconds a tick, times 2^32.
pub(crate) const NS_SCALE: usize = 16;
/// Nanoseconds from the epoch to boot.
pub(crate) const WALL_OFFSET: usize = 24;

static PAGE: Once<Frame> = Once::new();
/// Held by whoever writes the page.
static WRITING: RawSpin<()> = RawSpin::new("user clock page", ());

/// A word of the page.
fn word(page: &Frame, offset: usize) -> &AtomicU64 {
    // SAFETY: an aligned word within the frame, which `PAGE` keeps for ever; programs read it only, and all writers use atomics.
    unsafe { AtomicU64::from_ptr(page.memory().add(offset).cast()) }
}

fn half_word(page: &Frame, offset: usize) -> &AtomicU32 {
    // SAFETY: as for `word`.
    unsafe { AtomicU32::from_ptr(page.memory().add(offset).cast()) }
}

/// The page, made when first asked for.
pub fn page() -> Result<Frame, OutOfMemory> {
    const { assert!(WALL_OFFSET + 8 <= PAGE_SIZE) };
    let page = PAGE.try_call_once(|| {
        let page = Frame::allocate_zeroed(FrameKind::Kernel)?;
        let (boot_ticks, ns_scale) = super::clock::conversion();
        word(&page, BOOT_TICKS).store(boot_ticks, Ordering::Relaxed);
        word(&page, NS_SCALE).store(ns_scale, Ordering::Relaxed);
        word(&page, WALL_OFFSET).store(super::wall_clock_offset(), Ordering::Relaxed);
        half_word(&page, CPU_IS_KNOWN).store(arch::cpu::tells_number_to_users().into(), Ordering::Relaxed);
        Ok(page)
    })?;
    // The wall clock may have been set while the page was made.
    wall_clock_changed();
    Ok(page.clone())
}

/// The wall clock was set.
pub(super) fn wall_clock_changed() {
    let Some(page) = PAGE.get() else { return };
    WRITING.with(|()| {
        let sequence = half_word(page, SEQUENCE);
        let before = sequence.load(Ordering::Relaxed);
        sequence.store(before.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        word(page, WALL_OFFSET).store(super::wall_clock_offset(), Ordering::Relaxed);
        sequence.store(before.wrapping_add(2), Ordering::Release);
    });
}
