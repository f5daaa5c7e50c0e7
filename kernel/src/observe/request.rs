//! What the host wishes: frames gathered whole and given to whoever registered for their kind; and the wait for the last of them.
use super::carrier::send;
use super::session::{self, is_for_whole_run};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::log;
use machine::sync::{Once, Wait, WaitQueue};
use machine::thread::CurrentThread;
use machine::time;
use wire::observe::{Kind, MAX_PAYLOAD, Pieces, TooLong};

/// How long the tool may take to tell its wishes.
const START_NS: u64 = 60_000_000_000;
/// Most kinds of requests.
const KINDS: usize = 16;

/// Grants a wish: called with the payload of a frame, in the receiving thread. What cannot be granted is answered with [`refuse`].
pub type Request = fn(cx: &mut CurrentThread, payload: &[u8]);

static REGISTERED: [Once<(Kind, Request)>; KINDS] = [const { Once::new() }; KINDS];
static MAY_START: AtomicBool = AtomicBool::new(false);
static STARTING: WaitQueue = WaitQueue::new();

/// Registers who grants wishes of a kind; the first one stays. Panics if there are too many: the kernel's bug, seen at the first run.
pub fn on_request(kind: Kind, request: Request) {
    for place in &REGISTERED {
        if place.call_once(|| (kind, request)).0 == kind {
            return;
        }
    }
    panic!("more than {KINDS} kinds of requests");
}

/// Tells the host why a wish is not granted.
pub fn refuse(cx: &mut CurrentThread, reason: &str) {
    send(cx, Kind::Refused, 0, reason.as_bytes());
}

/// Registers the requests that are this module's own.
pub(super) fn start() {
    on_request(Kind::Start, |_, _| start_program());
}

fn start_program() {
    MAY_START.store(true, Ordering::Release);
    STARTING.wake_all();
}

/// Waits until the host has told all its wishes, if it wants to watch the program from the start on.
pub fn wait_for_start(cx: &mut CurrentThread) {
    if !is_for_whole_run() {
        return;
    }
    let how = Wait::uninterruptible("the tool's wishes").until(Some(time::now().after(START_NS)));
    if STARTING.wait(cx, how, |_| MAY_START.load(Ordering::Acquire).then_some(())).is_err() {
        log!(Error, "the tool did not say what to observe; the program is started without");
    }
}

/// Gathers frames from the bytes that a module received.
pub struct Receiver {
    pieces: Pieces,
    payload: Vec<u8>,
    has_overflowed: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        Receiver::new()
    }
}

impl Receiver {
    /// At the start of the stream.
    pub const fn new() -> Receiver {
        Receiver { pieces: Pieces::new(), payload: Vec::new(), has_overflowed: false }
    }

    /// Takes what came. An error: nothing that follows can be understood.
    pub fn take(&mut self, cx: &mut CurrentThread, mut bytes: &[u8]) -> Result<(), TooLong> {
        while let Some(piece) = self.pieces.next(&mut bytes)? {
            let (kind, is_last) = (piece.kind, piece.is_last);
            // `Pieces` lets no frame be longer than MAX_PAYLOAD.
            debug_assert!(
                self.payload.len() + piece.bytes.len() <= MAX_PAYLOAD,
                "a frame is longer than frames may be"
            );
            match self.payload.try_reserve(piece.bytes.len()) {
                Ok(()) => self.payload.extend_from_slice(piece.bytes),
                Err(_) => self.has_overflowed = true,
            }
            if is_last {
                let payload = core::mem::take(&mut self.payload);
                if core::mem::take(&mut self.has_overflowed) {
                    refuse(cx, "no memory for what was asked");
                } else {
                    dispatch(cx, kind, &payload);
                }
            }
        }
        Ok(())
    }

    /// Nothing more will come.
    pub fn lost(&mut self) {
        start_program();
    }
}

fn dispatch(cx: &mut CurrentThread, kind: u8, payload: &[u8]) {
    let wanted = Kind::from_u8(kind);
    let registered = REGISTERED.iter().filter_map(|place| place.get()).find(|(kind, _)| Some(*kind) == wanted);
    session::take(cx, wanted, |cx| match registered {
        Some((_, request)) => request(cx, payload),
        None => refuse(cx, "this kernel does not know what was asked"),
    });
}
