//! When the kernel fails: the panic path.
//!
//! The panic path takes no lock, allocates nothing, stops on recursion, halts the other CPUs and leaves an epitaph on the
//! UART: what happened, registers, backtrace with names, CPU, thread, held locks, what every thread is doing and called last, the
//! last switches and trace events of each CPU, counters. Then the machine ends with [`Exit::Panic`].
//!
//! Called by the panic handler and by the architecture for traps of the kernel, double faults and machine checks included:
//! the stack may be one without a header, so nothing here asks [`header::current`] before it has looked at the address.
use crate::addr::{DYNAMIC_BASE, IMAGE_BASE};
use crate::arch;
use crate::cpu;
use crate::irq::Ipi;
use crate::log::EarlyConsole;
use crate::power::{self, Exit};
use crate::symbols::{Code, ReturnAddress};
use crate::thread::ThreadState;
use crate::thread::header::{self, STACK_BYTES, StackHeader};
use core::fmt::Write;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Frames shown at most.
const MOST_FRAMES: usize = 48;
/// Trace events shown for each CPU.
const MOST_EVENTS: usize = 32;
/// Threads shown at most.
const MOST_THREADS: usize = 64;

/// A trap of the kernel itself that has no cure, as the architecture saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrapReport<'a> {
    /// The trap's name.
    pub(crate) what: &'static str,
    /// Error code or syndrome.
    pub(crate) code: u64,
    /// The address concerned (CR2, FAR), if there is one.
    pub(crate) addr: Option<u64>,
    /// Program counter.
    pub(crate) pc: usize,
    /// Stack pointer.
    pub(crate) sp: usize,
    /// Frame pointer, to walk from.
    pub(crate) frame_pointer: usize,
    /// Every register by name.
    pub(crate) registers: &'a [(&'static str, u64)],
}

/// The data of the CPU that failed first; null while all is well.
static FAILED: AtomicPtr<cpu::CpuLocal> = AtomicPtr::new(core::ptr::null_mut());

/// Makes this CPU the one that tells the story. Another CPU that fails too just stops; a failure while telling ends the
/// machine at once.
fn begin() {
    arch::cpu::interrupts_off();
    let this = arch::cpu::local();
    match FAILED.compare_exchange(core::ptr::null_mut(), this, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        Err(first) if first == this => {
            crate::log::early_write(b"\n*** failed again while reporting\n");
            power::end(Exit::Panic);
        }
        Err(_) => arch::cpu::halt_forever(),
    }
    for other in cpu::each().filter(|other| !core::ptr::eq(*other, this)) {
        arch::irq::send_ipi(other.id, Ipi::Halt);
    }
}

/// Whether the kernel has failed.
pub(crate) fn has_failed() -> bool {
    !FAILED.load(Ordering::Relaxed).is_null()
}

/// Asks a CPU to show where it is, in a way that no code can hold off. False: there is none on this architecture.
pub fn ask_where(cpu: cpu::CpuId) -> bool {
    arch::irq::ask_where(cpu)
}

/// Shows where this CPU is and goes on: another CPU ([`ask_where`]) or somebody outside (QEMU: `nmi`, all CPUs at once) asked by a
/// non-maskable interrupt, which gets through when everything else hangs. Writes without locks, so lines may mix.
#[cfg_attr(target_arch = "aarch64", expect(dead_code, reason = "no interrupt there that cannot be masked"))]
pub(crate) fn show_place(pc: usize, sp: usize, frame_pointer: usize) {
    let local = arch::cpu::local();
    // SAFETY: set before anything can fail, to data that lives for ever; null only before that.
    let id = unsafe { local.as_ref() }.map_or(0, |local| local.id.0);
    // The console never fails.
    let _ = writeln!(EarlyConsole, "\n*** asked where CPU {id} is: {}", Code(pc));
    if pc < IMAGE_BASE {
        return;
    }
    if let Some(header) = stack_header(sp) {
        show_thread(header);
    }
    show_frames(frame_pointer);
}

/// Another CPU has failed: stop here.
pub(crate) fn halt_interrupt() -> ! {
    arch::cpu::halt_forever()
}

/// Ends the machine after a trap of the kernel.
pub(crate) fn fatal_trap(report: &TrapReport<'_>) -> ! {
    begin();
    let out = &mut EarlyConsole;
    // The console never fails, here and below.
    let _ = write!(out, "\n*** kernel trap: {}, code {:#x}", report.what, report.code);
    if let Some(addr) = report.addr {
        let _ = write!(out, ", address {addr:#x}");
    }
    let _ = writeln!(out, "\nregisters:");
    for (index, (name, value)) in report.registers.iter().enumerate() {
        let end = if index % 4 == 3 || index + 1 == report.registers.len() { '\n' } else { ' ' };
        let _ = write!(out, "{name:>6} {value:016x}{end}");
    }
    epitaph(Some(report.pc), report.frame_pointer, report.sp);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    begin();
    let _ = write!(EarlyConsole, "\n*** kernel panic at ");
    let _ = match info.location() {
        Some(location) => write!(EarlyConsole, "{location}"),
        None => write!(EarlyConsole, "an unknown place"),
    };
    let _ = writeln!(EarlyConsole, "\n{}", info.message());
    epitaph(None, arch::cpu::frame_pointer(), arch::cpu::stack_pointer());
}

/// The part that all failures share.
fn epitaph(pc: Option<usize>, frame_pointer: usize, sp: usize) -> ! {
    let out = &mut EarlyConsole;
    let local = arch::cpu::local();
    // SAFETY: set before anything can fail, to data that lives for ever; null only before that.
    if let Some(local) = unsafe { local.as_ref() } {
        let _ = writeln!(out, "CPU {} of {}", local.id.0, cpu::count());
    }
    if let Some(header) = stack_header(sp) {
        show_thread(header);
    }
    let _ = writeln!(out, "backtrace:");
    if let Some(pc) = pc {
        let _ = writeln!(out, "  {}", Code(pc));
    }
    show_frames(frame_pointer);
    show_threads();
    let _ = writeln!(out, "last events:");
    let _ = crate::trace::dump_switches(out);
    let _ = crate::trace::dump(out, MOST_EVENTS, true);
    let _ = writeln!(out, "*** end");
    power::end(Exit::Panic)
}

/// The header of the thread stack that contains `sp`, or that it has just left downwards; `None` if it is none.
fn stack_header(sp: usize) -> Option<&'static StackHeader> {
    if !(DYNAMIC_BASE..IMAGE_BASE).contains(&sp) {
        return None;
    }
    // The area holds a guard and a stack in turn (`kernel_map::map_stack`).
    let is_guard = ((sp - DYNAMIC_BASE) / STACK_BYTES).is_multiple_of(2);
    if is_guard {
        let _ = writeln!(EarlyConsole, "the kernel stack has overflowed");
    }
    let in_stack = if is_guard { sp + STACK_BYTES } else { sp };
    // SAFETY: stacks of the dynamic area are mapped in whole, header included; nothing else there is used as a stack.
    Some(unsafe { &*header::header_of(in_stack) })
}

/// Which thread it was, and what it held.
fn show_thread(header: &StackHeader) {
    let out = &mut EarlyConsole;
    // SAFETY: the scheduler keeps a thread that runs alive; null before it runs.
    if let Some(thread) = unsafe { header.thread.get().as_ref() } {
        let _ = writeln!(out, "thread {} \"{}\"", thread.id().0, thread.name());
    }
    let _ = writeln!(
        out,
        "preemption off {}, interrupts off {}, in handlers {}, in user mode {}",
        header.preempt_off.get(),
        header.interrupts_off.get(),
        header.handlers.get(),
        header.in_user.get()
    );
    for held in header.held() {
        let _ = writeln!(out, "holds {} (rank {}) taken at {}", held.class.name, held.class.rank, held.site);
    }
}

/// What each thread is doing, as far as the list can be had.
fn show_threads() {
    let out = &mut EarlyConsole;
    let _ = writeln!(out, "threads:");
    let is_shown = crate::thread::all_after_failure(MOST_THREADS, &mut |thread, state| {
        let _ = write!(out, "  {} \"{}\" on CPU {}", thread.id().0, thread.name(), thread.last_cpu().0);
        let _ = match state {
            Some(ThreadState::Sleeping(reason)) => write!(out, ", waits for {reason}"),
            Some(ThreadState::Blocked(reason)) => write!(out, ", waits for {reason}, not to be interrupted"),
            Some(state) => write!(out, ", {state:?}"),
            None => write!(out, ", its queue is locked"),
        };
        let _ = match thread.last_call() {
            Some(call) => writeln!(out, ", last system call {call}"),
            None => writeln!(out),
        };
    });
    if !is_shown {
        let _ = writeln!(out, "  (the list is locked)");
    }
}

/// Walks frame pointers while they rise within one stack.
fn show_frames(mut frame: usize) {
    for _ in 0..MOST_FRAMES {
        if frame < crate::addr::DIRECT_MAP_BASE || !frame.is_multiple_of(align_of::<usize>()) {
            return;
        }
        // SAFETY: a frame record on a kernel stack: the start was a live frame pointer, and each step stays on the stack.
        let [next, return_address] = unsafe { (frame as *const [usize; 2]).read_volatile() };
        if return_address < IMAGE_BASE {
            return;
        }
        let _ = writeln!(EarlyConsole, "  {}", ReturnAddress(return_address));
        if next <= frame || next - frame > STACK_BYTES {
            return;
        }
        frame = next;
    }
}
