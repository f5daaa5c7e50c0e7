//! Sessions: from the moment when somebody on the host begins to listen to the moment when nobody does. There is one at a time; the first can be
//! there from the start of the machine on (`ochre.observe=1`), then the program waits for its wishes, and `exit()` of a trace program ends the
//! run. Others begin and end while the machine runs ([`Kind::Begin`], [`Kind::Stop`]), one after another; `exit()` ends the session.
//!
//! The end of a session, however it comes about, switches off what the session switched on, and gives back its memory. Then `End` is sent:
//! whatever comes after it belongs to the next one.
//!
//! Locks: `OBSERVE_SESSION`, held while a session begins or ends and while a wish is granted, so that none is granted to a session that has ended.
use super::carrier::{self, Carrier, carrier, send};
use super::{metrics, process, records, request, samples, thread};
use crate::lock_order;
use crate::syscall::strace;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::cpu;
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use machine::time;
use machine::trace::each_provider;
use wire::observe::{Hello, Kind, MAX_PAYLOAD, ProbeDescription, VERSION, Writer};

/// How long a host may take nothing at the end of a session before the rest is given up.
const END_PATIENCE_NS: u64 = 5_000_000_000;

/// Who may begin and end sessions, and grant wishes.
pub(super) struct Right(());

static RIGHT: Mutex<Right> = Mutex::new(&lock_order::OBSERVE_SESSION, Right(()));
/// The program has ended: no session begins any more.
static IS_OVER: AtomicBool = AtomicBool::new(false);
static IS_ON: AtomicBool = AtomicBool::new(false);
/// The session was there before the program.
static IS_FOR_WHOLE_RUN: AtomicBool = AtomicBool::new(false);

/// Whether somebody listens.
#[inline]
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Whether somebody has listened since before the program was started, and goes on until it ends.
pub fn is_for_whole_run() -> bool {
    IS_FOR_WHOLE_RUN.load(Ordering::Relaxed)
}

/// What the command line says about the channel: `ochre.observe=1`, somebody listens from the start on; `ochre.observe=later`, somebody may
/// come. `None`: there is no such channel.
fn expected() -> Option<&'static [u8]> {
    let words = machine::boot::info().command_line.split(u8::is_ascii_whitespace);
    words.filter_map(|word| word.strip_prefix(b"ochre.observe=")).next_back()
}

/// Whether one of the console devices carries the channel.
pub fn is_expected() -> bool {
    expected().is_some()
}

/// Makes `carrier` the way to the host, and begins the first session if somebody listens already. The first one stays.
pub fn register(cx: &mut CurrentThread, carrier: Arc<dyn Carrier>) {
    if !carrier::set(carrier) {
        return;
    }
    // Before the greeting, for the host may answer as soon as it has heard. Trace programs first: their last words go into the rings.
    crate::trace::program::start();
    records::start();
    request::start();
    samples::start();
    metrics::start();
    strace::start();
    if expected() == Some(b"1") {
        let right = RIGHT.lock(cx);
        IS_FOR_WHOLE_RUN.store(true, Ordering::Relaxed);
        begin(cx, &right);
        // Without memory for it the program is not to wait.
        IS_FOR_WHOLE_RUN.store(is_on(), Ordering::Relaxed);
    }
    thread::start();
}

/// The host's frame: begins, ends, or is a wish of a session, which `grant` grants.
pub(super) fn take(cx: &mut CurrentThread, kind: Option<Kind>, grant: impl FnOnce(&mut CurrentThread)) {
    let right = RIGHT.lock(cx);
    match (kind, is_on()) {
        (Some(Kind::Begin), false) => begin(cx, &right),
        (Some(Kind::Stop), true) => end(cx, &right),
        (Some(Kind::Begin | Kind::Stop), _) | (_, false) => {}
        (_, true) => grant(cx),
    }
}

/// Greets the host and tells it what there is: the processes and the probes, whose end it waits for.
fn begin(cx: &mut CurrentThread, _right: &Right) {
    let Some(carrier) = carrier().filter(|_| !is_over()) else { return };
    let mut payload = Vec::new();
    if payload.try_reserve_exact(MAX_PAYLOAD).is_err() || !carrier.open(cx) {
        machine::log!(Error, "no memory for the observation channel");
        return;
    }
    payload.resize(MAX_PAYLOAD, 0);
    carrier::trust(false);
    thread::open(cx);
    records::begin(cx);
    let ticks = time::ticks();
    IS_ON.store(true, Ordering::Relaxed);
    let hello = Hello {
        version: VERSION,
        // CAST: at most 64 CPUs; a ring has far less than 2^32 records.
        cpus: cpu::count() as u16,
        ring_records: machine::trace::ring_records() as u32,
        ticks_per_second: time::ticks_per_second(),
        ticks,
        wall_ns: time::now().0.saturating_add(time::wall_clock_offset()),
    };
    send(cx, Kind::Hello, 0, &hello.encode());
    process::tell_all(cx, ticks);
    send_probes(cx, &mut payload);
    carrier.hand_over(cx);
    thread::wake();
}

/// Ends the session: what is left is told, nothing goes on.
fn end(cx: &mut CurrentThread, _right: &Right) {
    let Some(carrier) = carrier().filter(|_| is_on()) else { return };
    carrier::trust(true);
    samples::finish(cx);
    thread::close(cx);
    records::end(cx);
    send(cx, Kind::End, 0, &[]);
    carrier.drain(cx, END_PATIENCE_NS);
    IS_ON.store(false, Ordering::Relaxed);
    IS_FOR_WHOLE_RUN.store(false, Ordering::Relaxed);
    carrier.close(cx);
}

/// Ends the session. In thread context.
pub(super) fn end_now(cx: &mut CurrentThread) {
    let right = RIGHT.lock(cx);
    end(cx, &right);
}

/// The program has ended: ends the session, and lets no other begin.
pub fn finish(cx: &mut CurrentThread) {
    let right = RIGHT.lock(cx);
    IS_OVER.store(true, Ordering::Relaxed);
    end(cx, &right);
    thread::wake();
}

/// Whether the program has ended.
pub(super) fn is_over() -> bool {
    IS_OVER.load(Ordering::Relaxed)
}

/// Tells which probes there are, a provider's in one frame, and what system calls are called. `payload` has room for a frame.
fn send_probes(cx: &mut CurrentThread, payload: &mut [u8]) {
    for provider in each_provider() {
        let mut out = Writer::new(payload);
        for probe in provider.probes {
            let mut names = [0; 256];
            let mut arguments = Writer::new(&mut names);
            for argument in probe.arguments {
                arguments.u8(argument.kind as u8).text(argument.name.as_bytes());
            }
            let used = arguments.finish().unwrap_or(0);
            let (provider, name) = (probe.provider.as_bytes(), probe.name.as_bytes());
            ProbeDescription { id: probe.id, provider, name, arguments: &names[..used] }.encode(&mut out);
        }
        if let Some(used) = out.finish() {
            send(cx, Kind::Probes, provider.id, &payload[..used]);
        }
    }
    let mut out = Writer::new(payload);
    for (number, name) in abi::number::NAMES.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        // CAST: there are about 500 calls.
        out.u16(number as u16).text(name.as_bytes());
    }
    if let Some(used) = out.finish() {
        send(cx, Kind::Calls, 0, &payload[..used]);
    }
    send(cx, Kind::Probes, 0, &[]);
}
