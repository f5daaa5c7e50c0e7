//! The functions of an ELF file: by offset in the file, which is what a mapping tells.

use super::demangle::readable;
use crate::unwind::FrameTable;
use object::elf;
use object::read::elf::ElfFile64;
use object::{Architecture, Endianness, Object, ObjectSection, ObjectSegment, ObjectSymbol, SegmentFlags, SymbolKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept of a file.
#[derive(Debug)]
pub(crate) struct ObjectFile {
    /// Functions in order of address: start, bytes (0 if not told), name.
    functions: Vec<(u64, u64, Vec<u8>)>,
    /// Other names of functions, by address.
    aliases: Vec<(u64, Vec<u8>)>,
    /// Names of functions that were asked for, as people write them, by the function's place.
    readable: Mutex<HashMap<usize, Arc<str>>>,
    /// Loaded parts: offset in the file, bytes in the file, address.
    segments: Vec<(u64, u64, u64)>,
    /// How to find callers of its functions.
    pub(crate) frames: Option<FrameTable>,
    /// It has no symbols but those that the dynamic linker needs.
    pub(crate) is_stripped: bool,
    /// It is of ARM64.
    pub(crate) is_arm: bool,
    /// The linker's number of this build.
    pub(crate) build_id: Option<Vec<u8>>,
    /// The name of the separate file with its symbols.
    pub(crate) debug_link: Option<Vec<u8>>,
}

impl ObjectFile {
    /// From the file's bytes; `None` if they are not a 64-bit ELF file.
    pub(crate) fn parse(bytes: &[u8]) -> Option<ObjectFile> {
        let file = ElfFile64::<Endianness>::parse(bytes).ok()?;
        let mut functions: Vec<(u64, u64, Vec<u8>)> = Vec::new();
        let mut is_stripped = true;
        for (symbol, is_full) in file.symbols().map(|s| (s, true)).chain(file.dynamic_symbols().map(|s| (s, false))) {
            let is_function = symbol.kind() == SymbolKind::Text && symbol.is_definition() && symbol.address() != 0;
            if is_function && let Ok(name) = symbol.name_bytes() {
                is_stripped &= !is_full;
                // Mapping symbols of ARM64 are no functions.
                if !name.is_empty() && !name.starts_with(b"$") {
                    functions.push((symbol.address(), symbol.size(), name.to_vec()));
                }
            }
        }
        // Of several names the first in order: so a run's names do not depend on chance.
        functions.sort();
        let mut aliases = Vec::new();
        functions.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0 && (earlier.1 == later.1 || earlier.1 != 0 && later.1 == 0);
            if is_same && later.2 != earlier.2 {
                aliases.push((later.0, std::mem::take(&mut later.2)));
            }
            is_same
        });
        let is_loaded = |flags| matches!(flags, SegmentFlags::Elf { p_flags, .. } if p_flags & elf::PF_X == elf::PF_X);
        let segments = file.segments().filter(|segment| is_loaded(segment.flags()));
        let segments = segments.map(|segment| {
            let (offset, bytes) = segment.file_range();
            (offset, bytes, segment.address())
        });
        Some(ObjectFile {
            functions,
            aliases,
            readable: Mutex::default(),
            segments: segments.collect(),
            frames: frame_table(&file),
            is_stripped,
            is_arm: file.architecture() == Architecture::Aarch64,
            build_id: file.build_id().ok().flatten().map(<[u8]>::to_vec),
            debug_link: file.gnu_debuglink().ok().flatten().map(|(name, _)| name.to_vec()),
        })
    }

    /// Uses the symbols of a separate file: addresses are the same, offsets in it mean nothing.
    pub(crate) fn take_symbols(&mut self, from: ObjectFile) {
        self.functions = from.functions;
        self.aliases = from.aliases;
        self.readable = Mutex::default();
    }

    /// Every function, in the order of their names as people write them: name, and offset in the file.
    pub(crate) fn entries(&self) -> Vec<(String, u64)> {
        let main = self.functions.iter().map(|(address, _, name)| (*address, name));
        let all = main.chain(self.aliases.iter().map(|(address, name)| (*address, name)));
        let offset = |address: u64| {
            let of = |(_, bytes, start): &&(u64, u64, u64)| (*start..start.saturating_add(*bytes)).contains(&address);
            let (offset, _, start) = self.segments.iter().find(of)?;
            (address - start).checked_add(*offset)
        };
        let mut entries: Vec<(String, u64)> =
            all.filter_map(|(address, name)| Some((readable(name).to_string(), offset(address)?))).collect();
        entries.sort();
        entries.dedup();
        entries
    }

    /// The address at which the linker put what is at `offset` of the file.
    pub(crate) fn address(&self, offset: u64) -> Option<u64> {
        let is_around = |(start, bytes, _): &&(u64, u64, u64)| offset.checked_sub(*start).is_some_and(|at| at < *bytes);
        let (start, _, address) = self.segments.iter().find(is_around)?;
        (offset - start).checked_add(*address)
    }

    /// The function at an [`address`](Self::address).
    pub(crate) fn function(&self, address: u64) -> Option<Arc<str>> {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let place = after.checked_sub(1)?;
        let (start, bytes, name) = self.functions.get(place)?;
        // A function that tells no length (of assembly, often) ends where the next one begins.
        let is_inside = *bytes == 0 || address - start < *bytes;
        // Nothing in there can be half done.
        let mut known = self.readable.lock().unwrap_or_else(PoisonError::into_inner);
        is_inside.then(|| known.entry(place).or_insert_with(|| readable(name).into()).clone())
    }
}

fn frame_table(file: &ElfFile64<'_, Endianness>) -> Option<FrameTable> {
    let section = file.section_by_name(".eh_frame")?;
    let text = file.section_by_name(".text").map_or(0, |text| text.address());
    let is_aarch64 = file.architecture() == Architecture::Aarch64;
    Some(FrameTable::new(section.data().ok()?.to_vec(), section.address(), text, is_aarch64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(functions: &[(u64, u64, &str)]) -> ObjectFile {
        ObjectFile {
            functions: functions
                .iter()
                .map(|(start, bytes, name)| (*start, *bytes, name.as_bytes().to_vec()))
                .collect(),
            aliases: vec![(0x40_1020, b"alias".to_vec())],
            readable: Mutex::default(),
            segments: vec![(0x1000, 0x2000, 0x40_1000)],
            frames: None,
            is_stripped: false,
            is_arm: false,
            build_id: None,
            debug_link: None,
        }
    }

    #[test]
    fn offsets_lead_to_functions() {
        let object = object(&[(0x40_1000, 0x10, "first"), (0x40_1020, 0, "assembly"), (0x40_2000, 8, "last")]);
        let function = |offset| object.function(object.address(offset)?);
        assert_eq!(function(0x100f).as_deref(), Some("first"));
        assert_eq!(function(0x1010), None, "between functions");
        let entries = object.entries();
        let names: Vec<_> = entries.iter().map(|(name, offset)| (name.as_str(), *offset)).collect();
        assert_eq!(names, [("alias", 0x1020), ("assembly", 0x1020), ("first", 0x1000), ("last", 0x2000)]);
        assert_eq!(function(0x1fff).as_deref(), Some("assembly"));
        assert_eq!(function(0x2007).as_deref(), Some("last"));
        assert_eq!((function(0xfff), function(0x3000)), (None, None), "not loaded");
    }

    #[test]
    fn the_tools_own_file_is_read() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let object = ObjectFile::parse(&bytes).unwrap();
        assert!(!object.functions.is_empty() && !object.segments.is_empty());
        assert!(ObjectFile::parse(b"#!/bin/sh").is_none());
        for length in [0, 16, 64, 200, bytes.len() / 2] {
            let _ = ObjectFile::parse(&bytes[..length]);
        }
    }
}
