//! The frame that gzip puts around deflated data (RFC 1952): header, check sum, length.
//!
//! Main items: [`parse_header`] and [`Crc32`]. Called by the kernel's `fs::initramfs` around a deflate decoder.
//!
//! # Invariants
//! Hostile bytes give `None`, never a panic.

/// Length of the gzip header at the start of `bytes`; `None` if there is no complete one.
pub fn parse_header(bytes: &[u8]) -> Option<usize> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let fixed: &[u8; 10] = bytes.first_chunk()?;
    let &[0x1f, 0x8b, 8, flags, ..] = fixed else { return None };
    let mut at = fixed.len();
    if flags & EXTRA != 0 {
        let length: [u8; 2] = *bytes.get(at..)?.first_chunk()?;
        at += 2 + usize::from(u16::from_le_bytes(length));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += bytes.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        at += 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// What follows the deflated data: check sum and length (modulo 2^32) of what was compressed.
pub fn parse_trailer(bytes: &[u8]) -> Option<(u32, u32)> {
    let &[a, b, c, d, e, f, g, h] = bytes.first_chunk::<8>()?;
    Some((u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

static TABLE: [u32; 256] = table();

/// The check sum of gzip, fed with pieces.
#[derive(Clone, Copy, Debug)]
pub struct Crc32(u32);

impl Default for Crc32 {
    fn default() -> Self {
        Crc32::new()
    }
}

impl Crc32 {
    /// Of nothing.
    pub const fn new() -> Crc32 {
        Crc32(u32::MAX)
    }
    /// Takes the next piece in.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // CAST: the low byte.
            self.0 = TABLE[usize::from(self.0 as u8 ^ byte)] ^ self.0 >> 8;
        }
    }
    /// The check sum so far.
    pub const fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let mut crc = Crc32::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
        assert_eq!(parse_header(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name\0rest"), Some(15));
        assert_eq!(parse_header(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name"), None);
        assert_eq!(parse_header(b"\x1f\x8b\x08\0\0\0"), None);
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_no_harm(flags in any::<u8>(), tail in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = Vec::from([0x1f, 0x8b, 8, flags]);
            bytes.extend_from_slice(&tail);
            if let Some(length) = parse_header(&bytes) {
                prop_assert!(length <= bytes.len());
            }
            let _ = parse_trailer(&tail);
        }
    }
}
