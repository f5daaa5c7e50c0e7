//! The page at the top of x86-64's address space that very old programs call to read clocks.
//!
//! Nothing is mapped there: a jump to one of its three entries faults and is served as the call it stands for, and anything else is the fault
//! it is (Linux's `vsyscall=xonly`). Called by the user loop for faults at addresses that no page table translates.
use super::call::Call;
use super::{schedule, time};
use crate::signal::fault;
use crate::user_memory::UserPtr;
use machine::addr::UserAddr;
use machine::user::Exception;

/// Where the page is.
pub const PAGE: usize = 0xffff_ffff_ff60_0000;
/// Distance between the entries.
const ENTRY_BYTES: usize = 1024;

/// Whether programs of this architecture know the page.
pub fn is_there() -> bool {
    machine::cpu::ARCH_NAME == "x86_64"
}

/// Serves a jump to `addr`, if it is one to an entry.
pub(crate) fn serve(call: &mut Call<'_>, addr: UserAddr) -> bool {
    let offset = addr.0.wrapping_sub(PAGE);
    if !is_there() || call.user.pc() != addr.0 || !offset.is_multiple_of(ENTRY_BYTES) {
        return false;
    }
    let [first, second, ..] = call.user.syscall_arguments();
    // CAST: usize is 64 bits on this architecture.
    let (first, second) = (UserAddr(first as usize), UserAddr(second as usize));
    let sp = call.user.sp();
    let outcome = UserPtr::<u64>::new(UserAddr(sp)).read(call.cx).and_then(|return_address| {
        let answer = match offset / ENTRY_BYTES {
            0 => time::sys_gettimeofday(call, UserPtr::new(first), UserPtr::new(second)),
            1 => time::sys_time(call, UserPtr::new(first)),
            2 => schedule::sys_getcpu(call, UserPtr::new(first), UserPtr::new(second), UserAddr::NULL),
            _ => return Ok(None),
        }?;
        Ok(Some((answer, return_address)))
    });
    match outcome {
        Ok(Some((answer, return_address))) => {
            call.user.set_result(answer);
            // CAST: as above.
            call.user.set_pc(return_address as usize);
            call.user.set_sp(sp.wrapping_add(size_of::<u64>()));
            true
        }
        Ok(None) => false,
        Err(_) => {
            // LINUX: a bad pointer is a fault there, not an error.
            fault::exception(call.cx, call.task, Exception::BadAddress(first), call.user.pc());
            true
        }
    }
}
