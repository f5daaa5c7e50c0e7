//! What follows a thread besides its general registers: FP state, TLS and GS bases, the address space.
//!
//! The kernel uses no floating point, so a thread's FP state stays in the CPU from user entry to the next switch. It is saved
//! when the thread is switched away (if it has run user code since the last save), and loaded at user entry only if this CPU
//! does not still hold it.
//!
//! Invariants: `is_live` means the CPU's registers are newer than the saved copy. The CPU's registers equal or are newer than
//! the copy exactly if the CPU's `user_owner` is this thread and `loaded_on` is that CPU.
use super::Thread;
use crate::arch;
use crate::cpu::CpuLocal;
use crate::mm::SpaceHandle;
use alloc::alloc::{alloc_zeroed, dealloc};
use alloc::sync::Arc;
use core::alloc::Layout;
use core::ptr::{self, NonNull};

/// No CPU.
const NOWHERE: u32 = u32::MAX;

/// Memory for one FP state.
struct FpArea {
    start: NonNull<u8>,
}

impl FpArea {
    fn layout() -> Layout {
        // PROOF: the length is a few KiB and the alignment a power of two.
        Layout::from_size_align(arch::user::fp_bytes(), arch::user::FP_ALIGN).expect("a small length")
    }

    fn new() -> Option<FpArea> {
        // SAFETY: the length is not zero.
        NonNull::new(unsafe { alloc_zeroed(Self::layout()) }).map(|start| FpArea { start })
    }
}

impl Drop for FpArea {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.start.as_ptr(), Self::layout()) };
    }
}

/// See the module.
pub(crate) struct UserState {
    fp: Option<FpArea>,
    tls: u64,
    gs: u64,
    is_live: bool,
    loaded_on: u32,
    pub(crate) space: Option<Arc<SpaceHandle>>,
}

impl UserState {
    /// For a thread that may run programs: the state of a fresh one. `None` without memory.
    pub(super) fn new() -> Option<UserState> {
        let area = FpArea::new()?;
        // SAFETY: the area is long and aligned enough, and zeroed.
        unsafe { arch::user::fp_initial(area.start.as_ptr()) };
        Some(UserState { fp: Some(area), ..UserState::none() })
    }

    /// For a thread that never runs programs.
    pub(super) fn none() -> UserState {
        UserState { fp: None, tls: 0, gs: 0, is_live: false, loaded_on: NOWHERE, space: None }
    }

    /// Saves what the CPU holds, if that is newer. Interrupts are off, on the thread's CPU.
    #[inline(always)]
    pub(crate) fn save(&mut self) {
        if self.is_live {
            self.save_live();
        }
    }

    #[inline(never)]
    fn save_live(&mut self) {
        self.is_live = false;
        if let Some(fp) = &self.fp {
            // SAFETY: the area is long and aligned enough, and was zeroed when it was made.
            unsafe { arch::user::fp_save(fp.start.as_ptr()) };
        }
        self.tls = arch::user::tls();
        self.gs = arch::user::gs_base();
    }

    /// Makes the CPU hold this thread's state and marks it as about to change. Interrupts are off.
    #[inline(always)]
    pub(crate) fn load(&mut self, thread: *const Thread, cpu: &CpuLocal) {
        if cpu.user_owner.get() != thread || self.loaded_on != cpu.id.0 {
            self.load_here(thread, cpu);
        }
        self.is_live = true;
    }

    #[inline(never)]
    fn load_here(&mut self, thread: *const Thread, cpu: &CpuLocal) {
        if let Some(fp) = &self.fp {
            // SAFETY: filled by `fp_initial`, `fp_save`, or an image that `fp_sanitize` accepted.
            unsafe { arch::user::fp_restore(fp.start.as_ptr()) };
        }
        arch::user::set_tls(self.tls);
        arch::user::set_gs_base(self.gs);
        cpu.user_owner.set(thread);
        self.loaded_on = cpu.id.0;
    }

    /// After the saved copy was changed: no CPU holds it any more. Call after [`save`](Self::save).
    pub(crate) fn changed(&mut self) {
        self.loaded_on = NOWHERE;
    }

    /// The saved FP state. Call after [`save`](Self::save).
    pub(crate) fn fp_bytes(&self) -> Option<&[u8]> {
        // SAFETY: the area is initialised and this long.
        self.fp.as_ref().map(|fp| unsafe { core::slice::from_raw_parts(fp.start.as_ptr(), arch::user::fp_bytes()) })
    }

    /// Replaces the saved FP state with an acceptable image of the right length.
    pub(crate) fn set_fp(&mut self, image: &[u8]) {
        if let Some(fp) = &self.fp {
            assert!(image.len() == arch::user::fp_bytes(), "an FP image has the machine's length");
            // SAFETY: the area has the image's length.
            unsafe { ptr::copy_nonoverlapping(image.as_ptr(), fp.start.as_ptr(), image.len()) };
        }
        self.changed();
    }

    /// Gives the CPU a fresh program's FP state. Call after [`load`](Self::load).
    pub(crate) fn reset_fp(&mut self) {
        // SAFETY: it is a valid state, which never changes.
        unsafe { arch::user::fp_restore(arch::user::fp_fresh()) };
    }

    /// The bases (TLS, GS). Call after [`save`](Self::save).
    pub(crate) fn bases(&self) -> (u64, u64) {
        (self.tls, self.gs)
    }

    /// Sets the bases. Call after [`save`](Self::save).
    pub(crate) fn set_bases(&mut self, tls: u64, gs: u64) {
        self.tls = tls;
        self.gs = gs;
        self.changed();
    }
}
