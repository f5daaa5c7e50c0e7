//! Code that programs run in user mode to read clocks and to return from signal handlers, and what it is called
//! ([`crate::vdso`] says how it comes to them).
//!
//! It finds the data page ([`crate::time::user_page`]) one page before the image it lies in. It pushes nothing and calls nothing.
//! What it cannot answer it passes on to the kernel by Linux's call numbers: the one place here that knows any,
//! for assembly lives in this crate only.
use crate::time::user_page::{BOOT_TICKS, NS_SCALE, SEQUENCE, WALL_OFFSET};
use crate::vdso::{DATA_DISTANCE, Function, Unwinding};
use core::arch::global_asm;

/// Number of the machine in ELF images.
pub(crate) const ELF_MACHINE: u16 = 183;
/// The version of its functions.
pub(crate) const VERSION: &str = "LINUX_2.6.39";
/// What handlers return to whose action names nothing else.
pub(crate) const SIGNAL_RETURN: Option<&str> = Some("__kernel_rt_sigreturn");

/// The return address stays in its register. Of the way back from a handler unwinders know by its instructions.
pub(crate) fn unwinding() -> Unwinding {
    let code_bytes = (&raw const arm_vdso_rt_sigreturn).addr() - (&raw const arm_vdso_start).addr();
    Unwinding { stack_pointer: 31, frame_bytes: 0, return_address: 30, is_pushed: false, code_bytes }
}

// Clocks by number: REALTIME 0, MONOTONIC 1, RAW 4, COARSE 5 and 6, BOOTTIME 7, TAI 11.
const CLOCKS: u32 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11;
const WALL_CLOCKS: u32 = 1 << 0 | 1 << 5 | 1 << 11;
const COARSE_CLOCKS: u32 = 1 << 5 | 1 << 6;
/// Resolution of the coarse clocks in nanoseconds, in two halves.
const COARSE_LOW: u32 = 4_000_000 & 0xffff;
const COARSE_HIGH: u32 = 4_000_000 >> 16;

global_asm!(
    ".pushsection .rodata.vdso, \"a\", %progbits",
    ".balign 64",
    ".global arm_vdso_start",
    "arm_vdso_start:",
    // Nanoseconds since boot in x3 and the sequence in w2, x10 being the data page; uses x4 to x6.
    ".macro arm_vdso_read_clock",
    "2:",
    "ldar w2, [x10]",
    "tbnz w2, #0, 2b",
    // Not before the sequence was read.
    "isb",
    "mrs x3, cntvct_el0",
    "ldp x4, x5, [x10, #{boot_ticks}]",
    "sub x3, x3, x4",
    "umulh x4, x3, x5",
    "mul x3, x3, x5",
    "extr x3, x4, x3, #32",
    "ldr x6, [x10, #{wall_offset}]",
    ".endm",
    // Goes back to `again` if the data changed meanwhile.
    ".macro arm_vdso_check again",
    "dmb ishld",
    "ldr w4, [x10, #{sequence}]",
    "cmp w4, w2",
    "b.ne \\again",
    ".endm",
    // Seconds in x4 and nanoseconds in x3 from nanoseconds in x3; uses x5.
    ".macro arm_vdso_split",
    "mov w5, #0xca00",
    "movk w5, #0x3b9a, lsl #16",
    "udiv x4, x3, x5",
    "msub x3, x4, x5, x3",
    ".endm",
    ".balign 16",
    ".global arm_vdso_clock_gettime",
    "arm_vdso_clock_gettime:",
    "cmp w0, #31",
    "b.hi 9f",
    "mov w8, #{clocks}",
    "lsr w8, w8, w0",
    "tbz w8, #0, 9f",
    "adr x10, arm_vdso_start - {data_distance}",
    "mov w8, #{wall_clocks}",
    "lsr w8, w8, w0",
    "3:",
    "arm_vdso_read_clock",
    "arm_vdso_check 3b",
    "tbz w8, #0, 4f",
    "add x3, x3, x6",
    "4:",
    "arm_vdso_split",
    "stp x4, x3, [x1]",
    "mov w0, #0",
    "ret",
    "9:",
    "mov x8, #113",
    "svc #0",
    "ret",
    ".global arm_vdso_clock_gettime_end",
    "arm_vdso_clock_gettime_end:",
    ".balign 16",
    ".global arm_vdso_gettimeofday",
    "arm_vdso_gettimeofday:",
    "cbz x0, 5f",
    "adr x10, arm_vdso_start - {data_distance}",
    "3:",
    "arm_vdso_read_clock",
    "arm_vdso_check 3b",
    "add x3, x3, x6",
    "arm_vdso_split",
    "mov w5, #1000",
    "udiv x3, x3, x5",
    "stp x4, x3, [x0]",
    "5:",
    "cbz x1, 6f",
    // No time zone.
    "str xzr, [x1]",
    "6:",
    "mov w0, #0",
    "ret",
    ".global arm_vdso_gettimeofday_end",
    "arm_vdso_gettimeofday_end:",
    ".balign 16",
    ".global arm_vdso_clock_getres",
    "arm_vdso_clock_getres:",
    "cmp w0, #31",
    "b.hi 9f",
    "mov w8, #{clocks}",
    "lsr w8, w8, w0",
    "tbz w8, #0, 9f",
    "cbz x1, 6f",
    "mov w3, #1",
    "mov w8, #{coarse_clocks}",
    "lsr w8, w8, w0",
    "tbz w8, #0, 5f",
    "mov w3, #{coarse_low}",
    "movk w3, #{coarse_high}, lsl #16",
    "5:",
    "stp xzr, x3, [x1]",
    "6:",
    "mov w0, #0",
    "ret",
    "9:",
    "mov x8, #114",
    "svc #0",
    "ret",
    ".global arm_vdso_clock_getres_end",
    "arm_vdso_clock_getres_end:",
    ".balign 16",
    // Unwinders look one byte before a return address.
    "nop",
    ".global arm_vdso_rt_sigreturn",
    "arm_vdso_rt_sigreturn:",
    "mov x8, #139",
    "svc #0",
    ".global arm_vdso_rt_sigreturn_end",
    "arm_vdso_rt_sigreturn_end:",
    ".global arm_vdso_end",
    "arm_vdso_end:",
    ".purgem arm_vdso_read_clock",
    ".purgem arm_vdso_check",
    ".purgem arm_vdso_split",
    ".popsection",
    sequence = const SEQUENCE,
    boot_ticks = const BOOT_TICKS,
    wall_offset = const WALL_OFFSET,
    data_distance = const DATA_DISTANCE,
    clocks = const CLOCKS,
    wall_clocks = const WALL_CLOCKS,
    coarse_clocks = const COARSE_CLOCKS,
    coarse_low = const COARSE_LOW,
    coarse_high = const COARSE_HIGH,
);

// The pair is loaded at once, and the sequence without an offset.
const _: () = assert!(NS_SCALE == BOOT_TICKS + 8 && SEQUENCE == 0);

unsafe extern "C" {
    static arm_vdso_start: u8;
    static arm_vdso_end: u8;
    static arm_vdso_clock_gettime: u8;
    static arm_vdso_clock_gettime_end: u8;
    static arm_vdso_gettimeofday: u8;
    static arm_vdso_gettimeofday_end: u8;
    static arm_vdso_clock_getres: u8;
    static arm_vdso_clock_getres_end: u8;
    static arm_vdso_rt_sigreturn: u8;
    static arm_vdso_rt_sigreturn_end: u8;
}

/// The code.
pub(crate) fn code() -> &'static [u8] {
    let (start, end) = (&raw const arm_vdso_start, &raw const arm_vdso_end);
    // SAFETY: the assembly above put the code between the two symbols, in memory that is only read.
    unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

/// What it offers, by Linux's names.
pub(crate) fn functions() -> [Function; 4] {
    let function = |name, start: *const u8, end: *const u8| Function {
        name,
        start: start.addr() - (&raw const arm_vdso_start).addr(),
        bytes: end.addr() - start.addr(),
        is_weak: false,
    };
    [
        function("__kernel_clock_gettime", &raw const arm_vdso_clock_gettime, &raw const arm_vdso_clock_gettime_end),
        function("__kernel_gettimeofday", &raw const arm_vdso_gettimeofday, &raw const arm_vdso_gettimeofday_end),
        function("__kernel_clock_getres", &raw const arm_vdso_clock_getres, &raw const arm_vdso_clock_getres_end),
        function("__kernel_rt_sigreturn", &raw const arm_vdso_rt_sigreturn, &raw const arm_vdso_rt_sigreturn_end),
    ]
}
