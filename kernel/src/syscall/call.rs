//! What every handler is given.
use crate::task::{Process, Task};
use alloc::sync::Arc;
use machine::thread::CurrentThread;
use machine::user::UserContext;

/// One system call being served.
pub struct Call<'a> {
    /// The running thread's token.
    pub cx: &'a mut CurrentThread,
    /// The calling task.
    pub task: &'a Arc<Task>,
    /// The program's registers: those at the call instruction. Only calls about registers touch them.
    pub user: &'a mut UserContext,
}

impl Call<'_> {
    /// The calling process.
    pub fn process(&self) -> &Arc<Process> {
        self.task.process()
    }
}
