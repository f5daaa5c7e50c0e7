//! Reading physical memory while the early direct map (the first 4 GiB) is in force: boot data and firmware tables, which
//! may lie anywhere, in RAM or ROM. Called on the boot CPU before the final page tables are loaded, never after.
use crate::addr::DIRECT_MAP_BASE;
use crate::arch::boot::EARLY_MAP_END;

/// Reads a little-endian number of `BYTES` bytes; zero where the early map does not reach.
pub(crate) fn read_number<const BYTES: usize>(addr: u64) -> u64 {
    let mut word = [0u8; 8];
    if addr.checked_add(BYTES as u64).is_some_and(|end| end <= EARLY_MAP_END) {
        for (index, byte) in word[..BYTES].iter_mut().enumerate() {
            // SAFETY: the early direct map covers the address, and only this CPU runs.
            *byte = unsafe { ((DIRECT_MAP_BASE + addr as usize + index) as *const u8).read_volatile() };
        }
    }
    u64::from_le_bytes(word)
}

/// Reads a byte.
pub(crate) fn read_u8(addr: u64) -> u8 {
    // CAST: one byte was read.
    read_number::<1>(addr) as u8
}

/// Reads 16 bits.
pub(crate) fn read_u16(addr: u64) -> u16 {
    // CAST: two bytes were read.
    read_number::<2>(addr) as u16
}

/// Reads 32 bits.
pub(crate) fn read_u32(addr: u64) -> u32 {
    // CAST: four bytes were read.
    read_number::<4>(addr) as u32
}

/// Reads 64 bits.
pub(crate) fn read_u64(addr: u64) -> u64 {
    read_number::<8>(addr)
}

/// Whether the bytes at `addr` are `expected`.
pub(crate) fn is_at(addr: u64, expected: &[u8]) -> bool {
    (addr..).zip(expected).all(|(addr, byte)| read_u8(addr) == *byte)
}

/// Whether the `bytes` bytes at `addr` sum to zero, as firmware tables do.
pub(crate) fn sums_to_zero(addr: u64, bytes: u64) -> bool {
    (addr..addr.saturating_add(bytes)).fold(0u8, |sum, addr| sum.wrapping_add(read_u8(addr))) == 0
}
