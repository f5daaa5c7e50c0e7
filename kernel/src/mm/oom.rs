//! Out of memory: what is done before a request for a frame fails.
//!
//! [`relieve`] first lets page caches drop pages that their files can give back (`fs::reclaim`). If none can, a process is chosen and
//! killed, as Linux chooses: the one whose end frees most, as its `oom_score_adj` weighs that; a line of the log says which.
//! Then it waits until the memory of the chosen one is back.
//!
//! Called where frames for programs run out: page faults, populating, fork, exec, file writes. Sleeping locks may be held there
//! (an inode's, while user memory is copied), so waiting ends after a while and the next process is chosen.
use super::space::AddressSpace;
use crate::fs;
use crate::lock_order;
use crate::signal::{self, Signal};
use crate::task::{Pid, Process, Task, table};
use crate::trace::{self, Counter, probe};
use abi::Siginfo;
use alloc::sync::{Arc, Weak};
use machine::addr::PAGE_SIZE;
use machine::mm::{SpaceHandle, failing};
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use machine::time::{self, Instant};

/// `oom_score_adj` of a process that is never chosen.
pub const NEVER: i32 = -1000;
/// `oom_score_adj` of one that is chosen before all others.
pub const FIRST: i32 = 1000;
/// Pages dropped from page caches in one go.
const RECLAIM_PAGES: usize = 64;
/// A process is large that has this part of all memory.
const LARGE_PART: usize = 4;
/// How often a killed process is looked at, and how long.
const NAP_NS: u64 = 2_000_000;
const PATIENCE_NS: u64 = 3_000_000_000;

/// The process that was killed last, while its memory is not back.
struct Victim {
    /// Its page table: what the last CPU gives up that had it loaded.
    memory: Weak<SpaceHandle>,
    pid: Pid,
}

static VICTIM: Mutex<Option<Victim>> = Mutex::new(&lock_order::OUT_OF_MEMORY, None);

/// Makes room after an allocation has failed; whether to try it again. False if the caller's process is to end, or if nobody is left
/// whose end would help.
pub(crate) fn relieve(cx: &mut CurrentThread) -> bool {
    if failing::is_failing() {
        return false;
    }
    if machine::mm::has_room_for_programs() || fs::reclaim::drop_clean_pages(cx, RECLAIM_PAGES) > 0 {
        return true;
    }
    if is_ending(cx) {
        return false;
    }
    // Who is to end must not wait here for the one that waits for it.
    let Some(mut victim) = VICTIM.try_lock(cx) else {
        nap(cx);
        return !is_ending(cx);
    };
    nap(cx);
    if machine::mm::has_room_for_programs() {
        return true;
    }
    let mut spared = None;
    if let Some(earlier) = &*victim {
        spared = Some(earlier.pid);
        if await_end(cx, earlier) {
            *victim = None;
            return !is_ending(cx);
        }
    }
    let Some((pid, memory)) = choose(cx, spared) else { return false };
    kill(cx, pid, &memory);
    let chosen = Victim { memory: Arc::downgrade(&memory.handle()), pid };
    // Ours would keep the memory alive.
    drop(memory);
    let chosen = victim.insert(chosen);
    if !is_ending(cx) && await_end(cx, chosen) {
        *victim = None;
    }
    !is_ending(cx)
}

/// [`relieve`] for the kernel's own objects: only if one process holds a good part of the memory. Where many small ones do, or the
/// objects themselves, ending one helps nobody, and the call that wants more of them had better fail.
pub(crate) fn relieve_of_large(cx: &mut CurrentThread) -> bool {
    let large = machine::mm::counts().total / LARGE_PART;
    let mut last = 0;
    let mut has_large = false;
    while let Some(pid) = next_process(cx, last) {
        last = pid;
        let memory = table::first_task(cx, pid).and_then(|task| task.space(cx));
        has_large |= memory.is_some_and(|memory| memory.frame_counts().0 > large);
    }
    has_large && relieve(cx)
}

/// Whether the caller's own process has been told to end.
fn is_ending(cx: &CurrentThread) -> bool {
    Task::current(cx).is_none_or(|task| {
        let process = task.process();
        process.exit_status().is_some() || process.signals.pending().contains(Signal::SIGKILL)
    })
}

fn after(ns: u64) -> Instant {
    Instant(time::now().0.saturating_add(ns))
}

/// Waits for a killed process's memory; false if that takes too long.
fn await_end(cx: &mut CurrentThread, victim: &Victim) -> bool {
    let end = after(PATIENCE_NS);
    let mut gone = None;
    while !machine::mm::has_room_for_programs() {
        if is_ending(cx) || time::now() > end {
            return false;
        }
        // From when nobody refers to it until its last frame is free takes a moment more.
        if victim.memory.strong_count() == 0 && time::now() > *gone.get_or_insert(after(10 * NAP_NS)) {
            break;
        }
        nap(cx);
    }
    true
}

fn nap(cx: &mut CurrentThread) {
    // Not interruptible, so it cannot fail.
    let _ = cx.sleep_until(after(NAP_NS), "memory of a killed process", false);
}

/// What a process's end would free, in pages, weighed by its `oom_score_adj`; `None` if it must not be chosen.
pub fn badness(process: &Process, memory: &AddressSpace) -> Option<i64> {
    let adjustment = process.oom_adjustment();
    if adjustment == NEVER {
        return None;
    }
    let (resident, tables) = memory.frame_counts();
    // CAST: numbers of frames are far below 2^63.
    Some((resident + tables) as i64 + i64::from(adjustment) * total_pages() / 1000)
}

/// `/proc/PID/oom_score`: from 0 to 2000 by Linux's formula.
pub fn score(process: &Process, memory: Option<&AddressSpace>) -> i64 {
    let badness = memory.and_then(|memory| badness(process, memory));
    badness.map_or(0, |badness| (1000 + badness * 1000 / total_pages().max(1)) * 2 / 3)
}

fn total_pages() -> i64 {
    // CAST: as above.
    machine::mm::counts().total as i64
}

/// The process whose end frees most, and its memory.
fn choose(cx: &CurrentThread, spared: Option<Pid>) -> Option<(Pid, Arc<AddressSpace>)> {
    let mut best: Option<(i64, Pid, Arc<AddressSpace>)> = None;
    let mut last = 0;
    // One by one: a list of all would need memory.
    while let Some(pid) = next_process(cx, last) {
        last = pid;
        let Some(task) = table::first_task(cx, pid) else { continue };
        let Some(memory) = task.space(cx).filter(|_| Some(pid) != spared && pid != table::INIT) else { continue };
        if task.process().exit_status().is_some() {
            continue;
        }
        let Some(badness) = badness(task.process(), &memory) else { continue };
        if best.as_ref().is_none_or(|(most, ..)| badness > *most) {
            best = Some((badness, pid, memory));
        }
    }
    best.map(|(_, pid, memory)| (pid, memory))
}

/// The next live process by number.
fn next_process(cx: &CurrentThread, after: Pid) -> Option<Pid> {
    table::lock(cx).next_process(after, |_, node| !node.is_zombie())
}

/// Ends a process, and with it all that share its memory.
fn kill(cx: &CurrentThread, pid: Pid, memory: &Arc<AddressSpace>) {
    let Some(task) = table::first_task(cx, pid) else { return };
    let (resident, tables) = memory.frame_counts();
    let name = task.name(cx);
    trace::count(Counter::OutOfMemoryKills);
    probe!(trace::vminfo::out_of_memory_kill(pid));
    machine::log!(
        Error,
        "Out of memory: Killed process {pid} ({}) rss:{}kB, pgtables:{}kB, UID:{} oom_score_adj:{}",
        core::str::from_utf8(&name).unwrap_or("?"),
        resident * (PAGE_SIZE / 1024),
        tables * (PAGE_SIZE / 1024),
        task.process().uid(),
        task.process().oom_adjustment()
    );
    let mut last = 0;
    while let Some(other) = next_process(cx, last) {
        last = other;
        let shares = table::first_task(cx, other)
            .and_then(|task| task.space(cx))
            .is_some_and(|space| Arc::ptr_eq(&space, memory));
        if shares {
            // It may have ended meanwhile.
            let _ = signal::send::send_to_process(cx, other, Siginfo::kernel(Signal::SIGKILL.number()));
        }
    }
}
