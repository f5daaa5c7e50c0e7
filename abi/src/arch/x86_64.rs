//! x86-64 layouts.
use super::frame::{BuiltFrame, FpGoes, FpPlace, FrameError, FrameInput, ParsedFrame, half, pair, put, word};
use crate::signal::{SA_RESTORER, StackT};
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Smallest alternate stack (`MINSIGSTKSZ`).
pub const SMALLEST_SIGNAL_STACK: u64 = 2048;

/// Whether clone takes the TLS base as its fourth argument and the child's TID address as its fifth.
pub const CLONE_TLS_IS_FOURTH: bool = false;

/// `AUDIT_ARCH_*` value of this architecture.
pub const AUDIT_ARCH: u32 = 0xc000_003e;

/// `EM_*` of this architecture's programs.
pub const ELF_MACHINE: u16 = 62;

/// `struct semid64_ds`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SemidDs {
    /// Whose it is.
    pub perm: crate::ipc::IpcPerm,
    /// Last operation, in seconds.
    pub operation_time: i64,
    /// Zero.
    pub unused0: u64,
    /// Last changed.
    pub change_time: i64,
    /// Zero.
    pub unused1: u64,
    /// Semaphores in the set.
    pub semaphores: u64,
    /// Zero.
    pub unused: [u64; 2],
}
const _: () = assert!(size_of::<SemidDs>() == 104);

/// `struct stat`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    /// Device it is on.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Links.
    pub links: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Unused.
    pub padding: u32,
    /// Device number, if it is one.
    pub rdev: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block size.
    pub block_bytes: i64,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Access: seconds, nanoseconds.
    pub access_time: [i64; 2],
    /// Change of the contents.
    pub modify_time: [i64; 2],
    /// Change of the inode.
    pub change_time: [i64; 2],
    /// Unused.
    pub unused: [i64; 3],
}

/// `struct epoll_event`: packed here, as Linux has it on x86-64 only.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// The caller's.
    pub data: u64,
}

impl EpollEvent {
    /// With these events and this word of the caller's.
    pub const fn new(events: u32, data: u64) -> EpollEvent {
        EpollEvent { events, data }
    }
}

const _: () = {
    assert!(size_of::<Stat>() == 144);
    assert!(size_of::<EpollEvent>() == 12);
};

/// Words of `user_regs_struct`.
pub const REGISTER_COUNT: usize = 27;
/// Bytes of a `struct rt_sigframe`: return address, ucontext, siginfo. The floating-point state lies above it.
const HEAD_BYTES: usize = SIGINFO + 128;
/// The same in words.
pub const HEAD_WORDS: usize = HEAD_BYTES / 8;
/// Words of it that [`parse_frame`] needs: nothing is put back from the siginfo.
pub const RETURN_WORDS: usize = SIGINFO / 8;

const UCONTEXT: usize = 8;
const STACK: usize = UCONTEXT + 16;
const SIGCONTEXT: usize = STACK + 24;
const MASK: usize = SIGCONTEXT + 256;
const SIGINFO: usize = MASK + 8;

/// Offset in `struct sigcontext`, index in `user_regs_struct`.
const GENERAL: [(usize, usize); 18] = [
    (0, 9),    // r8
    (8, 8),    // r9
    (16, 7),   // r10
    (24, 6),   // r11
    (32, 3),   // r12
    (40, 2),   // r13
    (48, 1),   // r14
    (56, 0),   // r15
    (64, 14),  // rdi
    (72, 13),  // rsi
    (80, 4),   // rbp
    (88, 5),   // rbx
    (96, 12),  // rdx
    (104, 10), // rax
    (112, 11), // rcx
    (120, 19), // rsp
    (128, 16), // rip
    (136, 18), // eflags
];
const SEGMENTS: usize = 144;
const ERROR_CODE: usize = 152;
const VECTOR: usize = 160;
const OLD_MASK: usize = 168;
const FAULT_ADDRESS: usize = 176;
const FP_POINTER: usize = 184;

/// `UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS`.
const CONTEXT_FLAGS: u64 = 7;
const FP_MAGIC1: u32 = 0x4650_5853;
const FP_MAGIC2: u32 = 0x4650_5845;
/// Where in the legacy FXSAVE area software keeps `struct _fpx_sw_bytes`.
const FP_SOFTWARE: usize = 464;
/// Bytes of the mark at the end.
const FP_END_BYTES: usize = 4;
/// Bytes of the FXSAVE area.
pub const FP_LEGACY_BYTES: usize = 512;
/// The legacy area's components in XSAVE's header: x87 and SSE.
const FP_LEGACY_COMPONENTS: u64 = 3;
/// Trap, direction and resume flag: clear when a handler begins.
const HANDLER_CLEARS: u64 = 0x100 | 0x400 | 0x1_0000;
const RED_ZONE: u64 = 128;

/// Lays out a frame as Linux does, its first bytes in `head`, which is all zero. `None` if the stack wraps, there is no
/// trampoline (x86-64 has no other).
pub fn build_frame(
    input: FrameInput<'_, REGISTER_COUNT>,
    head: &mut [u64; HEAD_WORDS],
) -> Option<BuiltFrame<REGISTER_COUNT>> {
    if input.action.flags & SA_RESTORER == 0 {
        return None;
    }
    let has_extended = input.fp_bytes > FP_LEGACY_BYTES;
    let with_mark = input.fp_bytes + if has_extended { FP_END_BYTES } else { 0 };
    let top = if input.is_new_stack { input.stack_top } else { input.stack_top.checked_sub(RED_ZONE)? };
    let fp_address = top.checked_sub(with_mark as u64)? & !63;
    let address = (fp_address.checked_sub(HEAD_BYTES as u64)? & !15).checked_sub(8)?;

    put(head, 0, input.action.restorer);
    put(head, UCONTEXT, if has_extended { CONTEXT_FLAGS } else { CONTEXT_FLAGS & !1 });
    put(head, STACK, input.alternate.base);
    put(head, STACK + 8, pair(input.alternate.flags as u32, 0));
    put(head, STACK + 16, input.alternate.size);
    for (offset, index) in GENERAL {
        put(head, SIGCONTEXT + offset, input.registers[index]);
    }
    // cs, gs, fs, ss as 16-bit words.
    put(head, SIGCONTEXT + SEGMENTS, (input.registers[17] & 0xffff) | (input.registers[20] & 0xffff) << 48);
    put(head, SIGCONTEXT + ERROR_CODE, input.fault.code);
    put(head, SIGCONTEXT + VECTOR, input.fault.vector);
    put(head, SIGCONTEXT + OLD_MASK, input.mask);
    put(head, SIGCONTEXT + FAULT_ADDRESS, input.fault.address);
    put(head, SIGCONTEXT + FP_POINTER, fp_address);
    put(head, MASK, input.mask);
    head.as_mut_bytes()[SIGINFO..].copy_from_slice(input.info.as_bytes());

    let mut registers = *input.registers;
    registers[14] = input.info.signal as u64; // rdi
    registers[13] = address + SIGINFO as u64; // rsi
    registers[12] = address + UCONTEXT as u64; // rdx
    registers[10] = 0; // rax: no vector arguments, should the handler take "..."
    registers[16] = input.action.handler;
    registers[19] = address;
    registers[18] &= !HANDLER_CLEARS;
    Some(BuiltFrame { address, head_words: HEAD_WORDS, fp: FpGoes::Apart(fp_address), tail: None, registers })
}

/// A handler begins with the floating-point state of a program's start.
pub const HANDLER_HAS_FRESH_FP: bool = true;

/// What stands in the words of an image of `image_bytes` that hardware leaves to software: how long it is and what it holds;
/// and behind its end.
pub const fn fp_mark(image_bytes: usize) -> ([u64; 3], u32) {
    let length = image_bytes as u32;
    ([pair(FP_MAGIC1, length + FP_END_BYTES as u32), fp_components(image_bytes), pair(length, 0)], FP_MAGIC2)
}

/// Writes the mark into an image, which grows by it; one of the legacy area alone has none. `None` for want of memory.
pub fn mark_fp(image: &mut Vec<u8>) -> Option<()> {
    if image.len() <= FP_LEGACY_BYTES {
        return Some(());
    }
    let (software, end) = fp_mark(image.len());
    image.try_reserve(FP_END_BYTES).ok()?;
    image.extend_from_slice(&end.to_le_bytes());
    image[FP_SOFTWARE + 24..FP_SOFTWARE + 48].fill(0);
    image[FP_SOFTWARE..FP_SOFTWARE + 24].copy_from_slice(software.as_bytes());
    // A program may change vectors that were in their initial state: present they must be.
    image[FP_LEGACY_BYTES] |= FP_LEGACY_COMPONENTS as u8;
    Some(())
}

/// Nothing: the image lies apart.
pub fn place_fp(_head: &mut [u64; HEAD_WORDS], _offset: usize, _image: &[u8]) {}

/// The state components (XCR0) of an image in XSAVE's standard form, which its length tells: each adds its area at a fixed
/// offset.
pub(crate) const fn fp_components(image_bytes: usize) -> u64 {
    match image_bytes {
        ..832 => 0x3,
        832..1088 => 0x7,
        1088..2688 => 0x1f,
        2688..2696 => 0xe7,
        _ => 0x2e7,
    }
}

/// Where the frame of a handler that returned lies: its return took the first word off the stack.
pub const fn frame_address(sp: u64) -> u64 {
    sp.wrapping_sub(8)
}

/// Reads a frame's head; what it does not hold is left as in `registers`.
pub fn parse_frame(
    frame: &[u64],
    registers: &[u64; REGISTER_COUNT],
) -> Result<ParsedFrame<REGISTER_COUNT>, FrameError> {
    if frame.len() < RETURN_WORDS {
        return Err(FrameError::Longer(RETURN_WORDS));
    }
    let mut registers = *registers;
    for (offset, index) in GENERAL {
        registers[index] = word(frame, SIGCONTEXT + offset);
    }
    let fp = match word(frame, SIGCONTEXT + FP_POINTER) {
        0 => FpPlace::Absent,
        address => FpPlace::At(address),
    };
    let alternate = StackT {
        base: word(frame, STACK),
        flags: half(frame, STACK + 8) as i32,
        padding: 0,
        size: word(frame, STACK + 16),
    };
    Ok(ParsedFrame { registers, mask: word(frame, MASK), alternate, fp })
}

/// Whether the legacy area found in user memory announces an extended state of `image_bytes`, as the frame had it.
pub fn fp_is_extended(legacy: &[u8], image_bytes: usize) -> bool {
    let half = |offset: usize| {
        let bytes = legacy.get(FP_SOFTWARE + offset..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    half(0) == Some(FP_MAGIC1) && half(16).map(|length| length as usize) == Some(image_bytes)
}

/// Makes an image of the legacy area alone loadable: what it lacks is as at program start.
pub fn fp_lacks_extended(image: &mut [u8]) {
    if image.len() > FP_LEGACY_BYTES {
        image[FP_LEGACY_BYTES..].fill(0);
        image[FP_LEGACY_BYTES..FP_LEGACY_BYTES + 8].copy_from_slice(&FP_LEGACY_COMPONENTS.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::frame::FaultRecord;
    use crate::signal::{Sigaction, Siginfo};

    #[test]
    fn frame_round_trip() {
        let mut registers = [0u64; REGISTER_COUNT];
        for (index, register) in registers.iter_mut().enumerate() {
            *register = 0x1000 + index as u64;
        }
        let action = Sigaction { handler: 0x40_0000, flags: SA_RESTORER | 4, restorer: 0x40_1000, mask: 0 };
        let mut fp = alloc::vec![7u8; 832];
        let info = Siginfo::from_process(10, 0, 42, 0);
        let input = FrameInput {
            info: &info,
            action: &action,
            registers: &registers,
            mask: 0x55,
            alternate: StackT::default(),
            is_new_stack: false,
            stack_top: 0x7fff_0000_1234,
            fp_bytes: fp.len(),
            fault: FaultRecord::default(),
            trampoline: 0,
        };
        let mut head = [0; HEAD_WORDS];
        let built = build_frame(input, &mut head).unwrap();
        assert_eq!(built.address % 16, 8);
        assert_eq!(HEAD_BYTES, 440);
        assert_eq!(built.registers[14], 10);
        mark_fp(&mut fp).unwrap();
        let parsed = parse_frame(&head, &[0; REGISTER_COUNT]).unwrap();
        for (_, index) in GENERAL {
            assert_eq!(parsed.registers[index], registers[index]);
        }
        assert_eq!(parsed.mask, 0x55);
        let FpPlace::At(at) = parsed.fp else { panic!("no floating-point state") };
        assert_eq!(at % 64, 0);
        assert_eq!(built.fp, FpGoes::Apart(at));
        assert!(at + fp.len() as u64 <= 0x7fff_0000_1234 - 128);
        assert!(at >= built.address + HEAD_BYTES as u64);
        assert!(fp_is_extended(&fp, 832) && !fp_is_extended(&fp, 1088));
        assert_eq!(fp[832..], FP_MAGIC2.to_le_bytes());
        fp_lacks_extended(&mut fp);
        assert_eq!((fp[463], fp[512], fp[576]), (7, 3, 0));
    }
}
