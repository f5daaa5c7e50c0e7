//! The first bytes on a program's stack: argument count, pointers, auxiliary vector, strings.
//!
//! [`build`] lays them out below a given top exactly as Linux does (fs/binfmt_elf.c, `create_elf_tables`); `kernel/src/exec`
//! writes the bytes into fresh stack pages before the program exists. From the top down: a zero word, the file name,
//! the environment's strings, the arguments' strings, the platform name, 16 random bytes, then, aligned to 16 bytes with
//! the argument count lowest: count, argument pointers, 0, environment pointers, 0, auxiliary vector.
use alloc::vec::Vec;
use core::ops::Range;

/// Zero-terminated strings back to back, as they will lie on the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    bytes: Vec<u8>,
    count: usize,
}

/// No memory for the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl Strings {
    /// No strings.
    pub const fn new() -> Self {
        Strings { bytes: Vec::new(), count: 0 }
    }
    /// Adds one string, given without its zero. It must not contain a zero.
    pub fn push(&mut self, text: &[u8]) -> Result<(), NoMemory> {
        self.bytes.try_reserve(text.len() + 1).map_err(|_| NoMemory)?;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        self.count += 1;
        Ok(())
    }
    /// The strings after the first `skipped`, with `first` before them (how a script's arguments become its interpreter's).
    pub fn replace_front(&self, skipped: usize, first: &[&[u8]]) -> Result<Strings, NoMemory> {
        let mut changed = Strings::new();
        for text in first {
            changed.push(text)?;
        }
        for text in self.iter().skip(skipped) {
            changed.push(text)?;
        }
        Ok(changed)
    }
    /// Each string, without its zero.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == 0).take(self.count)
    }
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }
    /// Bytes with zeros.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A value of the auxiliary vector: a number, or the address of something that the image contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuxiliaryValue {
    /// As it is.
    Number(u64),
    /// Address of the 16 random bytes.
    Random,
    /// Address of the file name.
    FileName,
    /// Address of the platform name.
    Platform,
}

/// What goes onto the stack.
#[derive(Clone, Debug)]
pub struct StackContents<'a> {
    /// Arguments.
    pub arguments: &'a Strings,
    /// Environment.
    pub environment: &'a Strings,
    /// The path as given to execve (AT_EXECFN).
    pub file_name: &'a [u8],
    /// AT_PLATFORM.
    pub platform: &'a [u8],
    /// AT_RANDOM.
    pub random: [u8; 16],
    /// Types and values in order, without the terminating AT_NULL.
    pub auxiliary: &'a [(u64, AuxiliaryValue)],
}

/// The image and where its parts lie in the program's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackImage {
    /// The bytes from `stack_pointer` up to the top.
    pub bytes: Vec<u8>,
    /// The program's first stack pointer: where the argument count lies.
    pub stack_pointer: usize,
    /// The arguments' strings (/proc/PID/cmdline).
    pub arguments: Range<usize>,
    /// The environment's strings (/proc/PID/environ).
    pub environment: Range<usize>,
    /// The auxiliary vector with its AT_NULL (/proc/PID/auxv).
    pub auxiliary: Range<usize>,
}

const WORD: usize = 8;

/// Bytes that [`build`] needs at most for these contents; for checks against limits before anything is built.
pub fn bytes_needed(contents: &StackContents<'_>) -> usize {
    let strings =
        contents.file_name.len() + contents.environment.bytes() + contents.arguments.bytes() + contents.platform.len();
    let words = 3 + contents.arguments.count() + contents.environment.count() + 2 * (contents.auxiliary.len() + 1);
    strings + words * WORD + 64
}

/// Lays the contents out below `top` (16-byte aligned).
///
/// # Panics
/// If the contents do not fit below `top`: callers check [`bytes_needed`] against the stack's limit first.
pub fn build(top: usize, contents: &StackContents<'_>) -> Result<StackImage, NoMemory> {
    // Strings, from the top down.
    let file_name = top - WORD - (contents.file_name.len() + 1);
    let environment = file_name - contents.environment.bytes();
    let arguments = environment - contents.arguments.bytes();
    let platform = (arguments & !15) - (contents.platform.len() + 1);
    let random = platform - contents.random.len();
    let words = 3 + contents.arguments.count() + contents.environment.count() + 2 * (contents.auxiliary.len() + 1);
    let stack_pointer = (random - words * WORD) & !15;

    let mut bytes = Vec::new();
    bytes.try_reserve_exact(top - stack_pointer).map_err(|_| NoMemory)?;
    let mut word = |value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    word(contents.arguments.count() as u64);
    for (start, strings) in [(arguments, contents.arguments), (environment, contents.environment)] {
        let mut at = start;
        for text in strings.iter() {
            word(at as u64);
            at += text.len() + 1;
        }
        word(0);
    }
    let auxiliary = stack_pointer + (3 + contents.arguments.count() + contents.environment.count()) * WORD;
    for (kind, value) in contents.auxiliary {
        word(*kind);
        word(match value {
            AuxiliaryValue::Number(number) => *number,
            AuxiliaryValue::Random => random as u64,
            AuxiliaryValue::FileName => file_name as u64,
            AuxiliaryValue::Platform => platform as u64,
        });
    }
    word(0);
    word(0);
    let auxiliary = auxiliary..stack_pointer + bytes.len();
    for (at, text) in [
        (random, &contents.random[..]),
        (platform, contents.platform),
        (arguments, &contents.arguments.bytes),
        (environment, &contents.environment.bytes),
        (file_name, contents.file_name),
        (top, &[]),
    ] {
        bytes.resize(at - stack_pointer, 0);
        bytes.extend_from_slice(text);
    }
    Ok(StackImage {
        bytes,
        stack_pointer,
        arguments: arguments..environment,
        environment: environment..file_name,
        auxiliary,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOP: usize = 0x7fff_0000_0000;

    fn strings(list: &[Vec<u8>]) -> Strings {
        let mut strings = Strings::new();
        for text in list {
            strings.push(text).unwrap();
        }
        strings
    }

    /// Reads the image as a C program's start code does.
    struct Reader<'a>(&'a StackImage);
    impl Reader<'_> {
        fn word(&self, at: usize) -> u64 {
            let offset = at - self.0.stack_pointer;
            u64::from_le_bytes(self.0.bytes[offset..offset + 8].try_into().unwrap())
        }
        fn text(&self, at: u64) -> Vec<u8> {
            let offset = at as usize - self.0.stack_pointer;
            self.0.bytes[offset..].iter().copied().take_while(|byte| *byte != 0).collect()
        }
        fn list(&self, at: &mut usize) -> Vec<Vec<u8>> {
            let mut found = Vec::new();
            loop {
                let pointer = self.word(*at);
                *at += 8;
                if pointer == 0 {
                    return found;
                }
                found.push(self.text(pointer));
            }
        }
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(1..=255u8, 0..20)
    }

    proptest! {
        #[test]
        fn a_program_finds_what_was_put_there(
            arguments in proptest::collection::vec(text(), 0..6),
            environment in proptest::collection::vec(text(), 0..6),
            file_name in text(),
            extra in 0..4usize,
        ) {
            let mut auxiliary = std::vec![
                (25, AuxiliaryValue::Random), (31, AuxiliaryValue::FileName), (15, AuxiliaryValue::Platform),
            ];
            auxiliary.extend((0..extra).map(|i| (100 + i as u64, AuxiliaryValue::Number(i as u64))));
            let (argument_strings, environment_strings) = (strings(&arguments), strings(&environment));
            let contents = StackContents {
                arguments: &argument_strings, environment: &environment_strings, file_name: &file_name,
                platform: b"x86_64", random: [7; 16], auxiliary: &auxiliary,
            };
            let image = build(TOP, &contents).unwrap();
            prop_assert_eq!(image.stack_pointer % 16, 0);
            prop_assert_eq!(image.stack_pointer + image.bytes.len(), TOP);
            prop_assert!(image.bytes.len() <= bytes_needed(&contents));
            let reader = Reader(&image);
            let mut at = image.stack_pointer;
            prop_assert_eq!(reader.word(at), arguments.len() as u64);
            at += 8;
            prop_assert_eq!(reader.list(&mut at), arguments);
            prop_assert_eq!(reader.list(&mut at), environment);
            prop_assert_eq!(at, image.auxiliary.start);
            let random = reader.word(at + 8) as usize - image.stack_pointer;
            prop_assert_eq!(&image.bytes[random..random + 16], &[7u8; 16][..]);
            prop_assert_eq!(reader.text(reader.word(at + 24)), file_name);
            prop_assert_eq!(reader.text(reader.word(at + 40)), b"x86_64".to_vec());
            for i in 0..extra {
                prop_assert_eq!(reader.word(at + 48 + 16 * i), 100 + i as u64);
                prop_assert_eq!(reader.word(at + 56 + 16 * i), i as u64);
            }
            prop_assert_eq!(reader.word(image.auxiliary.end - 16), 0);
        }

        #[test]
        fn a_script_replaces_the_front(arguments in proptest::collection::vec(text(), 1..5)) {
            let changed = strings(&arguments).replace_front(1, &[b"/bin/sh", b"-x", b"./script"]).unwrap();
            let mut expected = std::vec![b"/bin/sh".to_vec(), b"-x".to_vec(), b"./script".to_vec()];
            expected.extend_from_slice(&arguments[1..]);
            prop_assert_eq!(changed.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), expected);
        }
    }
}
