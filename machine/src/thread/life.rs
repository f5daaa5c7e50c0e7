//! Creating, ending and listing threads.
//!
//! The list of all threads owns one counted reference to each. An ending thread takes itself off the list, passes that
//! reference to the scheduler, and is dropped once it has been switched away from, where no lock is held.
//!
//! Locks: the list's (leaf).
use super::header;
use super::thread::Entry;
use super::user_state::UserState;
use super::{CpuSet, CurrentThread, Schedule, Thread, ThreadId, ThreadState, scheduler, stack};
use crate::arch;
use crate::cpu::{self, CpuLocal};
use crate::sync::RawSpin;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};

/// Every thread that has not ended, linked in order of creation.
struct List {
    first: *mut Thread,
    last: *mut Thread,
    count: usize,
}

// SAFETY: the threads on it are alive, because it owns a reference to each.
unsafe impl Send for List {}

static LIST: RawSpin<List> =
    RawSpin::new("thread list", List { first: ptr::null_mut(), last: ptr::null_mut(), count: 0 });
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// No memory for the thread's stack or its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpawnError;

/// Where and how a new thread runs from its first moment on.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// The CPUs it may run on; at least one of them is up.
    pub affinity: CpuSet,
    /// How it is scheduled.
    pub schedule: Schedule,
}

impl Placement {
    /// Anywhere, as any other.
    pub const ANYWHERE: Placement = Placement { affinity: CpuSet::ALL, schedule: Schedule::NORMAL };
}

/// Makes a thread that will run `entry` and end when it returns. `entry` gets the new thread's token.
/// The thread inherits nothing; its FP state is that of a fresh program. It is runnable at once.
pub fn spawn(
    name: &str,
    data: Arc<dyn Any + Send + Sync>,
    entry: Box<dyn FnOnce(&mut CurrentThread) + Send>,
) -> Result<Arc<Thread>, SpawnError> {
    spawn_at(name, data, entry, Placement::ANYWHERE)
}

/// [`spawn`], at a place.
pub fn spawn_at(
    name: &str,
    data: Arc<dyn Any + Send + Sync>,
    entry: Box<dyn FnOnce(&mut CurrentThread) + Send>,
    placement: Placement,
) -> Result<Arc<Thread>, SpawnError> {
    let user = UserState::new().ok_or(SpawnError)?;
    if !make_room(counts().threads + 1) {
        return Err(SpawnError);
    }
    let stack = stack::allocate().ok_or(SpawnError)?;
    let mut thread = new_thread(name, data, user, Some(entry), stack, false);
    thread.place(placement);
    let thread = Arc::new(thread);
    let pointer = Arc::into_raw(thread.clone());
    // SAFETY: the stack is fresh; the scheduler sets the CPU before the thread runs.
    let top = unsafe { header::prepare_stack(stack, ptr::null_mut(), pointer) };
    // SAFETY: the stack is fresh and ends at `top`; nobody else knows the thread yet.
    unsafe { *thread.context.get() = arch::context::prepare(top, run, 0) };
    LIST.with(|list| list.append(pointer.cast_mut()));
    crate::probe!(crate::trace::providers::sched::create(thread.id()));
    scheduler::start(&thread);
    Ok(thread)
}

fn new_thread(
    name: &str,
    data: Arc<dyn Any + Send + Sync>,
    user: UserState,
    entry: Option<Entry>,
    stack: usize,
    is_idle: bool,
) -> Thread {
    let id = ThreadId(NEXT_ID.fetch_add(1, Ordering::Relaxed));
    Thread::new(id, name.into(), data, user, entry, stack, is_idle)
}

/// Makes every CPU's queues long enough for `threads` threads and their timers.
fn make_room(threads: usize) -> bool {
    cpu::each().all(|cpu| cpu.scheduler.reserve(threads))
}

/// Makes the calling context the idle thread of `cpu`: boot only, on the stack at `stack`, interrupts off.
pub(crate) fn adopt_boot_stack(cpu: &'static CpuLocal, stack: usize) {
    let room = cpu.scheduler.reserve(64);
    assert!(room, "there is memory at boot");
    let thread = Arc::new(new_thread("idle", Arc::new(()), UserState::none(), None, stack, true));
    thread.cpu.store(cpu.id.0, Ordering::Relaxed);
    // The idle thread is on no list and lives for ever.
    let pointer = Arc::into_raw(thread);
    header::current().thread.set(pointer);
    cpu.scheduler.adopt_idle(cpu, pointer);
}

/// Where each thread begins.
extern "C" fn run(_argument: usize) -> ! {
    let header = scheduler::begin();
    // SAFETY: this is the thread, and the token made here is its first and only one.
    let mut cx = unsafe { CurrentThread::conjure() };
    if let Some(entry) = cx.thread().entry.take() {
        entry(&mut cx);
    }
    assert!(
        header.held_count() == 0 && header.preempt_off.get() == 0,
        "thread {} ended holding {}",
        cx.thread().name(),
        header.held().last().map_or("preemption off", |held| held.class.name)
    );
    crate::probe!(crate::trace::providers::sched::exit(cx.thread().id()));
    cx.set_space(None);
    cx.thread().timer.disarm();
    let thread = NonNull::from(&**cx.thread());
    LIST.with(|list| list.remove(thread.as_ptr()));
    scheduler::end(thread)
}

impl List {
    fn append(&mut self, thread: *mut Thread) {
        // SAFETY: the threads on the list are alive and so is the new one; the links are under this list's lock.
        unsafe {
            (*thread).previous.store(self.last, Ordering::Relaxed);
            (*thread).next.store(ptr::null_mut(), Ordering::Relaxed);
            if self.last.is_null() {
                self.first = thread;
            } else {
                (*self.last).next.store(thread, Ordering::Relaxed);
            }
        }
        self.last = thread;
        self.count += 1;
    }

    fn remove(&mut self, thread: *mut Thread) {
        // SAFETY: the thread and its neighbours are on the list, so alive; the links are under this list's lock.
        unsafe {
            let next = (*thread).next.load(Ordering::Relaxed);
            let previous = (*thread).previous.load(Ordering::Relaxed);
            if previous.is_null() {
                self.first = next;
            } else {
                (*previous).next.store(next, Ordering::Relaxed);
            }
            if next.is_null() {
                self.last = previous;
            } else {
                (*next).previous.store(previous, Ordering::Relaxed);
            }
        }
        self.count -= 1;
    }
}

/// Every live thread, as far as there is memory to note them.
pub fn all(visit: &mut dyn FnMut(&Arc<Thread>)) {
    let mut threads: Vec<Arc<Thread>> = Vec::new();
    loop {
        let count = LIST.with(|list| list.count);
        if threads.try_reserve(count + 8).is_err() {
            return;
        }
        let is_complete = LIST.with(|list| {
            let mut next = list.first;
            while !next.is_null() && threads.len() < threads.capacity() {
                // SAFETY: on the list, so alive, made by `Arc::into_raw`; the new count is the vector's.
                unsafe {
                    Arc::increment_strong_count(next.cast_const());
                    threads.push(Arc::from_raw(next.cast_const()));
                    next = (*next).next.load(Ordering::Relaxed);
                }
            }
            next.is_null()
        });
        if is_complete {
            break;
        }
        threads.clear();
    }
    for thread in &threads {
        visit(thread);
    }
}

/// For [`crate::trace::layout`]: where the address of the first thread lies.
pub(super) fn first_place() -> usize {
    LIST.with(|list| core::ptr::from_ref(&list.first).addr())
}

/// The first `most` threads, in a kernel that has failed: on any stack, interrupts off in the hardware, the other CPUs stopped. False:
/// one of them held the list.
pub(crate) fn all_after_failure(most: usize, visit: &mut dyn FnMut(&Thread, Option<ThreadState>)) -> bool {
    if !LIST.try_acquire() {
        return false;
    }
    // SAFETY: acquired above.
    let mut next = unsafe { LIST.value() }.first;
    for _ in 0..most {
        // SAFETY: on the list, so alive.
        let Some(thread) = (unsafe { next.as_ref() }) else { break };
        visit(thread, thread.state_after_failure());
        next = thread.next.load(Ordering::Relaxed);
    }
    // SAFETY: acquired above.
    unsafe { LIST.release() };
    true
}

/// Frames, threads and stacks in use, for leak checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ThreadCounts {
    /// Threads that exist.
    pub threads: usize,
    /// Kernel stacks mapped, those kept for reuse included.
    pub stacks: usize,
}

/// Counts now.
pub fn counts() -> ThreadCounts {
    ThreadCounts { threads: LIST.with(|list| list.count), stacks: stack::count() }
}
