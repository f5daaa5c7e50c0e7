//! Stacks and texts that clauses keep (`wire::observe::Kept`): walked or read where the probe stands, by what never faults, into words that belong
//! to the CPU, and then kept under a number by the [`Interner`].
use super::world::of_task;
use crate::user_memory::{TextEnd, UserCStr};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::addr::UserAddr;
use machine::cpu;
use machine::time;
use machine::trace::Fired;
use pure::trace_program::{Interner, Keep, MAX_FRAMES, MAX_KEPT_WORDS, MAX_TEXT_BYTES};
use wire::observe::{KEPT, KEPT_ABSENT, KEPT_COUNTER, KEPT_CUT, KeptKind};

/// Frames of the kernel's stack that are those of the probe itself, at most: they are kept, too, and the tool leaves them out by name.
const PROBE_FRAMES: u16 = 8;

const _: () =
    assert!(4 + MAX_FRAMES as usize <= MAX_KEPT_WORDS && ((MAX_FRAMES + PROBE_FRAMES) as usize) < MAX_KEPT_WORDS);
const _: () = assert!((MAX_TEXT_BYTES as usize) / 8 < MAX_KEPT_WORDS);

/// See the module.
pub(super) struct Keeper {
    pub(super) interner: Interner,
    /// Where each CPU puts a stack or a text together, with interrupts off: too large for the stack that a probe happens to be on.
    drafts: Vec<[AtomicU64; MAX_KEPT_WORDS]>,
    /// The program's texts, as words.
    texts: Vec<u64>,
}

/// Words that are put together.
struct Draft<'a> {
    words: &'a [AtomicU64; MAX_KEPT_WORDS],
    used: usize,
}

impl Draft<'_> {
    fn push(&mut self, word: u64) -> bool {
        let Some(place) = self.words.get(self.used) else { return false };
        place.store(word, Ordering::Relaxed);
        self.used += 1;
        true
    }

    /// Puts a text's bytes behind the first word, after `before` that are there.
    fn push_bytes(&mut self, before: usize, bytes: &[u8]) {
        for (number, byte) in (before..).zip(bytes) {
            if number.is_multiple_of(8) {
                self.push(u64::from(*byte));
            } else if let Some(word) = self.words.get(self.used - 1) {
                word.fetch_or(u64::from(*byte) << (8 * (number % 8)), Ordering::Relaxed);
            }
        }
    }

    fn words(&self) -> &[AtomicU64] {
        &self.words[..self.used]
    }
}

impl Keeper {
    /// With the program's texts. `None` without memory.
    pub(super) fn new(texts: &[Vec<u8>]) -> Option<Keeper> {
        let mut drafts = Vec::new();
        drafts.try_reserve_exact(cpu::count()).ok()?;
        drafts.resize_with(cpu::count(), || [const { AtomicU64::new(0) }; MAX_KEPT_WORDS]);
        let mut keeper = Keeper { interner: Interner::new()?, drafts, texts: Vec::new() };
        keeper.texts.try_reserve_exact(texts.len()).ok()?;
        for text in texts {
            let mut draft = Draft { words: keeper.drafts.first()?, used: 0 };
            // CAST: verified to be short.
            draft.push(KeptKind::Text.head(0, text.len() as u16));
            draft.push_bytes(0, text);
            let number = keeper.interner.intern(draft.words(), time::ticks())?;
            keeper.texts.push(KEPT + u64::from(number));
        }
        Some(keeper)
    }

    /// The word of the program's text of this index.
    pub(super) fn text(&self, index: u8) -> u64 {
        self.texts.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// Keeps something; answers its number. `None`: there was no room, or (of a text that is only looked for) it is not known.
    pub(super) fn keep(&self, fired: &Fired<'_>, what: Keep, address: u64, most: u16) -> Option<u32> {
        let mut draft = Draft { words: self.drafts.get(fired.cpu.0 as usize)?, used: 0 };
        match what {
            Keep::KernelStack => kernel_stack(fired, most, &mut draft),
            Keep::UserStack => user_stack(fired, most, &mut draft),
            Keep::Text | Keep::KnownText => text(fired, address, most, &mut draft),
            Keep::Name => name(fired, &mut draft),
        }
        if what == Keep::KnownText {
            return self.interner.find(draft.words());
        }
        self.interner.intern(draft.words(), time::ticks())
    }
}

fn set_head(draft: &Draft<'_>, kind: KeptKind, flags: u8, count: u16) {
    draft.words[0].store(kind.head(flags, count), Ordering::Relaxed);
}

/// Frames up to `most`, and whether there are more.
fn take_frames(most: u16, draft: &mut Draft<'_>, walk: impl FnOnce(&mut dyn FnMut(u64) -> bool) -> bool) -> (u16, u8) {
    let mut count = 0;
    let is_cut = walk(&mut |address| {
        let is_taken = count < most && draft.push(address);
        count += u16::from(is_taken);
        is_taken
    });
    (count, if is_cut { KEPT_CUT } else { 0 })
}

fn kernel_stack(fired: &Fired<'_>, most: u16, draft: &mut Draft<'_>) {
    draft.push(0);
    let (count, mut flags) = take_frames(most + PROBE_FRAMES, draft, |visit| fired.kernel_stack(visit));
    flags |= if fired.is_of_interrupted() { KEPT_COUNTER } else { 0 };
    set_head(draft, KeptKind::KernelStack, flags, count);
}

fn user_stack(fired: &Fired<'_>, most: u16, draft: &mut Draft<'_>) {
    draft.push(0);
    // Programs have the same addresses for different functions: process and comm tell them apart.
    draft.push(of_task(fired, |task| task.process().pid().into()));
    draft.push(of_task(fired, |task| task.glance().name_half(0)));
    draft.push(of_task(fired, |task| task.glance().name_half(1)));
    let (count, flags) = take_frames(most, draft, |visit| fired.user_stack(visit));
    set_head(draft, KeptKind::UserStack, flags, count);
}

fn text(fired: &Fired<'_>, address: u64, most: u16, draft: &mut Draft<'_>) {
    draft.push(0);
    // A thread of the kernel has no memory of its own; what happens to be loaded is some program's.
    if of_task(fired, |_| 1) == 0 {
        return set_head(draft, KeptKind::Text, KEPT_ABSENT, 0);
    }
    let mut count = 0;
    // CAST: addresses are 64 bits on both architectures; one that is no user address is refused.
    let end = UserCStr(UserAddr(address as usize)).peek(most.into(), &mut |bytes| {
        draft.push_bytes(count, bytes);
        count += bytes.len();
    });
    let flags = match end {
        TextEnd::Zero => 0,
        TextEnd::Limit => KEPT_CUT,
        TextEnd::Absent => KEPT_ABSENT,
    };
    // CAST: at most `most`.
    set_head(draft, KeptKind::Text, flags, count as u16);
}

fn name(fired: &Fired<'_>, draft: &mut Draft<'_>) {
    draft.push(0);
    let halves = [of_task(fired, |task| task.glance().name_half(0)), of_task(fired, |task| task.glance().name_half(1))];
    let bytes = halves.map(u64::to_le_bytes);
    let bytes = bytes.as_flattened();
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    draft.push_bytes(0, &bytes[..length]);
    // CAST: at most sixteen.
    set_head(draft, KeptKind::Text, 0, length as u16);
}
