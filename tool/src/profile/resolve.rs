//! From samples to stacks with names.
//!
//! A program's frame is believed as far as its address lies in something that is mapped to be executed; from the first that does not on,
//! the walk in the guest followed what was no chain of frames, and the stack is told to be truncated there.

use super::gather::Gathered;
use super::stacks::{Frame, Profile, Unit};
use crate::symbols::{Function, KernelSymbols, PerfMap, Programs, Spaces};
use std::collections::HashMap;
use std::sync::Arc;
use wire::sample::{KERNEL_TRUNCATED, Sample, Samples, USER_TRUNCATED};

/// How stacks are told apart at their outermost end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// By the program's name
    Name,
    /// By process
    Process,
    /// By thread
    Thread,
}

/// What names are found with.
pub(crate) struct Resolver {
    kernel: KernelSymbols,
    programs: Programs,
    spaces: Spaces,
    perf_maps: HashMap<u32, PerfMap>,
    by: By,
}

/// The functions in which programs and threads begin: nothing is missing above them.
const FIRST: [&str; 10] = [
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "generic_start_main",
    "start_thread",
    "clone",
    "__clone",
    "clone3",
    "__clone3",
];
/// The function of the kernel in which a program's thread lives: what is above it is the same for all.
const USER_LOOP: &str = "kernel::task::user_loop::run";
/// The functions by which a thread leaves its CPU.
const SCHEDULER: &str = "machine::thread::scheduler::";

fn made_up(name: &str) -> Function {
    Function { name: name.into(), file: "".into() }
}

impl Resolver {
    /// With what was gathered.
    pub(crate) fn new(gathered: &Gathered, kernel: KernelSymbols, programs: Programs, by: By) -> Resolver {
        let (spaces, perf_maps) = (gathered.spaces(), gathered.perf_maps());
        Resolver { kernel, programs, spaces, perf_maps, by }
    }

    /// The profiles of what was on the CPU and of what was off it.
    pub(crate) fn profiles(&mut self, gathered: &Gathered, hz: u32) -> (Profile, Profile) {
        let mut on_cpu = Profile::new(Unit::Samples { hz });
        let mut off_cpu = Profile::new(Unit::Microseconds);
        for sample in Samples::of(&gathered.words) {
            // A program's thread that waits in the kernel has frames of its own; the kernel's init has not, and only waits for the others.
            if sample.head.kind.is_off_cpu() && sample.user.is_empty() {
                continue;
            }
            let (owner, frames) = (self.owner(&sample), self.frames(&sample));
            if sample.head.kind.is_off_cpu() {
                off_cpu.add(owner, frames, sample.head.weight / 1000);
            } else {
                on_cpu.add(owner, frames, sample.head.weight);
            }
        }
        (on_cpu, off_cpu)
    }

    fn owner(&self, sample: &Sample<'_>) -> Arc<str> {
        let head = &sample.head;
        if head.task == 0 {
            return "[kernel]".into();
        }
        let (pid, tid) = (head.process(), head.tid());
        let name = |number| self.spaces.name(number, head.ticks);
        let process = || name(pid).unwrap_or_else(|| if pid == 1 { "init".into() } else { "unknown".into() });
        match self.by {
            By::Name => process(),
            By::Process => format!("{} {pid}", process()).into(),
            By::Thread => format!("{} {pid}/{tid}", name(tid).unwrap_or_else(process)).into(),
        }
    }

    /// From the outermost to the innermost.
    fn frames(&mut self, sample: &Sample<'_>) -> Vec<Frame> {
        let mut frames = self.user_frames(sample);
        frames.reverse();
        let kernel = self.kernel_frames(sample);
        // Below the program's own frames, the way into the kernel needs no telling.
        let first =
            if frames.is_empty() { None } else { kernel.iter().position(|frame| &*frame.function.name == USER_LOOP) };
        frames.extend(kernel.into_iter().skip(first.map_or(0, |at| at + 1)));
        frames
    }

    /// From the outermost to the innermost.
    fn kernel_frames(&self, sample: &Sample<'_>) -> Vec<Frame> {
        let has_counter = !sample.head.kind.is_off_cpu();
        let function = |(index, address): (usize, &u64)| {
            // After a call that never returns the address may belong to the next function.
            let inside = if index == 0 && has_counter { *address } else { address.wrapping_sub(1) };
            Frame { function: self.kernel.function(inside), is_kernel: true }
        };
        // How a thread leaves its CPU says nothing; where it was when it did is wanted.
        let is_wanted = |frame: &Frame| has_counter || !frame.function.name.starts_with(SCHEDULER);
        let frames = sample.kernel.iter().enumerate().map(function);
        let mut frames: Vec<Frame> = frames.skip_while(|frame| !is_wanted(frame)).collect();
        if sample.head.flags & KERNEL_TRUNCATED != 0 {
            frames.push(Frame { function: made_up("[truncated]"), is_kernel: true });
        }
        frames.reverse();
        frames
    }

    /// From the innermost to the outermost.
    fn user_frames(&mut self, sample: &Sample<'_>) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut is_truncated = sample.head.flags & USER_TRUNCATED != 0;
        for (index, address) in sample.user.iter().enumerate() {
            let inside = if index == 0 { *address } else { address.wrapping_sub(1) };
            let function = match self.function(sample, inside) {
                Some(function) => function,
                None if index == 0 => made_up("[unknown]"),
                None => {
                    is_truncated = true;
                    break;
                }
            };
            frames.push(Frame { function, is_kernel: false });
        }
        let is_whole = frames.last().is_some_and(|frame| FIRST.contains(&&*frame.function.name));
        if is_truncated && !is_whole && !frames.is_empty() {
            frames.push(Frame { function: made_up("[truncated]"), is_kernel: false });
        }
        frames
    }

    fn function(&mut self, sample: &Sample<'_>, address: u64) -> Option<Function> {
        let (pid, ticks) = (sample.head.process(), sample.head.ticks);
        if let Some(name) = self.perf_maps.get(&pid).and_then(|map| map.function(address)) {
            return Some(Function { name: name.into(), file: "[jit]".into() });
        }
        let mapping = self.spaces.mapping(pid, ticks, address)?;
        Some(self.programs.function(mapping, address))
    }
}
