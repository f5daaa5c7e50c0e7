//! Entering user mode and coming back: [`run_user`] returns when the program needs the kernel.
//!
//! The general registers travel in a [`UserContext`]; floating-point state, the TLS base and the address space
//! belong to the thread and follow it when it is switched.
use crate::addr::UserAddr;
use crate::mm::{SpaceHandle, UserFault};
use crate::thread::CurrentThread;
use alloc::boxed::Box;
use alloc::sync::Arc;

pub use crate::arch::user::UserContext;

/// What a faulting access wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// A load.
    Read,
    /// A store.
    Write,
    /// An instruction fetch.
    Execute,
}

/// A page fault taken on a user address (from user mode, or from the kernel in a user copy).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageFault {
    /// The address that could not be accessed.
    pub addr: UserAddr,
    /// What was wanted.
    pub kind: AccessKind,
    /// Whether a translation was present, so that its rights forbade the access.
    pub is_present: bool,
}

/// A fault of the program other than a page fault. The kernel turns it into a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exception {
    /// Integer division by zero or overflow (x86-64 #DE).
    DivideError,
    /// Undefined or privileged instruction.
    IllegalInstruction,
    /// Breakpoint instruction (int3, brk).
    Breakpoint,
    /// Single step or hardware breakpoint.
    DebugStep,
    /// Floating-point exception; the value is Linux's FPE_* code.
    FloatingPoint(i32),
    /// Unaligned access where it is not allowed.
    Misaligned(UserAddr),
    /// A fault with no address: non-canonical access, segment errors (x86-64 #GP, #SS).
    GeneralProtection,
    /// An address no page table can translate (non-canonical, or kernel half on ARM64).
    BadAddress(UserAddr),
}

/// Why user mode was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserExit {
    /// The program made a system call; number and arguments are in the context.
    Syscall,
    /// A page fault; not yet resolved.
    PageFault(PageFault),
    /// Another fault.
    Exception(Exception),
    /// An interrupt asked for attention: reschedule, or the thread was notified. Nothing to answer.
    Interrupted,
}

/// Runs the program until it needs the kernel. The thread's address space (see
/// [`CurrentThread::set_space`]) must be set. Asserts that no lock is held. Handles interrupts by itself and
/// returns for them only when a reschedule is due or [`Thread::notify`](crate::thread::Thread::notify) was called.
pub fn run_user(_cx: &mut CurrentThread, _context: &mut UserContext) -> UserExit {
    todo!()
}

/// Resolves a fault taken in a user copy: may sleep. `Err` makes the copy fail with [`UserFault`].
pub type FaultResolver = fn(&mut CurrentThread, PageFault) -> Result<(), UserFault>;

/// Registers the kernel's fault resolver; once, at start.
pub fn set_fault_resolver(_resolver: FaultResolver) {
    todo!()
}

/// A saved floating-point and SIMD state, in the processor's own format (XSAVE standard form, or
/// V0–V31 + FPSR + FPCR), as signal frames and core dumps carry it.
#[derive(Clone)]
pub struct FpImage {
    /// The bytes; the length is [`fp_image_bytes`].
    pub bytes: Box<[u8]>,
}

/// Length of an [`FpImage`] on this machine.
pub fn fp_image_bytes() -> usize {
    todo!()
}

/// What user code sees of the thread besides its general registers.
impl CurrentThread {
    /// Sets the address space that user mode of this thread runs in; `None` for kernel threads. Takes effect at once.
    pub fn set_space(&mut self, _space: Option<Arc<SpaceHandle>>) {
        todo!()
    }
    /// Copies the thread's FP state out. Fails only for want of memory.
    pub fn save_fp(&mut self) -> Option<FpImage> {
        todo!()
    }
    /// Replaces the thread's FP state. Reserved bits are masked off; false if the image is not acceptable.
    pub fn load_fp(&mut self, _image: &[u8]) -> bool {
        todo!()
    }
    /// FP state as at program start.
    pub fn reset_fp(&mut self) {
        todo!()
    }
    /// The TLS base (FS base, TPIDR_EL0).
    pub fn tls(&mut self) -> u64 {
        todo!()
    }
    /// Sets the TLS base; false if the address is not a user address.
    pub fn set_tls(&mut self, _base: u64) -> bool {
        todo!()
    }
    /// The GS base on x86-64, always zero on ARM64.
    pub fn gs_base(&mut self) -> u64 {
        todo!()
    }
    /// Sets the GS base; false if the address is not a user address or the architecture has none.
    pub fn set_gs_base(&mut self, _base: u64) -> bool {
        todo!()
    }
}

/// Why [`crate::arch::user::enter`] came back: with interrupts off, registers in the context.
#[allow(dead_code)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RawExit {
    /// A system call instruction.
    Syscall,
    /// An interrupt; it has been handled (dispatched and acknowledged).
    Interrupt,
    /// A page fault.
    PageFault(PageFault),
    /// Another fault.
    Exception(Exception),
}

/// A page fault on a user address inside a user copy. Called by the architecture with interrupts as they were when the
/// copy ran. True: resolved, try again; false: go to the fix-up.
#[allow(dead_code)]
pub(crate) fn kernel_fault(_fault: PageFault) -> bool {
    todo!()
}
