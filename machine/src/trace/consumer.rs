//! The consumer: one object that is told of probes as they fire, for whoever wants more than a record of them (trace programs). It can be
//! replaced at any time ([`set_consumer`]).
//!
//! It is called with interrupts off, in whatever context the probe stands: under any lock, in the scheduler, in an interrupt handler. So it
//! may take no lock and no memory and must be short. A probe that fires while the consumer of its CPU runs (it uses code with probes, or
//! was interrupted by what cannot be held off) is not told of: tracing does not trace itself.
use super::ring;
use crate::arch;
use crate::cpu::{self, CpuId, MAX_CPUS};
use crate::sample::walk;
use crate::sync::barrier;
use crate::thread::{self, CurrentThread, header};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// A probe that has fired.
#[derive(Debug)]
pub struct Fired<'a> {
    /// Its number.
    pub probe: u16,
    /// What it tells.
    pub arguments: &'a [u64],
    /// Where.
    pub cpu: CpuId,
    /// The kernel's number of the thread that runs; 0 before the first.
    pub thread: u64,
    /// The frame pointer from which the kernel's stack is walked.
    frame: usize,
    /// What an interrupt came upon is meant, not the interrupt's own functions.
    is_interrupt: bool,
    /// A function without a frame has trapped.
    boundary: Option<Boundary>,
}

/// Where a function begins or is left: it has no frame there, so its caller is not found by frame pointers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boundary {
    /// The program counter as the trap's frame record has it.
    pub(crate) saved: u64,
    /// Where the probe stands.
    pub(crate) address: u64,
    /// To where the function returns.
    pub(crate) caller: u64,
}

/// Who is told.
pub trait Consumer: Send + Sync {
    /// A probe has fired. See the module for what may be done here.
    fn consume(&self, fired: &Fired<'_>);
}

/// Null: nobody is told. Otherwise from a box that [`set_consumer`] made, and that it frees when nobody can be in it any more.
static CONSUMER: AtomicPtr<Arc<dyn Consumer>> = AtomicPtr::new(ptr::null_mut());
/// Whether a CPU's consumer runs.
static BUSY: [AtomicBool; MAX_CPUS] = [const { AtomicBool::new(false) }; MAX_CPUS];
static MISSED: AtomicU64 = AtomicU64::new(0);

/// Sets who is told, in place of whoever was. When it returns, the former one is told of nothing more, on any CPU.
pub fn set_consumer(cx: &mut CurrentThread, consumer: Option<Arc<dyn Consumer>>) {
    let new = consumer.map_or(ptr::null_mut(), |consumer| Box::into_raw(Box::new(consumer)));
    let old = CONSUMER.swap(new, Ordering::AcqRel);
    if old.is_null() {
        return;
    }
    // A CPU that marked itself busy before this sees the old one, and is waited for; one that does so later sees the new one.
    barrier::everywhere(cx);
    for busy in &BUSY {
        while busy.load(Ordering::Acquire) {
            arch::cpu::pause();
        }
    }
    // SAFETY: made by `Box::into_raw` above, taken out of `CONSUMER` by one caller only, and no CPU uses it any more.
    drop(unsafe { Box::from_raw(old) });
}

/// Probes that fired while the consumer ran.
pub fn missed() -> u64 {
    MISSED.load(Ordering::Relaxed)
}

/// Tells the consumer of a probe, or of an event that is none of the declared ones.
pub fn fire(probe: u16, arguments: &[u64]) {
    tell(probe, arguments, false, None);
}

/// [`fire`], in the trap of a function's entry or return.
pub(crate) fn fire_at_boundary(probe: u16, arguments: &[u64], boundary: Boundary) {
    tell(probe, arguments, false, Some(boundary));
}

/// [`fire`], in an interrupt's handler, of what was interrupted.
pub(crate) fn fire_from_interrupt(probe: u16, arguments: &[u64]) {
    tell(probe, arguments, true, None);
}

fn tell(probe: u16, arguments: &[u64], is_interrupt: bool, boundary: Option<Boundary>) {
    if CONSUMER.load(Ordering::Relaxed).is_null() {
        return;
    }
    let were_on = arch::cpu::interrupts_off();
    // What the consumer calls may end a section of its own (reading a program's memory does), and the probe may stand where a trap or an
    // interrupt has not been answered yet: no thread is switched here.
    let header = header::preempt_off();
    let cpu = cpu::current();
    let busy = &BUSY[cpu.0 as usize % MAX_CPUS];
    if busy.swap(true, Ordering::Relaxed) {
        MISSED.fetch_add(1, Ordering::Relaxed);
    } else {
        let frame = arch::cpu::frame_pointer();
        // SAFETY: null or a box that is not freed as long as this CPU is marked as busy, see `set_consumer`.
        if let Some(consumer) = unsafe { CONSUMER.load(Ordering::Acquire).as_ref() } {
            let thread = ring::current_thread().into();
            consumer.consume(&Fired { probe, arguments, cpu, thread, frame, is_interrupt, boundary });
        }
        busy.store(false, Ordering::Release);
    }
    header::preempt_on_later(header);
    arch::cpu::interrupts_restore(were_on);
}

impl Fired<'_> {
    /// Puts a record of it into the ring.
    pub fn record(&self) {
        ring::record(self.probe, self.arguments);
    }

    /// Puts a record of another number into the ring, with at most seven words.
    pub fn emit(&self, number: u16, words: &[u64]) {
        ring::record(number, &words[..words.len().min(wire::trace::MAX_ARGUMENTS)]);
    }

    /// Gives the kernel's stack to `visit`, innermost frame first, as long as it answers true; answers whether frames are missing. The first
    /// few are those of the probe itself.
    pub fn kernel_stack(&self, visit: &mut dyn FnMut(u64) -> bool) -> bool {
        let header = header::current();
        if self.is_interrupt && header.in_user.get() {
            return false;
        }
        let mut boundary = self.boundary;
        let mut place = |address| match boundary.take_if(|boundary| boundary.saved == address) {
            Some(boundary) => visit(boundary.address) && visit(boundary.caller),
            None => visit(address),
        };
        walk::kernel(header, self.frame, self.is_interrupt, &mut place).is_truncated
    }

    /// Whether the first frame of [`Fired::kernel_stack`] is a program counter, not a return address.
    pub fn is_of_interrupted(&self) -> bool {
        self.is_interrupt
    }

    /// Gives the stack of the program on whose behalf the kernel runs to `visit`, as [`Fired::kernel_stack`] does. Nothing is faulted in.
    pub fn user_stack(&self, visit: &mut dyn FnMut(u64) -> bool) -> bool {
        let place = walk::user_place(header::current());
        place.is_some_and(|place| walk::user(place, &mut |address| visit(address)).is_truncated)
    }

    /// Shows the data of the thread that runs, if there is one.
    pub fn with_thread_data(&self, visit: &mut dyn FnMut(&(dyn Any + Send + Sync))) {
        thread::visit_current_data(visit);
    }
}
