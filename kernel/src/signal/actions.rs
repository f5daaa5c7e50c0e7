//! What each signal does: shared by the threads of a process (and by processes made with CLONE_SIGHAND).
use super::set::{DefaultAction, Signal, SignalSet};
use crate::lock_order;
use abi::Sigaction;
use alloc::sync::Arc;
use machine::sync::SpinLock;

/// Handler value: default action.
pub const DEFAULT: u64 = 0;
/// Handler value: ignored.
pub const IGNORE: u64 = 1;

/// `SA_*` bits that exist on both architectures.
pub mod flags {
    /// No SIGCHLD when children stop.
    pub const NO_CHILD_STOP: u64 = 0x1;
    /// Children leave no zombies.
    pub const NO_CHILD_WAIT: u64 = 0x2;
    /// The handler takes three arguments.
    pub const SIGINFO: u64 = 0x4;
    /// There is a return trampoline.
    pub const RESTORER: u64 = 0x0400_0000;
    /// Run on the alternate stack.
    pub const ON_STACK: u64 = 0x0800_0000;
    /// Interrupted calls go on.
    pub const RESTART: u64 = 0x1000_0000;
    /// The signal itself is not blocked in its handler.
    pub const NO_DEFER: u64 = 0x4000_0000;
    /// Back to default once delivered.
    pub const RESET_HANDLER: u64 = 0x8000_0000;
    /// Everything known; `SA_UNSUPPORTED` and others are cleared when stored, so that programs can ask.
    pub const KNOWN: u64 =
        NO_CHILD_STOP | NO_CHILD_WAIT | SIGINFO | RESTORER | ON_STACK | RESTART | NO_DEFER | RESET_HANDLER;
}

/// Actions by signal.
pub struct Actions(SpinLock<[Sigaction; 64]>);

impl Actions {
    /// All default.
    pub fn new() -> Arc<Actions> {
        Arc::new(Actions::from_array([Sigaction::default(); 64]))
    }
    fn from_array(actions: [Sigaction; 64]) -> Actions {
        Actions(SpinLock::new(&lock_order::SIGNAL_ACTIONS, actions))
    }
    /// An own copy, for fork.
    pub fn duplicate(&self) -> Arc<Actions> {
        Arc::new(Actions::from_array(self.0.with(|actions| *actions)))
    }
    /// A copy for exec: handlers become default, what is ignored stays ignored.
    pub fn for_exec(&self) -> Arc<Actions> {
        let mut actions = self.0.with(|actions| *actions);
        for action in &mut actions {
            let handler = if action.handler == IGNORE { IGNORE } else { DEFAULT };
            *action = Sigaction { handler, ..Sigaction::default() };
        }
        Arc::new(Actions::from_array(actions))
    }
    /// One action.
    pub fn get(&self, signal: Signal) -> Sigaction {
        self.0.with(|actions| actions[signal.index()])
    }
    /// Replaces one; answers the old one.
    pub fn set(&self, signal: Signal, action: Sigaction) -> Sigaction {
        self.0.with(|actions| core::mem::replace(&mut actions[signal.index()], action))
    }
    /// The action for a signal being delivered, put back to default if it is one-shot.
    pub(super) fn take(&self, signal: Signal) -> Sigaction {
        self.0.with(|actions| {
            let action = actions[signal.index()];
            if action.handler > IGNORE && action.flags & flags::RESET_HANDLER != 0 {
                actions[signal.index()].handler = DEFAULT;
            }
            action
        })
    }
    /// Whether the signal would have no effect at all.
    pub fn is_ignored(&self, signal: Signal) -> bool {
        match self.get(signal).handler {
            IGNORE => true,
            DEFAULT => matches!(signal.default_action(), DefaultAction::Ignore | DefaultAction::Continue),
            _ => false,
        }
    }
    /// (ignored, caught), for /proc.
    pub fn summary(&self) -> (SignalSet, SignalSet) {
        self.0.with(|actions| {
            let mut sets = (SignalSet::EMPTY, SignalSet::EMPTY);
            for (index, action) in actions.iter().enumerate() {
                match action.handler {
                    DEFAULT => {}
                    IGNORE => sets.0.0 |= 1 << index,
                    _ => sets.1.0 |= 1 << index,
                }
            }
            sets
        })
    }
}
