//! ARM64 layouts.
use super::frame::{BuiltFrame, FpGoes, FpPlace, FrameError, FrameInput, ParsedFrame, half, pair, put, word};
use crate::signal::{SA_RESTORER, SA_SIGINFO, StackT};
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Smallest alternate stack (`MINSIGSTKSZ`).
pub const SMALLEST_SIGNAL_STACK: u64 = 5120;

/// Whether clone takes the TLS base as its fourth argument and the child's TID address as its fifth.
pub const CLONE_TLS_IS_FOURTH: bool = true;

/// `AUDIT_ARCH_*` value of this architecture.
pub const AUDIT_ARCH: u32 = 0xc000_00b7;

/// `EM_*` of this architecture's programs.
pub const ELF_MACHINE: u16 = 183;

/// `struct semid64_ds`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SemidDs {
    /// Whose it is.
    pub perm: crate::ipc::IpcPerm,
    /// Last operation, in seconds.
    pub operation_time: i64,
    /// Last changed.
    pub change_time: i64,
    /// Semaphores in the set.
    pub semaphores: u64,
    /// Zero.
    pub unused: [u64; 2],
}
const _: () = assert!(size_of::<SemidDs>() == 88);

/// `struct stat`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    /// Device it is on.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Links.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, if it is one.
    pub rdev: u64,
    /// Unused.
    pub padding: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block size.
    pub block_bytes: i32,
    /// Unused.
    pub padding_2: i32,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Access: seconds, nanoseconds.
    pub access_time: [i64; 2],
    /// Change of the contents.
    pub modify_time: [i64; 2],
    /// Change of the inode.
    pub change_time: [i64; 2],
    /// Unused.
    pub unused: [u32; 2],
}

/// `struct epoll_event`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// Unused.
    pub padding: u32,
    /// The caller's.
    pub data: u64,
}

impl EpollEvent {
    /// With these events and this word of the caller's.
    pub const fn new(events: u32, data: u64) -> EpollEvent {
        EpollEvent { events, padding: 0, data }
    }
}

const _: () = {
    assert!(size_of::<Stat>() == 128);
    assert!(size_of::<EpollEvent>() == 16);
};

/// Words of `user_pt_regs`: x0 to x30, sp, pc, pstate.
pub const REGISTER_COUNT: usize = 34;
/// Bytes of a `struct rt_sigframe`: siginfo and ucontext with its 4,096 bytes of records.
const FRAME_BYTES: usize = RESERVED + 4096;
/// Words of those that we fill: up to the empty record that ends the list.
pub const HEAD_WORDS: usize = (RESERVED + FP_RECORD_BYTES + SYNDROME_BYTES + 16) / 8;
/// Words of it that [`parse_frame`] wants to see first.
pub const RETURN_WORDS: usize = HEAD_WORDS;

const UCONTEXT: usize = 128;
const STACK: usize = UCONTEXT + 16;
const MASK: usize = STACK + 24;
const SIGCONTEXT: usize = UCONTEXT + 176;
const RESERVED: usize = SIGCONTEXT + 288;

/// `FPSIMD_MAGIC`, and the bytes of that record.
const FP_MAGIC: u32 = 0x4650_8001;
const FP_RECORD_BYTES: usize = 528;
/// `ESR_MAGIC`.
const SYNDROME_MAGIC: u32 = 0x4553_5201;
const SYNDROME_BYTES: usize = 16;
/// Bytes of the image: V0 to V31, FPSR, FPCR.
const FP_IMAGE_BYTES: usize = 520;
/// Frame record (x29, x30) above the frame.
const RECORD_BYTES: u64 = 16;
/// Branch type, tag check override: clear when a handler begins.
const HANDLER_CLEARS: u64 = 0b11 << 10 | 1 << 25;

/// Lays out a frame as Linux does, its first bytes in `head`, which is all zero. `None` if the stack wraps.
pub fn build_frame(
    input: FrameInput<'_, REGISTER_COUNT>,
    head: &mut [u64; HEAD_WORDS],
) -> Option<BuiltFrame<REGISTER_COUNT>> {
    let record = (input.stack_top & !15).checked_sub(RECORD_BYTES)?;
    let address = record.checked_sub(FRAME_BYTES as u64)?;

    head.as_mut_bytes()[..128].copy_from_slice(input.info.as_bytes());
    put(head, STACK, input.alternate.base);
    put(head, STACK + 8, pair(input.alternate.flags as u32, 0));
    put(head, STACK + 16, input.alternate.size);
    put(head, MASK, input.mask);
    put(head, SIGCONTEXT, input.fault.address);
    head[(SIGCONTEXT + 8) / 8..][..REGISTER_COUNT].copy_from_slice(input.registers);
    let mut next = RESERVED;
    let fp = FpGoes::Within(next);
    put(head, next, pair(FP_MAGIC, FP_RECORD_BYTES as u32));
    next += FP_RECORD_BYTES;
    if input.fault.code != 0 {
        put(head, next, pair(SYNDROME_MAGIC, SYNDROME_BYTES as u32));
        put(head, next + 8, input.fault.code);
        next += SYNDROME_BYTES;
    }
    // The next record is all zero: the end.
    let head_words = (next + 16) / 8;
    let tail = [input.registers[29], input.registers[30]];

    let mut registers = *input.registers;
    registers[0] = input.info.signal as u64;
    if input.action.flags & SA_SIGINFO != 0 {
        registers[1] = address;
        registers[2] = address + UCONTEXT as u64;
    }
    registers[29] = record;
    registers[30] = if input.action.flags & SA_RESTORER != 0 { input.action.restorer } else { input.trampoline };
    registers[31] = address;
    registers[32] = input.action.handler;
    registers[33] &= !HANDLER_CLEARS;
    Some(BuiltFrame { address, head_words, fp, tail: Some((record, tail)), registers })
}

/// LINUX: a handler goes on with the floating-point state that it interrupts.
pub const HANDLER_HAS_FRESH_FP: bool = false;

/// Puts the image into the record at byte `offset`. The image has the vectors first; the record has FPSR and FPCR first.
pub fn place_fp(head: &mut [u64; HEAD_WORDS], offset: usize, image: &[u8]) {
    if let Some((vectors, status)) = image.split_at_checked(512)
        && status.len() == 8
    {
        let bytes = head.as_mut_bytes();
        bytes[offset + 8..offset + 16].copy_from_slice(status);
        bytes[offset + 16..offset + FP_RECORD_BYTES].copy_from_slice(vectors);
    }
}

/// Nothing: the image lies in the frame.
pub const fn fp_mark(_image_bytes: usize) -> ([u64; 3], u32) {
    ([0; 3], 0)
}

/// Nothing, for the same reason.
pub fn mark_fp(_image: &mut Vec<u8>) -> Option<()> {
    Some(())
}

/// Where the frame of a handler that returned lies: at its stack pointer.
pub const fn frame_address(sp: u64) -> u64 {
    sp
}

/// Reads a frame, of which the head is enough unless a program made it longer.
pub fn parse_frame(
    frame: &[u64],
    _registers: &[u64; REGISTER_COUNT],
) -> Result<ParsedFrame<REGISTER_COUNT>, FrameError> {
    if frame.len() < HEAD_WORDS {
        return Err(FrameError::Longer(HEAD_WORDS));
    }
    let mut registers = [0; REGISTER_COUNT];
    registers.copy_from_slice(&frame[(SIGCONTEXT + 8) / 8..][..REGISTER_COUNT]);
    let alternate = StackT {
        base: word(frame, STACK),
        flags: half(frame, STACK + 8) as i32,
        padding: 0,
        size: word(frame, STACK + 16),
    };
    let mut fp = FpPlace::Absent;
    let mut next = RESERVED;
    loop {
        let (magic, size) = (half(frame, next), half(frame, next + 4) as usize);
        if magic == 0 && size == 0 {
            break;
        }
        if size < 16 || size % 16 != 0 || next + size + 8 > FRAME_BYTES {
            return Err(FrameError::Malformed);
        }
        if next + size + 8 > frame.len() * 8 {
            return Err(FrameError::Longer(FRAME_BYTES / 8));
        }
        if magic == FP_MAGIC {
            if size < FP_RECORD_BYTES {
                return Err(FrameError::Malformed);
            }
            let record = &frame.as_bytes()[next..next + FP_RECORD_BYTES];
            let mut image = Vec::new();
            image.try_reserve_exact(FP_IMAGE_BYTES).map_err(|_| FrameError::NoMemory)?;
            image.extend_from_slice(&record[16..]);
            image.extend_from_slice(&record[8..16]);
            fp = FpPlace::Inline(image);
        }
        next += size;
    }
    // LINUX: a frame without the floating-point record is not valid.
    if fp == FpPlace::Absent {
        return Err(FrameError::Malformed);
    }
    Ok(ParsedFrame { registers, mask: word(frame, MASK), alternate, fp })
}

/// Never: the state is in the frame.
pub fn fp_is_extended(_legacy: &[u8], _image_bytes: usize) -> bool {
    false
}

/// Nothing is ever lacking.
pub fn fp_lacks_extended(_image: &mut [u8]) {}

/// Bytes that [`fp_is_extended`] wants to see.
pub const FP_LEGACY_BYTES: usize = 0;

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
        let action = Sigaction { handler: 0x40_0000, flags: SA_SIGINFO, restorer: 0, mask: 0 };
        let mut fp = alloc::vec![0u8; 520];
        fp[0] = 1;
        fp[519] = 2;
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
            fault: FaultRecord { address: 5, code: 9, vector: 0 },
            trampoline: 0xabc,
        };
        let mut head = [0; HEAD_WORDS];
        let built = build_frame(input, &mut head).unwrap();
        let FpGoes::Within(offset) = built.fp else { panic!("the state lies apart") };
        place_fp(&mut head, offset, &fp);
        assert_eq!(FRAME_BYTES, 4688);
        assert_eq!(built.address % 16, 0);
        assert_eq!(built.registers[30], 0xabc);
        let parsed = parse_frame(&head, &[0; REGISTER_COUNT]).unwrap();
        assert_eq!(parsed.registers, registers);
        assert_eq!(parsed.fp, FpPlace::Inline(fp));
        assert_eq!(parsed.mask, 0x55);
        // A program may put a record of its own before the rest; then more must be read.
        let mut longer = alloc::vec![0u64; FRAME_BYTES / 8];
        put(&mut longer, RESERVED, pair(0x1234, 1024));
        let record = &head[RESERVED / 8..][..FP_RECORD_BYTES / 8];
        longer[(RESERVED + 1024) / 8..][..record.len()].copy_from_slice(record);
        let refused = parse_frame(&longer[..HEAD_WORDS], &[0; REGISTER_COUNT]).map(|frame| frame.mask);
        assert_eq!(refused, Err(FrameError::Longer(FRAME_BYTES / 8)));
        assert!(parse_frame(&longer, &[0; REGISTER_COUNT]).is_ok());
    }
}
