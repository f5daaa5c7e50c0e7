//! `/proc/trace/profile`: the sampling profiler from inside the guest, with nothing installed. The mechanism is [`machine::sample`].
//!
//! Write samples a second (1 to 10,000) to start, `HZ off-cpu` to note where threads wait too, `0` to stop. Reading tells the state, what each
//! CPU counted, and the samples taken since the last reading, one a line:
//! `KIND CPU TICKS PID TID WEIGHT KERNEL USER`, stacks from the outermost frame to the innermost with `;` between, `-` for none. The
//! kernel's functions have names, the program's are addresses; a stack that could not be followed to its end begins with `[truncated]`.
//!
//! While the host takes the samples (`ochre profile`), reading tells the counts alone.
use super::files::Text;
use crate::errno::{Errno, Result};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use machine::cpu::{self, CpuId};
use machine::sample::{self, Empty};
use machine::symbols;
use machine::thread::CurrentThread;
use machine::time;
use wire::sample::{CallGraph, USER_TRUNCATED, VERSION, Wish};
use wire::sample::{KERNEL_TRUNCATED, Kind, MOST_LONG_WORDS, Sample, Samples};

/// Words taken from a ring at a time.
const PIECE_WORDS: usize = MOST_LONG_WORDS;

/// Carries out what was written.
pub(super) fn write(cx: &mut CurrentThread, text: &[u8]) -> Result<()> {
    let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    let mut words = text.split_ascii_whitespace();
    let hz: u32 = words.next().and_then(|word| word.parse().ok()).ok_or(Errno::EINVAL)?;
    let off_cpu = match words.next() {
        None => false,
        Some("off-cpu") => true,
        Some(_) => return Err(Errno::EINVAL),
    };
    if words.next().is_some() {
        return Err(Errno::EINVAL);
    }
    // A trace program has the clocks.
    if sample::fires_probe() {
        return Err(Errno::EBUSY);
    }
    if hz == 0 {
        sample::stop(cx);
        return Ok(());
    }
    if !wire::sample::RATES.contains(&hz) {
        return Err(Errno::EINVAL);
    }
    // Whoever reads the samples here has no files to find callers with.
    let wish = Wish { hz, off_cpu, call_graph: CallGraph::FramePointers, stack_bytes: 0 };
    if sample::start(cx, wish) { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// Makes the text; takes the samples out of their rings.
pub(super) fn read(out: &mut Text) -> fmt::Result {
    let rate = sample::rate();
    writeln!(out, "# version {VERSION} rate {rate} ticks_per_second {}", time::ticks_per_second())?;
    let cpus = || (0..cpu::count()).map(|number| CpuId(u32::try_from(number).unwrap_or(u32::MAX)));
    for cpu in cpus() {
        let counts = sample::counts(cpu);
        let wire::sample::Counts { user, kernel, idle, missed, lost } = counts;
        writeln!(out, "# cpu {} user {user} kernel {kernel} idle {idle} missed {missed} lost {lost}", cpu.0)?;
    }
    let Some(mut right) = Empty::take() else { return writeln!(out, "# the host takes the samples") };
    writeln!(out, "# kind cpu ticks pid tid weight kernel user")?;
    let mut piece = Vec::new();
    piece.try_reserve_exact(PIECE_WORDS).map_err(|_| fmt::Error)?;
    piece.resize(PIECE_WORDS, 0);
    for cpu in cpus() {
        loop {
            let taken = right.read(cpu, &mut piece);
            if taken == 0 {
                break;
            }
            Samples::of(&piece[..taken]).try_for_each(|sample| write_sample(out, &sample))?;
        }
    }
    Ok(())
}

fn write_sample(out: &mut Text, sample: &Sample<'_>) -> fmt::Result {
    let head = &sample.head;
    let kind = match head.kind {
        Kind::User => "user",
        Kind::Kernel => "kernel",
        Kind::Asleep => "asleep",
        Kind::Waiting => "waiting",
    };
    write!(out, "{kind} {} {} {} {} {} ", head.cpu, head.ticks, head.process(), head.tid(), head.weight)?;
    write_stack(out, sample.kernel, head.flags & KERNEL_TRUNCATED != 0, !head.kind.is_off_cpu())?;
    write!(out, " ")?;
    write_stack(out, sample.user, head.flags & USER_TRUNCATED != 0, true)?;
    writeln!(out)
}

/// `has_counter`: the innermost address is a program counter, not a return address.
fn write_stack(out: &mut Text, frames: &[u64], is_truncated: bool, has_counter: bool) -> fmt::Result {
    if frames.is_empty() {
        return write!(out, "-");
    }
    let mut between = "";
    if is_truncated {
        write!(out, "[truncated]")?;
        between = ";";
    }
    for (index, frame) in frames.iter().enumerate().rev() {
        // After a call that never returns the address may belong to the next function.
        let inside = if index == 0 && has_counter { *frame } else { frame.wrapping_sub(1) };
        match symbols::find(usize::try_from(inside).unwrap_or(0)) {
            Some((name, _)) => {
                write!(out, "{between}")?;
                // Blanks stand between the columns.
                name.split(' ')
                    .enumerate()
                    .try_for_each(|(i, part)| write!(out, "{}{part}", if i == 0 { "" } else { "_" }))?;
            }
            None => write!(out, "{between}{frame:#x}")?,
        }
        between = ";";
    }
    Ok(())
}
