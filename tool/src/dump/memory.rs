//! Everything in an image, as text: where its CPUs were, their last records and switches, counters, threads with their locks and stacks, the
//! end of the log.

use super::Image;
use super::held::{self, Locks, show_held};
use std::fmt::Write;
use wire::layout::{PROBES, Word};
use wire::symbols::{SECTION_BYTES, Table};
use wire::trace::{ArgumentKind, RECORD_WORDS, Record};

/// Bounds of what is believed of a damaged image.
const MOST_CPUS: u64 = 64;
const MOST_SLOTS: u64 = 1 << 20;
const MOST_THREADS: usize = 100_000;
const MOST_COUNTERS: u64 = 512;
const MOST_FRAMES: usize = 16;
const MOST_ARGUMENTS: u64 = 7;
const MOST_SWITCHES: u64 = 1024;
/// Bytes of the log that are shown.
const LOG_SHOWN: u64 = 4096;
/// The first address of the kernel's half.
const KERNEL: u64 = 1 << 63;

/// Everything, with the last `most` records of each CPU.
pub(crate) fn show(image: &Image<'_>, most: usize) -> String {
    let mut text = String::new();
    let cpus = image.word_of(Word::Cpus).min(MOST_CPUS);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "a kernel with {cpus} CPUs, {} clock ticks a second", image.word_of(Word::TicksPerSecond));
    let symbols = image.bytes(image.word_of(Word::Symbols), SECTION_BYTES).unwrap_or_default();
    let symbols = Table::new(&symbols);
    let threads = Threads::of(image, cpus);
    let probes = probes(image);
    for cpu in 0..cpus {
        let running = threads.0.iter().find(|thread| thread.cpu == Some(cpu));
        let _ = match running {
            Some(thread) => writeln!(text, "\nCPU {cpu}: runs thread {} ({})", thread.number, thread.name),
            None => writeln!(text, "\nCPU {cpu}:"),
        };
        if let Some(place) = usize::try_from(cpu).ok().and_then(|cpu| image.places().get(cpu)) {
            if place.counter < KERNEL {
                let _ = writeln!(text, "    in its program, at {:#x}", place.counter);
            } else {
                stack(&mut text, image, symbols, place.counter, place.frame, true);
            }
        }
        switches(&mut text, image, cpu);
        ring(&mut text, image, cpu, most, &probes);
    }
    counters(&mut text, image, cpus);
    threads.show(&mut text, image, symbols);
    log(&mut text, image);
    text
}

/// What is known of a probe.
struct Probe {
    number: u64,
    name: String,
    arguments: Vec<(String, Option<ArgumentKind>)>,
}

fn probes(image: &Image<'_>) -> Vec<Probe> {
    let probe = |index: u64| {
        let row = image.words::<7>(image.word_of(Word::Probes).wrapping_add(index * 56))?;
        let [number, provider, provider_bytes, name, name_bytes, first, count] = row;
        let argument = |index: u64| {
            let place = first.wrapping_add(index.wrapping_mul(image.word_of(Word::ArgumentBytes)));
            let [name, bytes] = image.words(place.wrapping_add(image.word_of(Word::ArgumentName)))?;
            let kind = image.bytes(place.wrapping_add(image.word_of(Word::ArgumentKind)), 1)?;
            Some((image.text(name, bytes), ArgumentKind::from_u8(kind[0])))
        };
        let arguments = (0..count.min(MOST_ARGUMENTS)).map_while(argument).collect();
        let name = format!("{}:::{}", image.text(provider, provider_bytes), image.text(name, name_bytes));
        Some(Probe { number, name, arguments })
    };
    (0..image.word_of(Word::ProbeCount).min(PROBES as u64)).map_while(probe).collect()
}

fn switches(text: &mut String, image: &Image<'_>, cpu: u64) {
    let Some([count, entries]) = image.words::<2>(image.word_of(Word::Switches).wrapping_add(cpu * 16)) else { return };
    let kept = image.word_of(Word::SwitchCount).min(MOST_SWITCHES);
    // The count is of 32 bits, and what it counts modulo a divisor of that.
    let Some(written) = image.word(count).map(|word| word & 0xffff_ffff) else { return };
    for number in 0..kept {
        let place = written.wrapping_add(number) % kept;
        let Some([ticks, from, to, call]) = image.words(entries.wrapping_add(place * 32)) else { return };
        if ticks == 0 {
            continue;
        }
        let left = ["runnable", "asleep", "ended", "lost"][(from >> 62) as usize];
        let _ = write!(text, "{cpu} at {ticks} thread {} ({left}", from << 2 >> 2);
        if let Some(call) = call.checked_sub(1) {
            let _ = write!(text, ", system call {call}");
        }
        let _ = writeln!(text, ") gave way to {to}");
    }
}

fn ring(text: &mut String, image: &Image<'_>, cpu: u64, most: usize, probes: &[Probe]) {
    let place = image.words::<3>(image.word_of(Word::Rings).wrapping_add(cpu * 24));
    let Some([written, slots, count]) = place.filter(|[_, _, count]| (1..=MOST_SLOTS).contains(count)) else { return };
    let written = image.word(written).unwrap_or(0);
    let shown = written.min(count).min(most as u64);
    let _ = writeln!(text, "{written} records, of which the last {shown}:");
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
        let probe = probes.iter().find(|probe| probe.number == u64::from(id));
        let _ = write!(text, "{cpu} {index} {} ", record.ticks);
        let _ = match probe {
            Some(probe) => write!(text, "{}", probe.name),
            None => write!(text, "{id:#06x}"),
        };
        let _ = write!(text, " thread={}", record.head.thread);
        let arguments = probe.map_or(&[][..], |probe| &probe.arguments);
        for (index, value) in record.values().iter().enumerate() {
            let _ = match arguments.get(index) {
                Some((name, Some(ArgumentKind::Unsigned | ArgumentKind::Bool))) => write!(text, " {name}={value}"),
                Some((name, Some(ArgumentKind::Signed))) => write!(text, " {name}={}", value.cast_signed()),
                Some((name, Some(ArgumentKind::Hex) | None)) => write!(text, " {name}={value:#x}"),
                None => write!(text, " {value:#x}"),
            };
        }
        text.push('\n');
    }
}

fn counters(text: &mut String, image: &Image<'_>, cpus: u64) {
    text.push_str("\ncounters:\n");
    for index in 0..image.word_of(Word::CounterCount).min(MOST_COUNTERS) {
        let of_cpu = |cpu: u64| {
            let block = image.word(image.word_of(Word::Counters).wrapping_add(cpu * 8));
            block.and_then(|block| image.word(block.wrapping_add(index * 8))).unwrap_or(0)
        };
        let sum = (0..cpus).map(of_cpu).fold(0, u64::wrapping_add);
        if sum != 0
            && let Some([name, length]) = image.words::<2>(image.word_of(Word::CounterNames).wrapping_add(index * 16))
        {
            let _ = writeln!(text, "{} {sum}", image.text(name, length));
        }
    }
}

/// A thread of the image.
struct Thread {
    address: u64,
    number: u64,
    name: String,
    /// Where it runs.
    cpu: Option<u64>,
}

/// All of them.
struct Threads(Vec<Thread>);

impl Threads {
    fn of(image: &Image<'_>, cpus: u64) -> Threads {
        let running = |cpu: &u64| image.word(image.word(image.word_of(Word::Running).wrapping_add(cpu * 8))?);
        let running: Vec<(u64, u64)> = (0..cpus).filter_map(|cpu| Some((cpu, running(&cpu)?))).collect();
        let thread = |address: u64| {
            let part = |word: Word| address.wrapping_add(image.word_of(word));
            let number = image.word(part(Word::ThreadNumber))?;
            let name = image.words::<2>(part(Word::ThreadName));
            let name = name.map_or_else(String::new, |[at, bytes]| image.text(at, bytes));
            let cpu = running.iter().find(|(_, running)| *running == address).map(|(cpu, _)| *cpu);
            Some(Thread { address, number, name, cpu })
        };
        let mut threads = Vec::new();
        let mut next = image.word(image.word_of(Word::Threads));
        while let Some(address) = next.filter(|address| *address != 0 && threads.len() < MOST_THREADS) {
            let Some(found) = thread(address) else { break };
            threads.push(found);
            next = image.word(address.wrapping_add(image.word_of(Word::ThreadNext)));
        }
        // Those that run when no other can are on no list.
        for (_, address) in &running {
            if !threads.iter().any(|thread| thread.address == *address) {
                threads.extend(thread(*address));
            }
        }
        Threads(threads)
    }

    fn show(&self, text: &mut String, image: &Image<'_>, symbols: Option<Table<'_>>) {
        let locks: Vec<Locks> = self.0.iter().map(|thread| Locks::of(image, thread.address)).collect();
        let counts = held::count(&locks);
        text.push_str(
            "\nthreads, and the locks they hold (the innermost locks of scheduler, frames and heap note no holder):\n",
        );
        for (thread, held) in self.0.iter().zip(&locks) {
            let Thread { address, number, name, cpu } = thread;
            let part = |word: Word| address.wrapping_add(image.word_of(word));
            let ran = image.word(part(Word::ThreadRun)).unwrap_or(0) / 1000;
            let _ = write!(text, "thread {number} ({name}): ran {ran} us");
            if let Some(call) = image.word(part(Word::ThreadCall)).and_then(|call| call.checked_sub(1)) {
                let _ = write!(text, ", last system call {call}");
            }
            let reason = image.words::<2>(part(Word::ThreadReason));
            let reason = reason.map_or_else(String::new, |[at, bytes]| image.text(at, bytes));
            if !reason.is_empty() {
                let _ = write!(text, ", last waited for {reason}");
            }
            if let Some(cpu) = cpu {
                let _ = write!(text, ", runs on CPU {cpu}");
            }
            text.push('\n');
            show_held(text, held, &counts, cpu.is_none().then_some(reason.as_str()));
            // Of one that runs it would be where it left last.
            if cpu.is_none() || image.places().is_empty() {
                let pointer = image.word(part(Word::ThreadStack)).unwrap_or(0);
                let saved = |word: Word| image.word(pointer.wrapping_add(image.word_of(word)));
                if let (Some(frame), Some(place)) = (saved(Word::SavedFrame), saved(Word::SavedReturn)) {
                    stack(text, image, symbols, place, frame, false);
                }
            }
        }
    }
}

/// Where code goes on, by frame pointers.
fn stack(
    text: &mut String,
    image: &Image<'_>,
    symbols: Option<Table<'_>>,
    mut place: u64,
    mut frame: u64,
    is_interrupted: bool,
) {
    for index in 0..MOST_FRAMES {
        // After a call that never returns the next function may begin.
        let back = u64::from(!is_interrupted || index != 0);
        let offset = place.wrapping_sub(image.word_of(Word::Image)).wrapping_sub(back);
        let found = u32::try_from(offset).ok().and_then(|offset| symbols?.find(offset));
        let _ = match found {
            Some((name, into)) => writeln!(text, "    {place:#x} {name}+{:#x}", u64::from(into) + back),
            None => writeln!(text, "    {place:#x}"),
        };
        let Some([next, caller]) = image.words::<2>(frame) else { break };
        // Frames lie above each other; anything else is no chain.
        if caller < KERNEL || next <= frame {
            break;
        }
        (frame, place) = (next, caller);
    }
}

/// The whole lines at the log's end.
fn log(text: &mut String, image: &Image<'_>) {
    let (first, kept) = (image.word_of(Word::Log), image.word_of(Word::LogBytes));
    let Some(end) = image.word(image.word_of(Word::LogEnd)).filter(|_| kept != 0) else { return };
    let start = end.saturating_sub(kept.min(LOG_SHOWN));
    let bytes: Option<Vec<u8>> =
        (start..end).map(|at| image.bytes(first.wrapping_add(at % kept), 1).map(|byte| byte[0])).collect();
    let bytes = bytes.unwrap_or_default();
    let bytes = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(line) if start != 0 => &bytes[line + 1..],
        _ => &bytes[..],
    };
    text.push_str("\nthe end of the log:\n");
    text.push_str(&String::from_utf8_lossy(bytes));
}
