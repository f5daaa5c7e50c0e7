//! Rings, counters and threads of an image, as text.

use super::Image;
use std::collections::HashMap;
use std::fmt::Write;
use wire::layout::{PROBES, Word};
use wire::symbols::{SECTION_BYTES, Table};
use wire::trace::{MAX_ARGUMENTS, RECORD_WORDS, Record};

/// Bounds of what is believed of a damaged image.
const MOST_CPUS: u64 = 64;
const MOST_SLOTS: u64 = 1 << 20;
const MOST_THREADS: usize = 100_000;
const MOST_COUNTERS: u64 = 512;
const MOST_FRAMES: usize = 16;

/// Everything, with the last `most` records of each CPU.
pub(crate) fn show(image: &Image<'_>, most: usize) -> String {
    let mut text = String::new();
    let cpus = image.word_of(Word::Cpus).min(MOST_CPUS);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "a kernel with {cpus} CPUs, {} clock ticks a second", image.word_of(Word::TicksPerSecond));
    let names = probes(image);
    for cpu in 0..cpus {
        ring(&mut text, image, cpu, most, &names);
    }
    counters(&mut text, image, cpus);
    let symbols = image.bytes(image.word_of(Word::Symbols), SECTION_BYTES).unwrap_or_default();
    threads(&mut text, image, Table::new(&symbols));
    text
}

fn probes(image: &Image<'_>) -> HashMap<u64, String> {
    let mut names = HashMap::new();
    for index in 0..image.word_of(Word::ProbeCount).min(PROBES as u64) {
        let Some(row) = image.words::<5>(image.word_of(Word::Probes).wrapping_add(index * 40)) else { break };
        let [number, provider, provider_bytes, name, name_bytes] = row;
        names.insert(number, format!("{}:::{}", image.text(provider, provider_bytes), image.text(name, name_bytes)));
    }
    names
}

fn ring(text: &mut String, image: &Image<'_>, cpu: u64, most: usize, names: &HashMap<u64, String>) {
    let place = image.words::<3>(image.word_of(Word::Rings).wrapping_add(cpu * 24));
    let Some([written, slots, count]) = place.filter(|[_, _, count]| (1..=MOST_SLOTS).contains(count)) else { return };
    let written = image.words::<1>(written).map_or(0, |[written]| written);
    let _ =
        writeln!(text, "\nCPU {cpu}: {written} records, of which the last {}:", written.min(count).min(most as u64));
    let slot_bytes = image.word_of(Word::SlotWords).clamp(1, 64) * 8;
    for index in written.saturating_sub(count.min(most as u64))..written {
        let slot = image.words::<{ RECORD_WORDS + 1 }>(slots.wrapping_add(index % count * slot_bytes));
        let Some([sequence, words @ ..]) = slot else { continue };
        if sequence != index + 1 {
            let _ = writeln!(text, "{cpu} {index} was being written");
            continue;
        }
        let record = Record::from_words(&words);
        let id = record.head.probe;
        let name = names.get(&u64::from(id)).cloned().unwrap_or_else(|| format!("{id:#06x}"));
        let _ = write!(text, "{cpu} {index} {} {name} thread={}", record.ticks, record.head.thread);
        for value in record.values().iter().take(MAX_ARGUMENTS) {
            let _ = write!(text, " {value:#x}");
        }
        text.push('\n');
    }
}

fn counters(text: &mut String, image: &Image<'_>, cpus: u64) {
    text.push_str("\ncounters:\n");
    for index in 0..image.word_of(Word::CounterCount).min(MOST_COUNTERS) {
        let of_cpu = |cpu: u64| {
            let block = image.words::<1>(image.word_of(Word::Counters).wrapping_add(cpu * 8));
            block.and_then(|[block]| image.words::<1>(block.wrapping_add(index * 8))).map_or(0, |[value]| value)
        };
        let sum = (0..cpus).map(of_cpu).fold(0, u64::wrapping_add);
        if sum != 0
            && let Some([name, length]) = image.words::<2>(image.word_of(Word::CounterNames).wrapping_add(index * 16))
        {
            let _ = writeln!(text, "{} {sum}", image.text(name, length));
        }
    }
}

fn threads(text: &mut String, image: &Image<'_>, symbols: Option<Table<'_>>) {
    text.push_str("\nthreads:\n");
    let first = |address: u64| image.words::<1>(address).map(|[word]| word);
    let Some(mut thread) = first(image.word_of(Word::Threads)) else { return };
    for _ in 0..MOST_THREADS {
        let part = |word: Word| thread.wrapping_add(image.word_of(word));
        let Some(number) = first(part(Word::ThreadNumber)).filter(|_| thread != 0) else { break };
        let name =
            image.words::<2>(part(Word::ThreadName)).map_or_else(String::new, |[at, bytes]| image.text(at, bytes));
        let _ = write!(text, "thread {number} ({name}): ran {} us", first(part(Word::ThreadRun)).unwrap_or(0) / 1000);
        if let Some(call) = first(part(Word::ThreadCall)).and_then(|call| call.checked_sub(1)) {
            let _ = write!(text, ", last system call {call}");
        }
        if let Some([at, bytes]) = image.words::<2>(part(Word::ThreadReason)).filter(|[_, bytes]| *bytes != 0) {
            let _ = write!(text, ", last waited for {}", image.text(at, bytes));
        }
        text.push('\n');
        stack(text, image, symbols, first(part(Word::ThreadStack)).unwrap_or(0));
        let Some(next) = first(part(Word::ThreadNext)) else { break };
        thread = next;
    }
}

/// Where a thread goes on, by frame pointers. Of one that runs it is where it left last.
fn stack(text: &mut String, image: &Image<'_>, symbols: Option<Table<'_>>, pointer: u64) {
    let word = |address: u64| image.words::<1>(address).map(|[word]| word);
    let (frame, place) = (Word::SavedFrame, Word::SavedReturn);
    let Some(mut frame) = word(pointer.wrapping_add(image.word_of(frame))) else { return };
    let Some(mut place) = word(pointer.wrapping_add(image.word_of(place))) else { return };
    for _ in 0..MOST_FRAMES {
        // After a call that never returns the next function may begin.
        let offset = place.wrapping_sub(image.word_of(Word::Image)).wrapping_sub(1);
        let found = u32::try_from(offset).ok().and_then(|offset| symbols?.find(offset));
        let _ = match found {
            Some((name, into)) => writeln!(text, "    {place:#x} {name}+{:#x}", u64::from(into) + 1),
            None => writeln!(text, "    {place:#x}"),
        };
        let Some([next, back]) = image.words::<2>(frame) else { break };
        // Frames lie above each other; anything else is no chain.
        if back == 0 || next <= frame {
            break;
        }
        (frame, place) = (next, back);
    }
}
