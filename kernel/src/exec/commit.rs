//! The second step of exec: becoming the new program. Nothing here can fail.
use crate::mm::AddressSpace;
use crate::syscall::Call;
use crate::task::{Credentials, exec as task_exec};
use crate::trace::{self, Counter, probe};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::user::UserContext;

/// A program ready to run: its memory with everything in it, and where it begins.
pub struct PreparedExec {
    pub(super) space: Arc<AddressSpace>,
    pub(super) entry: usize,
    pub(super) stack_pointer: usize,
    pub(super) name: Vec<u8>,
    pub(super) credentials: Option<Arc<Credentials>>,
}

impl PreparedExec {
    /// Makes the calling task, which must be the only one of its process by now, run the program.
    pub fn commit(self, call: &mut Call<'_>) {
        task_exec::leave_old_memory(call);
        call.cx.set_space(Some(self.space.handle()));
        let base_name = self.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        call.task.set_name(call.cx, base_name);
        let old = call.task.with_resources(call.cx, |resources| {
            if let Some(credentials) = self.credentials {
                resources.credentials = credentials;
            }
            resources.space.replace(self.space)
        });
        drop(old);
        call.cx.reset_fp();
        // Both answers are true for zero, except for the GS base of ARM64, which has none.
        let _ = call.cx.set_tls(0);
        let _ = call.cx.set_gs_base(0);
        *call.user = UserContext::at_entry(self.entry, self.stack_pointer);
        task_exec::finish(call);
        trace::count(Counter::ProcessesExecuted);
        probe!(trace::proc::exec(call.task.tid(), UserAddr(self.entry)));
    }
}
