//! What to run: the description the tool hands to the kernel with each machine.
//!
//! A kernel's command line is short and needs quoting, so the description travels as a file, [`FILE_NAME`], the first
//! entry of the initramfs. The kernel parses it and doesn't put it into the root file system. On the command line stand
//! only words that matter before the root is read: those of [`WORDS`].
//!
//! Layout, all little endian: 8 bytes [`MAGIC`], u32 [`VERSION`], u32 bytes of records that follow; then records, each
//! u32 tag, u32 length, and the value, padded with zeros to a multiple of 4. Unknown tags are skipped; strings hold no NUL.
//! [`RunConfig::parse`] checks everything at once, so that what it answers can be used without further errors.
//!
//! Called by the kernel's start-up and by the tool. No locks, no allocation, no panic on any input.

/// Name of the file in the initramfs, as in the archive (no leading slash).
pub const FILE_NAME: &str = ".ochre/run";
/// First bytes of the file.
pub const MAGIC: [u8; 8] = *b"ochrerun";
/// Version of the layout. A reader refuses a greater one.
pub const VERSION: u32 = 1;
/// Most bytes of the file: what an exec may take, and a little.
pub const MAX_BYTES: usize = 2 * 1024 * 1024 + 64 * 1024;

/// Words the kernel knows on its command line, with what they mean.
pub const WORDS: &[(&str, &str)] = &[
    ("ochre.log=LEVEL", "kernel log to the UART from this level on: error, warn (default), info, debug"),
    ("ochre.trace=GLOB", "probes enabled from the first instant on"),
    ("ochre.ring=RECORDS", "trace records that each CPU's ring keeps, 16 to 1048576 (default 1024)"),
    ("ochre.observe=1", "wait for the tool's wishes on the observation channel before the program is started"),
    ("ochre.test=machine", "run the trials of the machine crate in place of the kernel"),
    ("ochre.cpus=N", "use at most N CPUs"),
];

/// Bit of [`RunConfig::flags`]: tell each system call of the program, see [`RunConfig::strace`].
pub const FLAG_STRACE: u32 = 1;

const TAG_ARGUMENT: u32 = 1;
const TAG_ENVIRONMENT: u32 = 2;
const TAG_WORKDIR: u32 = 3;
const TAG_TERMINAL: u32 = 4;
const TAG_EPOCH: u32 = 5;
const TAG_FLAGS: u32 = 6;
const TAG_HOSTNAME: u32 = 7;
const TAG_PROGRAM: u32 = 8;
const TAG_STRACE: u32 = 9;

const FILE_HEADER_BYTES: usize = 16;
const RECORD_HEADER_BYTES: usize = 8;

/// The terminal the program gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Bit n: descriptor n (0, 1, 2) is the terminal. The others are pipes to the host.
    pub descriptors: u8,
    /// Lines, or 0 if unknown.
    pub rows: u16,
    /// Columns, or 0 if unknown.
    pub columns: u16,
}

/// A description, still in its encoded form where it is of variable length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunConfig<'a> {
    records: &'a [u8],
    /// The file to execute, an absolute path that the tool has looked up; the first argument if not said.
    pub program: &'a [u8],
    /// Where the program starts; `/` if not said.
    pub workdir: &'a [u8],
    /// Which descriptors are a terminal, and its size.
    pub terminal: Terminal,
    /// Wall clock when the machine was started, in nanoseconds since 1970; 0 if unknown.
    pub epoch_ns: u64,
    /// `FLAG_*` bits; unknown ones are to be ignored.
    pub flags: u32,
    /// The machine's name; `ochre` if not said.
    pub hostname: &'a [u8],
    /// What is to be told of system calls, see [`crate::strace::settings`].
    pub strace: &'a [u8],
}

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The magic bytes are missing.
    NotARunFile,
    /// Written by a newer tool.
    Version(u32),
    /// Ends in the middle, or lengths disagree. At this offset.
    Malformed(usize),
    /// Longer than [`MAX_BYTES`].
    TooLong(usize),
    /// No program is named.
    NoProgram,
}

impl<'a> RunConfig<'a> {
    /// Checks and reads a description. Bytes after the stated length are ignored (padding of the archive).
    pub fn parse(file: &'a [u8]) -> Result<RunConfig<'a>, ConfigError> {
        let header = file.get(..FILE_HEADER_BYTES).ok_or(ConfigError::NotARunFile)?;
        if header[..8] != MAGIC {
            return Err(ConfigError::NotARunFile);
        }
        let version = read_u32(header, 8).ok_or(ConfigError::NotARunFile)?;
        if version > VERSION {
            return Err(ConfigError::Version(version));
        }
        let length = read_u32(header, 12).ok_or(ConfigError::NotARunFile)? as usize;
        if length > MAX_BYTES {
            return Err(ConfigError::TooLong(length));
        }
        let records = file[FILE_HEADER_BYTES..].get(..length).ok_or(ConfigError::Malformed(FILE_HEADER_BYTES))?;
        let mut config = RunConfig {
            records,
            program: b"",
            workdir: b"/",
            terminal: Terminal::default(),
            epoch_ns: 0,
            flags: 0,
            hostname: b"ochre",
            strace: b"",
        };
        let mut walk = Records { rest: records };
        while !walk.rest.is_empty() {
            let offset = FILE_HEADER_BYTES + (records.len() - walk.rest.len());
            let malformed = ConfigError::Malformed(offset);
            let (tag, value) = walk.next().ok_or(malformed)?;
            let is_string = matches!(tag, TAG_ARGUMENT | TAG_ENVIRONMENT | TAG_WORKDIR | TAG_HOSTNAME | TAG_PROGRAM);
            if is_string && value.contains(&0) {
                return Err(malformed);
            }
            match tag {
                TAG_PROGRAM => config.program = value,
                TAG_WORKDIR => config.workdir = value,
                TAG_HOSTNAME => config.hostname = value,
                TAG_STRACE => config.strace = value,
                TAG_TERMINAL => {
                    let [descriptors, _, r0, r1, c0, c1] = *value.first_chunk::<6>().ok_or(malformed)?;
                    config.terminal = Terminal {
                        descriptors,
                        rows: u16::from_le_bytes([r0, r1]),
                        columns: u16::from_le_bytes([c0, c1]),
                    };
                }
                TAG_EPOCH => config.epoch_ns = u64::from_le_bytes(*value.first_chunk().ok_or(malformed)?),
                TAG_FLAGS => config.flags = read_u32(value, 0).ok_or(malformed)?,
                _ => {}
            }
        }
        let first = config.arguments().next().ok_or(ConfigError::NoProgram)?;
        if config.program.is_empty() {
            config.program = first;
        }
        if config.program.is_empty() { Err(ConfigError::NoProgram) } else { Ok(config) }
    }

    /// The program and its arguments, in order; never empty.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.with_tag(TAG_ARGUMENT)
    }

    /// The environment, `NAME=value` each, in order.
    pub fn environment(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.with_tag(TAG_ENVIRONMENT)
    }

    fn with_tag(&self, wanted: u32) -> impl Iterator<Item = &'a [u8]> + Clone {
        Records { rest: self.records }.filter(move |(tag, _)| *tag == wanted).map(|(_, value)| value)
    }
}

/// Walks records; stops at the first that is not whole.
#[derive(Clone)]
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = read_u32(self.rest, 0)?;
        let length = read_u32(self.rest, 4)? as usize;
        let body = self.rest.get(RECORD_HEADER_BYTES..)?;
        let value = body.get(..length)?;
        // OVERFLOW: `length` is at most the length of a slice, so rounding it up by 3 cannot wrap.
        self.rest = body.get(length.next_multiple_of(4)..)?;
        Some((tag, value))
    }
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

/// A description to be written, see [`Description::encode`]. Strings must hold no NUL: the reader would refuse them.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    /// See [`RunConfig::program`].
    pub program: &'a [u8],
    /// See [`RunConfig::arguments`].
    pub arguments: &'a [&'a [u8]],
    /// See [`RunConfig::environment`].
    pub environment: &'a [&'a [u8]],
    /// See [`RunConfig::workdir`].
    pub workdir: &'a [u8],
    /// See [`RunConfig::hostname`].
    pub hostname: &'a [u8],
    /// See [`RunConfig::terminal`].
    pub terminal: Terminal,
    /// See [`RunConfig::epoch_ns`].
    pub epoch_ns: u64,
    /// See [`RunConfig::flags`].
    pub flags: u32,
    /// See [`RunConfig::strace`].
    pub strace: &'a [u8],
}

impl Description<'_> {
    /// Hands the file's bytes to `emit`, piece by piece, in order.
    pub fn encode(&self, mut emit: impl FnMut(&[u8])) {
        let Terminal { descriptors, rows, columns } = self.terminal;
        let ([r0, r1], [c0, c1]) = (rows.to_le_bytes(), columns.to_le_bytes());
        let terminal = [descriptors, 0, r0, r1, c0, c1];
        let (epoch, flags) = (self.epoch_ns.to_le_bytes(), self.flags.to_le_bytes());
        let single: [(u32, &[u8]); 7] = [
            (TAG_PROGRAM, self.program),
            (TAG_WORKDIR, self.workdir),
            (TAG_HOSTNAME, self.hostname),
            (TAG_TERMINAL, &terminal),
            (TAG_EPOCH, &epoch),
            (TAG_FLAGS, &flags),
            (TAG_STRACE, self.strace),
        ];
        let records = || {
            let arguments = self.arguments.iter().map(|value| (TAG_ARGUMENT, *value));
            let environment = self.environment.iter().map(|value| (TAG_ENVIRONMENT, *value));
            arguments.chain(environment).chain(single.iter().copied())
        };
        let total: usize = records().map(|(_, value)| RECORD_HEADER_BYTES + value.len().next_multiple_of(4)).sum();
        emit(&MAGIC);
        emit(&VERSION.to_le_bytes());
        // CAST: lengths beyond u32 exceed MAX_BYTES by far and are refused by the reader whatever they are cut to.
        emit(&(total as u32).to_le_bytes());
        for (tag, value) in records() {
            emit(&tag.to_le_bytes());
            // CAST: as above.
            emit(&(value.len() as u32).to_le_bytes());
            emit(value);
            emit(&[0; 3][..value.len().next_multiple_of(4) - value.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SAMPLE: Description<'static> = Description {
        program: b"/bin/busybox",
        arguments: &[b"busybox", b"", b"echo hi"],
        environment: &[b"A=1", b"PATH=/bin"],
        workdir: b"/root",
        hostname: b"box",
        terminal: Terminal { descriptors: 5, rows: 24, columns: 132 },
        epoch_ns: 1_700_000_000_123_456_789,
        flags: FLAG_STRACE,
        strace: b"x",
    };

    fn encode(description: &Description<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        description.encode(|piece| out.extend_from_slice(piece));
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let mut file = encode(&SAMPLE);
        file.extend_from_slice(&[0xff; 9]);
        let config = RunConfig::parse(&file).unwrap();
        assert_eq!(config.arguments().collect::<Vec<_>>(), [&b"busybox"[..], b"", b"echo hi"]);
        assert_eq!(config.environment().collect::<Vec<_>>(), [&b"A=1"[..], b"PATH=/bin"]);
        assert_eq!(config.program, b"/bin/busybox");
        assert_eq!(config.workdir, b"/root");
        assert_eq!(config.hostname, b"box");
        assert_eq!(config.terminal, Terminal { descriptors: 5, rows: 24, columns: 132 });
        assert_eq!(config.epoch_ns, 1_700_000_000_123_456_789);
        assert_eq!(config.flags, FLAG_STRACE);
        assert_eq!(config.strace, b"x");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        assert_eq!(RunConfig::parse(b"ochreru"), Err(ConfigError::NotARunFile));
        assert_eq!(RunConfig::parse(&[0; 64]), Err(ConfigError::NotARunFile));
        let mut newer = encode(&SAMPLE);
        newer[8] = 2;
        assert_eq!(RunConfig::parse(&newer), Err(ConfigError::Version(2)));
        let mut long = encode(&SAMPLE);
        long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(RunConfig::parse(&long), Err(ConfigError::TooLong(u32::MAX as usize)));
        let whole = encode(&SAMPLE);
        assert!(RunConfig::parse(&whole[..whole.len() - 1]).is_err());
        let nameless = encode(&Description { arguments: &[], ..SAMPLE });
        assert_eq!(RunConfig::parse(&nameless), Err(ConfigError::NoProgram));
        let by_argument = encode(&Description { program: b"", ..SAMPLE });
        assert_eq!(RunConfig::parse(&by_argument).unwrap().program, b"busybox");
        let with_nul = encode(&Description { workdir: b"/a\0b", ..SAMPLE });
        assert!(matches!(RunConfig::parse(&with_nul), Err(ConfigError::Malformed(_))));
    }

    /// Damaged descriptions: an answer, never a panic.
    #[test]
    fn fuzz_parser() {
        let mut random = crate::test_random::Random::new(0xc0f1);
        let whole = encode(&SAMPLE);
        for _ in 0..50_000 {
            let mut file = whole.clone();
            for _ in 0..1 + random.below(4) {
                let place = random.below(file.len());
                file[place] = random.byte();
            }
            file.truncate(random.below(whole.len() + 1).max(whole.len() / 2));
            if let Ok(config) = RunConfig::parse(&file) {
                let total = config.arguments().chain(config.environment()).map(<[u8]>::len).sum::<usize>();
                assert!(total <= file.len());
            }
        }
    }
}
