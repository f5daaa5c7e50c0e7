//! The source that sends metrics (`trace::metrics`) as often as the host asks: pages of frames, the first of stream 1 and the last
//! empty; the last page at the end of the session. A page for which there is no room is left out.
use super::carrier::{send, try_send};
use super::request::{on_request, refuse};
use super::thread::add_source;
use crate::trace::metrics;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::thread::CurrentThread;
use machine::time;
use wire::observe::{Kind, MAX_PAYLOAD};

/// Least time between two pages.
const LEAST_MS: u32 = 50;
/// How often; zero: not at all.
static PERIOD_NS: AtomicU64 = AtomicU64::new(0);
static NEXT_NS: AtomicU64 = AtomicU64::new(0);

/// Registers both.
pub(super) fn start() {
    on_request(Kind::Query, ask);
    add_source(source);
}

/// The host wants a page every so many milliseconds.
fn ask(cx: &mut CurrentThread, payload: &[u8]) {
    match payload.first_chunk::<4>() {
        Some(period) => {
            let period = u64::from(u32::from_le_bytes(*period).max(LEAST_MS)) * 1_000_000;
            PERIOD_NS.store(period, Ordering::Relaxed);
        }
        None => refuse(cx, "how often metrics are wanted is not said"),
    }
}

fn source(cx: &mut CurrentThread, is_last: bool) -> bool {
    let (period, now) = (PERIOD_NS.load(Ordering::Relaxed), time::now().0);
    if period == 0 || !is_last && now < NEXT_NS.load(Ordering::Relaxed) {
        return false;
    }
    NEXT_NS.store(now.saturating_add(period), Ordering::Relaxed);
    if is_last {
        PERIOD_NS.store(0, Ordering::Relaxed);
        NEXT_NS.store(0, Ordering::Relaxed);
    }
    let Ok(page) = metrics::read(cx) else { return false };
    for (number, piece) in page.chunks(MAX_PAYLOAD).chain([&[][..]]).enumerate() {
        let stream = u8::from(number == 0);
        if is_last {
            send(cx, Kind::Metrics, stream, piece);
        } else if !try_send(cx, Kind::Metrics, stream, piece) {
            break;
        }
    }
    true
}
