//! `ochre strace`: what the program asks of the kernel, told as it happens. Texts come from the system call table's rows through
//! [`abi::show`]; events (`wire::strace`) go to the tool, which puts them together and keeps the time and the counts.
//!
//! Off, it costs nothing beyond [`super::dispatch::WATCH`]. On, a call is told at its beginning (so that one that never returns is
//! seen) and at its end. The program's memory is read as the call itself would read it; an address at which nothing is becomes a
//! number. [`switch_on`] before the first program, or as long as a tool is attached that asks for it; then [`begin`], [`end`], [`signal`], [`exit`] by whoever sees these happen.
//!
//! Events of the whole run go over the control channel, and the program waits until they have: none may be missing. An attached tool gets
//! them over the observation channel, where a tool that does not read loses them; that is counted.
//!
//! Lock: `STRACE`, sleeping, while an event is handed to the control channel.
mod filter;

use super::call::Call;
use super::dispatch::{WATCH, watch};
use super::table::{Row, TABLE};
use crate::console;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::observe;
use crate::syscall::argument::Fd;
use crate::task::Task;
use crate::user_memory::UserSlice;
use abi::Siginfo;
use abi::show::{self, Answer, Begun, Line, Shown, WORKING_DIRECTORY};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use machine::addr::UserAddr;
use machine::mm::user_copy;
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use machine::time;
use pure::stack_image::Strings;
use wire::observe::Kind as FrameKind;
use wire::strace::{COUNT_ONLY, Event, Kind, PATHS, Settings};

/// Most arguments of the first program that are shown.
const SHOWN_ARGUMENTS: usize = 32;
/// Most bytes of a string that are shown.
static STRING_BYTES: AtomicU32 = AtomicU32::new(32);
/// Whether descriptors are shown with the names of their files.
static SHOWS_PATHS: AtomicBool = AtomicBool::new(false);
/// Whether texts are not wanted.
static COUNTS_ONLY: AtomicBool = AtomicBool::new(false);
/// Events are for an attached tool.
static IS_ATTACHED: AtomicBool = AtomicBool::new(false);
/// Counts the tools that were attached: what one was told of the beginning of a call, the next one is not told the end of.
static TOOLS: AtomicU32 = AtomicU32::new(0);
/// Held while an event is handed over, in as many pieces as it takes.
static CHANNEL: Mutex<()> = Mutex::new(&lock_order::STRACE, ());

/// Registers what an attached tool may ask for.
pub(crate) fn start() {
    observe::on_request(FrameKind::Strace, attach);
    observe::add_source(|_, is_last| {
        if is_last && IS_ATTACHED.swap(false, Ordering::Relaxed) {
            WATCH.fetch_and(!watch::STRACE, Ordering::Relaxed);
        }
        false
    });
}

fn attach(cx: &mut CurrentThread, settings: &[u8]) {
    if is_on() {
        return observe::refuse(cx, "the command that runs the machine shows its system calls already");
    }
    TOOLS.fetch_add(1, Ordering::Relaxed);
    IS_ATTACHED.store(true, Ordering::Relaxed);
    switch_on(&wire::strace::settings(settings));
}

/// Switches it on.
pub fn switch_on(settings: &Settings<'_>) {
    STRING_BYTES.store(settings.string_bytes, Ordering::Relaxed);
    SHOWS_PATHS.store(settings.flags & PATHS != 0, Ordering::Relaxed);
    COUNTS_ONLY.store(settings.flags & COUNT_ONLY != 0, Ordering::Relaxed);
    filter::set(settings.filter);
    WATCH.fetch_or(watch::STRACE, Ordering::Relaxed);
}

/// Whether it is on.
fn is_on() -> bool {
    WATCH.load(Ordering::Relaxed) & watch::STRACE != 0
}

/// The calling program's memory, and its open files.
struct ProgramMemory<'a>(&'a mut CurrentThread, &'a Task);

impl show::Memory for ProgramMemory<'_> {
    fn read(&mut self, address: u64, to: &mut [u8]) -> bool {
        // CAST: usize is 64 bits on both architectures.
        UserSlice::new(UserAddr(address as usize), to.len()).read(self.0, to).is_ok()
    }
    fn read_string(&mut self, address: u64, to: &mut [u8]) -> Option<usize> {
        // CAST: as above.
        let found = user_copy::read_string(self.0, UserAddr(address as usize), to).ok()?;
        Some(found.unwrap_or(to.len()))
    }
    fn name_of(&mut self, descriptor: i32) -> Option<Vec<u8>> {
        if !SHOWS_PATHS.load(Ordering::Relaxed) {
            return None;
        }
        let ProgramMemory(cx, task) = self;
        let context = task.fs_if_any(cx)?;
        let root = context.root(cx);
        if descriptor == WORKING_DIRECTORY {
            return context.working(cx).absolute_name(cx, &root).ok();
        }
        let file = task.files_if_any(cx)?.get_any(cx, Fd(descriptor)).ok()?;
        file.path().absolute_name(cx, &root).ok()
    }
}

/// A call that was begun.
pub(super) struct Told {
    number: u64,
    begun: Begun,
    started: u64,
    /// [`TOOLS`] at its beginning.
    tool: u32,
}

/// What is known of a call: its name, how its arguments and its result are shown.
fn description(number: u64) -> (&'static str, &'static [Shown], Answer, &'static str) {
    const UNKNOWN: &[Shown] = &[Shown::Hexadecimal; 6];
    match row(number) {
        Some(row) => (row.name, row.shown, row.answer, row.limits),
        None => (abi::number::name(number).unwrap_or("syscall"), UNKNOWN, Answer::Number, ""),
    }
}

fn row(number: u64) -> Option<&'static Row> {
    TABLE.get(usize::try_from(number).ok()?).copied().flatten()
}

/// Tells that a call begins; `None` if it is not to be told at all.
pub(super) fn begin(call: &mut Call<'_>, number: u64, arguments: &[u64; 6]) -> Option<Told> {
    if !filter::is_wanted(number) {
        return None;
    }
    let mut begun = Begun::default();
    if !COUNTS_ONLY.load(Ordering::Relaxed) {
        let (name, shown, ..) = description(number);
        let line;
        (line, begun) = show::begin(&mut ProgramMemory(call.cx, call.task), name, shown, arguments, string_bytes());
        let arguments = line.as_str().get(name.len()..).unwrap_or_default();
        tell(call, Kind::Begin, 0, 0, [name, arguments, ""]);
    }
    Some(Told { number, begun, started: time::now().0, tool: TOOLS.load(Ordering::Relaxed) })
}

fn string_bytes() -> usize {
    // CAST: at most `wire::strace::MAX_STRING`.
    STRING_BYTES.load(Ordering::Relaxed) as usize
}

/// Tells that it is over.
pub(super) fn end(call: &mut Call<'_>, told: &Told, arguments: &[u64; 6], result: Result<u64>) {
    if !is_on() || told.tool != TOOLS.load(Ordering::Relaxed) {
        return;
    }
    let took = time::now().0.saturating_sub(told.started);
    let (name, shown, answer, limits) = description(told.number);
    let error = result.err().map_or(0, |error| u32::from(error.number()));
    if COUNTS_ONLY.load(Ordering::Relaxed) {
        return tell(call, Kind::End, took, error, [name, "", ""]);
    }
    let outcome = (result.map_err(Errno::number), answer);
    let memory = &mut ProgramMemory(call.cx, call.task);
    let (line, split) = show::end(memory, shown, arguments, string_bytes(), told.begun, outcome);
    let (rest, shown_result) = line.as_str().split_at_checked(split).unwrap_or((line.as_str(), ""));
    if name == "rt_sigreturn" {
        let mut mask = Line::new();
        mask.push("{mask=");
        show::sigset(&mut mask, call.task.signals.blocked().0);
        mask.push("})");
        tell(call, Kind::End, took, error, [name, mask.as_str(), shown_result]);
    } else {
        tell(call, Kind::End, took, error, [name, rest, shown_result]);
    }
    let is_refused = matches!(
        result,
        Err(Errno::ENOSYS | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT)
    );
    if is_refused && (!limits.is_empty() || row(told.number).is_none()) {
        let limits = if limits.is_empty() { "the whole call" } else { limits.trim() };
        tell(call, Kind::Limit, 0, error, [name, limits, ""]);
    }
}

/// Tells that a thread takes a signal.
pub(crate) fn signal(call: &mut Call<'_>, info: &Siginfo) {
    if is_on() && !COUNTS_ONLY.load(Ordering::Relaxed) {
        let mut line = Line::new();
        show::siginfo(&mut line, info);
        let mut name = Line::new();
        show::signal(&mut name, info.signal);
        tell(call, Kind::Signal, 0, 0, [name.as_str(), line.as_str(), ""]);
    }
}

/// Tells that a thread ends with this status of wait.
pub(crate) fn exit(call: &mut Call<'_>, status: i32) {
    if is_on() {
        let mut line = Line::new();
        show::exit(&mut line, status);
        tell(call, Kind::Exit, 0, 0, [line.as_str(), "", ""]);
    }
}

/// Tells that the first program was started, which no call did.
pub(crate) fn first_program(call: &mut Call<'_>, name: &[u8], arguments: &Strings, variables: usize) {
    let Some(number) = abi::number::of("execve").filter(|_| is_on()) else { return };
    if !filter::is_wanted(number as u64) {
        return;
    }
    let mut line = Line::new();
    line.push("(");
    show::quoted(&mut line, name, usize::MAX);
    for (index, argument) in arguments.iter().take(SHOWN_ARGUMENTS).enumerate() {
        line.push(if index == 0 { ", [" } else { ", " });
        show::quoted(&mut line, argument, string_bytes());
    }
    line.push(if arguments.count() > SHOWN_ARGUMENTS { ", ..." } else { "" });
    line.put(format_args!("], [/* {variables} var{} */])", if variables == 1 { "" } else { "s" }));
    if !COUNTS_ONLY.load(Ordering::Relaxed) {
        tell(call, Kind::End, 0, 0, ["execve", line.as_str(), "0"]);
    }
}

fn tell(call: &mut Call<'_>, kind: Kind, took_ns: u64, error: u32, texts: [&str; 3]) {
    let thread = call.task.tid();
    let when_ns = time::wall_clock_offset().wrapping_add(time::now().0);
    let texts = texts.map(str::as_bytes);
    let event = Event { kind, thread, when_ns, took_ns, error, texts };
    let Some(header) = event.header() else { return };
    let pieces = [&header[..], texts[0], texts[1], texts[2]];
    if IS_ATTACHED.load(Ordering::Relaxed) {
        return tell_attached(call.cx, &pieces);
    }
    let _guard = CHANNEL.lock(call.cx);
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        console::strace(call.cx, piece);
    }
}

/// An event in a frame of its own: one that is lost spoils no other.
fn tell_attached(cx: &mut CurrentThread, pieces: &[&[u8]]) {
    let mut payload = Vec::new();
    let bytes = pieces.iter().map(|piece| piece.len()).sum();
    if bytes > wire::observe::MAX_PAYLOAD || payload.try_reserve_exact(bytes).is_err() {
        return observe::lose();
    }
    pieces.iter().for_each(|piece| payload.extend_from_slice(piece));
    observe::send(cx, FrameKind::StraceEvent, 0, &payload);
}
