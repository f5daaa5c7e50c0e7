//! The two pages of the kernel's in every program: `[vvar]`, from which clocks are read, and behind it `[vdso]`, a small shared library
//! with the code that reads them (and, on ARM64, the code a signal handler returns to).
//!
//! Both are made once. With `ochre.vdso=off` on the kernel's command line the library is there but programs are not told
//! of it (no AT_SYSINFO_EHDR), so their C libraries make system calls instead.
use crate::errno::Result;
use crate::mm::{AddressSpace, Protection, Vma};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::PAGE_SIZE;
use machine::mm::{Frame, FrameKind, OutOfMemory};
use machine::sync::Once;
use machine::thread::CurrentThread;
use machine::{time, vdso};
use pure::vdso_image::{self, Function, Library, Unwinding};

const _: () = assert!(vdso::CODE_OFFSET == vdso_image::CODE_OFFSET && PAGE_SIZE == vdso_image::IMAGE_BYTES);

/// Where a program finds the pages.
pub(super) struct Placed {
    /// The library, if programs are told of it.
    pub(super) library: Option<usize>,
    /// What signal handlers return to that name nothing else; zero if they have to.
    pub(super) signal_return: usize,
}

/// The library's page.
fn library() -> core::result::Result<Frame, OutOfMemory> {
    static PAGE: Once<Frame> = Once::new();
    PAGE.try_call_once(|| {
        let frame = Frame::allocate_zeroed(FrameKind::Kernel)?;
        let functions: Vec<Function<'_>> = vdso::functions()
            .map(|vdso::Function { name, start, bytes, is_weak }| Function { name, start, bytes, is_weak })
            .collect();
        let vdso::Unwinding { stack_pointer, frame_bytes, return_address, is_pushed, code_bytes } = vdso::unwinding();
        let image = vdso_image::build(&Library {
            machine: vdso::ELF_MACHINE,
            name: "linux-vdso.so.1",
            version: vdso::VERSION,
            code: vdso::code(),
            functions: &functions,
            unwinding: Unwinding { stack_pointer, frame_bytes, return_address, is_pushed, code_bytes },
        });
        // PROOF: its size depends on nothing but the code, and every boot makes it.
        frame.write(0, &image.expect("the library fits a page"));
        Ok(frame)
    })
    .cloned()
}

/// A copy of the library, for those who find names and callers in it.
pub fn copy() -> core::result::Result<Vec<u8>, OutOfMemory> {
    let mut image = Vec::new();
    image.try_reserve_exact(PAGE_SIZE).map_err(|_| OutOfMemory)?;
    image.resize(PAGE_SIZE, 0);
    library()?.read(0, &mut image);
    Ok(image)
}

fn is_told() -> bool {
    static IS_TOLD: Once<bool> = Once::new();
    *IS_TOLD.call_once(|| {
        let mut words = machine::boot::info().command_line.split(u8::is_ascii_whitespace);
        !words.any(|word| word == b"ochre.vdso=off")
    })
}

/// Maps both pages.
pub(super) fn map(cx: &mut CurrentThread, space: &Arc<AddressSpace>) -> Result<Placed> {
    let area = |name, protection| Vma { name: Some(name), most: protection, ..Vma::anonymous(protection) };
    let data = area("[vvar]", Protection::READ);
    let code = area("[vdso]", Protection::READ.with(Protection::EXECUTE));
    let start = space.map_frames(cx, [(time::user_page::page()?, data), (library()?, code)])?.0 + PAGE_SIZE;
    let signal_return = vdso::SIGNAL_RETURN.and_then(|name| vdso::functions().find(|function| function.name == name));
    Ok(Placed {
        library: is_told().then_some(start),
        signal_return: signal_return.map_or(0, |function| start + vdso::CODE_OFFSET + function.start),
    })
}
