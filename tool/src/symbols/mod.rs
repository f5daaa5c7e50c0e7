//! From addresses in the guest to names: the kernel's functions, and those of programs and libraries, found in the root that the tool itself
//! made.
//!
//! `kernel` reads the table in the kernel's image, `root` the files of the archive that boots, `object_file` an ELF file's functions
//! (`demangle` decodes their names),
//! `perf_map` what a JIT compiler tells, `spaces` follows which file is mapped where in which process. Everything that comes from the guest or
//! from files is checked: a name may be missing, nothing else can go wrong.
mod demangle;
mod kernel;
mod object_file;
mod perf_map;
mod root;
mod spaces;

pub(crate) use kernel::KernelSymbols;
pub(crate) use perf_map::PerfMap;
pub(crate) use root::RootFiles;
pub(crate) use spaces::{Mapping, Spaces};

use crate::unwind::{Registers, StackCopy, Step};
use object_file::ObjectFile;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A function, or the best that can be said.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Function {
    /// Its name; in brackets where only its file is known, or nothing.
    pub(crate) name: Arc<str>,
    /// The file it is in: a path of the guest, `[kernel]`, or empty.
    pub(crate) file: Arc<str>,
}

/// A program's file, to put probes into.
#[derive(Clone, Debug)]
pub(crate) struct FileFunctions {
    /// Its path in the guest, without links.
    pub(crate) path: Vec<u8>,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
    /// Offset in the file and name of each function, in the order of names; functions of the same name side by side.
    pub(crate) functions: Vec<(u64, String)>,
    /// It is of ARM64, not of x86-64.
    pub(crate) is_arm: bool,
}

/// Finds functions of programs; keeps what it has read.
pub(crate) struct Programs {
    root: RootFiles,
    files: HashMap<Vec<u8>, Option<Arc<ObjectFile>>>,
}

/// Where separate symbol files are kept, in a root and on the host.
const DEBUG: &str = "usr/lib/debug";

impl Programs {
    /// Looks into `root`.
    pub(crate) fn new(root: RootFiles) -> Programs {
        Programs { root, files: HashMap::new() }
    }

    /// The function at `address` of a process in which `mapping` is there.
    pub(crate) fn function(&mut self, mapping: &Mapping, address: u64) -> Function {
        let file: Arc<str> = String::from_utf8_lossy(&mapping.path).into();
        let found = self.place(mapping, address).and_then(|(object, address)| object.function(address));
        let base = file.rsplit('/').next().unwrap_or(&file);
        let in_brackets = || if base.starts_with('[') { base.into() } else { format!("[{base}]").into() };
        Function { name: found.unwrap_or_else(in_brackets), file }
    }

    /// Goes to the caller of the function at `address` of a process in which `mapping` is there.
    pub(crate) fn step(
        &mut self,
        mapping: &Mapping,
        address: u64,
        registers: &mut Registers,
        stack: &StackCopy<'_>,
    ) -> Step {
        let place = self.place(mapping, address);
        let Some((object, address)) = place else { return Step::NotTold };
        object.frames.as_ref().map_or(Step::NotTold, |frames| frames.step(address, registers, stack))
    }

    /// Uses this as the file at `path`, which is in no root.
    pub(crate) fn provide(&mut self, path: &[u8], bytes: &[u8]) {
        self.files.insert(path.to_vec(), ObjectFile::parse(bytes).map(Arc::new));
    }

    /// The file of a mapping, and where the linker put what is at `address`.
    fn place(&mut self, mapping: &Mapping, address: u64) -> Option<(Arc<ObjectFile>, u64)> {
        let offset = address.checked_sub(mapping.start)?.checked_add(mapping.offset)?;
        let object = self.object(&mapping.path)?;
        let address = object.address(offset)?;
        Some((object, address))
    }

    /// The functions of the program or library that `path` leads to.
    pub(crate) fn functions(&mut self, path: &[u8]) -> Option<FileFunctions> {
        let path = [b"/", self.root.resolved(path)?.as_slice()].concat();
        let bytes = self.root.read(&path)?;
        let object = self.load(&path, &bytes)?;
        let functions = object.entries().into_iter().map(|(name, offset)| (offset, name)).collect();
        Some(FileFunctions { path, bytes, functions, is_arm: object.is_arm })
    }

    fn object(&mut self, path: &[u8]) -> Option<Arc<ObjectFile>> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let object = self.root.read(path).and_then(|bytes| self.load(path, &bytes)).map(Arc::new);
        self.files.insert(path.to_vec(), object.clone());
        object
    }

    /// The file's own symbols, or those of a separate file that belongs to it, if it has more.
    fn load(&self, path: &[u8], bytes: &[u8]) -> Option<ObjectFile> {
        let mut object = ObjectFile::parse(bytes)?;
        if !object.is_stripped {
            return Some(object);
        }
        let by_id = object.build_id.as_deref().map(|id| build_id_path(id).into_bytes());
        let by_name = object.debug_link.as_deref().map(|name| {
            let directory = path.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |at| &path[..at]);
            let directory = directory.strip_prefix(b"/").unwrap_or(directory);
            [DEBUG.as_bytes(), b"/", directory, b"/", name].concat()
        });
        for candidate in by_id.into_iter().chain(by_name) {
            if let Some(symbols) = self.separate(&candidate, &object) {
                object.take_symbols(symbols);
                break;
            }
        }
        Some(object)
    }

    /// The separate file at `path`, in the root or on the host, if it is of the same build.
    fn separate(&self, path: &[u8], of: &ObjectFile) -> Option<ObjectFile> {
        let belongs = |bytes: Vec<u8>| {
            let symbols = ObjectFile::parse(&bytes)?;
            (!symbols.is_stripped && symbols.build_id == of.build_id).then_some(symbols)
        };
        self.root.read(path).and_then(belongs).or_else(|| {
            // A file of the host can only be trusted to belong if the build says so.
            of.build_id.as_ref()?;
            let path = Path::new("/").join(std::str::from_utf8(path).ok()?);
            std::fs::read(path).ok().and_then(belongs)
        })
    }
}

fn build_id_path(id: &[u8]) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, rest) = hex.split_at(2.min(hex.len()));
    format!("{DEBUG}/.build-id/{first}/{rest}.debug")
}

#[cfg(test)]
mod tests {
    #[test]
    fn build_ids_lead_to_files() {
        assert_eq!(super::build_id_path(&[0xab, 0x01, 0xff]), "usr/lib/debug/.build-id/ab/01ff.debug");
        assert_eq!(super::build_id_path(&[]), "usr/lib/debug/.build-id//.debug");
    }
}
