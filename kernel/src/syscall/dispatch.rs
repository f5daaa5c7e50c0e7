//! From the trap to a handler and back.
use super::call::Call;
use super::table::TABLE;
use super::{strace, unknown};
use crate::errno::{Errno, Result};
use crate::ptrace::{self, state::wants};
use crate::signal::deliver::Interrupted;
use crate::signal::fault;
use crate::trace::{self, Counter, probe};
use core::sync::atomic::{AtomicU32, Ordering};
use machine::thread::CallCount;
use machine::trace::providers::Hex;
use machine::user::tell_exit;

/// Bits of [`WATCH`].
pub mod watch {
    /// Calls are told to the tool: [`super::strace`].
    pub const STRACE: u32 = 1;
    /// The probe `syscall:::entry` is on.
    pub const PROBE_ENTRY: u32 = 2;
    /// The probe `syscall:::return` is on.
    pub const PROBE_RETURN: u32 = 4;
    /// The probe `sched:::to_kernel` or `sched:::to_user` is on.
    pub const PROBE_CROSSING: u32 = 16;
    /// Some task has been traced from call to call, or by single steps.
    pub const PTRACE: u32 = 8;
}

/// Who watches system calls: zero is the short path, which thus pays one load and one branch for all of them.
pub static WATCH: AtomicU32 = AtomicU32::new(0);

/// Serves the call in `call.user` and sets its result. If the call was interrupted and may go on, answers how: the way back
/// to the program decides.
#[inline]
pub(crate) fn dispatch(call: &mut Call<'_>, count: &mut CallCount) -> Option<Interrupted> {
    let number = call.user.syscall_number();
    call.cx.note_call(number, count);
    let arguments = call.user.syscall_arguments();
    let watched = WATCH.load(Ordering::Relaxed);
    let result = if watched == 0 {
        serve(call, number, &arguments)
    } else if watched & !(watch::PROBE_ENTRY | watch::PROBE_RETURN) == 0 {
        serve_probed(call, number, &arguments, watched)
    } else {
        if watched & watch::PROBE_CROSSING != 0 {
            tell_exit(call.cx);
        }
        if watched & watch::PTRACE != 0 && call.task.tracing.is_traced() {
            return dispatch_traced(call, watched);
        }
        serve_watched(call, number, &arguments, watched)
    };
    answer(call, number, arguments[0], result)
}

/// The same for a traced task, which may stop before and after.
#[cold]
fn dispatch_traced(call: &mut Call<'_>, watched: u32) -> Option<Interrupted> {
    let chosen = if call.task.tracing.is_wanted(wants::CALLS | wants::EMULATE) {
        let is_emulated = call.task.tracing.is_wanted(wants::EMULATE);
        ptrace::stop::before_call(call, is_emulated)
    } else {
        Some(call.user.syscall_number())
    };
    let mut interrupted = None;
    if let Some(number) = chosen {
        let arguments = call.user.syscall_arguments();
        let result = serve_watched(call, number, &arguments, watched);
        interrupted = answer(call, number, arguments[0], result);
    }
    if call.task.tracing.is_wanted(wants::CALLS) {
        interrupted = ptrace::stop::after_call(call, interrupted);
    } else if call.task.tracing.is_wanted(wants::STEP) && !call.task.tracing.is_wanted(wants::EMULATE) {
        fault::stepped_over_call(call.cx, call.task, call.user.pc());
    }
    interrupted
}

/// Sets the result.
#[inline(always)]
fn answer(call: &mut Call<'_>, number: u64, first_argument: u64, result: Result<u64>) -> Option<Interrupted> {
    match result {
        Ok(value) => {
            call.user.set_result(value);
            None
        }
        Err(error) => refuse(call, number, first_argument, error),
    }
}

#[inline]
fn serve(call: &mut Call<'_>, number: u64, arguments: &[u64; 6]) -> Result<u64> {
    // CAST: usize is 64 bits on both architectures.
    match TABLE.get(number as usize) {
        Some(Some(row)) => (row.handler)(call, arguments),
        _ => no_such_call(call, number),
    }
}

#[cold]
fn no_such_call(call: &mut Call<'_>, number: u64) -> Result<u64> {
    // CAST: numbers beyond 32 bits are unknown calls in any case.
    trace::count(Counter::SyscallsUnknown);
    probe!(trace::syscall::unknown(number as u32, call.task.tid()));
    unknown::count(call.cx, number);
    Err(Errno::ENOSYS)
}

#[cold]
#[inline(never)]
fn serve_watched(call: &mut Call<'_>, number: u64, arguments: &[u64; 6], watched: u32) -> Result<u64> {
    let told = if watched & watch::STRACE != 0 { strace::begin(call, number, arguments) } else { None };
    let result = serve_probed(call, number, arguments, watched);
    if let Some(told) = told {
        strace::end(call, &told, arguments, result);
    }
    result
}

/// With the two probes of calls. Part of the caller, and no test beside that of their bits: who traces every call sees what an event costs.
#[inline(always)]
fn serve_probed(call: &mut Call<'_>, number: u64, arguments: &[u64; 6], watched: u32) -> Result<u64> {
    if watched & watch::PROBE_ENTRY != 0 {
        let [a0, a1, a2, a3, a4, a5] = arguments.map(Hex);
        trace::syscall::entry(number, a0, a1, a2, a3, a4, a5);
    }
    let result = serve(call, number, arguments);
    if watched & watch::PROBE_RETURN != 0 {
        let answer = result.unwrap_or_else(Errno::to_result).cast_signed();
        trace::syscall::r#return(number, answer, call.task.tid());
    }
    result
}

#[cold]
fn refuse(call: &mut Call<'_>, number: u64, first_argument: u64, error: Errno) -> Option<Interrupted> {
    let restart = error.restart();
    call.user.set_result(if restart.is_some() { Errno::EINTR.to_result() } else { error.to_result() });
    restart.map(|restart| Interrupted { restart, number, first_argument })
}
