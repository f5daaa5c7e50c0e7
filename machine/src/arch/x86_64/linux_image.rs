//! The beginning of a `bzImage`: what makes the kernel a file that a loader starts as it starts Linux (arch/x86/boot.rst of
//! Linux's documentation, protocol 2.12). It is no part of the running kernel: section `.linux_boot` is in the linked file but not
//! loaded from it, and `xtask build` writes it in front of the image's bytes.
//!
//! From a loader that knows Linux to [`super::boot`], in three steps, each what the protocol says of it:
//!
//! 1. **16-bit setup** ([`SETUP_BYTES`], loaded below 1 MiB, entered in real mode): asks the firmware for the memory map, opens
//!    the A20 line, enters protected mode. Its first page *is* the zero page: the setup header stands in it where the zero page has
//!    it, the loader writes command line and initial RAM disk there, and the rest is zero, as it must be.
//! 2. **32-bit entry** (first byte of the protected-mode part, at [`LINUX_LOAD`], rsi = zero page): turns on long mode with the
//!    page tables that lie in the image, whose first 4 GiB are mapped to themselves. Loaders that skip the setup enter here.
//! 3. **64-bit entry** ([`ENTRY_64`] bytes further): what such a loader promises there is what `x86_boot_linux64` expects.
//!
//! The protected-mode part is the two entries, zeros, then the image with its `.bss` as zeros. The zeros are as many as put the
//! image where it is linked, so nothing is ever copied or cleared; and what a loader appends to the file (QEMU: a random seed)
//! does not lie in `.bss`.
//!
//! No symbol here is marked as a function: the kernel's own symbol table names what lies in the image.
use super::boot::LOAD_BASE;
use crate::addr::IMAGE_BASE;
use crate::boot::MAX_COMMAND_LINE;
use core::arch::global_asm;

/// The 16-bit part: a page that becomes the zero page, and its code.
const SETUP_BYTES: usize = 4096 + 512;
/// Where the protocol puts the protected-mode part of a kernel that cannot be moved; `image/x86_64.ld` says the same.
const LINUX_LOAD: u64 = 0x10_0000;
/// The 64-bit entry's distance from there.
const ENTRY_64: u64 = 0x200;

global_asm!(
    ".pushsection .linux_boot, \"\", @progbits",
    ".global x86_linux_setup",
    "x86_linux_setup:",
    // The setup header. What is not set here stays zero: `.org` fills.
    ".org 0x1f1",
    ".byte {setup_bytes} / 512 - 1", // setup_sects, the first one not counted
    ".org 0x1f4",
    ".long __linux_paragraphs", // syssize
    ".org 0x1fa",
    ".word 0xffff", // vid_mode: as it is
    ".org 0x1fe",
    ".word 0xaa55", // boot_flag
    // Where the loader enters: over the header, by a short jump as the protocol wants it.
    ".byte 0xeb, 0x66",
    ".ascii \"HdrS\"",
    ".word 0x020c", // version
    ".org 0x20e",
    ".word 0xfb0 - 0x200", // kernel_version, for people who ask `file`
    ".org 0x211",
    ".byte 1", // loadflags: the protected-mode part is loaded at 1 MiB
    ".org 0x214",
    ".long {linux_load}", // code32_start
    ".org 0x22c",
    ".long 0x7fffffff", // initrd_addr_max
    ".long 0x100000",   // kernel_alignment
    ".byte 0, 20",      // relocatable_kernel: no; min_alignment: 1 MiB
    ".word 1",          // xloadflags: it has the 64-bit entry
    ".long {command_line_bytes}",
    ".org 0x258",
    ".quad {linux_load}",   // pref_address
    ".long __linux_bytes", // init_size: what the kernel needs from there on
    ".org 0x268",
    ".code16",
    "jmp x86_linux_setup_begin",
    // Flat segments, with the selectors of the 32-bit entry's contract. Within the first page, but behind all that the zero
    // page has a meaning for.
    ".org 0xf80",
    ".quad 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff",
    ".org 0xfa0",
    ".word 31",
    ".long 0xf80", // the segment's base is added
    ".org 0xfb0",
    ".asciz \"Ochre\"",
    ".org 0x1000",
    "x86_linux_setup_begin:",
    "cld",
    "mov al, 'S'",
    "out 0xe9, al",
    "mov ax, ds",
    "mov es, ax",
    // The firmware's memory map, entry by entry, straight into the zero page's table (ebx: which one; bp: how many).
    "xor ebx, ebx",
    "xor bp, bp",
    "mov di, 0x2d0",
    "2:",
    "mov eax, 0xe820",
    "mov ecx, 20",
    "mov edx, 0x534d4150",
    "int 0x15",
    "jc 3f",
    "cmp eax, 0x534d4150",
    "jne 3f",
    "inc bp",
    "add di, 20",
    "cmp bp, 128",
    "jae 3f",
    "test ebx, ebx",
    "jnz 2b",
    "3:",
    "mov ax, bp",
    "mov byte ptr [0x1e8], al",
    "cli",
    // A20 by the system control port; bit 0 would reset the machine.
    "in al, 0x92",
    "or al, 2",
    "and al, 0xfe",
    "out 0x92, al",
    "xor esi, esi",
    "mov si, ds",
    "shl esi, 4",
    "add dword ptr [0xfa2], esi",
    // LGDT [0xfa0] with a 32-bit base, encoded by hand: the assembler's syntax for it differs between versions.
    ".byte 0x66, 0x0f, 0x01, 0x16",
    ".word 0xfa0",
    "mov eax, cr0",
    "or al, 1",
    "mov cr0, eax",
    "mov ax, 0x18",
    "mov ds, ax",
    "mov es, ax",
    "mov ss, ax",
    // Zero, as the contract has it.
    "xor ebx, ebx",
    "xor ebp, ebp",
    "xor edi, edi",
    ".byte 0x66, 0xea",
    ".long {linux_load}",
    ".word 0x10",
    ".org {setup_bytes}",
    ".code32",
    "cld",
    "mov al, 'P'",
    "out 0xe9, al",
    "mov eax, offset x86_boot_root - {image_base} + {load_base}",
    "mov cr3, eax",
    "mov eax, 0x20",
    "mov cr4, eax",
    // Long mode alone: the 64-bit entry must not rely on more.
    "mov ecx, 0xc0000080",
    "mov eax, 0x100",
    "xor edx, edx",
    "wrmsr",
    "mov eax, 0x80000001",
    "mov cr0, eax",
    "lgdt [x86_boot_gdt_pointer - {image_base} + {load_base}]",
    ".byte 0xea",
    ".long {linux_load} + {entry_64}",
    ".word 0x10",
    ".org {setup_bytes} + {entry_64}",
    ".code64",
    "mov eax, offset x86_boot_linux64 - {image_base} + {load_base}",
    "jmp rax",
    ".popsection",
    setup_bytes = const SETUP_BYTES,
    linux_load = const LINUX_LOAD,
    entry_64 = const ENTRY_64,
    command_line_bytes = const MAX_COMMAND_LINE,
    image_base = const IMAGE_BASE,
    load_base = const LOAD_BASE,
);
