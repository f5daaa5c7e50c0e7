//! Calls on users and groups.
use super::call::Call;
use crate::errno::Result;

/// Real user.
pub fn sys_getuid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).uid.real))
}
/// Effective user.
pub fn sys_geteuid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).uid.effective))
}
/// Real group.
pub fn sys_getgid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).gid.real))
}
/// Effective group.
pub fn sys_getegid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).gid.effective))
}
