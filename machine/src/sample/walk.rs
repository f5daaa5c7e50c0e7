//! Following stacks by frame pointers, in an interrupt or at a probe: the kernel's own, which is trusted to be mapped and nothing else, and the program's,
//! which is not trusted at all.
//!
//! A frame record is two words, the caller's frame pointer and the return address, on both architectures. The trap entries make one
//! for the interrupted code, so a walk goes through them: the return address of that record is the interrupted program counter.
use crate::addr::{IMAGE_BASE, USER_END, UserAddr};
use crate::arch;
use crate::mm::user_copy;
use crate::thread::header::{STACK_BYTES, StackHeader};
use core::ptr;
use wire::sample::{MOST_KERNEL_FRAMES, MOST_USER_FRAMES};

/// Bytes of a frame record.
const RECORD_BYTES: usize = 2 * size_of::<usize>();
/// How far above the stack pointer a program's frames may lie: more than any sensible stack.
const MOST_STACK_BYTES: usize = 256 << 20;
/// Frames between the interrupt's entry and the sampler, at most.
const MOST_HANDLER_FRAMES: usize = 24;

/// What a walk found.
pub(crate) struct Walked {
    pub(crate) frames: usize,
    pub(crate) is_truncated: bool,
}

/// Frame records on one kernel stack, from the innermost outwards.
struct KernelRecords {
    low: usize,
    high: usize,
}

impl KernelRecords {
    /// On the stack we run on.
    fn here(header: &StackHeader) -> KernelRecords {
        KernelRecords { low: arch::cpu::stack_pointer(), high: ptr::from_ref(header).addr() }
    }

    /// The record at `frame`: the next frame and the return address. `None`: not a place for one.
    fn read(&mut self, frame: usize) -> Option<(usize, usize)> {
        let end = frame.checked_add(RECORD_BYTES)?;
        if frame < self.low || end > self.high || !frame.is_multiple_of(align_of::<usize>()) {
            return None;
        }
        // Frames rise, so a chain has an end.
        self.low = end;
        // SAFETY: within the stack we run on, above its pointer and below its header, so mapped; aligned. What stands there may be
        // anything and is only compared.
        let [next, address] = unsafe { ptr::with_exposed_provenance::<[usize; 2]>(frame).read_volatile() };
        Some((next, address))
    }
}

/// Gives the kernel's frames from the frame pointer `frame` on to `out`, which says whether it takes more. `is_interrupt`: leaves out those of
/// the interrupt's handling, up to and with the entry.
#[inline(never)]
pub(crate) fn kernel(
    header: &StackHeader,
    mut frame: usize,
    is_interrupt: bool,
    out: &mut impl FnMut(u64) -> bool,
) -> Walked {
    let mut records = KernelRecords::here(header);
    let mut frames = 0;
    let mut left_out = 0;
    let mut is_inside = is_interrupt;
    while let Some((next, address)) = records.read(frame) {
        frame = next;
        if is_inside {
            left_out += 1;
            is_inside = !arch::trap::is_interrupt_return(address) && left_out < MOST_HANDLER_FRAMES;
            continue;
        }
        if address < IMAGE_BASE {
            return Walked { frames, is_truncated: false };
        }
        if frames == MOST_KERNEL_FRAMES || !out(address as u64) {
            return Walked { frames, is_truncated: true };
        }
        frames += 1;
    }
    // The outermost function's caller has no frame: the chain ends at zero or at the stack's top.
    Walked { frames, is_truncated: frame != 0 && frame < records.high }
}

/// Notes where the program's registers lie while it runs in user mode and while the kernel works for it.
pub(crate) fn note_user_context(header: &StackHeader, context: *const arch::user::UserContext) {
    header.user_context.set(context);
}

/// The registers of the program on whose behalf this thread runs, as they were when it last left user mode: readable and aligned, but anything
/// may stand there by now.
pub(super) fn user_context(header: &StackHeader) -> Option<*const arch::user::UserContext> {
    let context = header.user_context.get();
    let (start, top) = (context.addr(), ptr::from_ref(header).addr());
    let base = top & !(STACK_BYTES - 1);
    let end = start.checked_add(size_of::<arch::user::UserContext>())?;
    // Within the stack we run on, so mapped and nobody else's.
    (start >= base && end <= top && start.is_multiple_of(align_of::<usize>())).then_some(context)
}

/// Its program counter, stack pointer and frame pointer.
pub(crate) fn user_place(header: &StackHeader) -> Option<[usize; 3]> {
    // SAFETY: `user_context` answers only what is readable and aligned.
    user_context(header).map(|context| unsafe { arch::user::place_of(context) })
}

/// Gives the program's frames to `out`. Nothing is faulted in; a chain that leaves the stack or what is there of it ends the walk.
#[inline(never)]
pub(crate) fn user([pc, sp, mut frame]: [usize; 3], out: &mut impl FnMut(u64) -> bool) -> Walked {
    if !out(pc as u64) {
        return Walked { frames: 0, is_truncated: true };
    }
    let mut frames = 1;
    let mut low = sp;
    let high = sp.saturating_add(MOST_STACK_BYTES).min(USER_END);
    loop {
        // A program's first function has no caller.
        if frame == 0 {
            return Walked { frames, is_truncated: false };
        }
        let is_sound = frame >= low && frame.is_multiple_of(align_of::<usize>()) && frame < high - RECORD_BYTES;
        let mut record = [0; RECORD_BYTES];
        if !is_sound || frames == MOST_USER_FRAMES || user_copy::read_no_fault(UserAddr(frame), &mut record).is_err() {
            return Walked { frames, is_truncated: true };
        }
        let (next, address) = record.split_at(size_of::<usize>());
        let word = |bytes: &[u8]| usize::from_le_bytes(bytes.try_into().unwrap_or_default());
        let (next, address) = (word(next), word(address));
        if address == 0 {
            return Walked { frames, is_truncated: false };
        }
        if address >= USER_END || !out(address as u64) {
            return Walked { frames, is_truncated: true };
        }
        frames += 1;
        low = frame + RECORD_BYTES;
        frame = next;
    }
}
