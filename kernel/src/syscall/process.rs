//! Calls on processes and threads.
use super::call::Call;
use crate::errno::Result;
use machine::addr::UserAddr;

/// Ends the calling thread.
pub fn sys_exit(call: &mut Call<'_>, status: i32) -> Result<u64> {
    call.task.leave((status & 0xff) << 8);
    Ok(0)
}

/// Ends the whole process.
pub fn sys_exit_group(call: &mut Call<'_>, status: i32) -> Result<u64> {
    call.process().begin_exit(call.cx, (status & 0xff) << 8);
    Ok(0)
}

/// The process's number.
pub fn sys_getpid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.process().pid()))
}

/// The parent's number.
pub fn sys_getppid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.process().parent_pid()))
}

/// The thread's number.
pub fn sys_gettid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.tid()))
}

/// Sets the word to clear and wake when the thread ends.
pub fn sys_set_tid_address(call: &mut Call<'_>, address: UserAddr) -> Result<u64> {
    call.task.set_clear_child_tid(address);
    Ok(u64::from(call.task.tid()))
}
