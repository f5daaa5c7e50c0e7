//! Allocations that fail on purpose: a thread asks that from its Nth on all of them fail until its system call ends, so that each
//! way out of a call can be seen (`user/failed_allocation_test.c`). Not only the Nth, as with Linux's fault injection: the kernel tries
//! again after it has made room, and would never notice.
//!
//! What fails is what has a way to fail: frames of programs, caches and tables, stacks, large blocks of the heap, and the question
//! whether there is [room](super::has_room) for small objects. In every build but the checked one it is constantly off, and gone.
//!
//! The state is the thread's, in the header of its stack; interrupt handlers, which borrow the stack, never fail.
use crate::thread::header::{self, StackHeader};

/// Whether this build can let allocations fail.
pub const IS_POSSIBLE: bool = cfg!(ochre_defects);

/// What a thread's next allocation meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Outside of a system call: nothing is counted.
    Outside,
    /// In one: it counts.
    Counting,
    /// Until the end of this one: it fails.
    Failing,
}

/// Asks that of this thread's allocations in system calls the `count`th and those after it fail; none, if `count` is 0.
pub fn set_countdown(count: u32) {
    header::current().allocations_left.set(count);
}

/// How many are left until the first that fails, that one included; 0 once it has failed, or if nothing was asked for.
pub fn countdown() -> u32 {
    header::current().allocations_left.get()
}

/// A system call of this thread begins.
#[inline(always)]
pub fn call_begins() {
    if IS_POSSIBLE {
        header::current().allocations.set(Stage::Counting);
    }
}

/// It has ended.
#[inline(always)]
pub fn call_ends() {
    if IS_POSSIBLE {
        header::current().allocations.set(Stage::Outside);
    }
}

/// Whether this thread's allocations fail now: nobody needs to look for memory on its behalf.
#[inline(always)]
pub fn is_failing() -> bool {
    IS_POSSIBLE && is_thread(header::current()) && header::current().allocations.get() == Stage::Failing
}

/// Counts one allocation; whether it fails.
#[inline(always)]
pub(super) fn fails() -> bool {
    IS_POSSIBLE && count(header::current())
}

fn is_thread(header: &StackHeader) -> bool {
    header.handlers.get() == 0
}

fn count(header: &StackHeader) -> bool {
    let left = header.allocations_left.get();
    match header.allocations.get() {
        _ if !is_thread(header) => false,
        Stage::Outside => false,
        Stage::Failing => true,
        Stage::Counting if left == 0 => false,
        Stage::Counting => {
            header.allocations_left.set(left - 1);
            if left == 1 {
                header.allocations.set(Stage::Failing);
            }
            left == 1
        }
    }
}
