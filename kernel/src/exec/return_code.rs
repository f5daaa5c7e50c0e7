//! The `[vdso]` page of ARM64: the code a signal handler returns to when its action names none.
//!
//! One frame, made once, mapped readable and executable into every program. x86-64 programs always bring their own trampoline
//! (SA_RESTORER) and get no page. This is no ELF image, so AT_SYSINFO_EHDR does not name it.
use crate::errno::Result;
use crate::mm::{AddressSpace, Protection, Vma};
use alloc::sync::Arc;
use machine::mm::{Frame, FrameKind, OutOfMemory};
use machine::sync::Once;
use machine::thread::CurrentThread;

fn page() -> core::result::Result<Frame, OutOfMemory> {
    static PAGE: Once<Frame> = Once::new();
    PAGE.try_call_once(|| {
        let frame = Frame::allocate_zeroed(FrameKind::Kernel)?;
        for (index, word) in abi::arch::SIGNAL_RETURN_CODE.iter().enumerate() {
            frame.write(index * size_of::<u32>(), &word.to_le_bytes());
        }
        Ok(frame)
    })
    .cloned()
}

/// Maps the page; answers its address, zero where the architecture has none.
pub(super) fn map(cx: &mut CurrentThread, space: &Arc<AddressSpace>) -> Result<usize> {
    if abi::arch::SIGNAL_RETURN_CODE.is_empty() {
        return Ok(0);
    }
    let read_execute = Protection::READ.with(Protection::EXECUTE);
    let vma = Vma { name: Some("[vdso]"), most: read_execute, ..Vma::anonymous(read_execute) };
    Ok(space.map_frame(cx, page()?, vma)?.0)
}
