//! The kernel's functions, from the table that every built image carries (`wire::symbols`): what runs is what is named.

use super::Function;
use std::sync::Arc;
use wire::symbols::Table;

/// Where the image is linked (`image/*.ld`).
const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;
/// What a table begins with.
const MAGIC: &[u8] = b"OSYM";
/// A table has at least this many functions; a chance match of the magic word has not.
const LEAST: usize = 100;

/// See the module.
pub(crate) struct KernelSymbols {
    image: Vec<u8>,
    at: Option<usize>,
}

impl KernelSymbols {
    /// Of the image as it was booted.
    pub(crate) fn new(image: Vec<u8>) -> KernelSymbols {
        let at = image.windows(MAGIC.len()).enumerate().find_map(|(at, window)| {
            let is_table = window == MAGIC
                && image.get(at + 4..at + 8).is_some_and(|count| {
                    count.try_into().is_ok_and(|count| (LEAST..1 << 20).contains(&(u32::from_le_bytes(count) as usize)))
                });
            (is_table && Table::new(&image[at..]).is_some()).then_some(at)
        });
        KernelSymbols { image, at }
    }

    /// The function at an address.
    pub(crate) fn function(&self, address: u64) -> Function {
        let name = self.name(address).map_or_else(|| "[kernel]".into(), Arc::from);
        Function { name, file: "[kernel]".into() }
    }

    /// Every function: where it begins, and its name.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (u64, &str)> {
        let all = self.table().map(Table::functions).into_iter().flatten();
        all.map(|(offset, name)| (IMAGE_BASE + u64::from(offset), name))
    }

    fn name(&self, address: u64) -> Option<&str> {
        let offset = u32::try_from(address.checked_sub(IMAGE_BASE)?).ok()?;
        Some(self.table()?.find(offset)?.0)
    }

    fn table(&self) -> Option<Table<'_>> {
        Table::new(&self.image[self.at?..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_wherever_it_lies() {
        let names: Vec<String> = (0..200).map(|i| format!("function_{i}")).collect();
        let symbols: Vec<(u32, &str)> =
            names.iter().enumerate().map(|(i, name)| (i as u32 * 16, name.as_str())).collect();
        let mut image = b"junk OSYM\x01\0\0\0 more ".to_vec();
        let start = image.len();
        image.resize(start + 8192, 0);
        wire::symbols::encode(&symbols, &mut image[start..]).unwrap();
        let kernel = KernelSymbols::new(image);
        assert_eq!(&*kernel.function(IMAGE_BASE + 0x25).name, "function_2");
        assert_eq!(kernel.functions().nth(3), Some((IMAGE_BASE + 0x30, "function_3")));
        assert_eq!(&*kernel.function(5).name, "[kernel]");
        assert_eq!(&*KernelSymbols::new(b"nothing".to_vec()).function(IMAGE_BASE).name, "[kernel]");
    }
}
