//! The way to the host: whole frames, given to a device that a module registered, or dropped and counted.
use super::session::is_on;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use machine::sync::{Once, Wait, WaitQueue};
use machine::thread::CurrentThread;
use machine::time;
use wire::observe::{Kind, MAX_PAYLOAD, encode_header};

/// How long a frame waits for a host that takes nothing; and the same at the end of a session, when no program waits with it.
const PATIENCE_NS: u64 = 2_000_000_000;
const END_PATIENCE_NS: u64 = 10_000_000_000;

/// A carrier of frames, supplied by a module.
pub trait Carrier: Send + Sync {
    /// Takes the memory for what is to be sent; false without memory. Before the first frame of a session.
    fn open(&self, cx: &CurrentThread) -> bool;
    /// Gives that memory back, but for what the device still has. After the last frame of a session.
    fn close(&self, cx: &CurrentThread);
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
/// The session ends.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Frames that found no room so far.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Counts a frame that could not even be made.
pub fn lose() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
}

/// The carrier, if there is one.
pub(super) fn carrier() -> Option<&'static Arc<dyn Carrier>> {
    CARRIER.get()
}

/// The carrier, if somebody listens.
fn listening() -> Option<&'static Arc<dyn Carrier>> {
    carrier().filter(|_| is_on())
}

/// Makes `carrier` the way to the host; the first one stays. Whether it did.
pub(super) fn set(carrier: Arc<dyn Carrier>) -> bool {
    let mut is_first = false;
    CARRIER.call_once(|| {
        is_first = true;
        carrier
    });
    is_first
}

/// A session begins or ends: whoever listens is believed to take what comes, even if it did not before.
pub(super) fn trust(is_ending: bool) {
    IS_ENDING.store(is_ending, Ordering::Relaxed);
    IS_STALLED.store(false, Ordering::Relaxed);
}

/// Sends a frame if there is room for it now, and nothing waits; the answer says whether. One that is too long is counted as
/// dropped.
pub fn try_send(cx: &CurrentThread, kind: Kind, stream: u8, payload: &[u8]) -> bool {
    let Some(carrier) = listening() else { return true };
    if payload.len() > MAX_PAYLOAD {
        lose();
        return true;
    }
    let is_sent = carrier.put(cx, &encode_header(kind, stream, payload.len()), payload);
    if is_sent && IS_STALLED.load(Ordering::Relaxed) {
        IS_STALLED.store(false, Ordering::Relaxed);
    }
    is_sent
}

/// Sends a frame of at most [`MAX_PAYLOAD`] bytes, sleeping (not interruptibly) while there is no room. A host that takes nothing for
/// two seconds (ten at the end) loses it, and everything after it that finds no room at once.
pub fn send(cx: &mut CurrentThread, kind: Kind, stream: u8, payload: &[u8]) {
    let Some(carrier) = listening() else { return };
    if try_send(cx, kind, stream, payload) {
        return;
    }
    if !IS_STALLED.load(Ordering::Relaxed) {
        let patience = if IS_ENDING.load(Ordering::Relaxed) { END_PATIENCE_NS } else { PATIENCE_NS };
        let how = Wait::uninterruptible("room for frames to the tool").until(Some(time::now().after(patience)));
        let sent = carrier.has_room().wait(cx, how, |cx| try_send(cx, kind, stream, payload).then_some(()));
        if sent.is_ok() {
            return;
        }
        IS_STALLED.store(true, Ordering::Relaxed);
    }
    lose();
}
