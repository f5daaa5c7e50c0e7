//! The channel to the host, whatever carries it.
use alloc::sync::Arc;
use machine::sync::{Once, WaitQueue};
use machine::thread::CurrentThread;
use wire::control::{FEATURE_OUTPUT_CLOSED, Kind, Message, VERSION};

/// A piece that one `send` can take without sleeping after the channel has told that it has room.
pub const ROOM_BYTES: usize = 16 * 1024;

/// A carrier of frames, supplied by a module.
pub trait Channel: Send + Sync {
    /// Appends bytes of a byte frame, sleeping (not interruptibly) while there is no room. Batches: the host may see them a
    /// moment later.
    fn send(&self, cx: &mut CurrentThread, kind: Kind, stream: u8, bytes: &[u8]);
    /// Sends a message, sleeping while there is no room.
    fn send_message(&self, cx: &mut CurrentThread, message: Message);
    /// Whether `send` would take [`ROOM_BYTES`] without sleeping.
    fn has_room(&self, cx: &CurrentThread) -> bool;
    /// Woken when there is room.
    fn room(&self) -> &WaitQueue;
    /// Hands what is batched to the host now.
    fn submit(&self, cx: &CurrentThread);
    /// Hands everything to the host and waits until it has taken it.
    fn flush(&self, cx: &mut CurrentThread);
}

static CHANNEL: Once<Arc<dyn Channel>> = Once::new();

/// Makes `channel` the way to the host and greets it. The first one stays.
pub fn register(cx: &mut CurrentThread, channel: Arc<dyn Channel>) {
    let mut is_first = false;
    let channel = CHANNEL.call_once(|| {
        is_first = true;
        channel
    });
    if is_first {
        channel.send_message(cx, Message::Hello { version: VERSION, features: FEATURE_OUTPUT_CLOSED });
        channel.send_message(cx, Message::InputCredit(super::input::CAPACITY_BYTES as u32));
        channel.submit(cx);
    }
}

/// The channel, if there is one.
pub(super) fn channel() -> Option<&'static Arc<dyn Channel>> {
    CHANNEL.get()
}

/// Waits until the host has taken everything written so far.
pub fn flush(cx: &mut CurrentThread) {
    if let Some(channel) = channel() {
        channel.flush(cx);
    }
}
