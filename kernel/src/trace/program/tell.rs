//! Telling the host what a trace program gathered: aggregations, stacks and texts; and what else the observation channel's thread does for it:
//! ticks, and the wish to end.
//!
//! Aggregations are told at the end, and before that if the program asks for it ([`Environment::snapshot`](pure::trace_program::Environment)):
//! then there are two sets of tables. The CPUs are turned to the other set, and when all of them have passed a barrier nobody writes to the
//! first one any more: it is sent and emptied. So nothing is counted twice or lost.
use super::load::{SETUP, Setup, TICKS};
use super::world::Loaded;
use crate::lock_order;
use crate::observe;
use crate::trace::{control, functions, user_functions};
use abi::Siginfo;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use machine::cpu;
use machine::sample;
use machine::sync::{Mutex, barrier};
use machine::thread::CurrentThread;
use machine::time;
use machine::trace::{fire, set_consumer, set_watched};
use pure::trace_program::Table;
use wire::observe::{Dropped, Drops, END, Kept, Kind, MAX_PAYLOAD, TICK, Writer};

/// How far telling has come.
struct Progress {
    payload: Vec<u8>,
    /// Where the next stack or text to tell is.
    kept: u64,
    /// The set of tables that is told, and where in it: CPU, table, entry.
    told: Option<(usize, [usize; 3])>,
}

static PROGRESS: Mutex<Progress> = Mutex::new(&lock_order::TRACE_PROGRESS, Progress::new());

/// The program, if there is one.
fn loaded(cx: &mut CurrentThread) -> Option<Arc<Loaded>> {
    SETUP.lock(cx).loaded.clone()
}

/// What the observation channel asks regularly.
pub(super) fn source(cx: &mut CurrentThread, is_last: bool) -> bool {
    let Some(loaded) = loaded(cx) else {
        if is_last {
            // What was asked for without a program that came.
            *SETUP.lock(cx) = Setup::new();
            functions::forget(cx);
        }
        return false;
    };
    if is_last {
        end(cx, &loaded);
        return true;
    }
    let mut due = [false; TICKS];
    let wants_exit = {
        let mut setup = SETUP.lock(cx);
        let now = time::now();
        for ((interval, next), due) in setup.ticks.iter_mut().zip(&mut due) {
            if now >= *next {
                // Ticks that were missed are not made up for.
                *next = now.after(*interval);
                *due = true;
            }
        }
        !setup.is_exit_done && loaded.wants_exit()
    };
    for (number, _) in due.iter().enumerate().filter(|(_, due)| **due) {
        // CAST: at most 16.
        fire(TICK + number as u16, &[]);
    }
    if wants_exit && !observe::is_for_whole_run() {
        SETUP.lock(cx).is_exit_done = true;
        observe::end_soon();
    } else if wants_exit {
        // Before the program is there, nobody takes it; then the next time.
        let is_sent = crate::signal::send_to_group(cx, crate::start::FIRST_PROGRAM, Siginfo::kernel(SIGKILL)).is_ok();
        SETUP.lock(cx).is_exit_done = is_sent;
    }
    false
}

const SIGKILL: i32 = 9;

/// Tells what the records up to now refer to. False: there was no room for all of it.
pub(crate) fn before_mark(cx: &mut CurrentThread, is_last: bool) -> bool {
    let Some(loaded) = loaded(cx) else { return true };
    let mut progress = PROGRESS.lock(cx);
    let progress = &mut *progress;
    if !progress.has_payload() {
        return false;
    }
    // The last aggregations are told by `end`, after these.
    progress.tell_aggregations(cx, &loaded, is_last) && progress.tell_kept(cx, &loaded, is_last)
}

/// All is over: the last clauses, then everything that was gathered; and nothing of the program stays.
fn end(cx: &mut CurrentThread, loaded: &Loaded) {
    sample::stop_probe(cx);
    for (probe, _) in &loaded.by_probe {
        set_watched(*probe, false);
    }
    control::update_watch();
    match functions::set_armed(cx, false) {
        Ok(()) => functions::forget(cx),
        // They stay known, so that the next session's end disarms them.
        Err(reason) => observe::refuse(cx, &reason),
    }
    // Whoever was in a clause, with interrupts off, has left it.
    barrier::everywhere(cx);
    fire(END, &[]);
    set_consumer(cx, None);
    *SETUP.lock(cx) = Setup::new();
    if !tell_rest(cx, loaded) {
        observe::refuse(cx, "no memory to tell the aggregations");
    }
    *PROGRESS.lock(cx) = Progress::new();
    let (updates, kept, not_planted) = (loaded.dropped.sum(), loaded.not_kept.sum(), user_functions::not_planted());
    for (what, count) in [(Dropped::Updates, updates), (Dropped::Kept, kept), (Dropped::Places, not_planted)] {
        if count != 0 {
            observe::send(cx, Kind::Drops, 0, &Drops { what, count }.encode());
        }
    }
}

/// Tells what is left when no clause runs any more. False: there is no memory for it.
fn tell_rest(cx: &mut CurrentThread, loaded: &Loaded) -> bool {
    let mut progress = PROGRESS.lock(cx);
    let progress = &mut *progress;
    if !progress.has_payload() {
        return false;
    }
    progress.tell_aggregations(cx, loaded, true);
    progress.tell_kept(cx, loaded, true);
    progress.told = Some((loaded.active.load(Ordering::Relaxed), [0; 3]));
    progress.go_on(cx, loaded, true);
    true
}

/// Sends a frame, now or never if it must be sent. False: there is no room now.
fn send(cx: &mut CurrentThread, kind: Kind, stream: u8, payload: &[u8], must_send: bool) -> bool {
    if must_send {
        observe::send(cx, kind, stream, payload);
        return true;
    }
    observe::try_send(cx, kind, stream, payload)
}

impl Progress {
    /// At the start of a program.
    const fn new() -> Progress {
        Progress { payload: Vec::new(), kept: 0, told: None }
    }

    /// Sees to it that there is memory for frames.
    fn has_payload(&mut self) -> bool {
        if self.payload.is_empty() {
            if self.payload.try_reserve_exact(MAX_PAYLOAD).is_err() {
                return false;
            }
            self.payload.resize(MAX_PAYLOAD, 0);
        }
        true
    }

    /// Tells what was aggregated, if the program wants that; else what is left of the last time.
    fn tell_aggregations(&mut self, cx: &mut CurrentThread, loaded: &Loaded, must_send: bool) -> bool {
        if self.told.is_none() && loaded.takes_snapshot() && !loaded.tables[1].is_empty() {
            let active = loaded.active.fetch_xor(1, Ordering::AcqRel);
            // Whoever was in a clause, with interrupts off, has left it.
            barrier::everywhere(cx);
            self.told = Some((active, [0; 3]));
        }
        self.go_on(cx, loaded, must_send)
    }

    /// Sends the tables that are to be told from where it stopped, and empties them. False: there is no room for more now.
    fn go_on(&mut self, cx: &mut CurrentThread, loaded: &Loaded, must_send: bool) -> bool {
        let Some((set, [mut cpu, mut number, mut entry])) = self.told else { return true };
        let tables = &loaded.tables[set % 2];
        while cpu < cpu::count() {
            let table = tables.get(cpu).and_then(|own| own.get(number));
            let Some(table) = table else {
                (cpu, number, entry) = (cpu + 1, 0, 0);
                continue;
            };
            let (used, next) = encode_entries(table, entry, &mut self.payload);
            // CAST: at most 16 tables.
            if used != 0 && !send(cx, Kind::Aggregations, number as u8, &self.payload[..used], must_send) {
                self.told = Some((set, [cpu, number, entry]));
                return false;
            }
            match next {
                Some(next) => entry = next,
                None => {
                    table.clear();
                    (number, entry) = (number + 1, 0);
                }
            }
        }
        self.told = None;
        true
    }

    /// Sends stacks and texts that are new. False: there is no room for more now, or one is not complete yet.
    fn tell_kept(&mut self, cx: &mut CurrentThread, loaded: &Loaded, must_send: bool) -> bool {
        let Some(keeper) = &loaded.keeper else { return true };
        let end = keeper.interner.end();
        loop {
            let mut used = 0;
            let next = keeper.interner.visit(self.kept, &mut |kept| {
                let Some(room) =
                    self.payload.get_mut(used..).filter(|room| room.len() >= Kept::bytes(kept.words.len()))
                else {
                    return false;
                };
                let mut out = Writer::new(room);
                let words = kept.words.iter().map(|word| word.load(Ordering::Relaxed));
                Kept::encode(kept.number, kept.note, words, &mut out);
                used += out.finish().unwrap_or(0);
                true
            });
            if used == 0 {
                // One that is still being put together hides those behind it until the next time.
                return must_send || self.kept >= end;
            }
            if !send(cx, Kind::Kept, 0, &self.payload[..used], must_send) {
                return false;
            }
            self.kept = next;
        }
    }
}

/// Encodes a table's entries from one on, as many as fit: key, then how many words of the value are not zero, then each with its place. Answers
/// the bytes, and the entry to go on with.
fn encode_entries(table: &Table, from: usize, payload: &mut [u8]) -> (usize, Option<usize>) {
    let entry_bytes = 8 * usize::from(table.shape().key_words) + 2 + 10 * table.shape().value_words();
    let mut used = 0;
    let next = table.visit(from, &mut |key, value| {
        if used + entry_bytes > payload.len() {
            return false;
        }
        let mut out = Writer::new(&mut payload[used..]);
        key.iter().for_each(|word| {
            out.u64(word.load(Ordering::Relaxed));
        });
        let words = || value.iter().map(|word| word.load(Ordering::Relaxed)).enumerate();
        let is_set = |(_, word): &(usize, u64)| *word != 0;
        // CAST: a value has a few hundred words at most.
        out.u16(words().filter(is_set).count() as u16);
        for (place, word) in words().filter(is_set) {
            out.u16(place as u16).u64(word);
        }
        used += out.finish().unwrap_or(0);
        true
    });
    (used, next)
}
