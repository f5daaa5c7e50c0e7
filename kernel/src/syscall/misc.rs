//! Calls on the system as a whole.
use super::call::Call;
use crate::errno::Result;
use crate::task::host;
use crate::user_memory::UserPtr;
use abi::Utsname;

/// Names and versions.
pub fn sys_uname(call: &mut Call<'_>, buffer: UserPtr<Utsname>) -> Result<u64> {
    buffer.write(call.cx, &host::utsname())?;
    Ok(0)
}
