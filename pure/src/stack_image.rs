//! The first bytes on a program's stack: argument count, pointers, auxiliary vector, strings.
//!
//! [`StackImage::new`] lays them out below a given top exactly as Linux does (fs/binfmt_elf.c, `create_elf_tables`);
//! [`StackImage::write`] gives `kernel/src/exec` the bytes, piece by piece, for fresh stack pages of a program that does not
//! exist yet. Nothing here needs more than a few pages of memory in one piece, however long the lists are. From the top down: a zero word, the file name,
//! the environment's strings, the arguments' strings, the platform name, 16 random bytes, then, aligned to 16 bytes with
//! the argument count lowest: count, argument pointers, 0, environment pointers, 0, auxiliary vector.
use alloc::vec::Vec;
use core::ops::Range;

/// Zero-terminated strings, kept in chunks of whole strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    chunks: Vec<Vec<u8>>,
    bytes: usize,
    count: usize,
}

/// A chunk is not filled further than this, unless by a single string.
const CHUNK_BYTES: usize = 16 * 1024;

/// No memory for the strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl Strings {
    /// No strings.
    pub const fn new() -> Self {
        Strings { chunks: Vec::new(), bytes: 0, count: 0 }
    }
    /// Adds one string, given without its zero. It must not contain a zero.
    pub fn push(&mut self, text: &[u8]) -> Result<(), NoMemory> {
        let bytes = text.len() + 1;
        if self.chunks.last().is_none_or(|chunk| chunk.len() + bytes > CHUNK_BYTES) {
            self.chunks.try_reserve(1).map_err(|_| NoMemory)?;
            self.chunks.push(Vec::new());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.try_reserve(bytes).map_err(|_| NoMemory)?;
            chunk.extend_from_slice(text);
            chunk.push(0);
        }
        self.bytes += bytes;
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
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.split_inclusive(|byte| *byte == 0).map(|text| &text[..text.len() - 1]))
    }
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }
    /// Bytes with zeros.
    pub fn bytes(&self) -> usize {
        self.bytes
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

/// Where the parts of the image lie in the program's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackImage {
    /// The program's first stack pointer: where the argument count lies. The image reaches from here to `top`.
    pub stack_pointer: usize,
    /// The first address after the image.
    pub top: usize,
    /// The arguments' strings (/proc/PID/cmdline).
    pub arguments: Range<usize>,
    /// The environment's strings (/proc/PID/environ).
    pub environment: Range<usize>,
    /// The auxiliary vector with its AT_NULL (/proc/PID/auxv).
    pub auxiliary: Range<usize>,
    random: usize,
    platform: usize,
}

const WORD: usize = 8;

/// Bytes that the image needs at most for these contents; for checks against limits before anything is laid out.
pub fn bytes_needed(contents: &StackContents<'_>) -> usize {
    let strings =
        contents.file_name.len() + contents.environment.bytes() + contents.arguments.bytes() + contents.platform.len();
    let words = 3 + contents.arguments.count() + contents.environment.count() + 2 * (contents.auxiliary.len() + 1);
    strings + words * WORD + 64
}

impl StackImage {
    /// Lays the contents out below `top` (16-byte aligned).
    ///
    /// # Panics
    /// If the contents do not fit below `top`: callers check [`bytes_needed`] against the stack's limit first.
    pub fn new(top: usize, contents: &StackContents<'_>) -> StackImage {
        // Strings, from the top down.
        let file_name = top - WORD - (contents.file_name.len() + 1);
        let environment = file_name - contents.environment.bytes();
        let arguments = environment - contents.arguments.bytes();
        let platform = (arguments & !15) - (contents.platform.len() + 1);
        let random = platform - contents.random.len();
        let pointers = 3 + contents.arguments.count() + contents.environment.count();
        let auxiliary_bytes = 2 * (contents.auxiliary.len() + 1) * WORD;
        let stack_pointer = (random - pointers * WORD - auxiliary_bytes) & !15;
        let auxiliary = stack_pointer + pointers * WORD;
        StackImage {
            stack_pointer,
            top,
            arguments: arguments..environment,
            environment: environment..file_name,
            auxiliary: auxiliary..auxiliary + auxiliary_bytes,
            random,
            platform,
        }
    }

    /// Hands the image's bytes to `put`, each piece with its address, in rising order; what lies between pieces is zero.
    pub fn write<E>(
        &self,
        contents: &StackContents<'_>,
        mut put: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut words = Words { at: self.stack_pointer, buffer: [0; BUFFER_BYTES], used: 0, put: &mut put };
        words.push(contents.arguments.count() as u64)?;
        for (start, strings) in
            [(self.arguments.start, contents.arguments), (self.environment.start, contents.environment)]
        {
            let mut at = start;
            for text in strings.iter() {
                words.push(at as u64)?;
                at += text.len() + 1;
            }
            words.push(0)?;
        }
        for (kind, value) in contents.auxiliary {
            words.push(*kind)?;
            words.push(match value {
                AuxiliaryValue::Number(number) => *number,
                AuxiliaryValue::Random => self.random as u64,
                AuxiliaryValue::FileName => self.environment.end as u64,
                AuxiliaryValue::Platform => self.platform as u64,
            })?;
        }
        words.push(0)?;
        words.push(0)?;
        words.flush()?;
        put(self.random, &contents.random)?;
        put(self.platform, contents.platform)?;
        for (start, strings) in
            [(self.arguments.start, contents.arguments), (self.environment.start, contents.environment)]
        {
            let mut at = start;
            for chunk in &strings.chunks {
                put(at, chunk)?;
                at += chunk.len();
            }
        }
        put(self.environment.end, contents.file_name)
    }
}

/// Bytes collected before they are handed on.
const BUFFER_BYTES: usize = 512;

/// Collects words.
struct Words<'a, P> {
    at: usize,
    buffer: [u8; BUFFER_BYTES],
    used: usize,
    put: &'a mut P,
}

impl<E, P: FnMut(usize, &[u8]) -> Result<(), E>> Words<'_, P> {
    fn push(&mut self, word: u64) -> Result<(), E> {
        if self.used == BUFFER_BYTES {
            self.flush()?;
        }
        self.buffer[self.used..self.used + WORD].copy_from_slice(&word.to_le_bytes());
        self.used += WORD;
        Ok(())
    }
    fn flush(&mut self) -> Result<(), E> {
        (self.put)(self.at, &self.buffer[..self.used])?;
        self.at += self.used;
        self.used = 0;
        Ok(())
    }
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
    struct Reader {
        start: usize,
        bytes: Vec<u8>,
    }
    impl Reader {
        fn new(image: &StackImage, contents: &StackContents<'_>) -> Reader {
            let start = image.stack_pointer;
            let mut bytes = std::vec![0; image.top - start];
            let mut last = start;
            let written: Result<(), ()> = image.write(contents, |at, piece| {
                assert!(at >= last, "pieces come in rising order");
                last = at + piece.len();
                bytes[at - start..last - start].copy_from_slice(piece);
                Ok(())
            });
            written.unwrap();
            Reader { start, bytes }
        }
        fn word(&self, at: usize) -> u64 {
            let offset = at - self.start;
            u64::from_le_bytes(self.bytes[offset..offset + 8].try_into().unwrap())
        }
        fn text(&self, at: u64) -> Vec<u8> {
            let offset = at as usize - self.start;
            self.bytes[offset..].iter().copied().take_while(|byte| *byte != 0).collect()
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
        // Now and then a string that does not fit into a chunk with others, or into one at all.
        let length = prop_oneof![9 => 0..20usize, 1 => 8_000..40_000usize];
        (length, 1..=255u8).prop_map(|(length, byte)| std::vec![byte; length])
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
            let image = StackImage::new(TOP, &contents);
            prop_assert_eq!(image.stack_pointer % 16, 0);
            prop_assert!(TOP - image.stack_pointer <= bytes_needed(&contents));
            let reader = Reader::new(&image, &contents);
            let mut at = image.stack_pointer;
            prop_assert_eq!(reader.word(at), arguments.len() as u64);
            at += 8;
            prop_assert_eq!(reader.list(&mut at), arguments);
            prop_assert_eq!(reader.list(&mut at), environment);
            prop_assert_eq!(at, image.auxiliary.start);
            let random = reader.word(at + 8) as usize - image.stack_pointer;
            prop_assert_eq!(&reader.bytes[random..random + 16], &[7u8; 16][..]);
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
