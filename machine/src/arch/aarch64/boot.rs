//! Entry from the boot loader, by the arm64 `Image` contract (Linux's `Documentation/arch/arm64/booting.rst`): MMU off,
//! x0 is the device tree, the image at any 2 MiB-aligned address, EL1 or EL2.
//!
//! The assembly builds the boot tables, PC-relative, and turns on the MMU:
//!
//! | virtual | physical |
//! |---|---|
//! | `IMAGE_BASE` | the image, 2 MiB blocks |
//! | `DIRECT_MAP_BASE` + n | n, 1 GiB blocks; first those of image and device tree, then all RAM |
//! | `DEVICE_WINDOW_BASE` | devices of this architecture's own, 2 MiB blocks, see [`map_device`] |
//! | identity (TTBR0) | the gigabyte of the image, for the switch |
//!
//! Then [`ochre_boot_rust`] reads the device tree and calls [`crate::boot::start`]. The tables and the identity map stay: other
//! CPUs come up through them.
use super::{serial, trap};
use crate::addr::{DIRECT_MAP_BASE, IMAGE_BASE, LARGE_PAGE_SIZE, PAGE_SIZE, PhysAddr};
use crate::arch::page_table::Entry;
use crate::boot::{BootData, PhysRange};
use crate::mm::Rights;
use crate::platform::device_tree;
use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Where devices that the architecture itself drives are mapped: the last gigabyte of the address space.
const DEVICE_WINDOW_BASE: usize = 0xffff_ffff_c000_0000;
/// Bytes of a gigabyte block.
const GIB: u64 = 1 << 30;

/// One table.
#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

/// The boot tables, in the order the assembly uses.
#[repr(C, align(4096))]
struct BootTables {
    kernel_root: Table,
    top: Table,
    image: Table,
    direct: Table,
    device: Table,
    identity_root: Table,
    identity: Table,
    empty_root: Table,
}
const _: () = assert!(size_of::<BootTables>() == 8 * PAGE_SIZE);

unsafe extern "C" {
    static __image_start: u8;
    static __image_end: u8;
    static ochre_boot_tables: BootTables;
    fn ochre_replace_kernel_root();
}

/// Physical address of the image's first byte.
static IMAGE_PHYS: AtomicU64 = AtomicU64::new(0);
/// The kernel's final root, for other CPUs.
static FINAL_ROOT: AtomicU64 = AtomicU64::new(0);
/// Blocks of the device window in use.
static DEVICE_BLOCKS: AtomicUsize = AtomicUsize::new(0);

/// What the loader told us. Written by the boot CPU alone, before [`crate::boot::start`].
struct BootDataCell(UnsafeCell<BootData>);
// SAFETY: written once before other CPUs run, then only read.
unsafe impl Sync for BootDataCell {}
static BOOT_DATA: BootDataCell = BootDataCell(UnsafeCell::new(BootData::EMPTY));

/// The boot tables as Rust sees them.
fn tables() -> &'static BootTables {
    // SAFETY: a static of the image made of atomics; the assembly has finished with it.
    unsafe { &ochre_boot_tables }
}

/// Physical address of something in the image.
pub(super) fn image_to_phys(addr: usize) -> PhysAddr {
    PhysAddr((addr - IMAGE_BASE) as u64 + IMAGE_PHYS.load(Ordering::Relaxed))
}

/// A root without entries.
pub(super) fn empty_root() -> PhysAddr {
    image_to_phys(&raw const tables().empty_root as usize)
}

/// Where the device window hangs in a kernel root: root index, index in the next table, entry.
pub(super) fn device_window_slot() -> (usize, usize, Entry) {
    (511, 511, Entry::table(image_to_phys(&raw const tables().device as usize)))
}

/// Notes the kernel's final root, for other CPUs.
pub(super) fn set_final_root(root: PhysAddr) {
    FINAL_ROOT.store(root.0, Ordering::Release);
}

/// The kernel's final root; zero before it is made.
pub(super) fn final_root() -> PhysAddr {
    PhysAddr(FINAL_ROOT.load(Ordering::Acquire))
}

/// Replaces TTBR1 by way of the identity map, with no translation of the kernel half in between.
///
/// # Safety
/// 1. The tables under `root` map the image, the stack in use and the direct map. 2. Interrupts are off and the identity
///    map is in TTBR0.
pub(super) unsafe fn replace_kernel_root(root: PhysAddr) {
    let routine = image_to_phys(ochre_replace_kernel_root as *const () as usize);
    // SAFETY: the routine touches no memory, runs at an identity-mapped address (2) and comes back under the new tables (1).
    unsafe {
        core::arch::asm!("blr {routine}", routine = in(reg) routine.0, in("x0") root.0, in("x1") empty_root().0,
                         out("x30") _, options(nostack));
    }
}

/// Maps the registers of a device for good; 2 MiB granularity, never undone. Only for the few devices the
/// architecture drives itself; from the first Rust instruction on, on the boot CPU alone. `None`: the window is full.
pub(super) fn map_device(window: PhysRange) -> Option<usize> {
    let block = LARGE_PAGE_SIZE as u64;
    let first = window.start.0 & !(block - 1);
    let end = window.start.0.checked_add(window.bytes)?.checked_next_multiple_of(block)?;
    let slot = DEVICE_BLOCKS.load(Ordering::Relaxed);
    let count = usize::try_from((end - first) / block).ok()?;
    let device = &tables().device.0;
    // The device may have been mapped with a neighbour.
    let wanted = Entry::leaf(PhysAddr(first), Rights::DEVICE, 1).0;
    if count == 1
        && let Some(found) = (0..slot).find(|&i| device[i].load(Ordering::Relaxed) == wanted)
    {
        return Some(DEVICE_WINDOW_BASE + found * LARGE_PAGE_SIZE + (window.start.0 - first) as usize);
    }
    for (i, entry) in device.get(slot..slot.checked_add(count)?)?.iter().enumerate() {
        entry.store(Entry::leaf(PhysAddr(first + i as u64 * block), Rights::DEVICE, 1).0, Ordering::Relaxed);
    }
    DEVICE_BLOCKS.store(slot + count, Ordering::Relaxed);
    super::page_table::publish();
    Some(DEVICE_WINDOW_BASE + slot * LARGE_PAGE_SIZE + (window.start.0 - first) as usize)
}

/// Extends the early direct map over a stretch of RAM.
fn map_direct(range: PhysRange) {
    let first = range.start.0 / GIB;
    let end = range.start.0.saturating_add(range.bytes).div_ceil(GIB).min(512);
    for index in first..end {
        let entry = Entry::leaf(PhysAddr(index * GIB), Rights::KERNEL_DATA, 2);
        tables().direct.0[index as usize].store(entry.0, Ordering::Relaxed);
    }
    super::page_table::publish();
}

/// A boot mark: one letter on the serial line, so that a machine that stops early says where.
pub(super) fn mark(letter: u8) {
    serial::write(&[letter]);
}

/// First Rust code, on the boot stack, under the boot tables.
///
/// # Safety
/// Called once, by the entry assembly.
#[unsafe(no_mangle)]
unsafe extern "C" fn ochre_boot_rust(tree: PhysAddr, image: PhysAddr) -> ! {
    IMAGE_PHYS.store(image.0, Ordering::Relaxed);
    trap::install_vectors();
    // The tree may reach into the next gigabyte.
    map_direct(PhysRange { start: tree, bytes: device_tree::MAX_BYTES });
    // SAFETY: the boot CPU is alone, and nobody has a reference yet.
    let data = unsafe { &mut *BOOT_DATA.0.get() };
    // SAFETY: the loader's promise: x0 is the address of a device tree; it is in the early direct map.
    let facts = unsafe { device_tree::read((DIRECT_MAP_BASE + tree.0 as usize) as *const u8, data) };
    serial::init_early();
    mark(b'O');
    let Some(facts) = facts else {
        serial::write(b"\nno usable device tree\n");
        super::cpu::halt_forever();
    };
    let _ = facts;
    let bytes = (&raw const __image_end as usize - &raw const __image_start as usize) as u64;
    data.image = PhysRange { start: image, bytes };
    if data.reserved_count < data.reserved.len() {
        data.reserved[data.reserved_count] = data.image;
        data.reserved_count += 1;
    }
    for range in &data.ram[..data.ram_count] {
        map_direct(*range);
    }
    // The early direct map covers all RAM below 512 GiB.
    data.early_map_end = PhysAddr(512 * GIB);
    mark(b'c');
    crate::boot::start(data)
}

global_asm!(
    r#"
    // SCTLR_EL1 with the MMU off: the bits that read as one on the first CPUs of the architecture.
    .set OCHRE_SCTLR_OFF, 0x30d00800
    // And on: M, C, SA, SA0, I; for user mode DZE (DC ZVA), UCT (CTR_EL0), UCI (cache maintenance), nTWI, nTWE.
    .set OCHRE_SCTLR_ON, 0x30d00800 | 0x1 | 0x4 | 0x8 | 0x10 | 0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x40000 | 0x4000000
    // MAIR_EL1: 0 normal write-back, 1 device nGnRE, 2 normal non-cacheable.
    .set OCHRE_MAIR, 0x4404ff
    // TCR_EL1: T0SZ = T1SZ = 16, 4 KiB granules, inner shareable write-back walks, TBI0 (user tags are ignored as on Linux).
    .set OCHRE_TCR, 16 | (16 << 16) | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 24) | (1 << 26) | (3 << 28) | (2 << 30) | (1 << 37)
    // Blocks of normal memory: valid, accessed, inner shareable, not for user mode, software leaf bit; and not executable.
    .set OCHRE_BLOCK_CODE, 0x00c0000000000701
    .set OCHRE_BLOCK_DATA, 0x00e0000000000701

    .section .text.boot, "ax"
    .global ochre_image_header
    .type ochre_image_header, %object
ochre_image_header:
    b ochre_boot_entry
    .long 0
    .quad 0                             // text_offset
    .quad __image_bytes                 // image_size, .bss included
    .quad 0xa                           // little endian, 4 KiB pages, anywhere in memory
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0
    .size ochre_image_header, . - ochre_image_header

    .type ochre_boot_entry, %function
ochre_boot_entry:
    msr daifset, #0xf
    mov x20, x0
    adrp x21, __image_start
    bl ochre_drop_to_el1

    // Clear the tables.
    adrp x22, ochre_boot_tables
    mov x0, x22
    add x1, x22, #(8 * 4096)
1:  stp xzr, xzr, [x0], #16
    cmp x0, x1
    b.lo 1b

    add x1, x22, #0x1000                // top
    add x2, x22, #0x2000                // image
    add x3, x22, #0x3000                // direct
    add x4, x22, #0x4000                // device
    add x5, x22, #0x5000                // identity root
    add x6, x22, #0x6000                // identity
    orr x0, x3, #3
    str x0, [x22, #(256 * 8)]
    orr x0, x1, #3
    str x0, [x22, #(511 * 8)]
    orr x0, x2, #3
    str x0, [x1, #(510 * 8)]
    orr x0, x4, #3
    str x0, [x1, #(511 * 8)]

    // The image, in 2 MiB blocks.
    ldr x7, =OCHRE_BLOCK_CODE
    adrp x9, __image_end
    mov x8, x21
2:  orr x0, x8, x7
    str x0, [x2], #8
    add x8, x8, #0x200000
    cmp x8, x9
    b.lo 2b

    // Identity for the image's gigabyte.
    lsr x8, x21, #39
    and x8, x8, #511
    orr x0, x6, #3
    str x0, [x5, x8, lsl #3]
    lsr x8, x21, #30
    lsl x9, x8, #30
    orr x0, x9, x7
    and x10, x8, #511
    str x0, [x6, x10, lsl #3]

    // The direct map: image and device tree.
    ldr x7, =OCHRE_BLOCK_DATA
    orr x0, x9, x7
    str x0, [x3, x10, lsl #3]
    lsr x8, x20, #30
    lsl x9, x8, #30
    and x10, x8, #511
    orr x0, x9, x7
    str x0, [x3, x10, lsl #3]

    // The tables were written past the caches: what the caches hold of them is stale.
    dsb sy
    mov x0, x22
    add x1, x22, #(8 * 4096)
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4
    mov x3, #4
    lsl x2, x3, x2
3:  dc ivac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 3b
    dsb sy

    add x0, x22, #0x5000
    mov x1, x22
    bl ochre_enable_mmu
    ldr x0, =ochre_boot_virtual
    br x0
    .size ochre_boot_entry, . - ochre_boot_entry

    .type ochre_boot_virtual, %function
ochre_boot_virtual:
    adrp x0, __boot_stack_end
    mov sp, x0
    adrp x0, __bss_start
    adrp x1, __bss_end
    b 5f
4:  stp xzr, xzr, [x0], #16
5:  cmp x0, x1
    b.lo 4b
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    mov x1, x21
    b ochre_boot_rust
    .size ochre_boot_virtual, . - ochre_boot_virtual

    // Leaves EL2 for EL1, MMU off; returns at EL1 whatever it was. Uses x0.
    .type ochre_drop_to_el1, %function
ochre_drop_to_el1:
    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    b.eq 6f
    ldr x0, =OCHRE_SCTLR_OFF
    msr sctlr_el1, x0
    isb
    ret
6:  ldr x0, =0x0000030080000000         // RW: EL1 is AArch64; APK, API: no traps of pointer authentication
    msr hcr_el2, x0
    mrs x0, cnthctl_el2
    orr x0, x0, #3
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0
    mov x0, #0x33ff                     // FP and SIMD do not trap
    msr cptr_el2, x0
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x0, id_aa64pfr0_el1
    ubfx x0, x0, #24, #4
    cbz x0, 7f
    mrs x0, S3_4_C12_C9_5               // ICC_SRE_EL2
    orr x0, x0, #1                      // SRE
    orr x0, x0, #8                      // Enable
    msr S3_4_C12_C9_5, x0
    isb
7:  ldr x0, =OCHRE_SCTLR_OFF
    msr sctlr_el1, x0
    mov x0, #0x3c5                      // EL1h, DAIF masked
    msr spsr_el2, x0
    msr elr_el2, x30
    eret
    .size ochre_drop_to_el1, . - ochre_drop_to_el1

    // Turns the MMU and the caches on: x0 is TTBR0, x1 TTBR1. Uses x2, x3.
    .type ochre_enable_mmu, %function
ochre_enable_mmu:
    ldr x2, =OCHRE_MAIR
    msr mair_el1, x2
    ldr x2, =OCHRE_TCR
    mrs x3, id_aa64mmfr0_el1
    tst x3, #0xe0                       // ASIDBits is 0 or 2: with 2, TCR.AS
    b.eq 8f
    orr x2, x2, #(1 << 36)
8:  and x3, x3, #0xf                    // PARange, at most 48 bits
    cmp x3, #5
    b.ls 9f
    mov x3, #5
9:  orr x2, x2, x3, lsl #32
    msr tcr_el1, x2
    msr ttbr0_el1, x0
    msr ttbr1_el1, x1
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    ldr x2, =OCHRE_SCTLR_ON
    msr sctlr_el1, x2
    isb
    ret
    .size ochre_enable_mmu, . - ochre_enable_mmu

    // Runs at its identity-mapped address: x0 is the new TTBR1, x1 an empty root.
    .global ochre_replace_kernel_root
    .type ochre_replace_kernel_root, %function
ochre_replace_kernel_root:
    msr ttbr1_el1, x1
    isb
    tlbi vmalle1
    dsb nsh
    isb
    msr ttbr1_el1, x0
    isb
    ret
    .size ochre_replace_kernel_root, . - ochre_replace_kernel_root

    // Another CPU, MMU off; x0 is its index (the context of PSCI CPU_ON).
    .global ochre_secondary_entry
    .type ochre_secondary_entry, %function
ochre_secondary_entry:
    msr daifset, #0xf
    mov x20, x0
    bl ochre_drop_to_el1
    adrp x0, ochre_boot_tables
    add x0, x0, #0x5000
    adrp x1, ochre_secondary_boot
    add x1, x1, :lo12:ochre_secondary_boot
    ldr x1, [x1]
    bl ochre_enable_mmu
    ldr x0, =ochre_secondary_virtual
    br x0
    .size ochre_secondary_entry, . - ochre_secondary_entry

    .type ochre_secondary_virtual, %function
ochre_secondary_virtual:
    adrp x1, ochre_secondary_boot
    add x1, x1, :lo12:ochre_secondary_boot
    ldr x1, [x1, #8]
    mov sp, x1
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    b ochre_secondary_rust
    .size ochre_secondary_virtual, . - ochre_secondary_virtual
    .ltorg

    .section .boot_tables, "aw", %nobits
    .balign 4096
    .global ochre_boot_tables
    .type ochre_boot_tables, %object
ochre_boot_tables:
    .skip 8 * 4096
    .size ochre_boot_tables, . - ochre_boot_tables
"#
);
