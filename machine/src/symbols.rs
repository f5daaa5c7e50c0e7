//! Names of the kernel's own functions, for backtraces. The table is written into the linked image by `xtask build`
//! (format and reason: `wire::symbols`); an image straight from the linker has none, and addresses stay numbers.
//!
//! Called by the panic path: no lock, no memory.
use crate::addr::IMAGE_BASE;
use core::fmt;
use core::hint::black_box;
use wire::symbols::{SECTION_BYTES, Table};

/// Where the table is written. Zero as far as the compiler knows, so it is only ever looked at through [`black_box`].
#[used]
#[unsafe(link_section = ".ochre.symbols")]
static SECTION: [u8; SECTION_BYTES] = [0; SECTION_BYTES];

/// For `trace::layout`: where the table lies.
pub(crate) fn place() -> u64 {
    SECTION.as_ptr().addr() as u64
}

/// The function that `address` lies in: its name and how far into it.
pub fn find(address: usize) -> Option<(&'static str, u32)> {
    let offset = u32::try_from(address.checked_sub(IMAGE_BASE)?).ok()?;
    Table::new(black_box(&SECTION))?.find(offset)
}

/// Where the function ends that `address` lies in, with what fills the place up to the next one: where that begins.
pub(crate) fn end(address: usize) -> Option<usize> {
    let offset = u32::try_from(address.checked_sub(IMAGE_BASE)?).ok()?;
    Some(IMAGE_BASE + Table::new(black_box(&SECTION))?.next(offset)? as usize)
}

/// A code address with its name, if it has one.
pub(crate) struct Code(pub(crate) usize);

/// A return address with the name of the function that made the call. After a call that never returns the address may
/// already belong to the next function, so the name is that of the byte before.
pub(crate) struct ReturnAddress(pub(crate) usize);

impl fmt::Display for ReturnAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)?;
        match self.0.checked_sub(1).and_then(find) {
            Some((name, offset)) => write!(out, " {name}+{:#x}", offset + 1),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)?;
        match find(self.0) {
            Some((name, offset)) => write!(out, " {name}+{offset:#x}"),
            None => Ok(()),
        }
    }
}
