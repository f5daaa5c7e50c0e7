//! The providers of events that `machine` itself makes: `sched`, `irq`, `timer`, `lock`; and `vminfo`, which it shares with `kernel`.
//!
//! Threads are told by the kernel's own number ([`ThreadId`]); the `proc` provider of `kernel` says which Linux TID is which.
use crate::addr::UserAddr;
use crate::thread::ThreadId;

/// A word shown in hexadecimal: bits, or an address whose kind does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Hex(pub u64);

crate::provider! {
    /// Threads getting and leaving a CPU.
    pub mod sched = 1, Evolving;
    /// A thread leaves its CPU: 0 preempted or yielding, 1 asleep, 2 ended; and the thread that comes next.
    off_cpu(thread: ThreadId, next: ThreadId, state: u32);
    /// A thread begins to run on its CPU after `off_cpu` of another.
    on_cpu(thread: ThreadId);
    /// A sleeping thread is made runnable, to run on this CPU.
    wakeup(thread: ThreadId, cpu: u32);
    /// A thread goes to sleep.
    sleep(thread: ThreadId, is_interruptible: bool);
    /// A thread is moved from one CPU to another.
    migrate(thread: ThreadId, from: u32, to: u32);
    /// A thread is made.
    create(thread: ThreadId);
    /// A thread ends.
    exit(thread: ThreadId);
    /// The CPU has nothing to run.
    idle_enter();
    /// The CPU has something to run again.
    idle_exit();
    /// A timer tick or a wake-up asks for a reschedule.
    reschedule(cpu: u32);
    /// User mode is entered.
    to_user(thread: ThreadId);
    /// User mode is left.
    to_kernel(thread: ThreadId);
}

crate::provider! {
    /// Interrupts.
    pub mod irq = 2, Evolving;
    /// A device's interrupt is about to be handled.
    entry(line: u32);
    /// A device's interrupt has been handled, by so many handlers.
    exit(line: u32, handlers: u32);
    /// The timer's interrupt.
    timer(deadline_ns: u64);
    /// Another CPU's interrupt: 0 reschedule, 1 shootdown, 2 halt.
    ipi(kind: u32);
    /// An interrupt that nobody had asked for.
    spurious(line: u32);
}

crate::provider! {
    /// Timers. They are told by the kernel's address of them; a thread that sleeps has one too.
    pub mod timer = 6, Evolving;
    /// A timer was armed.
    arm(timer: Hex, deadline_ns: u64);
    /// A timer that was armed was disarmed before it expired.
    cancel(timer: Hex);
    /// A timer has expired: when it was to, and by how much later its interrupt came.
    expire(timer: Hex, deadline_ns: u64, late_ns: u64);
}

crate::provider! {
    /// Locks that were not free; free ones fire nothing. Told by address and by their class's rank in `lock_order.rs`, 0 for the innermost.
    pub mod lock = 7, Evolving;
    /// A spin lock was got after spinning for so long.
    spin(lock: Hex, waited_ns: u64, rank: u32);
    /// A sleeping lock was got after waiting for so long.
    mutex(lock: Hex, waited_ns: u64, rank: u32);
    /// A lock for many readers or one writer was got after waiting for so long.
    rwlock(lock: Hex, waited_ns: u64, rank: u32, is_write: bool);
    /// A lock of any of these kinds is given back that was held for so long.
    held(lock: Hex, held_ns: u64, rank: u32);
}

crate::provider! {
    /// Virtual memory.
    pub mod vminfo = 4, Evolving;
    /// A page fault begins, of a program or of a copy for it: address, 0 read, 1 write, 2 execute, whether a page was there.
    fault_entry(addr: UserAddr, kind: u32, is_present: bool);
    /// A page fault ends: whether the access can go on.
    fault_return(addr: UserAddr, is_resolved: bool);
    /// An anonymous page of zeros was given: the one that all readers share, or one to be written.
    anonymous(addr: UserAddr, is_write: bool);
    /// A block of 2 MiB of zeros was given.
    block(addr: UserAddr);
    /// A block was split into pages, whose rights or owners may differ from now on.
    block_split(addr: UserAddr);
    /// Pages of a file were mapped, so many, the first from this page of the file.
    file(addr: UserAddr, index: u64, pages: u32);
    /// A shared page was copied for a write; it had so many owners.
    cow_copy(addr: UserAddr, owners: u32);
    /// A page was made writable in place: nobody else has it.
    cow_in_place(addr: UserAddr);
    /// The page was there when the fault was looked at: another thread was quicker, or a translation was stale.
    spurious(addr: UserAddr);
    /// A stack grew down to this address by so many pages.
    stack_growth(addr: UserAddr, pages: u64);
    /// Memory was mapped.
    map(addr: UserAddr, bytes: u64);
    /// Memory was unmapped.
    unmap(addr: UserAddr, bytes: u64);
    /// Rights of memory were changed, to these (`PROT_*`).
    protect(addr: UserAddr, bytes: u64, rights: Hex);
    /// The program's break moved.
    set_break(addr: UserAddr);
    /// Other CPUs were asked to forget translations: so many pages, all if it is the largest number. On ARM64 no CPU has to be asked.
    shootdown(pages: u64, cpus: u32);
    /// No frame was free: so many pages of files were wanted dropped, and so many were.
    reclaim(wanted: u64, dropped: u64);
    /// No frame was free, and none could be made free.
    out_of_memory(wanted: u32);
    /// A process was killed for want of memory.
    out_of_memory_kill(pid: u32);
    /// An address space was copied for fork, with so many pages present.
    fork(pages: u64);
}
