//! Waiting for an event. A [`WaitQueue`] is a list of nodes, one for each thread that waits and one for each registered
//! [`Wake`] object (poll, epoll).
//!
//! A thread's node lies on its own stack. The waker marks and unlinks it and unparks the thread, all under the queue's lock; the
//! thread takes that lock before its node goes away, so no waker is left with a dangling node. Park tokens are only hints
//! (a thread may be unparked for another reason); the mark in the node is the truth.
//!
//! Locks: the queue's own leaf lock; under it, a run queue's (unparking).
use super::raw::RawSpin;
use crate::thread::{CurrentThread, Thread, scheduler};
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering, fence};

/// How a wait is done.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// What is waited for, for listings, the watchdog and dumps.
    pub reason: &'static str,
    /// Whether [`Thread::notify`] ends it.
    pub is_interruptible: bool,
    /// When it ends with [`WaitError::TimedOut`].
    pub deadline: Option<Instant>,
}

impl Wait {
    /// An interruptible wait without a deadline.
    pub const fn interruptible(reason: &'static str) -> Wait {
        Wait { reason, is_interruptible: true, deadline: None }
    }
    /// A wait that only its event ends.
    pub const fn uninterruptible(reason: &'static str) -> Wait {
        Wait { reason, is_interruptible: false, deadline: None }
    }
    /// The same with a deadline.
    pub const fn until(self, deadline: Option<Instant>) -> Wait {
        Wait { deadline, ..self }
    }
}

/// Why a wait ended without its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// The thread was notified (see [`Thread::notify`]).
    Interrupted,
    /// The deadline passed.
    TimedOut,
}

/// Something a [`WaitQueue`] can wake. Called with the queue's lock held and perhaps in interrupt context: must only
/// record and unpark.
pub trait Wake: Send + Sync {
    /// The event happened. Returns whether this waiter consumed a wake-up (counts for `wake(n)`).
    fn wake(&self) -> bool;

    /// Whether one of all exclusive waiters of a queue is enough: the others are left alone once one of them has consumed a
    /// wake-up.
    fn is_exclusive(&self) -> bool {
        false
    }
}

enum Target {
    /// A thread in [`WaitQueue::wait`]; alive because it is waiting.
    Thread(NonNull<Thread>),
    /// Registered by [`WaitQueue::add`].
    Registered(Arc<dyn Wake>),
}

struct Node {
    next: *mut Node,
    previous: *mut Node,
    target: Target,
    /// Set by the waker of a thread, which also unlinks the node.
    is_woken: AtomicBool,
}

struct List {
    tail: *mut Node,
}

// SAFETY: the nodes are only reached under the queue's lock.
unsafe impl Send for List {}

/// A place where threads wait for an event. Takes no lock of the caller's; wakes from any context.
pub struct WaitQueue {
    /// The first node. Changed under the lock; read without it to see whether anybody waits.
    head: AtomicPtr<Node>,
    list: RawSpin<List>,
}

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> WaitQueue {
        WaitQueue {
            head: AtomicPtr::new(ptr::null_mut()),
            list: RawSpin::new("wait queue", List { tail: ptr::null_mut() }),
        }
    }

    /// Evaluates `ready`; if `None`, sleeps and evaluates again after each wake-up. The thread is queued before `ready` is
    /// evaluated again, so a wake-up between the check and the sleep is never lost. `ready` may take sleeping locks.
    /// When notified or past the deadline `ready` has the last word.
    #[track_caller]
    pub fn wait<R>(
        &self,
        cx: &mut CurrentThread,
        how: Wait,
        mut ready: impl FnMut(&mut CurrentThread) -> Option<R>,
    ) -> Result<R, WaitError> {
        cx.assert_may_sleep();
        if let Some(result) = ready(cx) {
            return Ok(result);
        }
        let mut node = Node {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            target: Target::Thread(NonNull::from(&**cx.thread())),
            is_woken: AtomicBool::new(false),
        };
        let node = &raw mut node;
        let deadline = how.deadline.map(|deadline| scheduler::Deadline::arm(cx, deadline));
        let outcome = loop {
            // SAFETY: the node lives until it is unlinked below.
            unsafe { self.link(node) };
            if let Some(result) = ready(cx) {
                break Ok(result);
            }
            let ended = loop {
                // SAFETY: the node is alive; the mark is atomic.
                if unsafe { (*node).is_woken.load(Ordering::Acquire) } {
                    break None;
                }
                if how.is_interruptible && cx.is_notified() {
                    break Some(WaitError::Interrupted);
                }
                if how.deadline.is_some_and(|deadline| crate::time::now() >= deadline) {
                    break Some(WaitError::TimedOut);
                }
                scheduler::park(cx, how.reason, how.is_interruptible);
            };
            // SAFETY: the node is alive, linked here or unlinked by a waker.
            unsafe { self.unlink(node) };
            match (ready(cx), ended) {
                (Some(result), _) => break Ok(result),
                (None, Some(error)) => break Err(error),
                (None, None) => {}
            }
        };
        // SAFETY: as above; unlinking what is not linked does nothing but wait for a waker to let go of the node.
        unsafe { self.unlink(node) };
        if let Some(deadline) = deadline {
            deadline.disarm(cx);
        }
        outcome
    }

    /// Wakes every waiter.
    #[inline]
    pub fn wake_all(&self) {
        self.wake(usize::MAX);
    }

    /// Wakes up to `n` waiters in arrival order; answers how many.
    #[inline]
    pub fn wake(&self, n: usize) -> usize {
        // Orders the caller's change of the condition before the look at the list; `link` has the other half.
        fence(Ordering::SeqCst);
        if self.head.load(Ordering::Relaxed).is_null() { 0 } else { self.wake_slow(n) }
    }

    #[inline(never)]
    fn wake_slow(&self, n: usize) -> usize {
        self.list.with(|list| {
            let mut woken = 0;
            let mut has_exclusive = false;
            let mut node = self.head.load(Ordering::Relaxed);
            while woken < n && !node.is_null() {
                // SAFETY: linked nodes are alive, and the list's lock is held.
                let next = unsafe { (*node).next };
                // SAFETY: as above.
                match unsafe { &(*node).target } {
                    Target::Thread(thread) => {
                        let thread = *thread;
                        self.remove_from(list, node);
                        // SAFETY: the node is alive until its thread gets the list's lock.
                        unsafe { (*node).is_woken.store(true, Ordering::Release) };
                        // SAFETY: the thread is in `wait` and cannot leave it before it gets the list's lock.
                        scheduler::unpark(unsafe { thread.as_ref() });
                        woken += 1;
                    }
                    Target::Registered(target) => {
                        let is_exclusive = target.is_exclusive();
                        if !(has_exclusive && is_exclusive) && target.wake() {
                            woken += 1;
                            has_exclusive |= is_exclusive;
                        }
                    }
                }
                node = next;
            }
            woken
        })
    }

    /// Adds a waiter (poll, epoll). It stays until removed.
    pub fn add(&self, waiter: Arc<dyn Wake>) {
        let node = Box::into_raw(Box::new(Node {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            target: Target::Registered(waiter),
            is_woken: AtomicBool::new(false),
        }));
        // SAFETY: a fresh allocation, owned by the list until `remove` or `drop`.
        unsafe { self.link(node) };
    }

    /// Removes it again (compared by address).
    pub fn remove(&self, waiter: &Arc<dyn Wake>) {
        let found = self.list.with(|list| {
            let mut node = self.head.load(Ordering::Relaxed);
            while !node.is_null() {
                // SAFETY: linked nodes are alive, and the list's lock is held.
                let current = unsafe { &*node };
                if let Target::Registered(target) = &current.target
                    && ptr::addr_eq(Arc::as_ptr(target), Arc::as_ptr(waiter))
                {
                    self.remove_from(list, node);
                    return node;
                }
                node = current.next;
            }
            ptr::null_mut()
        });
        if !found.is_null() {
            // SAFETY: it came from `Box::into_raw` in `add` and is no longer linked. Dropped outside the lock, because the
            // object behind it may have a `Drop`.
            drop(unsafe { Box::from_raw(found) });
        }
    }

    /// Appends a node.
    ///
    /// # Safety
    /// 1. `node` is alive, not linked, and stays alive until unlinked.
    unsafe fn link(&self, node: *mut Node) {
        self.list.with(|list| {
            // SAFETY: the node is the caller's (1); the tail is linked, so alive.
            unsafe {
                (*node).next = ptr::null_mut();
                (*node).previous = list.tail;
                (*node).is_woken.store(false, Ordering::Relaxed);
                if list.tail.is_null() {
                    self.head.store(node, Ordering::Relaxed);
                } else {
                    (*list.tail).next = node;
                }
            }
            list.tail = node;
        });
        fence(Ordering::SeqCst);
    }

    /// Takes a thread's node out unless a waker already has; after it no waker uses the node.
    ///
    /// # Safety
    /// 1. `node` is alive and was linked here before.
    unsafe fn unlink(&self, node: *mut Node) {
        self.list.with(|list| {
            // SAFETY: alive (1).
            let is_first = self.head.load(Ordering::Relaxed) == node;
            // SAFETY: alive (1).
            if is_first || unsafe { !(*node).previous.is_null() } {
                self.remove_from(list, node);
            }
        });
    }

    /// Takes a linked node out.
    fn remove_from(&self, list: &mut List, node: *mut Node) {
        // SAFETY: the node and its neighbours are linked, so alive, and the list's lock is held.
        unsafe {
            let (next, previous) = ((*node).next, (*node).previous);
            if previous.is_null() {
                self.head.store(next, Ordering::Relaxed);
            } else {
                (*previous).next = next;
            }
            if next.is_null() {
                list.tail = previous;
            } else {
                (*next).previous = previous;
            }
            (*node).next = ptr::null_mut();
            (*node).previous = ptr::null_mut();
        }
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        WaitQueue::new()
    }
}

impl Drop for WaitQueue {
    fn drop(&mut self) {
        let mut node = *self.head.get_mut();
        while !node.is_null() {
            // SAFETY: no thread waits here (it would borrow the queue), so each node came from `add`.
            let owned = unsafe { Box::from_raw(node) };
            node = owned.next;
        }
    }
}
