//! Signals.
use abi::Sigaction;
use alloc::sync::Arc;
use core::sync::atomic::AtomicU64;
use machine::sync::SpinLock;

/// Actions by signal, shared by threads.
pub struct Actions(SpinLock<[Sigaction; 64]>);

impl Actions {
    /// All default.
    pub fn new() -> Arc<Actions> {
        Arc::new(Actions(SpinLock::new(&crate::lock_order::SIGNALS, [Sigaction::default(); 64])))
    }
}

/// Signal state of a process.
pub struct ProcessSignals {
    actions: Arc<Actions>,
}
impl ProcessSignals {
    /// Nothing pending.
    pub fn new(actions: Arc<Actions>) -> ProcessSignals {
        ProcessSignals { actions }
    }
}

/// Signal state of a thread.
pub struct TaskSignals {
    blocked: AtomicU64,
}
impl TaskSignals {
    /// Nothing pending, nothing blocked.
    pub fn new() -> TaskSignals {
        TaskSignals { blocked: AtomicU64::new(0) }
    }
}
