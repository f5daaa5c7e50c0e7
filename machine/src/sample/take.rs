//! Taking a sample, and the rings they go to.
//!
//! Invariant: a ring's only writer is its CPU with interrupts off; its only reader holds the one [`Empty`]. Rings are made by the first
//! start and kept.
use super::{copy, walk};
use crate::arch;
use crate::cpu::{self, CpuLocal, MAX_CPUS};
use crate::sync::Once;
use crate::thread::{Thread, header};
use crate::time;
use crate::trace;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use pure::word_ring::WordRing;
use wire::observe::PROFILE;
use wire::sample::{CallGraph, Counts, HAS_STACK, Head, KERNEL_TRUNCATED, Kind, MOST_LONG_WORDS, MOST_WORDS};
use wire::sample::{STACK_BYTES, USER_TRUNCATED};

/// Words of a CPU's ring (256 KiB): what the highest rate makes in a tenth of a second with stacks of thirty frames.
const RING_WORDS: usize = 32 * 1024;
/// The same when samples hold pieces of stacks (1 MiB), if there is memory.
const LONG_RING_WORDS: usize = 128 * 1024;
/// Bytes of the stack that are enough where frame pointers tell the rest: for the callers of functions without a frame, and for the frame of a
/// signal's handler (4,688 bytes on ARM64).
const SHORT_STACK: u32 = 5120;
/// Words of all rings together, at most (8 MiB).
const MOST_RING_WORDS: usize = 1024 * 1024;

/// What each CPU has.
struct PerCpu {
    ring: Once<WordRing>,
    user: AtomicU64,
    kernel: AtomicU64,
    idle: AtomicU64,
    missed: AtomicU64,
}

static CPUS: [PerCpu; MAX_CPUS] = [const {
    PerCpu {
        ring: Once::new(),
        user: AtomicU64::new(0),
        kernel: AtomicU64::new(0),
        idle: AtomicU64::new(0),
        missed: AtomicU64::new(0),
    }
}; MAX_CPUS];

static WANTS_OFF_CPU: AtomicBool = AtomicBool::new(false);
/// Most bytes of the program's stack in a sample, where frame pointers lead to its end and where they do not.
static COPIED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Makes every CPU's ring, if it is not there, and sets what samples are to hold; false without memory.
pub(super) fn prepare(call_graph: CallGraph, stack_bytes: u32) -> bool {
    let long = stack_bytes.clamp(*STACK_BYTES.start(), *STACK_BYTES.end());
    let copied = match call_graph {
        CallGraph::FramePointers => [0, 0],
        // Without frame pointers the register may hold anything, also what looks like the end of a stack.
        CallGraph::Auto if arch::user::KEEPS_FRAME_POINTERS => [long.min(SHORT_STACK), long],
        CallGraph::Auto | CallGraph::Stack => [long, long],
    };
    let is_made = copied != [0, 0] && make_rings(LONG_RING_WORDS) || make_rings(RING_WORDS);
    for (place, bytes) in COPIED.iter().zip(copied) {
        place.store(bytes, Ordering::Relaxed);
    }
    is_made
}

fn make_rings(words: usize) -> bool {
    let words = words.min(MOST_RING_WORDS / cpu::count().max(1));
    CPUS.iter().take(cpu::count()).all(|here| {
        if here.ring.get().is_none()
            && let Some(ring) = WordRing::new(words)
        {
            here.ring.call_once(|| ring);
        }
        here.ring.get().is_some()
    })
}

pub(super) fn set_off_cpu(is_wanted: bool) {
    WANTS_OFF_CPU.store(is_wanted, Ordering::Relaxed);
}

/// Whether [`note_off_cpu`] is to be called.
#[inline(always)]
pub(crate) fn wants_off_cpu() -> bool {
    crate::trace::IS_TRACED && WANTS_OFF_CPU.load(Ordering::Relaxed)
}

fn of(cpu: &CpuLocal) -> &'static PerCpu {
    &CPUS[cpu.id.0 as usize % MAX_CPUS]
}

pub(super) fn count_idle(cpu: &CpuLocal, periods: u64) {
    of(cpu).idle.fetch_add(periods, Ordering::Relaxed);
}

pub(super) fn count_missed(cpu: &CpuLocal, periods: u64) {
    of(cpu).missed.fetch_add(periods, Ordering::Relaxed);
}

/// Notes what the interrupt that runs now came upon. Interrupts are off.
pub(super) fn sample(cpu: &CpuLocal) {
    let header = header::current();
    let here = of(cpu);
    let kind = if header.in_user.get() { Kind::User } else { Kind::Kernel };
    let count = if kind == Kind::User { &here.user } else { &here.kernel };
    count.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the running thread is alive, and this CPU runs it.
    let thread = unsafe { &*cpu.running.load(Ordering::Relaxed) };
    let frame = arch::cpu::frame_pointer();
    write(cpu, thread, kind, frame, 1);
    // Were this the function's end, the compiler could give up its frame before the call.
    core::hint::black_box(frame);
}

/// Fires the profile probe in place of taking a sample: with the interrupted program counter of the kernel, or of the program.
pub(super) fn fire() {
    let header = header::current();
    let mut counters = [0; 2];
    let frame = arch::cpu::frame_pointer();
    if header.in_user.get() {
        counters[1] = walk::user_place(header).map_or(0, |[pc, ..]| pc as u64);
    } else {
        let mut first = |address| {
            counters[0] = address;
            false
        };
        walk::kernel(header, frame, true, &mut first);
    }
    trace::fire_from_interrupt(PROFILE, &counters);
    // As above.
    core::hint::black_box(frame);
}

/// `thread`, which runs here, was off the CPU since `since` (raw clock). Called on its way back, interrupts off.
#[cold]
#[inline(never)]
pub(crate) fn note_off_cpu(cpu: &CpuLocal, thread: &Thread, since: u64, was_asleep: bool) {
    // Threads of the kernel wait in places that everybody knows.
    if thread.label() == 0 {
        return;
    }
    let kind = if was_asleep { Kind::Asleep } else { Kind::Waiting };
    let ns = time::ns_of_ticks(time::ticks().saturating_sub(since));
    let frame = arch::cpu::frame_pointer();
    write(cpu, thread, kind, frame, ns);
    // Were this the function's end, the compiler could give up its frame before the call.
    core::hint::black_box(frame);
}

fn write(cpu: &CpuLocal, thread: &Thread, kind: Kind, frame: usize, weight: u64) {
    let header = header::current();
    let Some(ring) = of(cpu).ring.get() else { return };
    // A ring that fills up keeps what is short.
    let has_room = ring.has_room(MOST_LONG_WORDS);
    let Some(mut draft) = ring.begin(if has_room { MOST_LONG_WORDS } else { MOST_WORDS }) else { return };
    let ticks = time::ticks();
    for word in [ticks, thread.label(), thread.id().0, weight] {
        draft.push(word);
    }
    let mut flags = 0;
    let mut kernel_frames = 0;
    if kind != Kind::User {
        let walked = walk::kernel(header, frame, !kind.is_off_cpu(), &mut |word| draft.push(word));
        kernel_frames = walked.frames;
        flags |= if walked.is_truncated { KERNEL_TRUNCATED } else { 0 };
    }
    let mut user_frames = 0;
    if let Some(place) = walk::user_place(header) {
        let walked = walk::user(place, &mut |word| draft.push(word));
        user_frames = walked.frames;
        flags |= if walked.is_truncated { USER_TRUNCATED } else { 0 };
        let copied = COPIED[usize::from(walked.is_truncated)].load(Ordering::Relaxed);
        // CAST: at most what can be asked for.
        if copied != 0 && has_room && copy::add(header, copied as usize, &mut draft) {
            flags |= HAS_STACK;
        }
    }
    // CAST: there are at most 64 CPUs, and the frames' bounds fit.
    let (cpu, kernel_frames, user_frames) = (cpu.id.0 as u8, kernel_frames as u8, user_frames as u8);
    let (task, thread) = (thread.label(), thread.id().0);
    draft.finish(Head { kind, flags, cpu, kernel_frames, user_frames, ticks, task, thread, weight }.first_word());
}

/// The counts of CPU number `cpu` since boot.
pub fn counts(cpu: cpu::CpuId) -> Counts {
    let here = &CPUS[cpu.0 as usize % MAX_CPUS];
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Counts {
        user: load(&here.user),
        kernel: load(&here.kernel),
        idle: load(&here.idle),
        missed: load(&here.missed),
        lost: here.ring.get().map_or(0, WordRing::lost),
    }
}

/// Words that wait in the fullest ring.
pub fn waiting() -> usize {
    CPUS.iter().filter_map(|here| here.ring.get()).map(WordRing::waiting).max().unwrap_or(0)
}

/// The right to empty the rings: there is one at a time.
#[derive(Debug)]
pub struct Empty(());

static IS_EMPTYING: AtomicBool = AtomicBool::new(false);

impl Empty {
    /// The right, unless somebody has it.
    pub fn take() -> Option<Empty> {
        (!IS_EMPTYING.swap(true, Ordering::Acquire)).then_some(Empty(()))
    }

    /// Takes whole samples of CPU number `cpu` out of its ring, as many as fit; answers how many words.
    pub fn read(&mut self, cpu: cpu::CpuId, out: &mut [u64]) -> usize {
        CPUS[cpu.0 as usize % MAX_CPUS].ring.get().map_or(0, |ring| ring.take(out))
    }

    /// Throws all samples away.
    pub fn clear(&mut self) {
        CPUS.iter().filter_map(|here| here.ring.get()).for_each(WordRing::clear);
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        IS_EMPTYING.store(false, Ordering::Release);
    }
}
