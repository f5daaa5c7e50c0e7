//! The locks that the threads of an image hold, and where they took them.
//!
//! A lock is noted before it is waited for. So the last one of a thread, if another thread has it too, may be one that it waits for: spinning,
//! if the thread runs; asleep, if the lock's name is what it waited for last.

use super::Image;
use std::collections::HashMap;
use std::fmt::Write;
use wire::layout::Word;

/// Bound of what is believed of a damaged image.
const MOST_HELD: u64 = 64;

/// A lock that a thread holds or waits for.
#[derive(Debug)]
struct Held {
    lock: u64,
    name: String,
    text: String,
}

/// Those of one thread, oldest first.
#[derive(Debug, Default)]
pub(super) struct Locks(Vec<Held>);

impl Locks {
    /// Of the thread at `thread`.
    pub(super) fn of(image: &Image<'_>, thread: u64) -> Locks {
        let Some(base) = image.word(thread.wrapping_add(image.word_of(Word::ThreadBase))) else {
            return Locks::default();
        };
        let count = image.bytes(base.wrapping_add(image.word_of(Word::HeldCount)), 4);
        let count = count.and_then(|bytes| Some(u32::from_le_bytes(*bytes.first_chunk()?))).unwrap_or(0);
        let first = base.wrapping_add(image.word_of(Word::Held));
        let most = image.word_of(Word::HeldMost).min(MOST_HELD);
        let held = |index: u64| {
            let place = first.wrapping_add(index.wrapping_mul(image.word_of(Word::HeldBytes)));
            let word = |part: Word| image.word(place.wrapping_add(image.word_of(part)));
            let (class, lock) = (word(Word::HeldClass)?, word(Word::HeldLock)?);
            let [name, bytes] = image.words(class.wrapping_add(image.word_of(Word::ClassName)))?;
            let rank = image.bytes(class.wrapping_add(image.word_of(Word::ClassRank)), 2)?;
            let rank = u16::from_le_bytes(*rank.first_chunk()?);
            let site = word(Word::HeldSite)?;
            let site = place_in_source(image, site).unwrap_or_else(|| format!("{site:#x}"));
            let name = image.text(name, bytes);
            let text = format!("{name} (rank {rank}, at {lock:#x}) taken at {site}");
            Some(Held { lock, name, text })
        };
        Locks((0..u64::from(count).min(most)).map_while(held).collect())
    }
}

/// `file:line` of a `core::panic::Location`, whose layout the example in the header tells.
fn place_in_source(image: &Image<'_>, address: u64) -> Option<String> {
    let example = image.words::<3>(image.word_of(Word::Site))?;
    let file = example[..2].iter().position(|word| *word == image.word_of(Word::SiteFile))?;
    let halves = |words: [u64; 3]| words.map(|word| [word & 0xffff_ffff, word >> 32]).concat();
    let is_file = |half: &usize| (file * 2..file * 2 + 4).contains(half);
    let line =
        (0..6).filter(|half| !is_file(half)).find(|half| halves(example)[*half] == image.word_of(Word::SiteLine))?;
    let site = image.words::<3>(address)?;
    let name = image.text(site[file], site[file + 1]);
    (!name.is_empty()).then(|| format!("{name}:{}", halves(site)[line]))
}

/// How many of the threads have each lock.
pub(super) fn count(all: &[Locks]) -> HashMap<u64, usize> {
    let mut counts = HashMap::new();
    all.iter().flat_map(|locks| &locks.0).for_each(|held| *counts.entry(held.lock).or_default() += 1);
    counts
}

/// A line for each of a thread's locks. `reason` is what the thread waited for last, `None` if it runs.
pub(super) fn show_held(text: &mut String, locks: &Locks, counts: &HashMap<u64, usize>, reason: Option<&str>) {
    for (index, held) in locks.0.iter().enumerate() {
        let may_wait = index + 1 == locks.0.len() && counts.get(&held.lock).is_some_and(|count| *count > 1);
        let may_wait = may_wait && reason.is_none_or(|reason| reason == held.name);
        let verb = if may_wait { "holds or waits for" } else { "holds" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {verb} {}", held.text);
    }
}
