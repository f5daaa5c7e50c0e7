//! From the trap to a handler and back.
use super::call::Call;
use super::table::TABLE;
use super::unknown;
use crate::errno::{Errno, Restart};
use core::sync::atomic::{AtomicU32, Ordering};

/// Bits of [`WATCH`].
pub mod watch {
    /// `--strace` lines are wanted.
    pub const STRACE: u32 = 1;
    /// The probe `syscall:::entry` is on.
    pub const PROBE_ENTRY: u32 = 2;
    /// The probe `syscall:::return` is on.
    pub const PROBE_RETURN: u32 = 4;
}

/// Who watches system calls: zero is the short path.
pub static WATCH: AtomicU32 = AtomicU32::new(0);

/// Serves the call in `call.user`. The result register is set; a restart answer is returned for the way back to
/// the program to decide.
#[inline]
pub(crate) fn dispatch(call: &mut Call<'_>) -> Option<Restart> {
    let number = call.user.syscall_number();
    let arguments = call.user.syscall_arguments();
    if WATCH.load(Ordering::Relaxed) != 0 {
        return dispatch_watched(call, number, &arguments);
    }
    let result = serve(call, number, &arguments);
    finish(call, result)
}

#[inline]
fn serve(call: &mut Call<'_>, number: u64, arguments: &[u64; 6]) -> Result<u64, Errno> {
    // CAST: usize is 64 bits on both architectures.
    match TABLE.get(number as usize) {
        Some(Some(row)) => (row.handler)(call, arguments),
        _ => no_such_call(number),
    }
}

#[cold]
fn no_such_call(number: u64) -> Result<u64, Errno> {
    unknown::count(number);
    Err(Errno::ENOSYS)
}

#[inline]
fn finish(call: &mut Call<'_>, result: Result<u64, Errno>) -> Option<Restart> {
    match result {
        Ok(value) => {
            call.user.set_result(value);
            None
        }
        Err(error) => {
            let restart = error.restart();
            call.user.set_result(if restart.is_some() { Errno::EINTR.to_result() } else { error.to_result() });
            restart
        }
    }
}

#[cold]
fn dispatch_watched(call: &mut Call<'_>, number: u64, arguments: &[u64; 6]) -> Option<Restart> {
    let result = serve(call, number, arguments);
    finish(call, result)
}
