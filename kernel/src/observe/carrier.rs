//! The way to the host: whole frames, given to a device that a module registered, or dropped and counted.
use super::{metrics, records, request, samples, thread};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use machine::cpu;
use machine::sync::{Once, Wait, WaitQueue};
use machine::thread::CurrentThread;
use machine::time;
use machine::trace::each_provider;
use wire::observe::{Hello, Kind, MAX_PAYLOAD, ProbeDescription, VERSION, Writer, encode_header};

/// How long a frame waits for a host that takes nothing.
const PATIENCE_NS: u64 = 2_000_000_000;

/// A carrier of frames, supplied by a module.
pub trait Carrier: Send + Sync {
    /// Appends a whole frame if there is room for it now; batches.
    fn put(&self, cx: &CurrentThread, header: &[u8], payload: &[u8]) -> bool;
    /// Woken when there is room again.
    fn has_room(&self) -> &WaitQueue;
    /// Hands what is batched to the host now.
    fn hand_over(&self, cx: &CurrentThread);
    /// Hands everything over and waits until the host has taken it, as long as it takes something every `patience_ns`.
    fn drain(&self, cx: &mut CurrentThread, patience_ns: u64);
}

static CARRIER: Once<Arc<dyn Carrier>> = Once::new();
/// The host took nothing for [`PATIENCE_NS`]: nobody waits for it any more until it takes something again.
static IS_STALLED: AtomicBool = AtomicBool::new(false);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Whether somebody listens.
#[inline]
pub fn is_on() -> bool {
    CARRIER.get().is_some()
}

/// Frames that found no room so far.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The carrier, if there is one.
pub(super) fn carrier() -> Option<&'static Arc<dyn Carrier>> {
    CARRIER.get()
}

/// Makes `carrier` the way to the host, greets it and starts the channel's thread. The first one stays.
pub fn register(cx: &mut CurrentThread, carrier: Arc<dyn Carrier>) {
    let mut is_first = false;
    let carrier = CARRIER.call_once(|| {
        is_first = true;
        carrier
    });
    if !is_first {
        return;
    }
    // Before the greeting, for the host may answer as soon as it has heard. Trace programs first: their last words go into the rings.
    crate::trace::program::start();
    records::start();
    request::start();
    samples::start();
    metrics::start();
    let hello = Hello {
        version: VERSION,
        // CAST: at most 64 CPUs; a ring has far less than 2^32 records.
        cpus: cpu::count() as u16,
        ring_records: machine::trace::ring_records() as u32,
        ticks_per_second: time::ticks_per_second(),
        ticks: time::ticks(),
        wall_ns: time::now().0.saturating_add(time::wall_clock_offset()),
    };
    send(cx, Kind::Hello, 0, &hello.encode());
    send_probes(cx);
    carrier.hand_over(cx);
    thread::start();
}

/// Tells which probes there are, a provider's in one frame, and what system calls are called.
fn send_probes(cx: &mut CurrentThread) {
    let mut payload = alloc::vec![0; MAX_PAYLOAD];
    for provider in each_provider() {
        let mut out = Writer::new(&mut payload);
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
    let mut out = Writer::new(&mut payload);
    for (number, name) in abi::number::NAMES.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        // CAST: there are about 500 calls.
        out.u16(number as u16).text(name.as_bytes());
    }
    if let Some(used) = out.finish() {
        send(cx, Kind::Calls, 0, &payload[..used]);
    }
    send(cx, Kind::Probes, 0, &[]);
}

/// Sends a frame if there is room for it now, and nothing waits; the answer says whether. One that is too long is counted as
/// dropped.
pub fn try_send(cx: &CurrentThread, kind: Kind, stream: u8, payload: &[u8]) -> bool {
    let Some(carrier) = carrier() else { return true };
    if payload.len() > MAX_PAYLOAD {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return true;
    }
    let is_sent = carrier.put(cx, &encode_header(kind, stream, payload.len()), payload);
    if is_sent && IS_STALLED.load(Ordering::Relaxed) {
        IS_STALLED.store(false, Ordering::Relaxed);
    }
    is_sent
}

/// Sends a frame of at most [`MAX_PAYLOAD`] bytes, sleeping (not interruptibly) while there is no room. A host that takes nothing for
/// two seconds loses it, and everything after it that finds no room at once.
pub fn send(cx: &mut CurrentThread, kind: Kind, stream: u8, payload: &[u8]) {
    let Some(carrier) = carrier() else { return };
    if try_send(cx, kind, stream, payload) {
        return;
    }
    if !IS_STALLED.load(Ordering::Relaxed) {
        let patience = Some(time::now().after(PATIENCE_NS));
        let how = Wait::uninterruptible("room for frames to the tool").until(patience);
        let sent = carrier.has_room().wait(cx, how, |cx| try_send(cx, kind, stream, payload).then_some(()));
        if sent.is_ok() {
            return;
        }
        IS_STALLED.store(true, Ordering::Relaxed);
    }
    DROPPED.fetch_add(1, Ordering::Relaxed);
}
