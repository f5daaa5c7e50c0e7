//! Functions of programs that can have probes, by `uprobe:FILE:FUNCTION`: found in the files of the root that boots, by their symbols or those of
//! a separate debug file. A function can have one if its first instruction is of those that the kernel can do (`pure::first_instruction`).
use super::functions::{Boundary, Provider, TracedFunction};
use super::source::{Mistake, mistake};
use crate::symbols::{FileFunctions, Programs};
use pure::first_instruction::{MOST_BYTES, arm, x86};
use wire::observe::{Kind, MAX_PAYLOAD, UserFunctionProbe, Writer};

/// What patterns of user probes begin with.
pub(crate) const PREFIX: &str = "uprobe:";
/// Where a file is looked for that is named without its directory.
const DIRECTORIES: &[&str] = &[
    "bin",
    "usr/bin",
    "sbin",
    "usr/sbin",
    "usr/local/bin",
    "lib",
    "usr/lib",
    "lib64",
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/local/lib",
];

/// A pattern's parts: the file's name, and the pattern of the function.
pub(crate) fn parts(pattern: &str) -> Option<(&str, &str)> {
    let (file, function) = pattern.strip_prefix(PREFIX)?.split_once(':')?;
    let function = function.strip_suffix(":entry").unwrap_or(function);
    (!file.is_empty() && !function.is_empty()).then_some((file, function))
}

/// The files that a trace program names.
#[derive(Default)]
pub(crate) struct UserFiles {
    files: Vec<UserFile>,
}

struct UserFile {
    name: String,
    found: FileFunctions,
    functions: Vec<TracedFunction>,
}

impl UserFiles {
    /// Finds the file of a pattern and its functions, unless it is known.
    pub(crate) fn find(&mut self, programs: &mut Programs, at: usize, pattern: &str) -> Result<(), Mistake> {
        let Some((name, _)) = parts(pattern) else {
            return mistake(at, "a program's function is uprobe:FILE:FUNCTION");
        };
        if self.files.iter().any(|file| file.name == name) {
            return Ok(());
        }
        let places =
            DIRECTORIES.iter().map(|directory| format!("/{directory}/{}", name.rsplit('/').next().unwrap_or(name)));
        let places: Vec<String> = if name.starts_with('/') { vec![name.to_string()] } else { places.collect() };
        let Some(found) = places.iter().find_map(|place| programs.functions(place.as_bytes())) else {
            return mistake(at + PREFIX.len(), format!("there is no program or library {name} in the root"));
        };
        let mut functions: Vec<TracedFunction> = Vec::new();
        for (offset, function) in &found.functions {
            match functions.last_mut().filter(|last| last.name == *function) {
                Some(last) => last.addresses.push(*offset),
                None => functions.push(TracedFunction {
                    provider: Provider::User,
                    boundary: Boundary::Entry,
                    module: name.to_string(),
                    name: function.clone(),
                    addresses: vec![*offset],
                }),
            }
        }
        self.files.push(UserFile { name: name.to_string(), found, functions });
        Ok(())
    }

    /// The functions that a pattern means, and how many more of that name begin with an instruction that is not known.
    pub(crate) fn matching(&self, pattern: &str) -> (Vec<&TracedFunction>, usize) {
        let Some((name, function)) = parts(pattern) else { return (Vec::new(), 0) };
        let Some(file) = self.files.iter().find(|file| file.name == name) else { return (Vec::new(), 0) };
        let is_meant = |one: &&TracedFunction| pure::glob::matches(function.as_bytes(), one.name.as_bytes());
        let meant: Vec<_> = file.functions.iter().filter(is_meant).collect();
        let count = meant.len();
        let can = |one: &&TracedFunction| one.addresses.iter().all(|offset| file.is_known(*offset));
        let meant: Vec<_> = meant.into_iter().filter(can).collect();
        let others = count - meant.len();
        (meant, others)
    }

    /// The probes of `functions`, each with its number, in frames.
    pub(crate) fn wishes<'a>(
        &self,
        functions: impl Iterator<Item = (&'a TracedFunction, u16)>,
    ) -> Vec<(Kind, Vec<u8>)> {
        const EACH: usize = 2 + 8 + 2 + MOST_BYTES;
        let mut frames = Vec::new();
        for (function, number) in functions {
            let Some(file) = self.files.iter().find(|file| file.name == function.module) else { continue };
            for offset in &function.addresses {
                let mut bytes = [0; EACH];
                let mut out = Writer::new(&mut bytes);
                UserFunctionProbe { number, offset: *offset, code: file.code(*offset) }.encode(&mut out);
                let used = out.finish().unwrap_or(0);
                let has_room =
                    |frame: &&mut (&str, Vec<u8>)| frame.0 == file.name && frame.1.len() + used <= MAX_PAYLOAD;
                match frames.last_mut().filter(has_room) {
                    Some((_, frame)) => frame.extend_from_slice(&bytes[..used]),
                    None => {
                        let mut frame = vec![0; file.found.path.len() + 2];
                        Writer::new(&mut frame).text(&file.found.path);
                        frame.extend_from_slice(&bytes[..used]);
                        frames.push((&file.name, frame));
                    }
                }
            }
        }
        frames.into_iter().map(|(_, frame)| (Kind::UserFunctions, frame)).collect()
    }
}

impl UserFile {
    fn code(&self, offset: u64) -> &[u8] {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.found.bytes.get(offset..)).unwrap_or_default();
        &rest[..rest.len().min(MOST_BYTES)]
    }

    fn is_known(&self, offset: u64) -> bool {
        let code = self.code(offset);
        if self.found.is_arm {
            return code.first_chunk().is_some_and(|word| arm::decode(u32::from_le_bytes(*word)).is_some());
        }
        x86::decode(code).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_file_and_function() {
        assert_eq!(parts("uprobe:/bin/sh:main"), Some(("/bin/sh", "main")));
        assert_eq!(parts("uprobe:./prog:a::b*:entry"), Some(("./prog", "a::b*")));
        for wrong in ["uprobe:main", "uprobe::main", "uprobe:/bin/sh:", "fbt::a:entry"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn functions_become_wishes() {
        let mut bytes = vec![0xcc; 64];
        bytes[16] = 0x55;
        bytes[32] = 0xc3;
        bytes[48] = 0x90;
        let functions = [(16, "one"), (32, "returns"), (48, "two")];
        let found = FileFunctions {
            path: b"/bin/prog".to_vec(),
            bytes,
            functions: functions.iter().map(|(offset, name)| (*offset, name.to_string())).collect(),
            is_arm: false,
        };
        let traced = |(offset, name): &(u64, String)| TracedFunction {
            provider: Provider::User,
            boundary: Boundary::Entry,
            module: "prog".into(),
            name: name.clone(),
            addresses: vec![*offset],
        };
        let functions = found.functions.iter().map(traced).collect();
        let files = UserFiles { files: vec![UserFile { name: "prog".into(), found, functions }] };
        let (meant, others) = files.matching("uprobe:prog:*");
        assert_eq!((meant.len(), others), (2, 1));
        assert_eq!(files.matching("uprobe:prog:returns"), (vec![], 1));
        assert_eq!(files.matching("uprobe:other:one"), (vec![], 0));
        let wishes = files.wishes(meant.into_iter().zip(7..));
        let (kind, payload) = &wishes[0];
        let mut from = wire::observe::Reader(payload);
        assert_eq!((*kind, wishes.len(), from.text()), (Kind::UserFunctions, 1, Some(&b"/bin/prog"[..])));
        let one = UserFunctionProbe::decode(&mut from).unwrap();
        let two = UserFunctionProbe::decode(&mut from).unwrap();
        assert_eq!((one.number, one.offset, one.code[0]), (7, 16, 0x55));
        assert_eq!((two.number, two.offset, two.code.len()), (8, 48, 15));
        assert!(from.is_empty());
    }
}
