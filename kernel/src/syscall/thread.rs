//! Calls for the libraries that threads are built on: memory barriers, restartable sequences.
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::task::rseq;
use abi::linux::membarrier_cmd as command;
use machine::addr::UserAddr;
use machine::sync::barrier;

const GLOBAL: u32 = command::MEMBARRIER_CMD_GLOBAL as u32;
const GLOBAL_EXPEDITED: u32 = command::MEMBARRIER_CMD_GLOBAL_EXPEDITED as u32;
const REGISTER_GLOBAL: u32 = command::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED as u32;
const PRIVATE: u32 = command::MEMBARRIER_CMD_PRIVATE_EXPEDITED as u32;
const REGISTER_PRIVATE: u32 = command::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as u32;
const PRIVATE_CORE: u32 = command::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE as u32;
const REGISTER_CORE: u32 = command::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE as u32;
const PRIVATE_RSEQ: u32 = command::MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ as u32;
const REGISTER_RSEQ: u32 = command::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ as u32;
const GET_REGISTRATIONS: u32 = command::MEMBARRIER_CMD_GET_REGISTRATIONS as u32;
const FLAG_CPU: u32 = 1;
/// Every command, as MEMBARRIER_CMD_QUERY tells them.
const ALL: u32 = GLOBAL
    | GLOBAL_EXPEDITED
    | REGISTER_GLOBAL
    | PRIVATE
    | REGISTER_PRIVATE
    | PRIVATE_CORE
    | REGISTER_CORE
    | PRIVATE_RSEQ
    | REGISTER_RSEQ
    | GET_REGISTRATIONS;

/// Makes other threads pass a memory barrier. Every CPU does, whichever threads were meant: an interrupt there is a barrier, the
/// return from it a synchronization of the instruction stream, and threads in restartable sequences leave them.
pub fn sys_membarrier(call: &mut Call<'_>, command: u32, flags: Flags, _cpu: i32) -> Result<u64> {
    let may_name_cpu = command == PRIVATE_RSEQ;
    if flags.0 != 0 && !(may_name_cpu && flags.0 == FLAG_CPU) {
        return Err(Errno::EINVAL);
    }
    let space = call.task.space(call.cx).ok_or(Errno::EINVAL)?;
    let check = |registration: u32| {
        if space.barriers() & registration != 0 { Ok(()) } else { Err(Errno::EPERM) }
    };
    match command {
        0 => return Ok(u64::from(ALL)),
        GET_REGISTRATIONS => return Ok(u64::from(space.barriers())),
        // LINUX: the expedited ones include the plain one.
        REGISTER_CORE | REGISTER_RSEQ => {
            space.register_barriers(command | REGISTER_PRIVATE);
            return Ok(0);
        }
        REGISTER_GLOBAL | REGISTER_PRIVATE => {
            space.register_barriers(command);
            return Ok(0);
        }
        GLOBAL | GLOBAL_EXPEDITED => {}
        PRIVATE => check(REGISTER_PRIVATE)?,
        PRIVATE_CORE => check(REGISTER_CORE)?,
        PRIVATE_RSEQ => check(REGISTER_RSEQ)?,
        _ => return Err(Errno::EINVAL),
    }
    barrier::everywhere(call.cx);
    Ok(0)
}

/// Registers the calling thread's area for restartable sequences, or takes that back.
pub fn sys_rseq(call: &mut Call<'_>, area: UserAddr, bytes: u32, flags: Flags, signature: u32) -> Result<u64> {
    const UNREGISTER: u32 = 1;
    match flags.0 {
        0 => rseq::register(call, area, bytes, signature)?,
        UNREGISTER => rseq::unregister(call, area, bytes, signature)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}
