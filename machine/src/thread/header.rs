//! The end of every kernel stack: what must be right at each instruction, however threads move between CPUs.
//!
//! A kernel stack is [`STACK_BYTES`] long and aligned to that, so its [`StackHeader`] is found from the stack pointer alone,
//! without reading per-CPU data and without a race against migration. It counts the reasons not to preempt and not to take
//! interrupts, and remembers the locks held.
//!
//! Invariants: only the thread that runs on the stack, and interrupts taken on it, touch the header (they nest, and leave the
//! counts as they found them). `cpu` is set by the scheduler before the thread runs. `interrupts_off` is zero exactly while
//! this thread runs with interrupts on in the hardware, apart from the few instructions in which they are switched.
use crate::arch;
use crate::arch::user::UserContext;
use crate::cpu::CpuLocal;
use crate::mm::failing::Stage;
use crate::sync::LockClass;
use crate::thread::Thread;
use crate::time;
use crate::trace::providers::{Hex, lock as probes};
use core::cell::Cell;
use core::mem::{MaybeUninit, offset_of};
use core::panic::Location;
use core::ptr;
use core::sync::atomic::{Ordering, compiler_fence};

/// Bytes in a kernel stack, and its alignment.
pub(crate) const STACK_BYTES: usize = 32 * 1024;
/// Bytes at the end of each stack that hold its [`StackHeader`].
pub(crate) const STACK_HEADER_BYTES: usize = 640;
/// Most locks held at once by one thread and the interrupts on top of it.
const MAX_HELD: usize = 13;

/// A lock that is held.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    /// Its kind.
    pub(crate) class: &'static LockClass,
    /// Which one.
    pub(crate) lock: usize,
    /// Who took it.
    pub(crate) site: &'static Location<'static>,
    /// The highest rank held before.
    outer_rank: u32,
}

/// See the module.
#[repr(C, align(64))]
pub(crate) struct StackHeader {
    /// The CPU this thread runs on.
    pub(crate) cpu: Cell<*mut CpuLocal>,
    /// The thread, from `Arc::as_ptr`; null until the scheduler runs.
    pub(crate) thread: Cell<*const Thread>,
    /// Reasons not to preempt: held spin locks and scoped sections.
    pub(crate) preempt_off: Cell<u32>,
    /// Reasons to keep interrupts off.
    pub(crate) interrupts_off: Cell<u32>,
    /// Interrupt handlers running on this stack.
    pub(crate) handlers: Cell<u32>,
    /// User code runs on top of this stack.
    pub(crate) in_user: Cell<bool>,
    /// The registers of the program that this thread runs, once it has run one: a place on this stack, or an old address. For the
    /// profiler, which checks.
    pub(crate) user_context: Cell<*const UserContext>,
    /// Where the program's stack began in this thread; zero: not known. For the profiler, which checks.
    pub(crate) user_stack: Cell<usize>,
    /// While not zero, a fault in a user copy fails at once.
    pub(crate) no_fault: Cell<u32>,
    /// See `mm::failing`: allocations until one fails, and whether they are counted.
    pub(crate) allocations_left: Cell<u32>,
    pub(crate) allocations: Cell<Stage>,
    held_count: Cell<u32>,
    /// One more than the highest rank held, by this thread or (in a handler) by the handler.
    held_rank: Cell<u32>,
    held: [Cell<MaybeUninit<Held>>; MAX_HELD],
    /// When each was got, in ticks of the CPU's clock; zero: nobody wanted to know.
    held_since: [Cell<u64>; MAX_HELD],
}

const _: () = assert!(size_of::<StackHeader>() <= STACK_HEADER_BYTES);

/// Where locks that are held lie, for readers from outside: from a stack's lowest address on, and in a held lock.
pub(crate) struct HeldPlaces {
    pub(crate) count: usize,
    pub(crate) first: usize,
    pub(crate) bytes: usize,
    pub(crate) most: usize,
    pub(crate) class: usize,
    pub(crate) lock: usize,
    pub(crate) site: usize,
}

/// For [`crate::trace::layout`].
pub(crate) const HELD_PLACES: HeldPlaces = HeldPlaces {
    count: STACK_BYTES - STACK_HEADER_BYTES + offset_of!(StackHeader, held_count),
    first: STACK_BYTES - STACK_HEADER_BYTES + offset_of!(StackHeader, held),
    bytes: size_of::<Held>(),
    most: MAX_HELD,
    class: offset_of!(Held, class),
    lock: offset_of!(Held, lock),
    site: offset_of!(Held, site),
};

/// The header of the stack we are on.
#[inline(always)]
pub(crate) fn current() -> &'static StackHeader {
    // SAFETY: the stack pointer lies in a kernel stack below its header (the stack rule of `arch`), and the header was
    // written when the stack was made. It lives as long as the stack, which outlives this call; shared code keeps the
    // reference no longer than it runs on the stack.
    unsafe { &*header_of(arch::cpu::stack_pointer()) }
}

/// Where the header of the stack that contains `address` is.
#[inline(always)]
pub(crate) fn header_of(address: usize) -> *const StackHeader {
    ((address | (STACK_BYTES - 1)) + 1 - STACK_HEADER_BYTES) as *const StackHeader
}

impl StackHeader {
    /// The header of a stack on which nothing has run: preemption and interrupts off once each.
    pub(crate) const fn new(cpu: *mut CpuLocal, thread: *const Thread) -> StackHeader {
        StackHeader {
            cpu: Cell::new(cpu),
            thread: Cell::new(thread),
            preempt_off: Cell::new(0),
            interrupts_off: Cell::new(1),
            handlers: Cell::new(0),
            in_user: Cell::new(false),
            user_context: Cell::new(ptr::null()),
            user_stack: Cell::new(0),
            no_fault: Cell::new(0),
            allocations_left: Cell::new(0),
            allocations: Cell::new(Stage::Outside),
            held_count: Cell::new(0),
            held_rank: Cell::new(0),
            held: [const { Cell::new(MaybeUninit::uninit()) }; MAX_HELD],
            held_since: [const { Cell::new(0) }; MAX_HELD],
        }
    }

    /// This CPU's data. Stays this CPU's only while preemption is off.
    #[inline(always)]
    pub(crate) fn cpu(&self) -> &'static CpuLocal {
        // SAFETY: set when the header was made or by the scheduler, to data that lives for ever.
        unsafe { &*self.cpu.get() }
    }

    /// Notes a lock about to be taken; panics if the order forbids it. Call before spinning or sleeping for it.
    #[inline(always)]
    pub(crate) fn push_held(&self, class: &'static LockClass, lock: usize, site: &'static Location<'static>) {
        let count = self.held_count.get() as usize;
        let (outer_rank, rank) = (self.held_rank.get(), u32::from(class.rank) + 1);
        if rank <= outer_rank || count >= MAX_HELD {
            self.refuse(class, site);
        }
        let entry = MaybeUninit::new(Held { class, lock, site, outer_rank });
        // A handler that comes before the count has risen uses the same place for its own locks. So the entry is written
        // again once the place is ours; the first time, so that whoever looks in between finds something written there.
        self.held[count].set(entry);
        compiler_fence(Ordering::SeqCst);
        self.held_count.set(count as u32 + 1);
        compiler_fence(Ordering::SeqCst);
        self.held[count].set(entry);
        self.held_since[count].set(0);
        self.held_rank.set(rank);
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, class: &'static LockClass, site: &'static Location<'static>) -> ! {
        let count = self.held_count();
        assert!(count < MAX_HELD, "too many locks held when taking {} at {site}", class.name);
        // PROOF: a rank is held, so a lock is.
        let top = self.held().filter(|held| held.class.rank >= class.rank).last().expect("a lock of that rank is held");
        panic!(
            "lock order: {} (rank {}) taken at {} while holding {} (rank {}) taken at {}",
            class.name, class.rank, site, top.class.name, top.class.rank, top.site
        );
    }

    /// Notes when a lock was got that [`push_held`](Self::push_held) has noted, if somebody wants to know how long locks are held.
    #[inline(always)]
    pub(crate) fn note_got(&self, lock: usize) {
        if probes::held::PROBE.is_enabled() {
            self.begin_hold(lock);
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_hold(&self, lock: usize) {
        let Some(index) = (0..self.held_count().min(MAX_HELD)).rev().find(|&i| self.held_at(i).lock == lock) else {
            return;
        };
        self.held_since[index].set(arch::timer::ticks().max(1));
    }

    #[inline(always)]
    fn held_at(&self, index: usize) -> Held {
        // SAFETY: entries below the count were written by `push_held`.
        unsafe { self.held[index].get().assume_init() }
    }

    /// Forgets a lock.
    #[inline(always)]
    pub(crate) fn pop_held(&self, lock: usize) {
        let last = (self.held_count.get() as usize).wrapping_sub(1);
        if last < MAX_HELD {
            let top = self.held_at(last);
            if top.lock == lock {
                self.held_count.set(last as u32);
                self.held_rank.set(top.outer_rank);
                let since = self.held_since[last].get();
                if since != 0 {
                    tell_hold(lock, top.class, since);
                }
                return;
            }
        }
        self.remove_held(lock);
    }

    /// [`pop_held`](Self::pop_held) for a lock that was not the last one taken.
    #[cold]
    fn remove_held(&self, lock: usize) {
        let count = self.held_count();
        let Some(index) = (0..count).rev().find(|&i| self.held_at(i).lock == lock) else {
            return;
        };
        let (released, since) = (self.held_at(index), self.held_since[index].get());
        // The one above it now follows the one below it. Ranks rise, so the highest stays.
        let outer_rank = released.outer_rank;
        for i in index..count - 1 {
            let mut moved = self.held_at(i + 1);
            if i == index {
                moved.outer_rank = outer_rank;
            }
            self.held[i].set(MaybeUninit::new(moved));
            self.held_since[i].set(self.held_since[i + 1].get());
        }
        self.held_count.set(count as u32 - 1);
        if since != 0 {
            tell_hold(lock, released.class, since);
        }
    }

    /// How many locks are held.
    #[inline(always)]
    pub(crate) fn held_count(&self) -> usize {
        self.held_count.get() as usize
    }

    /// The locks held, oldest first.
    pub(crate) fn held(&self) -> impl Iterator<Item = Held> + '_ {
        (0..self.held_count().min(MAX_HELD)).map(|index| self.held_at(index))
    }
}

/// Tells how long a lock was held that is about to be free, or has just become free.
#[cold]
#[inline(never)]
fn tell_hold(lock: usize, class: &LockClass, since: u64) {
    let held_ns = time::ns_of_ticks(arch::timer::ticks().saturating_sub(since));
    crate::probe!(probes::held(Hex(lock as u64), held_ns, class.rank.into()));
}

/// Keeps this thread on its CPU until [`preempt_on`]; nests.
#[inline(always)]
pub(crate) fn preempt_off() -> &'static StackHeader {
    let header = current();
    header.preempt_off.set(header.preempt_off.get() + 1);
    compiler_fence(Ordering::SeqCst);
    header
}

/// Ends [`preempt_off`]; switches now if that became due in between.
#[inline(always)]
pub(crate) fn preempt_on(header: &'static StackHeader) {
    compiler_fence(Ordering::SeqCst);
    let count = header.preempt_off.get() - 1;
    header.preempt_off.set(count);
    if count == 0 && header.cpu().needs_reschedule() {
        crate::thread::scheduler::preempt_if_possible(header);
    }
}

/// Ends [`preempt_off`] where no switch may follow: in the middle of a trap or an interrupt. What became due in between is found by
/// whatever asks next; it was asked for by an interrupt that waits, or this CPU's own handler asks on its way out.
#[inline(always)]
pub(crate) fn preempt_on_later(header: &'static StackHeader) {
    compiler_fence(Ordering::SeqCst);
    header.preempt_off.set(header.preempt_off.get() - 1);
}

/// Turns interrupts off until [`interrupts_on`]; nests.
#[inline(always)]
pub(crate) fn interrupts_off() -> &'static StackHeader {
    let header = current();
    let count = header.interrupts_off.get();
    if count == 0 {
        arch::cpu::mask_interrupts();
    }
    header.interrupts_off.set(count + 1);
    compiler_fence(Ordering::SeqCst);
    header
}

/// Ends [`interrupts_off`]; switches now if that became due in between.
#[inline(always)]
pub(crate) fn interrupts_on(header: &'static StackHeader) {
    compiler_fence(Ordering::SeqCst);
    let count = header.interrupts_off.get() - 1;
    header.interrupts_off.set(count);
    if count == 0 {
        arch::cpu::interrupts_on();
        if header.preempt_off.get() == 0 && header.cpu().needs_reschedule() {
            crate::thread::scheduler::preempt_if_possible(header);
        }
    }
}

/// [`interrupts_off`] where they are known to be on.
#[inline(always)]
pub(crate) fn interrupts_off_first(header: &'static StackHeader) {
    arch::cpu::mask_interrupts();
    header.interrupts_off.set(1);
    compiler_fence(Ordering::SeqCst);
}

/// Ends [`interrupts_off_first`]; does not look for a better thread to run.
#[inline(always)]
pub(crate) fn interrupts_on_last(header: &'static StackHeader) {
    compiler_fence(Ordering::SeqCst);
    header.interrupts_off.set(0);
    arch::cpu::interrupts_on();
}

/// Runs an interrupt handler's body: the hardware has turned interrupts off, so the counts must say so, and locks that
/// the interrupted code holds do not count against the handler's.
#[inline(always)]
pub(crate) fn in_handler<R>(body: impl FnOnce(&super::IrqContext) -> R) -> R {
    let header = current();
    header.interrupts_off.set(header.interrupts_off.get() + 1);
    header.handlers.set(header.handlers.get() + 1);
    let rank = header.held_rank.replace(0);
    let result = body(&super::IrqContext::new());
    header.held_rank.set(rank);
    header.handlers.set(header.handlers.get() - 1);
    header.interrupts_off.set(header.interrupts_off.get() - 1);
    result
}

/// Writes a fresh header at the end of a stack and answers the stack's top (the first stack pointer).
///
/// # Safety
/// 1. `base` is the lowest address of a mapped, writable, [`STACK_BYTES`]-aligned stack that nobody uses.
pub(crate) unsafe fn prepare_stack(base: usize, cpu: *mut CpuLocal, thread: *const Thread) -> usize {
    let top = base + STACK_BYTES - STACK_HEADER_BYTES;
    // SAFETY: the last 512 bytes of the stack are the header's (1), aligned to 64.
    unsafe { ptr::write(top as *mut StackHeader, StackHeader::new(cpu, thread)) };
    top
}
