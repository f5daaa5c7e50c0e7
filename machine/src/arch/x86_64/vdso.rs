//! Code that programs run in user mode to read clocks, and what it is called ([`crate::vdso`] says how it comes to them).
//!
//! It finds the data page ([`crate::time::user_page`]) one page before the image it lies in. It pushes nothing and calls nothing.
//! What it cannot answer it passes on to the kernel by Linux's call numbers: the one place here that knows any,
//! for assembly lives in this crate only.
use crate::time::user_page::{BOOT_TICKS, CPU_IS_KNOWN, NS_SCALE, SEQUENCE, WALL_OFFSET};
use crate::vdso::{DATA_DISTANCE, Function, Unwinding};
use core::arch::global_asm;

/// Number of the machine in ELF images.
pub(crate) const ELF_MACHINE: u16 = 62;
/// The version of its functions.
pub(crate) const VERSION: &str = "LINUX_2.6";
/// No code that handlers return to: programs bring their own.
pub(crate) const SIGNAL_RETURN: Option<&str> = None;

/// The call pushes the return address.
pub(crate) fn unwinding() -> Unwinding {
    Unwinding { stack_pointer: 7, frame_bytes: 8, return_address: 16, is_pushed: true, code_bytes: code().len() }
}

// Clocks by number: REALTIME 0, MONOTONIC 1, RAW 4, COARSE 5 and 6, BOOTTIME 7, TAI 11.
const CLOCKS: u32 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11;
const WALL_CLOCKS: u32 = 1 << 0 | 1 << 5 | 1 << 11;
const COARSE_CLOCKS: u32 = 1 << 5 | 1 << 6;
/// Resolution of the coarse clocks in nanoseconds.
const COARSE_NS: u32 = 4_000_000;

global_asm!(
    ".pushsection .rodata.vdso, \"a\", @progbits",
    ".balign 64",
    ".global x86_vdso_start",
    "x86_vdso_start:",
    // Nanoseconds since boot in rax and the sequence in r8d, r9 being the data page; uses rdx.
    ".macro x86_vdso_read_clock",
    "2:",
    "mov r8d, [r9 + {sequence}]",
    "test r8b, 1",
    "jnz 2b",
    // Not before the sequence was read.
    "lfence",
    "rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "sub rax, [r9 + {boot_ticks}]",
    "mul qword ptr [r9 + {ns_scale}]",
    "shrd rax, rdx, 32",
    ".endm",
    // Seconds in rdx and nanoseconds in rcx from nanoseconds in rax, by a multiplication instead of a division.
    ".macro x86_vdso_split",
    "mov rcx, rax",
    "shr rax, 9",
    "movabs rdx, 0x44b82fa09b5a53",
    "mul rdx",
    "shr rdx, 11",
    "imul rax, rdx, 1000000000",
    "sub rcx, rax",
    ".endm",
    ".balign 16",
    ".global x86_vdso_clock_gettime",
    "x86_vdso_clock_gettime:",
    "cmp edi, 31",
    "ja 9f",
    "mov eax, {clocks}",
    "bt eax, edi",
    "jnc 9f",
    "lea r9, [rip + x86_vdso_start - {data_distance}]",
    "3:",
    "x86_vdso_read_clock",
    "mov ecx, {wall_clocks}",
    "bt ecx, edi",
    "jnc 4f",
    "add rax, [r9 + {wall_offset}]",
    "4:",
    "cmp r8d, [r9 + {sequence}]",
    "jne 3b",
    "x86_vdso_split",
    "mov [rsi], rdx",
    "mov [rsi + 8], rcx",
    "xor eax, eax",
    "ret",
    "9:",
    "mov eax, 228",
    "syscall",
    "ret",
    ".global x86_vdso_clock_gettime_end",
    "x86_vdso_clock_gettime_end:",
    ".balign 16",
    ".global x86_vdso_gettimeofday",
    "x86_vdso_gettimeofday:",
    "test rdi, rdi",
    "jz 5f",
    "lea r9, [rip + x86_vdso_start - {data_distance}]",
    "3:",
    "x86_vdso_read_clock",
    "add rax, [r9 + {wall_offset}]",
    "cmp r8d, [r9 + {sequence}]",
    "jne 3b",
    "x86_vdso_split",
    "mov [rdi], rdx",
    // Microseconds: nanoseconds are below 2^30, so 32 bits of precision are exact.
    "imul rcx, rcx, 274877907",
    "shr rcx, 38",
    "mov [rdi + 8], rcx",
    "5:",
    "test rsi, rsi",
    "jz 6f",
    // No time zone.
    "mov qword ptr [rsi], 0",
    "6:",
    "xor eax, eax",
    "ret",
    ".global x86_vdso_gettimeofday_end",
    "x86_vdso_gettimeofday_end:",
    ".balign 16",
    ".global x86_vdso_time",
    "x86_vdso_time:",
    "lea r9, [rip + x86_vdso_start - {data_distance}]",
    "3:",
    "x86_vdso_read_clock",
    "add rax, [r9 + {wall_offset}]",
    "cmp r8d, [r9 + {sequence}]",
    "jne 3b",
    "x86_vdso_split",
    "mov rax, rdx",
    "test rdi, rdi",
    "jz 5f",
    "mov [rdi], rax",
    "5:",
    "ret",
    ".global x86_vdso_time_end",
    "x86_vdso_time_end:",
    ".balign 16",
    ".global x86_vdso_getcpu",
    "x86_vdso_getcpu:",
    "cmp dword ptr [rip + x86_vdso_start - {data_distance} + {cpu_is_known}], 0",
    "je 9f",
    "rdtscp",
    "test rdi, rdi",
    "jz 5f",
    "mov [rdi], ecx",
    "5:",
    "test rsi, rsi",
    "jz 6f",
    // One memory node.
    "mov dword ptr [rsi], 0",
    "6:",
    "xor eax, eax",
    "ret",
    "9:",
    "mov eax, 309",
    "syscall",
    "ret",
    ".global x86_vdso_getcpu_end",
    "x86_vdso_getcpu_end:",
    ".balign 16",
    ".global x86_vdso_clock_getres",
    "x86_vdso_clock_getres:",
    "cmp edi, 31",
    "ja 9f",
    "mov eax, {clocks}",
    "bt eax, edi",
    "jnc 9f",
    "test rsi, rsi",
    "jz 6f",
    "mov ecx, 1",
    "mov eax, {coarse_clocks}",
    "bt eax, edi",
    "jnc 5f",
    "mov ecx, {coarse_ns}",
    "5:",
    "mov qword ptr [rsi], 0",
    "mov [rsi + 8], rcx",
    "6:",
    "xor eax, eax",
    "ret",
    "9:",
    "mov eax, 229",
    "syscall",
    "ret",
    ".global x86_vdso_clock_getres_end",
    "x86_vdso_clock_getres_end:",
    ".global x86_vdso_end",
    "x86_vdso_end:",
    ".purgem x86_vdso_read_clock",
    ".purgem x86_vdso_split",
    ".popsection",
    sequence = const SEQUENCE,
    boot_ticks = const BOOT_TICKS,
    ns_scale = const NS_SCALE,
    wall_offset = const WALL_OFFSET,
    cpu_is_known = const CPU_IS_KNOWN,
    data_distance = const DATA_DISTANCE,
    clocks = const CLOCKS,
    wall_clocks = const WALL_CLOCKS,
    coarse_clocks = const COARSE_CLOCKS,
    coarse_ns = const COARSE_NS,
);

unsafe extern "C" {
    static x86_vdso_start: u8;
    static x86_vdso_end: u8;
    static x86_vdso_clock_gettime: u8;
    static x86_vdso_clock_gettime_end: u8;
    static x86_vdso_gettimeofday: u8;
    static x86_vdso_gettimeofday_end: u8;
    static x86_vdso_time: u8;
    static x86_vdso_time_end: u8;
    static x86_vdso_getcpu: u8;
    static x86_vdso_getcpu_end: u8;
    static x86_vdso_clock_getres: u8;
    static x86_vdso_clock_getres_end: u8;
}

/// The code.
pub(crate) fn code() -> &'static [u8] {
    let (start, end) = (&raw const x86_vdso_start, &raw const x86_vdso_end);
    // SAFETY: the assembly above put the code between the two symbols, in memory that is only read.
    unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

/// What it offers: each function by Linux's name, and by its plain name for programs that have none of their own.
pub(crate) fn functions() -> [Function; 10] {
    let from = |start: *const u8, end: *const u8| {
        ((start.addr() - (&raw const x86_vdso_start).addr()), end.addr() - start.addr())
    };
    let clock_gettime = from(&raw const x86_vdso_clock_gettime, &raw const x86_vdso_clock_gettime_end);
    let gettimeofday = from(&raw const x86_vdso_gettimeofday, &raw const x86_vdso_gettimeofday_end);
    let time = from(&raw const x86_vdso_time, &raw const x86_vdso_time_end);
    let getcpu = from(&raw const x86_vdso_getcpu, &raw const x86_vdso_getcpu_end);
    let clock_getres = from(&raw const x86_vdso_clock_getres, &raw const x86_vdso_clock_getres_end);
    [
        ("__vdso_clock_gettime", clock_gettime, false),
        ("clock_gettime", clock_gettime, true),
        ("__vdso_gettimeofday", gettimeofday, false),
        ("gettimeofday", gettimeofday, true),
        ("__vdso_time", time, false),
        ("time", time, true),
        ("__vdso_getcpu", getcpu, false),
        ("getcpu", getcpu, true),
        ("__vdso_clock_getres", clock_getres, false),
        ("clock_getres", clock_getres, true),
    ]
    .map(|(name, (start, bytes), is_weak)| Function { name, start, bytes, is_weak })
}
