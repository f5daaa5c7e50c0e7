//! Entering user mode and coming back: [`run_user`] returns when the program needs the kernel.
//!
//! The general registers travel in a [`UserContext`]; floating-point state, the TLS base and the address space
//! belong to the thread and follow it when it is switched.
//!
//! FP state and TLS are loaded at user entry, and only if the CPU does not hold them still (`thread::user_state`); the root is
//! loaded at the switch (`mm::space_handle`). So a system call that does not switch touches neither.
use crate::addr::{USER_END, UserAddr};
use crate::arch;
use crate::cpu::CpuLocal;
use crate::mm::{SpaceHandle, UserFault, space_handle};
use crate::sample;
use crate::thread::user_state::UserState;
use crate::thread::{CurrentThread, Thread, header, scheduler};
use crate::trace::providers::sched;
use alloc::sync::Arc;
use alloc::vec::Vec;

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
    /// An interrupt asked for attention: the thread was notified, or a tick passed. Nothing to answer.
    Interrupted,
}

/// Why [`crate::arch::user::enter`] came back: with interrupts off, registers in the context.
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
pub(crate) fn kernel_fault(fault: PageFault) -> bool {
    let header = header::current();
    if header.no_fault.get() | header.preempt_off.get() | header.interrupts_off.get() != 0 {
        return false;
    }
    let Some(resolver) = RESOLVER.get() else {
        return false;
    };
    // SAFETY: a user copy runs in a thread, whose token was lent to it and is not used before it returns.
    let mut cx = unsafe { CurrentThread::conjure() };
    resolver(&mut cx, fault).is_ok()
}

/// Runs the program until it needs the kernel. The thread's address space (see
/// [`CurrentThread::set_space`]) must be set. Asserts that no lock is held. Handles interrupts by itself and
/// returns for them only when a tick passed or [`Thread::notify`](crate::thread::Thread::notify) was called.
#[track_caller]
pub fn run_user(cx: &mut CurrentThread, context: &mut UserContext) -> UserExit {
    let header = header::current();
    if header.held_count() | (header.preempt_off.get() | header.interrupts_off.get()) as usize != 0 {
        may_not_enter(header);
    }
    clean_up(header.cpu());
    loop {
        header::interrupts_off_first(header);
        scheduler::reschedule_if_needed(header);
        // After the reschedule: it may have moved the thread, and a notification that comes from here on interrupts user mode.
        if cx.needs_attention() && !tell_entry(cx.thread()) {
            header::interrupts_on_last(header);
            return UserExit::Interrupted;
        }
        let cpu = header.cpu();
        // SAFETY: own thread, interrupts off.
        unsafe { (*cx.thread().user.get()).load(Arc::as_ptr(cx.thread()), cpu) };
        header.in_user.set(true);
        // SAFETY: interrupts are off, the context is the caller's, and the scheduler loaded the thread's space.
        let exit = unsafe { arch::user::enter(context) };
        header.in_user.set(false);
        // Nobody looks for a better thread to run here: what asks for that from now on interrupts, and the way back to user mode looks.
        header::interrupts_on_last(header);
        if exit == RawExit::Syscall {
            return UserExit::Syscall;
        }
        if let Some(exit) = look_at_exit(cx.thread(), exit) {
            return exit;
        }
        // Back to the program unless something is due, which the next round sees.
    }
}

/// For exits that are not system calls. Apart, so that those keep the registers for themselves.
#[inline(never)]
fn look_at_exit(thread: &Thread, exit: RawExit) -> Option<UserExit> {
    tell_exit_of(thread);
    match exit {
        RawExit::Syscall => Some(UserExit::Syscall),
        RawExit::PageFault(fault) => Some(UserExit::PageFault(fault)),
        RawExit::Exception(exception) => Some(UserExit::Exception(exception)),
        RawExit::Interrupt => {
            clean_up(header::current().cpu());
            None
        }
    }
}

/// To be called by a thread before it runs a program for the first time, with the registers that it will give to [`run_user`] each time: says
/// where the profiler finds them. (A thread that does not say it is profiled without its user stack.)
pub fn will_run(cx: &mut CurrentThread, context: &UserContext) {
    sample::note_user_context(header::current(), context);
    ask_for_entry(cx.thread());
}

/// Fires `sched:::to_kernel` if it is on. For system calls the caller of [`run_user`] has to do so when it serves one: it has to look who
/// watches calls in any case, and so the two probes cost a call nothing while they are off.
pub fn tell_exit(cx: &CurrentThread) {
    tell_exit_of(cx.thread());
}

fn tell_exit_of(thread: &Thread) {
    crate::probe!(sched::to_kernel(thread.id()));
    ask_for_entry(thread);
}

/// Has the next [`tell_entry`] fire, if `sched:::to_user` is on.
fn ask_for_entry(thread: &Thread) {
    if sched::to_user::PROBE.is_enabled() {
        thread.want_entry_told();
    }
}

/// Fires `sched:::to_user` if that is all that the thread is to look at, and answers whether it was.
#[cold]
#[inline(never)]
fn tell_entry(thread: &Thread) -> bool {
    let is_all = thread.take_entry_told();
    if is_all {
        crate::probe!(sched::to_user(thread.id()));
    }
    is_all
}

/// Drops what this CPU has put aside for a moment when no lock is held.
#[inline(always)]
fn clean_up(cpu: &CpuLocal) {
    if scheduler::has_ended(cpu) {
        scheduler::drop_ended();
    }
    if space_handle::has_unloaded(cpu) {
        space_handle::drop_unloaded();
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn may_not_enter(header: &header::StackHeader) -> ! {
    let last = header.held().last();
    panic!(
        "may not enter user mode: preemption off {} times, {} locks held, last {}",
        header.preempt_off.get(),
        header.held_count(),
        last.map_or("none", |held| held.class.name)
    );
}

/// Resolves a fault taken in a user copy: may sleep. `Err` makes the copy fail with [`UserFault`].
pub type FaultResolver = fn(&mut CurrentThread, PageFault) -> Result<(), UserFault>;

static RESOLVER: spin::Once<FaultResolver> = spin::Once::new();

/// Registers the kernel's fault resolver; once, at start.
pub fn set_fault_resolver(resolver: FaultResolver) {
    RESOLVER.call_once(|| resolver);
}

/// A saved floating-point and SIMD state, in the processor's own format (XSAVE standard form, or
/// V0–V31 + FPSR + FPCR), as signal frames and core dumps carry it.
#[derive(Clone)]
pub struct FpImage {
    /// The bytes; the length is [`fp_image_bytes`]. There is room for a signal frame's end mark behind them.
    pub bytes: Vec<u8>,
}

/// What is noted in an FP image that goes to a program, where the CPU's format leaves room for software (x86-64: from byte 464
/// on), and behind its end.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FpMark {
    /// Within.
    pub words: [u64; 3],
    /// Behind.
    pub end: u32,
}

/// Whether an image at `start`, and the mark behind it, lie in user space, aligned as the CPU wants it.
fn is_user_image(start: UserAddr) -> bool {
    let end = start.0.checked_add(fp_image_bytes() + FP_MARK_BYTES);
    start.0.is_multiple_of(arch::user::FP_ALIGN) && end.is_some_and(|end| end <= USER_END)
}

/// Room behind an [`FpImage`] for the mark that Linux puts at its end in a signal frame.
const FP_MARK_BYTES: usize = 4;

/// Length of an [`FpImage`] on this machine.
pub fn fp_image_bytes() -> usize {
    arch::user::fp_bytes()
}

/// What user code sees of the thread besides its general registers.
impl CurrentThread {
    /// Runs `body` on this thread's user state, saved from the CPU, with interrupts off.
    fn with_user<R>(&mut self, body: impl FnOnce(&mut UserState, &CpuLocal) -> R) -> R {
        let header = header::interrupts_off();
        // SAFETY: own thread, interrupts off.
        let user = unsafe { &mut *self.thread().user.get() };
        user.save();
        let result = body(user, header.cpu());
        header::interrupts_on(header);
        result
    }

    /// Runs `body` while the CPU holds this thread's user state and nothing newer is anywhere, with interrupts off.
    fn with_live_user<R>(&mut self, body: impl FnOnce(&mut UserState) -> R) -> R {
        let header = header::interrupts_off();
        // SAFETY: own thread, interrupts off.
        let user = unsafe { &mut *self.thread().user.get() };
        user.load(Arc::as_ptr(self.thread()), header.cpu());
        let result = body(user);
        header::interrupts_on(header);
        result
    }

    /// Sets the address space that user mode of this thread runs in; `None` for kernel threads. Takes effect at once.
    pub fn set_space(&mut self, space: Option<Arc<SpaceHandle>>) {
        // With none, the old root stays loaded until another one is wanted: a root write is dear.
        let old = self.with_user(|user, cpu| {
            if let Some(space) = &space {
                space_handle::load(cpu, space);
            }
            core::mem::replace(&mut user.space, space)
        });
        drop(old);
    }

    /// Copies the thread's FP state out. Fails only for want of memory.
    pub fn save_fp(&mut self) -> Option<FpImage> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(fp_image_bytes() + FP_MARK_BYTES).ok()?;
        self.with_user(|user, _| {
            if let Some(saved) = user.fp_bytes() {
                bytes.extend_from_slice(saved);
            }
        });
        Some(FpImage { bytes })
    }

    /// Shows `body` the thread's FP state, with interrupts off.
    pub fn with_fp<R>(&mut self, body: impl FnOnce(&[u8]) -> R) -> R {
        self.with_user(|user, _| body(user.fp_bytes().unwrap_or_default()))
    }

    /// Replaces the thread's FP state. Reserved bits of the image are cleared; false if it is not acceptable.
    pub fn load_fp(&mut self, image: &mut [u8]) -> bool {
        let is_acceptable = image.len() == fp_image_bytes() && arch::user::fp_sanitize(image);
        if is_acceptable {
            self.with_user(|user, _| user.set_fp(image));
        }
        is_acceptable
    }

    /// FP state as at program start.
    pub fn reset_fp(&mut self) {
        self.with_live_user(|user| user.reset_fp());
    }

    /// Copies the thread's FP state straight from the CPU to user memory, with `mark`, as [`save_fp`](Self::save_fp) would without
    /// an end to it. False, with some of it written or nothing, if the memory is not there at once or the machine has no way to.
    pub fn save_fp_to_user(&mut self, to: UserAddr, mark: &FpMark) -> bool {
        // SAFETY: the address was checked, and interrupts are off.
        is_user_image(to) && self.with_live_user(|_| unsafe { arch::user::fp_save_to_user(to, mark) })
    }

    /// Replaces the thread's FP state with what [`save_fp_to_user`](Self::save_fp_to_user) wrote and the program may have changed. False,
    /// with the state as at program start, if the memory is not there at once, the mark is another one, or the CPU refuses the image.
    pub fn load_fp_from_user(&mut self, from: UserAddr, mark: &FpMark) -> bool {
        is_user_image(from)
            && self.with_live_user(|user| {
                // SAFETY: the address was checked, and interrupts are off.
                let is_loaded = unsafe { arch::user::fp_restore_from_user(from, mark) };
                if !is_loaded {
                    user.reset_fp();
                }
                is_loaded
            })
    }

    /// The TLS base (FS base, TPIDR_EL0).
    pub fn tls(&mut self) -> u64 {
        self.with_user(|user, _| user.bases().0)
    }

    /// Sets the TLS base; false if the address is not a user address.
    pub fn set_tls(&mut self, base: u64) -> bool {
        if base >= USER_END as u64 {
            return false;
        }
        self.with_user(|user, _| user.set_bases(base, user.bases().1));
        true
    }

    /// The GS base on x86-64, always zero on ARM64.
    pub fn gs_base(&mut self) -> u64 {
        self.with_user(|user, _| user.bases().1)
    }

    /// Where the program's stack began in this thread, as last told; zero if it was not.
    pub fn user_stack(&self) -> usize {
        header::current().user_stack.get()
    }

    /// Tells where the program's stack begins in this thread: the profiler copies no more of it.
    pub fn set_user_stack(&mut self, start: usize) {
        header::current().user_stack.set(start);
    }

    /// Sets the GS base; false if the address is not a user address or the architecture has none.
    pub fn set_gs_base(&mut self, base: u64) -> bool {
        if base >= USER_END as u64 || !arch::user::HAS_GS_BASE {
            return false;
        }
        self.with_user(|user, _| user.set_bases(user.bases().0, base));
        true
    }
}
