//! Code of ours that programs run in user mode, to read clocks without a system call.
//!
//! The architecture supplies code and names; the kernel wraps them into an ELF image (`pure::vdso_image`) and maps it behind the data page
//! ([`crate::time::user_page`]), [`DATA_DISTANCE`] bytes before the code: the code knows nothing else of where it is.
use crate::arch::vdso;

/// One function of the code.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Where it lies in the code.
    pub start: usize,
    /// Its length.
    pub bytes: usize,
    /// Whether programs may have a function of that name of their own.
    pub is_weak: bool,
}

/// How to unwind from the code: see `pure::vdso_image::Unwinding`, whose fields these are.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "there")]
pub struct Unwinding {
    pub stack_pointer: u8,
    pub frame_bytes: u8,
    pub return_address: u8,
    pub is_pushed: bool,
    pub code_bytes: usize,
}

/// Where the code must lie in the page after the data page, and thus how far it is from that.
pub const CODE_OFFSET: usize = 0x800;
/// Bytes from the data page to the code.
pub const DATA_DISTANCE: usize = crate::addr::PAGE_SIZE + CODE_OFFSET;

/// ELF's number of this machine.
pub const ELF_MACHINE: u16 = vdso::ELF_MACHINE;
/// The version of the functions.
pub const VERSION: &str = vdso::VERSION;
/// The function that signal handlers return to, where programs need not bring their own.
pub const SIGNAL_RETURN: Option<&str> = vdso::SIGNAL_RETURN;

/// The code.
pub fn code() -> &'static [u8] {
    vdso::code()
}

/// What it offers.
pub fn functions() -> impl Iterator<Item = Function> {
    vdso::functions().into_iter()
}

/// How to unwind from it.
pub fn unwinding() -> Unwinding {
    vdso::unwinding()
}
