//! The second step of exec: becoming the new program. Nothing here can fail.
use crate::mm::AddressSpace;
use crate::observe;
use crate::syscall::Call;
use crate::task::Credentials;
use crate::task::exec::{self, GainingRights, NewProgram};
use crate::trace::{self, Counter, probe};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{USER_END, UserAddr};
use machine::user::UserContext;

/// A program ready to run: its memory with everything in it, and where it begins.
pub struct PreparedExec {
    pub(super) space: Arc<AddressSpace>,
    pub(super) entry: usize,
    pub(super) stack_pointer: usize,
    pub(super) name: Vec<u8>,
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) is_secure: bool,
    pub(super) gaining: Option<GainingRights>,
}

impl PreparedExec {
    /// Makes the calling task, after [`exec::begin`], run the program.
    pub fn commit(mut self, call: &mut Call<'_>) {
        let path = observe::copy_of_path(&self.name);
        let base = self.name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        self.name.drain(..base);
        let program = NewProgram {
            space: self.space,
            registers: UserContext::at_entry(self.entry, self.stack_pointer),
            name: self.name,
            credentials: self.credentials,
            is_secure: self.is_secure,
            gaining: self.gaining,
        };
        exec::finish(call, program);
        trace::count(Counter::ProcessesExecuted);
        probe!(trace::proc::exec(call.task.tid(), UserAddr(self.entry)));
        observe::executed(call.cx, call.task, &path);
        observe::mapped(call.cx, call.task, 0..USER_END);
    }
}
