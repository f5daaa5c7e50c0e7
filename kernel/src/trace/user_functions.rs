//! Probes at functions of programs: breakpoints in the copies that processes have of a file's pages.
//!
//! The host names files and, in each, offsets with the instructions that are there ([`take`]); those that
//! `pure::first_instruction` does not know are refused. When the trace program is loaded the list is closed ([`arm`]). From then on
//! every private mapping of such a file that may be executed gets its breakpoints as it is made ([`plant`]), after a look whether the
//! instruction is the expected one. A child has its parent's pages and with them the breakpoints. The file itself and its page cache are
//! never written, and nothing is ever taken out again: the machine ends with its trace.
//!
//! A breakpoint that is hit belongs to a probe if a listed file is mapped there with a probe at this offset ([`hit`]): there is no list of
//! places in memory that could be wrong after a fork, an unmapping or a race. The kernel then does what the instruction would have done.
//! A debugger's breakpoint at the same instruction is not told to it. Memory given back by MADV_DONTNEED loses its breakpoints.
use crate::fs::PageCache;
use crate::lock_order;
use crate::mm::remote::Force;
use crate::mm::{AddressSpace, FaultError};
use crate::observe;
use crate::signal::fault;
use crate::syscall::Call;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::addr::UserAddr;
use machine::cpu::ARCH_NAME;
use machine::sync::{Mutex, Once};
use machine::thread::CurrentThread;
use machine::trace::fire;
use machine::user::{AccessKind, Exception, PageFault, UserContext};
use pure::first_instruction::{Fault, MOST_BYTES, Memory, arm, x86};
use wire::observe::{FUNCTION, FUNCTION_LAST, Reader, UserFunctionProbe};

/// Most probes in all, and most files that can have been found mapped.
const MOST: usize = 4096;
const MOST_FILES: usize = 64;
/// Longest path.
const MOST_PATH: usize = 4096;

/// An instruction of this architecture.
#[derive(Clone, Copy)]
enum Known {
    X86(x86::Instruction),
    Arm(arm::Instruction),
}

impl Known {
    fn decode(code: &[u8]) -> Option<Known> {
        if ARCH_NAME == "x86_64" {
            return x86::decode(code).map(Known::X86);
        }
        arm::decode(u32::from_le_bytes(*code.first_chunk()?)).map(Known::Arm)
    }
    fn bytes(self) -> usize {
        match self {
            Known::X86(instruction) => instruction.bytes.into(),
            Known::Arm(_) => arm::BYTES as usize,
        }
    }
    fn execute(self, words: &mut [u64], address: u64, memory: &mut dyn Memory) -> Result<(), Fault> {
        // Only this architecture's can have been decoded, and its registers are so many.
        match self {
            Known::X86(instruction) => match words.try_into() {
                Ok(words) => instruction.execute(words, address, memory),
                Err(_) => Ok(()),
            },
            Known::Arm(instruction) => match words.try_into() {
                Ok(words) => instruction.execute(words, address, memory),
                Err(_) => Ok(()),
            },
        }
    }
}

/// A probe.
struct Probe {
    offset: u64,
    number: u16,
    code: [u8; MOST_BYTES],
    instruction: Known,
}

/// A file with probes, in order of their offsets.
struct File {
    path: Vec<u8>,
    probes: Vec<Probe>,
}

/// What the host has named so far.
static NAMED: Mutex<Vec<File>> = Mutex::new(&lock_order::TRACE_FUNCTIONS, Vec::new());
/// All of it, once it is in force.
static ARMED: Once<Vec<File>> = Once::new();
/// Files that were found mapped, with their places in [`ARMED`]: a file that has several names may be there several times.
static MAPPED: [Once<(Arc<PageCache>, usize)>; MOST_FILES] = [const { Once::new() }; MOST_FILES];
/// Probes that found no room in [`MAPPED`], or other code than the host knew, each time they should have been planted.
static NOT_PLANTED: AtomicU64 = AtomicU64::new(0);

/// How many times a probe was not planted that should have been, since this was asked last.
pub(super) fn not_planted() -> u64 {
    NOT_PLANTED.swap(0, Ordering::Relaxed)
}

/// Takes the host's choice of functions in a file.
pub(super) fn take(cx: &mut CurrentThread, payload: &[u8]) {
    let mut from = Reader(payload);
    let Some(path) = from.text().filter(|path| path.len() <= MOST_PATH) else {
        return observe::refuse(cx, "a file with probes has no name");
    };
    let mut refused = 0;
    while let Some(wanted) = UserFunctionProbe::decode(&mut from) {
        refused += usize::from(add(cx, path, &wanted).is_none());
    }
    if refused != 0 {
        let path = alloc::string::String::from_utf8_lossy(path);
        observe::refuse(cx, &format!("{refused} probes in {path} are refused"));
    }
}

/// Adds a probe. `None`: it makes no sense, there are too many, or there is no memory.
fn add(cx: &mut CurrentThread, path: &[u8], wanted: &UserFunctionProbe<'_>) -> Option<()> {
    let instruction = Known::decode(wanted.code)?;
    let mut code = [0; MOST_BYTES];
    let bytes = instruction.bytes();
    code[..bytes].copy_from_slice(wanted.code.get(..bytes)?);
    if !(FUNCTION..=FUNCTION_LAST).contains(&wanted.number) {
        return None;
    }
    let mut named = NAMED.lock(cx);
    if named.iter().map(|file| file.probes.len()).sum::<usize>() >= MOST {
        return None;
    }
    let place = match named.iter().position(|file| file.path == path) {
        Some(place) => place,
        None => {
            named.try_reserve(1).ok()?;
            let mut own = Vec::new();
            own.try_reserve_exact(path.len()).ok()?;
            own.extend_from_slice(path);
            named.push(File { path: own, probes: Vec::new() });
            named.len() - 1
        }
    };
    let probes = &mut named.get_mut(place)?.probes;
    probes.try_reserve(1).ok()?;
    let probe = Probe { offset: wanted.offset, number: wanted.number, code, instruction };
    let place = probes.partition_point(|other| other.offset <= probe.offset);
    probes.insert(place, probe);
    Some(())
}

/// Puts what was named in force.
pub(super) fn arm(cx: &mut CurrentThread) {
    let named = core::mem::take(&mut *NAMED.lock(cx));
    if !named.is_empty() {
        ARMED.call_once(|| named);
    }
}

/// The calling task has memory in which the file at `path`, from `offset` on, may be executed at `range`: plants its breakpoints.
pub(crate) fn plant(cx: &mut CurrentThread, space: &AddressSpace, path: &[u8], range: Range<usize>, offset: u64) {
    let Some(files) = ARMED.get() else { return };
    let Some((place, file)) = files.iter().enumerate().find(|(_, file)| file.path == path) else { return };
    let Some(there) = space.file_at(cx, UserAddr(range.start)) else { return };
    if there.is_shared || there.offset != offset {
        return;
    }
    let end = offset.saturating_add(range.len() as u64);
    let probes = || file.probes.iter().filter(|probe| (offset..end).contains(&probe.offset));
    // Before the first can be hit.
    let is_noted = MAPPED.iter().any(|known| {
        let (cache, noted) = known.call_once(|| (there.cache.clone(), place));
        *noted == place && Arc::ptr_eq(cache, &there.cache)
    });
    let mut missing = 0;
    for probe in probes() {
        // CAST: within the range.
        let addr = UserAddr(range.start + (probe.offset - offset) as usize);
        missing += u64::from(!is_noted || !plant_one(cx, space, addr, probe));
    }
    NOT_PLANTED.fetch_add(missing, Ordering::Relaxed);
}

/// Plants a breakpoint. False: the instruction cannot be read or written, or is another one, and stays as it is.
fn plant_one(cx: &mut CurrentThread, space: &AddressSpace, addr: UserAddr, probe: &Probe) -> bool {
    let expected = probe.code.get(..probe.instruction.bytes()).unwrap_or(&[]);
    let mut found = [0; MOST_BYTES];
    let Some(found) = found.get_mut(..expected.len()) else { return false };
    if space.read_memory(cx, addr, found) != Ok(expected.len()) {
        return false;
    }
    // Memory that becomes executable once more has it already.
    found.starts_with(UserContext::BREAKPOINT)
        || *found == *expected
            && space.poke_memory(cx, addr, UserContext::BREAKPOINT, Force::PrivateOnly)
                == Ok(UserContext::BREAKPOINT.len())
}

/// The program's memory, while an instruction is done for it.
struct Own<'a> {
    cx: &'a mut CurrentThread,
    space: &'a AddressSpace,
    error: FaultError,
}

impl Own<'_> {
    /// ARM64 looks at 56 bits of an address.
    fn addr(address: u64) -> UserAddr {
        // CAST: addresses have 64 bits.
        UserAddr((if ARCH_NAME == "x86_64" { address } else { address & (u64::MAX >> 8) }) as usize)
    }
    fn is_whole(&mut self, outcome: Result<usize, FaultError>, bytes: usize) -> bool {
        match outcome {
            Ok(done) => done == bytes,
            Err(error) => {
                self.error = error;
                false
            }
        }
    }
}

impl Memory for Own<'_> {
    fn load(&mut self, address: u64, bytes: usize) -> Option<u64> {
        let mut word = [0; 8];
        let place = word.get_mut(..bytes)?;
        let outcome = self.space.read_memory(self.cx, Own::addr(address), place);
        self.is_whole(outcome, bytes).then(|| u64::from_le_bytes(word))
    }
    fn store(&mut self, address: u64, words: &[u64]) -> bool {
        let mut bytes = [0; 16];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        let Some(bytes) = bytes.get(..words.len() * 8) else { return false };
        let outcome = self.space.poke_memory(self.cx, Own::addr(address), bytes, Force::No);
        self.is_whole(outcome, bytes.len())
    }
}

/// The program has hit a breakpoint. True: it was a probe's, which has been told, and the instruction has been done.
pub(crate) fn hit(call: &mut Call<'_>) -> bool {
    let Some(files) = ARMED.get() else { return false };
    let address = call.user.breakpoint_address();
    let Some(space) = call.task.space(call.cx) else { return false };
    let Some(there) = space.file_at(call.cx, UserAddr(address)) else { return false };
    if there.is_shared {
        return false;
    }
    let mapped = MAPPED.iter().map_while(Once::get).filter(|(cache, _)| Arc::ptr_eq(cache, &there.cache));
    let probes = mapped.filter_map(|(_, place)| files.get(*place)).flat_map(|file| {
        let first = file.probes.partition_point(|probe| probe.offset < there.offset);
        file.probes.iter().skip(first).take_while(|probe| probe.offset == there.offset)
    });
    let arguments = call.user.function_arguments();
    let mut instruction = None;
    for probe in probes {
        fire(probe.number, &arguments);
        instruction = Some(probe.instruction);
    }
    let Some(instruction) = instruction else { return false };
    let mut words = call.user.registers();
    let mut memory = Own { cx: call.cx, space: &space, error: FaultError::NotMapped };
    let outcome = instruction.execute(&mut words, address as u64, &mut memory);
    let error = memory.error;
    match outcome {
        Ok(()) => {
            call.user.set_registers(&words);
            if call.user.is_single_stepping() {
                fault::exception(call.cx, call.task, Exception::DebugStep, call.user.pc());
            }
        }
        Err(Fault { address: concerned, is_write }) => {
            // As if the instruction itself had tried.
            call.user.set_pc(address);
            let kind = if is_write { AccessKind::Write } else { AccessKind::Read };
            let page_fault = PageFault { addr: Own::addr(concerned), kind, is_present: false };
            fault::page_fault(call.cx, call.task, page_fault, error);
        }
    }
    true
}
