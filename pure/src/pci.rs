//! PCI configuration space, as far as drivers need it: base addresses and capabilities, those of virtio among them.
//!
//! Over any [`ConfigSpace`], so that host tests can play devices, broken ones too. A capability list is walked at most once
//! round: a device that links it into a ring is not followed for ever.
//! Sources: PCI Local Bus Specification 3.0, chapter 6; virtio 1.2, section 4.1.4.

/// A function's configuration space: 32-bit reads at offsets that are multiples of 4.
pub trait ConfigSpace {
    /// Reads a word.
    fn read32(&self, offset: u16) -> u32;
}

/// Who made a function and what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Maker.
    pub vendor: u16,
    /// Model.
    pub device: u16,
}

/// Who is there; `None` if nobody is.
pub fn identity(config: &impl ConfigSpace) -> Option<Identity> {
    let word = config.read32(0);
    // CAST: halves of a word.
    let identity = Identity { vendor: word as u16, device: (word >> 16) as u16 };
    (identity.vendor != 0xffff).then_some(identity)
}

/// Whether the device has further functions beside function 0.
pub fn is_multifunction(config: &impl ConfigSpace) -> bool {
    config.read32(0x0c) & 0x0080_0000 != 0
}

/// The bus behind a bridge; `None` for other functions.
pub fn bus_behind(config: &impl ConfigSpace) -> Option<u8> {
    let identity = identity(config);
    let is_bridge = (config.read32(0x0c) >> 16) & 0x7f == 1;
    // CAST: the second byte.
    identity.filter(|_| is_bridge).map(|_| (config.read32(0x18) >> 8) as u8)
}

/// Which virtio device a function of virtio's vendor is: by its model, or for the older models by its subsystem.
pub fn virtio_device(config: &impl ConfigSpace) -> Option<u32> {
    match identity(config)?.device {
        0x1000..0x1040 => Some(config.read32(0x2c) >> 16),
        device @ 0x1040..0x1080 => Some(u32::from(device - 0x1040)),
        _ => None,
    }
}

/// A capability: its number and where it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// What it is.
    pub id: u8,
    /// Where it stands in configuration space.
    pub offset: u16,
}

/// Most capabilities that fit: 192 bytes of 4 each.
const MOST: usize = 48;

/// The function's capabilities, in the list's order.
pub fn capabilities<C: ConfigSpace>(config: &C) -> impl Iterator<Item = Capability> {
    let has_list = config.read32(0x04) & 0x0010_0000 != 0;
    let mut next = if has_list { config.read32(0x34) & 0xfc } else { 0 };
    core::iter::from_fn(move || {
        if next < 0x40 {
            return None;
        }
        // CAST: below 256, twice.
        let offset = next as u16;
        let word = config.read32(offset);
        next = (word >> 8) & 0xfc;
        Some(Capability { id: word as u8, offset })
    })
    .take(MOST)
}

/// The memory that base address register `index` (0 to 5) maps; `None` for ports, and for what is not set.
pub fn memory_base(config: &impl ConfigSpace, index: u8) -> Option<u64> {
    if index > 5 {
        return None;
    }
    let place = 0x10 + 4 * u16::from(index);
    let low = config.read32(place);
    if low & 1 != 0 {
        return None;
    }
    let high = match (low >> 1) & 3 {
        0 => 0,
        2 if index < 5 => config.read32(place + 4),
        _ => return None,
    };
    let base = u64::from(high) << 32 | u64::from(low & !0xf);
    (base != 0).then_some(base)
}

/// Where a structure lies that a device says is `offset` bytes into a base address register's memory; `None` if that is past the end of
/// all addresses, or not aligned as the widest register wants (virtio 1.2, 4.1.4: a multiple of four).
pub fn structure_start(base: u64, offset: u32) -> Option<u64> {
    base.checked_add(offset.into()).filter(|start| start.is_multiple_of(4))
}

/// The capability number under which virtio describes its structures.
pub const VENDOR_CAPABILITY: u8 = 0x09;
/// The capability number of MSI-X.
pub const MSIX_CAPABILITY: u8 = 0x11;

/// A structure of a virtio function: where in which memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtioStructure {
    /// 1 common, 2 notify, 3 interrupt status, 4 device's own.
    pub kind: u8,
    /// Base address register.
    pub bar: u8,
    /// Offset in its memory.
    pub offset: u32,
    /// Bytes.
    pub bytes: u32,
    /// Distance of the notify places, for kind 2.
    pub notify_step: u32,
}

/// The virtio structure of this kind, the first one as the specification wants.
pub fn virtio_structure(config: &impl ConfigSpace, kind: u8) -> Option<VirtioStructure> {
    capabilities(config)
        .filter(|capability| capability.id == VENDOR_CAPABILITY)
        .map(|Capability { offset, .. }| {
            let head = config.read32(offset);
            // CAST: bytes of words. Reads beyond the list's end read what is there; the caller checks what they say.
            VirtioStructure {
                kind: (head >> 24) as u8,
                bar: config.read32(offset + 4) as u8,
                offset: config.read32(offset + 8),
                bytes: config.read32(offset + 12),
                notify_step: if (head >> 24) == 2 { config.read32(offset + 16) } else { 0 },
            }
        })
        .find(|structure| structure.kind == kind)
}

/// Where the MSI-X table is: capability's place, base address register, offset, entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MsixTable {
    /// The capability in configuration space; its upper half of the first word is the control register.
    pub capability: u16,
    /// Base address register.
    pub bar: u8,
    /// Offset in its memory.
    pub offset: u32,
    /// Entries of 16 bytes.
    pub entries: u16,
}

/// The MSI-X table, if the function has one.
pub fn msix_table(config: &impl ConfigSpace) -> Option<MsixTable> {
    let Capability { offset, .. } = capabilities(config).find(|capability| capability.id == MSIX_CAPABILITY)?;
    let (control, place) = (config.read32(offset) >> 16, config.read32(offset + 4));
    // CAST: 11 bits, and 3 bits.
    Some(MsixTable {
        capability: offset,
        bar: (place & 7) as u8,
        offset: place & !7,
        entries: (control & 0x7ff) as u16 + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Words([u32; 64]);
    impl ConfigSpace for Words {
        fn read32(&self, offset: u16) -> u32 {
            assert_eq!(offset % 4, 0);
            self.0.get(usize::from(offset / 4)).copied().unwrap_or(!0)
        }
    }

    #[test]
    fn structures_begin_on_words_and_within_memory() {
        assert_eq!(structure_start(0xfe00_0000, 0x1000), Some(0xfe00_1000));
        assert_eq!(structure_start(0xfe00_0000, 0x1004), Some(0xfe00_1004));
        assert_eq!(structure_start(0xfe00_0000, 0x1002), None);
        assert_eq!(structure_start(0xfe00_0000, u32::MAX), None);
        assert_eq!(structure_start(u64::MAX - 15, 0x1000), None);
    }

    fn console() -> Words {
        let mut words = [0; 64];
        words[0] = 0x1043_1af4;
        words[1] = 0x0010_0000;
        words[0x34 / 4] = 0x98;
        words[0x98 / 4] = 0x0002_8411;
        words[0x9c / 4] = 1;
        // Notify, then common.
        words[0x84 / 4] = 0x0214_4009;
        words[0x88 / 4] = 4;
        words[0x8c / 4] = 0x3000;
        words[0x90 / 4] = 0x1000;
        words[0x94 / 4] = 4;
        words[0x40 / 4] = 0x0110_0009;
        words[0x44 / 4] = 4;
        words[0x4c / 4] = 0x38;
        words[0x20 / 4] = 0xfe00_000c;
        words[0x24 / 4] = 1;
        Words(words)
    }

    #[test]
    fn a_virtio_function_is_understood() {
        let config = console();
        assert_eq!(identity(&config), Some(Identity { vendor: 0x1af4, device: 0x1043 }));
        let notify = virtio_structure(&config, 2).unwrap();
        assert_eq!((notify.bar, notify.offset, notify.bytes, notify.notify_step), (4, 0x3000, 0x1000, 4));
        assert_eq!(virtio_structure(&config, 1).unwrap().bytes, 0x38);
        assert_eq!(virtio_structure(&config, 4), None);
        assert_eq!(memory_base(&config, 4), Some(0x1_fe00_0000));
        assert_eq!(memory_base(&config, 0), None);
        let table = msix_table(&config).unwrap();
        assert_eq!((table.capability, table.bar, table.offset, table.entries), (0x98, 1, 0, 3));
    }

    #[test]
    fn devices_of_both_kinds_are_told() {
        assert_eq!(virtio_device(&console()), Some(3));
        let mut words = [0; 64];
        words[0] = 0x1005_1af4;
        words[0x2c / 4] = 0x0004_1af4;
        assert_eq!(virtio_device(&Words(words)), Some(4));
    }

    #[test]
    fn bridges_say_what_is_behind_them() {
        let mut words = [0; 64];
        words[0] = 0x000c_1b36;
        words[0x0c / 4] = 0x0001_0000;
        words[0x18 / 4] = 0x0001_0100;
        assert_eq!(bus_behind(&Words(words)), Some(1));
        assert_eq!(bus_behind(&console()), None);
    }

    #[test]
    fn nobody_is_nobody() {
        assert_eq!(identity(&Words([!0; 64])), None);
        assert_eq!(bus_behind(&Words([!0; 64])), None);
        assert_eq!(virtio_device(&Words([!0; 64])), None);
    }

    #[test]
    fn hostile_lists_end() {
        let mut seed = 7u64;
        for _ in 0..10_000 {
            let words = core::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 32) as u32
            });
            let config = Words(words);
            assert!(capabilities(&config).count() <= MOST);
            let found: Vec<_> = (0..6).map(|kind| virtio_structure(&config, kind)).collect();
            assert_eq!(found.len(), 6);
            let _ = msix_table(&config);
            assert!((6..=7).all(|bar| memory_base(&config, bar).is_none()));
        }
    }
}
