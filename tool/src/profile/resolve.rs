//! From samples to stacks with names.
//!
//! Where a sample has registers and a piece of the stack, `unwind` finds the program's frames; else they are those that the guest found by frame
//! pointers. A program's frame is believed as far as its address lies in something that is mapped to be executed; from the first that does not on,
//! the walk in the guest followed what was no chain of frames, and the stack is told to be truncated there.

use super::gather::Gathered;
use super::stacks::{Frame, Profile, Unit};
use crate::symbols::{Function, KernelSymbols, PerfMap, Programs, Spaces};
use crate::unwind::{self, Code, Registers, StackCopy, Step, Walk};
use std::collections::HashMap;
use std::io;
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
pub(crate) struct Resolver<'g> {
    kernel: KernelSymbols,
    programs: Programs,
    spaces: &'g Spaces,
    perf_maps: HashMap<u32, PerfMap>,
    by: By,
}

/// The functions in which programs and threads begin: nothing is missing above them.
pub(crate) const FIRST: [&str; 10] = [
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
/// What the library that the kernel maps into every program is called.
const VDSO: &[u8] = b"[vdso]";
/// The functions by which a thread leaves its CPU.
const SCHEDULER: &str = "machine::thread::scheduler::";

/// The code of the process that a sample is of, at its time.
struct SampledCode<'a, 'g> {
    resolver: &'a mut Resolver<'g>,
    sample: &'a Sample<'a>,
}

impl Code for SampledCode<'_, '_> {
    fn is_there(&mut self, address: u64) -> bool {
        let (pid, ticks) = (self.sample.head.process(), self.sample.head.ticks);
        let is_told = self.resolver.perf_maps.get(&pid).is_some_and(|map| map.function(address).is_some());
        is_told || self.resolver.spaces.mapping(pid, ticks, address).is_some()
    }

    fn is_signal_return(&mut self, address: u64) -> bool {
        let function = |resolver: &mut Resolver<'_>, at| resolver.function(self.sample, at);
        // Only at its first instruction: what is called there returns nowhere else.
        function(self.resolver, address).is_some_and(|found| unwind::is_return(&found.name))
    }

    fn step(&mut self, address: u64, registers: &mut Registers, stack: &StackCopy<'_>) -> Step {
        let Resolver { spaces, programs, .. } = &mut *self.resolver;
        match spaces.mapping(self.sample.head.process(), self.sample.head.ticks, address) {
            Some(mapping) => programs.step(mapping, address, registers, stack),
            None => Step::NotTold,
        }
    }
}

fn made_up(name: &str) -> Function {
    Function { name: name.into(), file: "".into() }
}

impl<'g> Resolver<'g> {
    /// With what was gathered.
    pub(crate) fn new(gathered: &'g Gathered, kernel: KernelSymbols, programs: Programs, by: By) -> Resolver<'g> {
        let (spaces, perf_maps) = (gathered.spaces(), gathered.perf_maps());
        let mut programs = programs;
        if let Some(image) = gathered.file(VDSO) {
            programs.provide(VDSO, image);
        }
        Resolver { kernel, programs, spaces, perf_maps, by }
    }

    /// The profiles of what was on the CPU and of what was off it.
    pub(crate) fn profiles(&mut self, gathered: &Gathered, hz: u32) -> io::Result<(Profile, Profile)> {
        let mut on_cpu = Profile::new(Unit::Samples { hz });
        let mut off_cpu = Profile::new(Unit::Microseconds);
        gathered.samples.each(|words| {
            for sample in Samples::of(words) {
                self.add(&sample, &mut on_cpu, &mut off_cpu);
            }
        })?;
        Ok((on_cpu, off_cpu))
    }

    fn add(&mut self, sample: &Sample<'_>, on_cpu: &mut Profile, off_cpu: &mut Profile) {
        // A program's thread that waits in the kernel has frames of its own; the kernel's init has not, and only waits for the others.
        if sample.head.kind.is_off_cpu() && sample.user.is_empty() {
            return;
        }
        let (owner, frames) = (self.owner(sample), self.frames(sample));
        if sample.head.kind.is_off_cpu() {
            off_cpu.add(owner, frames, sample.head.weight / 1000);
        } else {
            on_cpu.add(owner, frames, sample.head.weight);
        }
    }

    fn owner(&self, sample: &Sample<'_>) -> Arc<str> {
        let head = &sample.head;
        if head.task == 0 {
            return "[kernel]".into();
        }
        let (pid, tid) = (head.process(), head.tid());
        let name = |number| self.spaces.name(number, head.ticks);
        let process = || match name(pid) {
            Some(name) if !name.is_empty() => name,
            // The first program's thread has no name before it is started.
            Some(_) => "init".into(),
            None => if pid == 1 { "init" } else { "unknown" }.into(),
        };
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
        for (index, inside) in self.user_addresses(sample, &mut is_truncated).into_iter().enumerate() {
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

    /// An address inside of each function of the program's stack, from the innermost outwards.
    fn user_addresses(&mut self, sample: &Sample<'_>, is_truncated: &mut bool) -> Vec<u64> {
        let registers = Registers::of_sample(sample.registers);
        if let Some((registers, pointer)) = registers.and_then(|all| all.stack_pointer().map(|pointer| (all, pointer)))
        {
            let stack = StackCopy::new(pointer, sample.stack);
            let chain = (sample.user, *is_truncated);
            let found = unwind::walk(&mut SampledCode { resolver: self, sample }, registers, &stack, chain);
            let Walk { frames, is_truncated: is_cut } = found;
            *is_truncated = is_cut;
            return frames;
        }
        // After a call that never returns the address may belong to the next function.
        sample.user.iter().enumerate().map(|(index, address)| address.wrapping_sub(u64::from(index != 0))).collect()
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
