//! Locks and waiting. Three kinds of lock: [`SpinLock`], `SpinLock<_, IrqSafe>` and [`Mutex`] (sleeps), plus
//! [`RwLock`] (sleeps). Which one is a property of the data and stands in its type.
//!
//! Every lock names its [`LockClass`]; ranks are compared at each acquire: a lock may be taken only while
//! all held locks have a lower rank. The locks held are kept in the stack header of each thread
//! (`thread::header`), for that comparison, for the assertion that none is held where control leaves, and for the epitaph.
pub mod barrier;
mod mutex;
mod raw;
mod rwlock;
mod spin_lock;
mod wait_queue;
mod waiter;

pub use mutex::{Mutex, MutexGuard};
pub(crate) use raw::RawSpin;
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use spin_lock::{IrqSafe, LockClass, SpinGuard, SpinLock, ThreadOnly};
pub use wait_queue::{Wait, WaitError, WaitQueue, Wake};
pub use waiter::Waiter;

/// A value set once at start and read by everyone after.
pub use spin::Once;
