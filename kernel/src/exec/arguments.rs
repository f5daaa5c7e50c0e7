//! Argument and environment strings, copied in from the calling program, bounded each and in total as Linux bounds them.
use crate::errno::{Errno, Result};
use crate::task::Process;
use crate::task::limits::Resource;
use crate::user_memory::{UserCStr, UserPtr};
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;
use pure::stack_image::Strings;

/// Longest single string, terminating zero included (MAX_ARG_STRLEN).
pub const STRING_BYTES: usize = 32 * PAGE_SIZE;
/// Most bytes of strings and pointers together, whatever the stack limit (three quarters of _STK_LIM).
const MOST_BYTES: u64 = 6 << 20;
/// What is always allowed (ARG_MAX).
const LEAST_BYTES: u64 = 32 * PAGE_SIZE as u64;
/// Pointers read in one copy.
const POINTERS: usize = 32;

/// The room left for strings and their pointers.
#[derive(Clone, Copy, Debug)]
pub struct Budget(u64);

impl Budget {
    /// What the process's stack limit allows.
    pub fn of(process: &Process) -> Budget {
        Budget((process.limit(Resource::Stack) / 4).clamp(LEAST_BYTES, MOST_BYTES))
    }
    /// Takes one string of so many bytes (with its zero) and its pointer. E2BIG when it does not fit.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        self.0 = self.0.checked_sub((bytes + size_of::<u64>()) as u64).ok_or(Errno::E2BIG)?;
        Ok(())
    }
}

impl From<pure::stack_image::NoMemory> for Errno {
    fn from(_: pure::stack_image::NoMemory) -> Errno {
        Errno::ENOMEM
    }
}

/// Copies the null-terminated list of strings at `list` in. LINUX: a null list is an empty one.
pub fn read_strings(cx: &mut CurrentThread, list: UserAddr, budget: &mut Budget) -> Result<Strings> {
    let mut strings = Strings::new();
    if list.is_null() {
        return Ok(strings);
    }
    let mut at: UserPtr<u64> = UserPtr::new(list);
    loop {
        // Up to the end of the page in one copy: what lies behind the list's end may not be readable.
        let in_page = (PAGE_SIZE - at.addr().page_offset()) / size_of::<u64>();
        let pointers: Vec<u64> = at.read_vec(cx, in_page.clamp(1, POINTERS))?;
        for pointer in &pointers {
            if *pointer == 0 {
                return Ok(strings);
            }
            // CAST: usize is 64 bits on both architectures.
            let text = UserCStr(UserAddr(*pointer as usize)).read(cx, STRING_BYTES, Errno::E2BIG)?;
            budget.take(text.len() + 1)?;
            strings.push(&text)?;
        }
        at = at.at(pointers.len())?;
    }
}
