//! execve and execveat.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::exec::arguments::{Budget, read_strings};
use crate::exec::{self, ExecRequest};
use crate::fs;
use crate::ptrace;
use crate::task;
use crate::trace::{self, probe};
use crate::user_memory::UserCStr;
use abi::linux::{AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW};
use alloc::format;
use alloc::vec::Vec;
use machine::addr::UserAddr;

/// Replaces the program.
pub fn sys_execve(call: &mut Call<'_>, path: UserCStr, arguments: UserAddr, environment: UserAddr) -> Result<u64> {
    execute(call, Fd::CWD, path, arguments, environment, 0)
}

/// Replaces the program by one named relative to a directory, or by an open file.
pub fn sys_execveat(
    call: &mut Call<'_>,
    directory: Fd,
    path: UserCStr,
    arguments: UserAddr,
    environment: UserAddr,
    flags: Flags,
) -> Result<u64> {
    if flags.0 & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL);
    }
    execute(call, directory, path, arguments, environment, flags.0)
}

fn execute(
    call: &mut Call<'_>,
    directory: Fd,
    path: UserCStr,
    arguments: UserAddr,
    environment: UserAddr,
    flags: u32,
) -> Result<u64> {
    let outcome = try_to_execute(call, directory, path, arguments, environment, flags);
    if let Err(error) = outcome {
        // CAST: an error's number is positive.
        probe!(trace::proc::exec_failure(call.task.tid(), error.number() as u32));
    }
    outcome
}

fn try_to_execute(
    call: &mut Call<'_>,
    directory: Fd,
    path: UserCStr,
    arguments: UserAddr,
    environment: UserAddr,
    flags: u32,
) -> Result<u64> {
    let path = path.read_path(call.cx)?;
    let file = fs::open_for_exec(call, directory, &path, flags)?;
    let is_by_descriptor = directory != Fd::CWD && path.first() != Some(&b'/');
    let is_name_lost = is_by_descriptor && call.task.files(call.cx).closes_on_exec(call.cx, directory)?;
    let name = if is_by_descriptor { descriptor_name(directory, &path)? } else { path };
    let mut budget = Budget::of(call.process());
    budget.take(name.len() + 1)?;
    let arguments = read_strings(call.cx, arguments, &mut budget)?;
    let environment = read_strings(call.cx, environment, &mut budget)?;
    let prepared = exec::prepare(call, ExecRequest { file, name, is_name_lost, arguments, environment })?;
    let tid = call.task.tid();
    task::exec::begin(call)?;
    prepared.commit(call);
    ptrace::event::after_exec(call, tid);
    Ok(0)
}

/// LINUX: a program found through a descriptor is told this name.
fn descriptor_name(directory: Fd, path: &[u8]) -> Result<Vec<u8>> {
    let mut name = format!("/dev/fd/{}", directory.0).into_bytes();
    if !path.is_empty() {
        name.try_reserve(path.len() + 1)?;
        name.push(b'/');
        name.extend_from_slice(path);
    }
    Ok(name)
}
