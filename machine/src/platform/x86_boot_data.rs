//! The two forms in which a loader describes an x86-64 machine, read into [`BootData`]: PVH's `start_info` (Xen,
//! public/arch-x86/hvm/start_info.h) and the zero page of Linux's 64-bit boot protocol (arch/x86/boot.rst).
//!
//! Called once, on the boot CPU, while the early direct map (4 GiB) is in force. The structures may lie in ROM or in
//! RAM that will be handed out: everything is copied. Unknown memory types, empty entries and entries out of order are
//! accepted; only type 1 is RAM.
use super::x86_early_read::{read_u8, read_u32, read_u64};
use crate::addr::{PAGE_SIZE, PhysAddr};
use crate::boot::{BootData, MAX_BOOT_RANGES, MAX_COMMAND_LINE, PhysRange};

const PVH_MAGIC: u32 = 0x336e_c578;
/// Bytes of an entry of PVH's memory map: address, size, type, padding.
const PVH_ENTRY_BYTES: u64 = 24;
/// Bytes of an entry of the zero page's E820 table: address, size, type, packed.
const E820_ENTRY_BYTES: u64 = 20;
const E820_COUNT: u64 = 0x1e8;
const E820_TABLE: u64 = 0x2d0;
const E820_MOST: u64 = 128;
const SETUP_HEADER_MAGIC: u64 = 0x202;
const MEMORY_TYPE_RAM: u32 = 1;

/// Notes a stretch that must not be handed out.
pub(crate) fn reserve(data: &mut BootData, range: PhysRange) {
    if data.reserved_count < MAX_BOOT_RANGES {
        data.reserved[data.reserved_count] = range;
        data.reserved_count += 1;
    }
}

/// Adds RAM: shrinks it to whole pages and inserts it in order. Overlaps are removed by [`finish`].
fn add_ram(data: &mut BootData, start: u64, bytes: u64) {
    let page = PAGE_SIZE as u64;
    let Some(end) = start.checked_add(bytes) else { return };
    let (start, end) = (start.next_multiple_of(page), end & !(page - 1));
    if start >= end || data.ram_count == MAX_BOOT_RANGES {
        return;
    }
    let place = data.ram[..data.ram_count].partition_point(|other| other.start.0 <= start);
    data.ram.copy_within(place..data.ram_count, place + 1);
    data.ram[place] = PhysRange { start: PhysAddr(start), bytes: end - start };
    data.ram_count += 1;
}

/// Joins RAM entries that touch or overlap; answers whether there is any RAM at all.
fn finish(data: &mut BootData) -> bool {
    let mut kept = 0;
    for index in 0..data.ram_count {
        let next = data.ram[index];
        if kept > 0 {
            let last = &mut data.ram[kept - 1];
            let last_end = last.start.0 + last.bytes;
            if next.start.0 <= last_end {
                last.bytes = last_end.max(next.start.0 + next.bytes) - last.start.0;
                continue;
            }
        }
        data.ram[kept] = next;
        kept += 1;
    }
    data.ram_count = kept;
    kept > 0
}

fn copy_command_line(data: &mut BootData, addr: u64) {
    if addr == 0 {
        return;
    }
    let mut length = 0;
    while length < MAX_COMMAND_LINE {
        let byte = read_u8(addr + length as u64);
        if byte == 0 {
            break;
        }
        data.command_line[length] = byte;
        length += 1;
    }
    data.command_line_bytes = length;
}

/// Reads PVH's `start_info`. False: not one, or without a memory map.
pub(crate) fn read_pvh(data: &mut BootData, info: PhysAddr) -> bool {
    let info = info.0;
    if read_u32(info) != PVH_MAGIC {
        return false;
    }
    let version = read_u32(info + 4);
    let module_count = read_u32(info + 12);
    let modules = read_u64(info + 16);
    copy_command_line(data, read_u64(info + 24));
    let rsdp = read_u64(info + 32);
    data.firmware_tables = (rsdp != 0).then_some(PhysAddr(rsdp));
    if module_count > 0 && modules != 0 {
        let (start, bytes) = (read_u64(modules), read_u64(modules + 8));
        data.initrd = (bytes != 0).then_some(PhysRange { start: PhysAddr(start), bytes });
    }
    // Version 0 had no memory map.
    if version == 0 {
        return false;
    }
    let map = read_u64(info + 40);
    for index in 0..u64::from(read_u32(info + 48)) {
        let entry = map + index * PVH_ENTRY_BYTES;
        if read_u32(entry + 16) == MEMORY_TYPE_RAM {
            add_ram(data, read_u64(entry), read_u64(entry + 8));
        }
    }
    finish(data)
}

/// Reads Linux's zero page. False: not one, or without a memory map.
pub(crate) fn read_linux(data: &mut BootData, zero_page: PhysAddr) -> bool {
    let page = zero_page.0;
    if read_u32(page + SETUP_HEADER_MAGIC) != u32::from_le_bytes(*b"HdrS") {
        return false;
    }
    // 64-bit addresses are split: the low half in the header, the high half in the `ext_` fields.
    let wide = |low: u64, high: u64| u64::from(read_u32(page + high)) << 32 | u64::from(read_u32(page + low));
    copy_command_line(data, wide(0x228, 0xc8));
    let (start, bytes) = (wide(0x218, 0xc0), wide(0x21c, 0xc4));
    data.initrd = (start != 0 && bytes != 0).then_some(PhysRange { start: PhysAddr(start), bytes });
    let rsdp = read_u64(page + 0x70);
    data.firmware_tables = (rsdp != 0).then_some(PhysAddr(rsdp));
    for index in 0..u64::from(read_u8(page + E820_COUNT)).min(E820_MOST) {
        let entry = page + E820_TABLE + index * E820_ENTRY_BYTES;
        if read_u32(entry + 16) == MEMORY_TYPE_RAM {
            add_ram(data, read_u64(entry), read_u64(entry + 8));
        }
    }
    finish(data)
}
