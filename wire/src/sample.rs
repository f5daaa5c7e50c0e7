//! A profiler's sample as the kernel writes it and the tool reads it: what ran, or waited, and the stacks of kernel and program.
//!
//! A sample is a row of little-endian 64-bit words: the [head](Head) in [`HEADER_WORDS`] words, then the kernel's frames, then the
//! program's, each from the innermost outwards; the first of each is a program counter, the others are return addresses. The length in words
//! stands in the low 16 bits of the first word, so that samples can be taken from a stream; a reader skips kinds it does not know.
//!
//! A sample with [`HAS_STACK`] goes on with what an unwinder needs that knows the program's files: how many registers follow (the low 16 bits
//! of a word), the registers in DWARF's order (x86-64: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip; ARM64: x0 to x30, sp, pc), and as the
//! rest the words of the program's stack, the first of them at the stack pointer rounded down to a word.

/// Version of the layout.
pub const VERSION: u32 = 1;
/// Words before the frames.
pub const HEADER_WORDS: usize = 5;
/// Most frames of the kernel in one sample.
pub const MOST_KERNEL_FRAMES: usize = 64;
/// Most frames of the program in one sample.
pub const MOST_USER_FRAMES: usize = 127;
/// Most words of a sample without a copy of the program's stack.
pub const MOST_WORDS: usize = HEADER_WORDS + MOST_KERNEL_FRAMES + MOST_USER_FRAMES;
/// Most registers of the program in one sample.
pub const MOST_REGISTERS: usize = 33;
/// Bytes of the program's stack that can be asked for: so that a whole sample fits a frame of the observation channel.
pub const STACK_BYTES: core::ops::RangeInclusive<u32> = 64..=14_336;
/// Most words of any sample.
pub const MOST_LONG_WORDS: usize = MOST_WORDS + 1 + MOST_REGISTERS + *STACK_BYTES.end() as usize / 8;
const _: () = assert!(MOST_LONG_WORDS * 8 <= crate::observe::MAX_PAYLOAD);

/// Samples a second that can be asked for.
pub const RATES: core::ops::RangeInclusive<u32> = 1..=10_000;

/// What a sample is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The CPU ran the program.
    User,
    /// The CPU ran the kernel.
    Kernel,
    /// The thread was off the CPU, asleep; the weight is nanoseconds.
    Asleep,
    /// The thread was off the CPU although it could have run; the weight is nanoseconds.
    Waiting,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::User, Kind::Kernel, Kind::Asleep, Kind::Waiting];

    /// Whether the thread was off its CPU.
    pub const fn is_off_cpu(self) -> bool {
        matches!(self, Kind::Asleep | Kind::Waiting)
    }
}

/// The kernel's stack has more frames than are told, or could not be followed to its end.
pub const KERNEL_TRUNCATED: u8 = 1;
/// The same of the program's stack.
pub const USER_TRUNCATED: u8 = 2;
/// Registers and a copy of the program's stack follow the frames.
pub const HAS_STACK: u8 = 4;

/// What stands before the frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// What it is of.
    pub kind: Kind,
    /// [`KERNEL_TRUNCATED`], [`USER_TRUNCATED`], [`HAS_STACK`].
    pub flags: u8,
    /// The CPU.
    pub cpu: u8,
    /// Frames of the kernel.
    pub kernel_frames: u8,
    /// Frames of the program.
    pub user_frames: u8,
    /// Raw clock.
    pub ticks: u64,
    /// Process in the high half, task in the low half; 0 for a thread of the kernel.
    pub task: u64,
    /// The kernel's number of the thread.
    pub thread: u64,
    /// 1, or nanoseconds off the CPU.
    pub weight: u64,
}

impl Head {
    /// The first word but for the length.
    pub const fn first_word(&self) -> u64 {
        (self.kind as u64) << 16
            | (self.flags as u64) << 24
            | (self.cpu as u64) << 32
            | (self.kernel_frames as u64) << 40
            | (self.user_frames as u64) << 48
    }
    /// The process.
    pub const fn process(&self) -> u32 {
        (self.task >> 32) as u32
    }
    /// The task (Linux's TID).
    pub const fn tid(&self) -> u32 {
        // CAST: the low half.
        self.task as u32
    }
}

/// A sample in a row of words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample<'a> {
    /// What it is of.
    pub head: Head,
    /// The kernel's stack.
    pub kernel: &'a [u64],
    /// The program's stack.
    pub user: &'a [u64],
    /// The program's registers in DWARF's order; none without [`HAS_STACK`].
    pub registers: &'a [u64],
    /// Words of its stack from the stack pointer (rounded down to a word) upwards.
    pub stack: &'a [u64],
}

/// Takes whole records off the front of a row of words; `None` at the first that is not whole.
fn next_record<'a>(rest: &mut &'a [u64]) -> Option<&'a [u64]> {
    // CAST: the length stands in the low 16 bits.
    let length = usize::from(*rest.first()? as u16);
    let (record, after) = rest.split_at_checked(length).filter(|(record, _)| !record.is_empty())?;
    *rest = after;
    Some(record)
}

/// The samples in a row of words, in order. Stops at the first that is not whole; leaves out those of unknown kinds and those
/// whose lengths disagree.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    rest: &'a [u64],
}

impl<'a> Samples<'a> {
    /// Of these words.
    pub const fn of(words: &'a [u64]) -> Samples<'a> {
        Samples { rest: words }
    }

    fn decode(words: &'a [u64]) -> Option<Sample<'a>> {
        let (header, frames) = words.split_first_chunk::<HEADER_WORDS>()?;
        let [first, ticks, task, thread, weight] = *header;
        let [.., kind, flags, cpu, kernel_frames, user_frames, _] = first.to_le_bytes();
        let kind = *Kind::ALL.get(usize::from(kind))?;
        let head = Head { kind, flags, cpu, kernel_frames, user_frames, ticks, task, thread, weight };
        let (kernel, user) = frames.split_at_checked(usize::from(kernel_frames))?;
        let (user, rest) = user.split_at_checked(usize::from(user_frames))?;
        let (registers, stack) = match rest.split_first() {
            // CAST: the count stands in the low 16 bits.
            Some((count, rest)) if flags & HAS_STACK != 0 => rest.split_at_checked(usize::from(*count as u16))?,
            _ => (&[][..], &[][..]),
        };
        Some(Sample { head, kernel, user, registers, stack })
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        loop {
            if let Some(sample) = Samples::decode(next_record(&mut self.rest)?) {
                return Some(sample);
            }
        }
    }
}

/// How many samples a CPU took, and how many it did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Found the program running.
    pub user: u64,
    /// Found the kernel running.
    pub kernel: u64,
    /// Found the CPU idle, or would have: an idle CPU is not woken for it.
    pub idle: u64,
    /// Came too late: the machine did not get to run in time.
    pub missed: u64,
    /// Found no room in the ring.
    pub lost: u64,
}

/// The number that stands in place of a sample's kind in a record of [`Counts`].
const COUNTS: u64 = 0x80;
/// Words of a record of [`Counts`].
pub const COUNTS_WORDS: usize = 6;

impl Counts {
    /// What was counted after `before`.
    #[must_use]
    pub const fn since(&self, before: &Counts) -> Counts {
        Counts {
            user: self.user.saturating_sub(before.user),
            kernel: self.kernel.saturating_sub(before.kernel),
            idle: self.idle.saturating_sub(before.idle),
            missed: self.missed.saturating_sub(before.missed),
            lost: self.lost.saturating_sub(before.lost),
        }
    }

    /// As a record among samples.
    pub const fn record(&self, cpu: u8) -> [u64; COUNTS_WORDS] {
        let first = COUNTS_WORDS as u64 | COUNTS << 16 | (cpu as u64) << 32;
        [first, self.user, self.kernel, self.idle, self.missed, self.lost]
    }

    /// Those in a row of words, each with its CPU.
    pub fn all(mut words: &[u64]) -> impl Iterator<Item = (u8, Counts)> {
        core::iter::from_fn(move || {
            loop {
                let record = next_record(&mut words)?;
                if record[0] >> 16 & 0xff == COUNTS
                    && let [first, user, kernel, idle, missed, lost] = *record
                {
                    // CAST: the CPU's byte.
                    return Some(((first >> 32) as u8, Counts { user, kernel, idle, missed, lost }));
                }
            }
        })
    }
}

/// How a program's callers are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum CallGraph {
    /// By frame pointers alone.
    #[default]
    FramePointers = 0,
    /// By frame pointers, and by a copy of registers and stack where those may not lead to the end.
    Auto = 1,
    /// By a copy of registers and stack, always.
    Stack = 2,
}

/// The stream of the empty frame that follows the last samples, when the host has ended sampling by a [`Wish`].
pub const STOPPED: u8 = 0xff;

/// What the host asks for, before the program starts or while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Samples a second; zero ends sampling.
    pub hz: u32,
    /// Whether to note where threads wait, too.
    pub off_cpu: bool,
    /// How callers are found.
    pub call_graph: CallGraph,
    /// Most bytes of the program's stack that are copied into one sample.
    pub stack_bytes: u32,
}

impl Wish {
    /// As a payload.
    pub const fn encode(self) -> [u8; 10] {
        let [a, b, c, d] = self.hz.to_le_bytes();
        let [e, f, g, h] = self.stack_bytes.to_le_bytes();
        [a, b, c, d, self.off_cpu as u8, self.call_graph as u8, e, f, g, h]
    }
    /// From a payload; later fields are ignored. One that ends after `off_cpu` wants frame pointers.
    pub fn decode(payload: &[u8]) -> Option<Wish> {
        let ([a, b, c, d, off_cpu], rest) = payload.split_first_chunk::<5>()?;
        let (call_graph, stack_bytes) = match rest.first_chunk::<5>() {
            Some([how, bytes @ ..]) => (*how, u32::from_le_bytes(*bytes)),
            None => (0, 0),
        };
        let call_graph = match call_graph {
            1 => CallGraph::Auto,
            2 => CallGraph::Stack,
            _ => CallGraph::FramePointers,
        };
        Some(Wish { hz: u32::from_le_bytes([*a, *b, *c, *d]), off_cpu: *off_cpu != 0, call_graph, stack_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_random::Random;
    use std::vec::Vec;

    const HEAD: Head = Head {
        kind: Kind::Kernel,
        flags: USER_TRUNCATED,
        cpu: 3,
        kernel_frames: 2,
        user_frames: 1,
        ticks: 77,
        task: 5 << 32 | 6,
        thread: 9,
        weight: 1,
    };

    fn words(head: &Head, frames: &[u64]) -> Vec<u64> {
        let mut words = Vec::from([head.first_word(), head.ticks, head.task, head.thread, head.weight]);
        words.extend(frames);
        words[0] |= words.len() as u64;
        words
    }

    #[test]
    fn comes_back_as_written() {
        let mut row = words(&HEAD, &[1, 2, 3]);
        row.extend(words(&Head { kind: Kind::Asleep, kernel_frames: 0, user_frames: 0, ..HEAD }, &[]));
        let mut samples = Samples::of(&row);
        let first = samples.next().unwrap();
        assert_eq!((first.head, first.kernel, first.user), (HEAD, &[1, 2][..], &[3][..]));
        assert_eq!((first.head.process(), first.head.tid()), (5, 6));
        assert!(samples.next().unwrap().head.kind.is_off_cpu());
        assert_eq!(samples.next(), None);
    }

    #[test]
    fn leaves_out_what_it_does_not_know_or_is_not_sound() {
        let mut row = words(&HEAD, &[1, 2, 3]);
        row[0] |= 0x7f << 16;
        row.extend(words(&Head { user_frames: 9, ..HEAD }, &[1, 2, 3]));
        row.extend(words(&HEAD, &[4, 5, 6]));
        row.push(3);
        let found: Vec<_> = Samples::of(&row).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].user, [6]);
    }

    #[test]
    fn counts_travel_among_samples() {
        let counts = Counts { user: 1, kernel: 2, idle: 3, missed: 4, lost: u64::MAX };
        let mut row = words(&HEAD, &[1, 2, 3]);
        row.extend(counts.record(7));
        row.extend(words(&HEAD, &[1, 2, 3]));
        assert_eq!(Samples::of(&row).count(), 2);
        assert_eq!(Counts::all(&row).collect::<Vec<_>>(), [(7, counts)]);
        let wish = Wish { hz: 997, off_cpu: true, call_graph: CallGraph::Stack, stack_bytes: 8192 };
        assert_eq!((Wish::decode(&wish.encode()), Wish::decode(&[1, 2])), (Some(wish), None));
        let plain = Wish { call_graph: CallGraph::FramePointers, stack_bytes: 0, ..wish };
        assert_eq!(Wish::decode(&wish.encode()[..5]), Some(plain));
    }

    #[test]
    fn a_copy_of_the_stack_follows_the_frames() {
        let head = Head { flags: HAS_STACK, ..HEAD };
        let mut row = words(&head, &[1, 2, 3, 2, 10, 11, 20, 21, 22]);
        row.extend(words(&head, &[1, 2, 3, 9, 10]));
        row.extend(words(&head, &[1, 2, 3]));
        let found: Vec<_> = Samples::of(&row).collect();
        assert_eq!((found[0].user, found[0].registers, found[0].stack), (&[3][..], &[10, 11][..], &[20, 21, 22][..]));
        assert_eq!((found.len(), found[1].registers, found[1].stack), (2, &[][..], &[][..]), "more than there are");
    }

    #[test]
    fn survives_anything() {
        let mut random = Random::new(11);
        for _ in 0..20_000 {
            let row: Vec<u64> =
                (0..random.below(40)).map(|_| (random.below(1 << 20) as u64) << random.below(40)).collect();
            let found = Samples::of(&row)
                .map(|s| s.kernel.len() + s.user.len() + s.registers.len() + s.stack.len())
                .sum::<usize>();
            assert!(found <= row.len() && Counts::all(&row).count() <= row.len());
        }
    }
}
