//! Which addresses have a probe: a hash table in static memory that is only ever added to, so that a trap may look into it at any time.
//!
//! One writer at a time ([`super::arm`]); an entry is complete before its address is published.
use crate::addr::IMAGE_BASE;
use crate::arch::function_probe::{SLOT_BYTES, SLOTS, slots};
use core::sync::atomic::{AtomicU32, Ordering};

/// Most functions that can have had a probe since the machine started.
pub const MOST: usize = SLOTS;
/// Places of the table: never more than half of them taken, so chains are short and there is always an end.
const PLACES: usize = 2 * MOST;

/// A place: the address's offset in the image and one, zero while it is free; and the probe's number (high half) and slot.
struct Place {
    key: AtomicU32,
    what: AtomicU32,
}

static TABLE: [Place; PLACES] = [const { Place { key: AtomicU32::new(0), what: AtomicU32::new(0) } }; PLACES];
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// What is known of a probe's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// The number it fires as.
    pub(super) number: u16,
    /// Its slot.
    pub(super) slot: u16,
}

/// How many functions have had a probe.
pub fn count() -> usize {
    TAKEN.load(Ordering::Relaxed) as usize
}

fn key_of(address: usize) -> Option<u32> {
    u32::try_from(address.checked_sub(IMAGE_BASE)?).ok()?.checked_add(1)
}

/// The places where a key may stand, in order.
fn places_of(key: u32) -> impl Iterator<Item = &'static Place> {
    let start = key.wrapping_mul(0x9e37_79b1) as usize / (1 << 16);
    (0..PLACES).map(move |step| &TABLE[(start + step) % PLACES])
}

/// The probe at `address`.
pub(super) fn find(address: usize) -> Option<Found> {
    let key = key_of(address)?;
    for place in places_of(key) {
        match place.key.load(Ordering::Acquire) {
            0 => return None,
            found if found == key => {
                let what = place.what.load(Ordering::Relaxed);
                // CAST: the halves of it.
                return Some(Found { number: (what >> 16) as u16, slot: what as u16 });
            }
            _ => {}
        }
    }
    None
}

/// The slot that the next new address gets; `None`: all are taken.
pub(super) fn next_slot() -> Option<u16> {
    u16::try_from(count()).ok().filter(|slot| usize::from(*slot) < MOST)
}

/// Adds an address with the slot of [`next_slot`], which has been filled; or gives a known address another number. One caller at a time.
pub(super) fn publish(address: usize, number: u16, slot: u16) {
    let Some(key) = key_of(address) else { return };
    for place in places_of(key) {
        let found = place.key.load(Ordering::Relaxed);
        if found == key || found == 0 {
            place.what.store(u32::from(number) << 16 | u32::from(slot), Ordering::Relaxed);
            if found == 0 {
                place.key.store(key, Ordering::Release);
                TAKEN.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
    }
}

/// Where a slot's code lies.
pub(super) fn slot_address(slot: u16) -> usize {
    slots() + usize::from(slot) % MOST * SLOT_BYTES
}
