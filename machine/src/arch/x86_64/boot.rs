//! From the loader to [`crate::boot::start`]: the PVH entry (32-bit, paging off, ebx = start_info) and the 64-bit Linux
//! entry (long mode, rsi = zero page), one set of static page tables for both, and the copy of the boot data. What comes
//! before the second in a `bzImage` is in [`linux_image`](super::linux_image).
//!
//! The early tables map the first 4 GiB twice, at zero (for the switch of paging and the start of other CPUs) and at
//! [`DIRECT_MAP_BASE`](crate::addr::DIRECT_MAP_BASE), and the image at [`IMAGE_BASE`](crate::addr::IMAGE_BASE), all
//! with 2 MiB pages, so that a CPU without 1 GiB pages can boot. Everything is writable and executable until the final
//! tables replace them; [`enable_smap`] relies on that to patch the entry code.
//!
//! Progress marks (one letter a stage) go to the debug console at port 0xe9, which is free when nobody listens.
use super::{registers, serial, trap};
use crate::addr::{IMAGE_BASE, PhysAddr};
use crate::boot::{BootData, PhysRange};
use crate::platform::{x86_boot_data, x86_tables};
use core::arch::global_asm;
use core::cell::UnsafeCell;

/// Physical address of the image's first byte; `image/x86_64.ld` and the assembly below say the same.
pub(crate) const LOAD_BASE: u64 = 0x20_0000;
/// What the early tables cover.
pub(crate) const EARLY_MAP_END: u64 = 4 << 30;
/// Page below 1 MiB where other CPUs begin; see `smp`.
pub(crate) const TRAMPOLINE: u64 = 0x8000;
const DEBUG_CONSOLE: u16 = 0xe9;

global_asm!(
    // What the loader reads: a note by Xen, type 18 (XEN_ELFNOTE_PHYS32_ENTRY). The segment must be 4-aligned,
    // or QEMU looks for the value in the wrong place.
    ".pushsection .note.Xen, \"a\", @note",
    ".balign 4",
    ".long 4",
    ".long 8",
    ".long 18",
    ".asciz \"Xen\"",
    ".quad x86_boot_pvh - {image_base} + {load_base}",
    ".popsection",
    // The page tables: constants, so that neither entry needs code to build them.
    ".pushsection .boot.data, \"aw\"",
    ".balign 4096",
    ".global x86_boot_root",
    "x86_boot_root:",
    ".quad x86_boot_first_512g - {image_base} + {load_base} + 3",
    ".fill 255, 8, 0",
    ".quad x86_boot_first_512g - {image_base} + {load_base} + 3",
    ".fill 254, 8, 0",
    ".quad x86_boot_last_512g - {image_base} + {load_base} + 3",
    "x86_boot_first_512g:",
    ".quad x86_boot_gigabytes - {image_base} + {load_base} + 0x0003",
    ".quad x86_boot_gigabytes - {image_base} + {load_base} + 0x1003",
    ".quad x86_boot_gigabytes - {image_base} + {load_base} + 0x2003",
    ".quad x86_boot_gigabytes - {image_base} + {load_base} + 0x3003",
    ".fill 508, 8, 0",
    "x86_boot_last_512g:",
    ".fill 510, 8, 0",
    ".quad x86_boot_image - {image_base} + {load_base} + 3",
    ".quad 0",
    // 2 MiB pages: present, writable, large.
    "x86_boot_gigabytes:",
    ".set x86_boot_page, 0",
    ".rept 2048",
    ".quad x86_boot_page + 0x83",
    ".set x86_boot_page, x86_boot_page + 0x200000",
    ".endr",
    "x86_boot_image:",
    ".set x86_boot_page, {load_base}",
    ".rept 511",
    ".quad x86_boot_page + 0x83",
    ".set x86_boot_page, x86_boot_page + 0x200000",
    ".endr",
    ".quad 0",
    // Null, unused, 64-bit code, data: the selectors that `cpu` uses too.
    ".balign 16",
    ".global x86_boot_gdt",
    "x86_boot_gdt:",
    ".quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff",
    ".global x86_boot_gdt_pointer",
    "x86_boot_gdt_pointer:",
    ".word 31",
    ".quad x86_boot_gdt - {image_base} + {load_base}",
    ".popsection",
    ".pushsection .boot.text, \"ax\"",
    ".balign 16",
    ".code32",
    ".global x86_boot_pvh",
    ".type x86_boot_pvh, @function",
    "x86_boot_pvh:",
    "cld",
    "mov al, 'A'",
    "out 0xe9, al",
    "mov ecx, offset x86_boot_root - {image_base} + {load_base}",
    "mov cr3, ecx",
    // PAE; then long mode, NX and SYSCALL in EFER; then paging and write protection.
    "mov ecx, 0x20",
    "mov cr4, ecx",
    "mov ecx, 0xc0000080",
    "mov eax, 0x901",
    "xor edx, edx",
    "wrmsr",
    "mov ecx, 0x80010033",
    "mov cr0, ecx",
    "lgdt [x86_boot_gdt_pointer - {image_base} + {load_base}]",
    // Where the 64-bit part finds them: rsi = start_info, edi = 0 (PVH).
    "mov esi, ebx",
    "xor edi, edi",
    // A far jump, encoded by hand: the assembler's syntax for it differs between versions.
    ".byte 0xea",
    ".long x86_boot_long_mode - {image_base} + {load_base}",
    ".word 0x10",
    ".size x86_boot_pvh, . - x86_boot_pvh",
    ".code64",
    ".balign 16",
    ".global x86_boot_linux64",
    ".type x86_boot_linux64, @function",
    "x86_boot_linux64:",
    "cli",
    "cld",
    "mov al, 'L'",
    "out 0xe9, al",
    // Paging is on already; NX and SYSCALL may not be.
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, 0x901",
    "wrmsr",
    "mov eax, offset x86_boot_root - {image_base} + {load_base}",
    "mov cr3, rax",
    "mov eax, 0x80010033",
    "mov cr0, rax",
    "mov eax, offset x86_boot_gdt_pointer - {image_base} + {load_base}",
    "lgdt [rax]",
    "mov edi, 1",
    // A far return takes the new code segment; it needs a stack.
    "mov esp, offset x86_boot_stack_end - {image_base} + {load_base}",
    "push 0x10",
    "mov eax, offset x86_boot_long_mode - {image_base} + {load_base}",
    "push rax",
    "retfq",
    ".size x86_boot_linux64, . - x86_boot_linux64",
    ".type x86_boot_long_mode, @function",
    "x86_boot_long_mode:",
    "mov ax, 0x18",
    "mov ds, ax",
    "mov es, ax",
    "mov ss, ax",
    "xor eax, eax",
    "mov fs, ax",
    "mov gs, ax",
    "mov rsp, offset x86_boot_stack_end",
    "xor ebp, ebp",
    "mov rax, offset {boot}",
    "call rax",
    "ud2",
    ".size x86_boot_long_mode, . - x86_boot_long_mode",
    ".popsection",
    ".pushsection .bss.x86_boot_stack, \"aw\", @nobits",
    ".balign 4096",
    "x86_boot_stack:",
    ".skip 65536",
    "x86_boot_stack_end:",
    ".popsection",
    image_base = const IMAGE_BASE,
    load_base = const LOAD_BASE,
    boot = sym x86_boot,
);

/// The boot data, filled once before anything else runs. All zero until then, so that it costs the image nothing.
struct BootCell(UnsafeCell<BootData>);
// SAFETY: written by the boot CPU alone in `x86_boot`, read-only afterwards.
unsafe impl Sync for BootCell {}

static BOOT_DATA: BootCell = BootCell(UnsafeCell::new(BootData::EMPTY));

unsafe extern "C" {
    static __image_start: u8;
    static __image_end: u8;
}

/// One letter to the debug console: how far the boot came.
pub(crate) fn mark(letter: u8) {
    registers::outb(DEBUG_CONSOLE, letter);
}

/// The first Rust code: `kind` is 0 for PVH, 1 for Linux; `info` is the loader's structure (physical).
extern "C" fn x86_boot(kind: u32, info: u64) -> ! {
    mark(b'B');
    serial::init_early();
    // SAFETY: the only reference; this runs once, alone.
    let data = unsafe { &mut *BOOT_DATA.0.get() };
    data.early_map_end = PhysAddr(EARLY_MAP_END);
    data.image.start = PhysAddr(LOAD_BASE);
    data.image.bytes = (&raw const __image_end).addr() as u64 - (&raw const __image_start).addr() as u64;
    x86_boot_data::reserve(data, PhysRange { start: PhysAddr(0), bytes: 4096 });
    x86_boot_data::reserve(data, PhysRange { start: PhysAddr(TRAMPOLINE), bytes: 4096 });
    let image = data.image;
    x86_boot_data::reserve(data, image);
    let is_understood = match kind {
        0 => x86_boot_data::read_pvh(data, PhysAddr(info)),
        _ => x86_boot_data::read_linux(data, PhysAddr(info)),
    };
    if !is_understood {
        serial::write(b"ochre: the boot data cannot be understood\n");
        mark(b'!');
        super::cpu::halt_forever();
    }
    mark(b'C');
    x86_tables::read(data.firmware_tables);
    // SAFETY: the early tables, in which code is writable, are in force; no trap has happened yet.
    unsafe { trap::patch_smap_sites() };
    mark(b'D');
    crate::boot::start(data)
}
