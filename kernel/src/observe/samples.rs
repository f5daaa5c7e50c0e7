//! The profiler's samples on their way to the host: taken out of their rings when there is a frame's worth of them, so that a thousand samples a
//! second wake nobody more often than ten times. At the end of the session the rest, the counts, and what JIT compilers tell of the processes that
//! were sampled (`/tmp/perf-PID.map`); at the beginning the vDSO. Counts are those of the session.
use super::carrier::{send, try_send};
use super::request::{on_request, refuse};
use super::thread::add_source;
use crate::exec;
use crate::fs::inode::FileKind;
use crate::fs::{Sink, open_for_kernel};
use crate::lock_order;
use abi::linux::{O_NONBLOCK, O_RDONLY};
use alloc::format;
use alloc::vec::Vec;
use machine::cpu::{self, CpuId};
use machine::sample::{self, Empty};
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use wire::observe::{FILE_BEGINS, Kind, MAX_PAYLOAD};
use wire::sample::{Counts, STOPPED, Samples, Wish};
use zerocopy::IntoBytes;

/// Words in a frame.
const FRAME_WORDS: usize = MAX_PAYLOAD / 8;
/// Most processes of which a map of functions is looked for.
const MOST_PROCESSES: usize = 1024;
/// Most bytes of a map that are sent.
const MOST_MAP_BYTES: usize = 64 << 20;

/// What [`ProcessEvent`](wire::observe::ProcessEvent) calls the library of every program, and the zero byte after a file's name.
const VDSO_NAME: &[u8] = b"[vdso]\0";

/// Whoever takes samples out.
struct Taker {
    right: Empty,
    words: Vec<u64>,
    /// How many of `words` found no room yet, and the CPU they are of.
    waiting: (usize, u8),
    /// Processes that were sampled.
    processes: Vec<u32>,
    /// What had been counted before, by CPU.
    before: Vec<Counts>,
}

static TAKER: Mutex<Option<Taker>> = Mutex::new(&lock_order::OBSERVE_SAMPLES, None);

/// Registers what the host may ask for.
pub(super) fn start() {
    on_request(Kind::Sample, begin);
    add_source(source);
}

fn begin(cx: &mut CurrentThread, payload: &[u8]) {
    let Some(wish) = Wish::decode(payload) else { return refuse(cx, "the wish for samples is too short") };
    if wish.hz == 0 {
        return pause(cx);
    }
    if TAKER.lock(cx).is_none() {
        if sample::rate() != 0 {
            return refuse(cx, "the machine itself takes samples (/proc/trace/profile)");
        }
        let taker = Empty::take().and_then(Taker::new);
        let Some(taker) = taker else { return refuse(cx, "no memory for samples, or somebody takes them already") };
        *TAKER.lock(cx) = Some(taker);
        send_vdso(cx);
    }
    if !sample::start(cx, wish) {
        refuse(cx, "no memory for samples, or no such rate: 1 to 10,000 a second are taken");
    }
}

fn source(cx: &mut CurrentThread, _is_last: bool) -> bool {
    if sample::waiting() < FRAME_WORDS {
        return false;
    }
    let mut taker = TAKER.lock(cx);
    let Some(taker) = &mut *taker else { return false };
    taker.take_all(cx, false);
    true
}

/// No more samples are taken until the host asks again; it is told when it has all.
fn pause(cx: &mut CurrentThread) {
    sample::stop(cx);
    let processes = TAKER.lock(cx).as_mut().map(|taker| taker.send_rest(cx));
    send_maps(cx, &processes.unwrap_or_default());
    send(cx, Kind::Samples, STOPPED, &[]);
}

/// The session is over: no more samples are taken, and what is left is sent.
pub(super) fn finish(cx: &mut CurrentThread) {
    let taker = TAKER.lock(cx).take();
    if let Some(mut taker) = taker {
        sample::stop(cx);
        let processes = taker.send_rest(cx);
        send_maps(cx, &processes);
    }
}

/// Sends what the JIT compilers of these processes told. No lock is held: files are read.
fn send_maps(cx: &mut CurrentThread, processes: &[u32]) {
    // Without memory for it, what JIT compilers made stays without names.
    let Some(mut buffer) = zeroed::<u8>(MAX_PAYLOAD) else { return };
    for pid in processes {
        send_map(cx, *pid, &mut buffer);
    }
}

/// So many zeros; `None` without memory.
fn zeroed<T: Clone + Default>(count: usize) -> Option<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(count).ok()?;
    all.resize(count, T::default());
    Some(all)
}

/// Words as they go over the channel: in the processor's own order, which is the channel's.
fn as_bytes(words: &[u64]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little")) };
    words.as_bytes()
}

impl Taker {
    /// With empty rings: what is in them nobody wanted.
    fn new(mut right: Empty) -> Option<Taker> {
        right.clear();
        let mut before = Vec::new();
        before.try_reserve_exact(cpu::count()).ok()?;
        // CAST: there are at most 64 CPUs.
        before.extend((0..cpu::count()).map(|number| sample::counts(CpuId(number as u32))));
        Some(Taker { right, words: zeroed(FRAME_WORDS)?, waiting: (0, 0), processes: Vec::new(), before })
    }

    /// Sends what is left after the last sample: samples and counts. Answers the processes that were sampled.
    fn send_rest(&mut self, cx: &mut CurrentThread) -> Vec<u32> {
        self.take_all(cx, true);
        for (number, before) in self.before.iter().enumerate() {
            // CAST: there are at most 64 CPUs.
            let record = sample::counts(CpuId(number as u32)).since(before).record(number as u8);
            send(cx, Kind::Samples, number as u8, as_bytes(&record));
        }
        core::mem::take(&mut self.processes)
    }

    /// Sends every CPU's samples: as long as there is room, or all of them. What found no room waits for the next time; then the rings fill, and
    /// count what they lose.
    fn take_all(&mut self, cx: &mut CurrentThread, must_send: bool) {
        if !self.send_waiting(cx, must_send) {
            return;
        }
        for number in 0..cpu::count() {
            // CAST: there are at most 64 CPUs.
            let cpu = CpuId(number as u32);
            loop {
                let taken = self.right.read(cpu, &mut self.words);
                if taken == 0 {
                    break;
                }
                self.note_processes(taken);
                self.waiting = (taken, number as u8);
                if !self.send_waiting(cx, must_send) {
                    return;
                }
            }
        }
    }

    /// Whether nothing waits any more.
    fn send_waiting(&mut self, cx: &mut CurrentThread, must_send: bool) -> bool {
        let (count, stream) = self.waiting;
        if count != 0 {
            let payload = as_bytes(&self.words[..count]);
            if must_send {
                send(cx, Kind::Samples, stream, payload);
            } else if !try_send(cx, Kind::Samples, stream, payload) {
                return false;
            }
            self.waiting = (0, 0);
        }
        true
    }

    fn note_processes(&mut self, taken: usize) {
        let mut last = 0;
        for sample in Samples::of(&self.words[..taken]) {
            let pid = sample.head.process();
            if pid == last || sample.user.is_empty() {
                continue;
            }
            last = pid;
            let is_new = self.processes.len() < MOST_PROCESSES && !self.processes.contains(&pid);
            if is_new && self.processes.try_reserve(1).is_ok() {
                self.processes.push(pid);
            }
        }
    }
}

/// Sends the library that is mapped into every program and is in no root. Without memory for it, its functions have no names.
fn send_vdso(cx: &mut CurrentThread) {
    let Ok(image) = exec::vdso::copy() else { return };
    let mut payload = Vec::new();
    if payload.try_reserve_exact(VDSO_NAME.len() + image.len()).is_ok() {
        payload.extend_from_slice(VDSO_NAME);
        payload.extend_from_slice(&image);
        send(cx, Kind::File, FILE_BEGINS, &payload);
    }
}

/// Sends the functions that a process's JIT compiler told of, if there are any.
fn send_map(cx: &mut CurrentThread, pid: u32, buffer: &mut [u8]) {
    let path = format!("/tmp/perf-{pid}.map");
    // The program may have put anything there, a pipe without a writer too: nothing here may wait for it.
    let Ok(file) = open_for_kernel(cx, path.as_bytes(), O_RDONLY | O_NONBLOCK, 0) else { return };
    if file.inode().base().kind != FileKind::Regular {
        return;
    }
    let head = path.len() + 1;
    buffer[..path.len()].copy_from_slice(path.as_bytes());
    buffer[path.len()] = 0;
    let mut sent = 0;
    while sent < MOST_MAP_BYTES {
        let count = match file.read(cx, &mut Sink::Kernel(&mut buffer[head..])) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        let stream = if sent == 0 { FILE_BEGINS } else { FILE_BEGINS + 1 };
        send(cx, Kind::File, stream, &buffer[..head + count]);
        sent += count;
    }
}
